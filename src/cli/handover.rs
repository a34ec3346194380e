//! `--export` and `import-operation`: an operation goes to where its keys are, and comes back signed.

use std::fs::OpenOptions;
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};

use super::args::ImportArgs;
use super::choices::{self, option};
use super::output::{Failure, missing_document};
use super::register::watch;
use super::review::{Shown, outstanding};
use super::session::{Need, Session};
use crate::flow::choice::{OneUse, OperatorSecret};
use crate::flow::operation::{self, Kind, MAX_FILE, Missing, Operation, Role, Signer};
use crate::flow::{Error, Ports, update};
use crate::setup;

/// A file that does not exist yet.
pub struct Target(PathBuf);

impl Target {
    /// # Errors
    /// The file is there already, or its folder is not.
    pub fn new(file: Option<&PathBuf>) -> Result<Option<Self>, Failure> {
        let Some(file) = file else { return Ok(None) };
        if file.symlink_metadata().is_ok() {
            return Err(option(
                "export",
                format!("{} exists already and is not overwritten", file.display()),
            ));
        }
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        if !folder.unwrap_or(Path::new(".")).is_dir() {
            return Err(option("export", format!("{} is in no folder", file.display())));
        }
        Ok(Some(Self(file.clone())))
    }

    fn write(&self, text: &str) -> Result<(), Failure> {
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&self.0)
            .and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| Failure::system(&self.0.display().to_string(), &error.kind()))
    }
}

/// Writes the operation and says what it still needs.
///
/// # Errors
/// The file cannot be written.
pub fn exported(
    session: &Session,
    target: &Target,
    operation: &Operation,
    ports: &Ports,
    mut document: Value,
) -> Result<ExitCode, Failure> {
    target.write(&operation.to_file())?;
    let missing = outstanding(operation, &ports.profile);
    let assembled = operation.assembled()?;
    document["exported"] = json!(target.0.display().to_string());
    document["hex"] = json!(assembled.to_hex());
    document["missing"] = missing.iter().map(missing_document).collect();
    if let Some(map) = document.as_object_mut() {
        map.remove("signatures");
    }
    Ok(session.output.done(&document, || sentence(target, &missing)))
}

fn sentence(target: &Target, missing: &[Missing]) -> String {
    let file = target.0.display();
    if missing.is_empty() {
        return format!("exported to {file}; it is complete: `castellan import-operation {file}` sends it");
    }
    let mut lines = vec![format!("exported to {file}; nothing was sent. Still missing:")];
    lines.extend(missing.iter().map(|each| format!("  {}: {}", each.role, each.key)));
    lines.push(format!(
        "complete it with `castellan import-operation {file}` where these keys are"
    ));
    lines.join("\n")
}

/// Says which signatures cannot be made here, and the way out.
pub fn elsewhere(missing: &[Missing]) -> Failure {
    let Some(first) = missing.first() else {
        return Failure::refused("vault", "no signature is missing");
    };
    let mut failure = Failure::from(Error::SignatureElsewhere {
        role: first.role,
        key: first.key.clone(),
    });
    failure.missing = missing.to_vec();
    failure
}

