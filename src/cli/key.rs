//! `key`: the vault's keys.

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::args::KeyCommand;
use super::output::{Failure, listing};
use super::session::{Session, stdin};
use crate::flow;
use crate::protocol::bls::Scheme;
use crate::store::phrase::Phrase;
use crate::store::{KeyInfo, Kind, Origin, Vault};

pub fn run(session: &Session, command: KeyCommand) -> Result<ExitCode, Failure> {
    match command {
        KeyCommand::Generate { kind, label } => generate(session, &kind, &label),
        KeyCommand::List => list(session),
        KeyCommand::Show { label } => {
            let document = document(&session.vault()?.info(&label)?);
            Ok(session.output.done(&document, || listing(&document)))
        }
        KeyCommand::Import { kind, label } => import(session, &kind, &label),
        KeyCommand::Export { label } => export(session, &label),
        KeyCommand::Init { restore } => init(session, restore),
    }
}

fn kind(text: &str) -> Result<Kind, Failure> {
    text.parse().map_err(Failure::usage)
}

fn generate(session: &Session, kind_text: &str, label: &str) -> Result<ExitCode, Failure> {
    let kind = kind(kind_text)?;
    let profile = session.profile()?;
    let (vault, phrase) = open_or_create(session)?;
    let info = vault.generate(kind, label, &profile, flow::now())?;
    let mut document = document(&info);
    if let Some(phrase) = &phrase {
        document["recoveryPhrase"] = json!(phrase.as_str());
    }
    Ok(session.output.done(&document, || {
        let made = listing(&super::key::document(&info));
        match &phrase {
            Some(phrase) => format!("{}\n\n{made}", phrase_notice(phrase)),
            None => made,
        }
    }))
}

fn list(session: &Session) -> Result<ExitCode, Failure> {
    let keys = session.vault()?.list();
    let all: Value = keys.iter().map(document).collect();
    Ok(session.output.done(&all, || {
        if keys.is_empty() {
            return "the vault holds no keys yet: make one with `castellan key generate KIND LABEL`".into();
        }
        let row = |key: &KeyInfo| {
            let public = key
                .address()
                .map(str::to_owned)
                .or_else(|| key.operator().map(|point| point.to_hex(Scheme::Basic)));
            format!(
                "{:<9} {:<24} {:<14} {}",
                key.kind.name(),
                key.label,
                key.network.name,
                public.or_else(|| key.node_id()).unwrap_or_default()
            )
        };
        keys.iter().map(row).collect::<Vec<_>>().join("\n")
    }))
}

fn import(session: &Session, kind_text: &str, label: &str) -> Result<ExitCode, Failure> {
    let kind = kind(kind_text)?;
    let profile = session.profile()?;
    let vault = session.vault()?;
    let secret = stdin()?;
    let info = vault.import(kind, label, &profile, &secret, flow::now())?;
    let document = document(&info);
    Ok(session.output.done(&document, || listing(&document)))
}

fn export(session: &Session, label: &str) -> Result<ExitCode, Failure> {
    let vault = session.vault()?;
    let secret = vault.export(label)?;
    session.confirm_on_terminal(&format!("show the secret of {label} here?"))?;
    let mut document = document(&vault.info(label)?);
    document["secret"] = json!(secret.as_str());
    Ok(session.output.done(&document, || secret.to_string()))
}

fn init(session: &Session, restore: bool) -> Result<ExitCode, Failure> {
    let path = session.dirs()?.vault;
    if path.exists() {
        return Err(Failure::refused(
            "vault",
            format!("a vault exists already: {}", path.display()),
        ));
    }
    let given = if restore {
        Some(Phrase::parse(&stdin()?).map_err(Failure::usage)?)
    } else {
        None
    };
    let restored = given.is_some();
    let (_, phrase) = create(session, given)?;
    let shown = (!restored).then(|| phrase.to_string());
    let document = json!({ "vault": path.display().to_string(), "recoveryPhrase": shown });
    Ok(session.output.done(&document, || match shown {
        Some(_) => phrase_notice(&phrase),
        None => format!("restored: {}", path.display()),
    }))
}

fn open_or_create(session: &Session) -> Result<(Arc<Vault>, Option<Zeroizing<String>>), Failure> {
    if session.dirs()?.vault.exists() {
        return Ok((session.vault()?, None));
    }
    let (vault, phrase) = create(session, None)?;
    Ok((vault, Some(phrase)))
}

fn create(session: &Session, phrase: Option<Phrase>) -> Result<(Arc<Vault>, Zeroizing<String>), Failure> {
    let passphrase = session.passphrase("passphrase for the new vault: ")?;
    if passphrase.is_empty() {
        return Err(Failure::usage("the passphrase of a vault may not be empty"));
    }
    let phrase = match phrase {
        Some(phrase) => phrase,
        None => Phrase::generate().map_err(|_| Failure::from(flow::Error::NoRandomness))?,
    };
    let vault = Vault::create(&session.made_dirs()?.vault, &passphrase, &phrase)?;
    Ok((Arc::new(vault), phrase.text()))
}

fn phrase_notice(phrase: &str) -> String {
    format!(
        "A new vault was made. Write these words down; they are shown once and bring back every key made here:\n\n  {phrase}"
    )
}

/// Public parts only.
fn document(key: &KeyInfo) -> Value {
    let mut out = json!({
        "label": key.label,
        "kind": key.kind.name(),
        "network": key.network.name,
        "created": key.created,
        "origin": match &key.origin {
            Origin::Derived { path, .. } => json!({ "derived": path }),
            Origin::Imported => json!("imported"),
        },
    });
    if let Some(address) = key.address() {
        out["address"] = json!(address);
    }
    if let Some(point) = key.operator() {
        out["publicKeyBasic"] = json!(point.to_hex(Scheme::Basic));
        out["publicKeyLegacy"] = json!(point.to_hex(Scheme::Legacy));
    }
    if let Some(id) = key.node_id() {
        out["platformNodeID"] = json!(id);
    }
    out
}