pub async fn import(session: &Session, args: &ImportArgs) -> Result<ExitCode, Failure> {
    let target = Target::new(args.export.as_ref())?;
    let texts = args
        .files
        .iter()
        .map(|file| read(file))
        .collect::<Result<Vec<_>, _>>()?;
    let once = match choices::operator_secret(args.operator.as_deref())? {
        OperatorSecret::Pasted(once) => Some(once),
        OperatorSecret::OfTheVault | OperatorSecret::Held(_) => None,
    };
    let (_connection, mut ports) = session.ports_without_device(Need::IfOpen).await?;
    let operation = operation::import(&ports, &texts)?;
    if let Some(once) = &once {
        check_once(&operation, once)?;
    }
    open_vault(session, &mut ports, &operation, once.as_ref(), target.is_some())?;
    open_device(session, &mut ports, &operation, target.is_some()).await?;
    let review = update::review(&ports, &operation, once.as_ref()).await?;
    let shown = Shown {
        ports: &ports,
        operation: &operation,
        review: &review,
        keys: &[],
        once: once.as_ref(),
        findings: &[],
    };
    for note in shown.notes() {
        session.output.progress(&note);
    }
    if let Some(check) = review.failure() {
        return Err(Error::Rule(check.clone()).into());
    }
    if session.global.dry_run {
        return Ok(session.output.done(&shown.document(), || shown.dry()));
    }
    if !session.output.json {
        session.output.progress(&shown.text());
    }
    if !review.missing.is_empty() && target.is_none() {
        return Err(elsewhere(&review.missing));
    }
    confirm(session, &shown, target.is_some())?;
    let operation = operation.clone();
    match target {
        Some(target) => {
            let flow = operation::sign_here(ports.clone(), operation, once.clone());
            let (signed, steps) = watch(session, flow).await?;
            let mut document = shown.document();
            document["steps"] = json!(steps);
            exported(session, &target, &signed, &ports, document)
        }
        None => {
            let (outcome, steps) = watch(session, operation::run(ports.clone(), operation, once.clone())).await?;
            let document = shown.sent(&outcome, steps);
            Ok(session.output.done(&document, || {
                format!("{} is done: {} (block {})", shown.title(), outcome.txid, outcome.height)
            }))
        }
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| option("import-operation", read_error(file, &error));
    let mut text = String::new();
    // One byte more than the largest, which tells a larger one.
    let mut limited = std::fs::File::open(file).map_err(unreadable)?.take(MAX_FILE as u64 + 1);
    match limited.read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Err(Failure::refused(
            "operation",
            format!("{} is not a text", file.display()),
        )),
        Err(error) => Err(unreadable(error)),
    }
}

fn read_error(file: &Path, error: &std::io::Error) -> String {
    format!("{} cannot be read: {}", file.display(), error.kind())
}

/// A key that is typed in must be the one that is asked for.
fn check_once(operation: &Operation, once: &OneUse) -> Result<(), Failure> {
    match &operation.signer {
        Signer::Operator { key, .. } if *key == once.public_key() => Ok(()),
        _ => Err(Error::NotTheKey {
            label: "the pasted key".to_owned(),
            role: Role::Operator,
            pro_tx_hash: operation.pro_tx_hash().map(|hash| hash.to_string()).unwrap_or_default(),
        }
        .into()),
    }
}

/// Unlocks the vault where one of its keys may be asked for. To add what can be added, a script need not know its passphrase.
fn open_vault(
    session: &Session,
    ports: &mut Ports,
    operation: &Operation,
    once: Option<&OneUse>,
    exports: bool,
) -> Result<(), Failure> {
    let waits = operation::missing(ports, operation, once)
        .iter()
        .any(|missing| match missing.role {
            Role::Owner | Role::Operator => true,
            Role::Fee => !operation.fee_from_wallet,
            Role::Collateral => false,
        });
    if ports.vault.is_some() || !waits || !session.dirs()?.vault.exists() {
        return Ok(());
    }
    if exports && !std::io::stdin().is_terminal() {
        session
            .output
            .progress("note: the vault is locked; none of its keys signs");
        return Ok(());
    }
    ports.vault = Some(session.vault()?);
    Ok(())
}

/// Opens the device for the one signature that only it gives.
async fn open_device(
    session: &Session,
    ports: &mut Ports,
    operation: &Operation,
    exports: bool,
) -> Result<(), Failure> {
    if operation.kind != Kind::Register || operation.payload_signature.is_some() || ports.device.is_some() {
        return Ok(());
    }
    match setup::open_device(session.device_spec()?, Arc::clone(&ports.profile), session.asker()).await {
        Ok(device) => ports.device = Some(device),
        Err(error) if exports || session.global.dry_run => session.output.progress(&format!("note: {error}")),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn confirm(session: &Session, shown: &Shown<'_>, exports: bool) -> Result<(), Failure> {
    let (title, fee) = (shown.title(), shown.fee());
    let question = if exports {
        format!("sign this {title} (fee {fee}) for another machine to complete?")
    } else {
        format!("send this {title} for a fee of {fee}?")
    };
    match shown.name() {
        Some(name) if shown.operation.kind == Kind::Revoke => session.confirm_by_name(&question, &name),
        _ => session.confirm(&question),
    }
}
