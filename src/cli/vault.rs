//! `vault`: what unlocks it.

use std::io::IsTerminal;
use std::process::ExitCode;

use serde_json::{Value, json};
use sipper::Sipper;
use zeroize::Zeroizing;

use super::args::VaultCommand;
use super::output::{Failure, listing};
use super::session::{Session, hidden, stdin};
use crate::flow::unlock;
use crate::store::Vault;
use crate::store::vault::{self, DeviceSlotInfo, PASSPHRASE_SLOT, SlotInfo};

pub async fn run(session: &Session, command: VaultCommand) -> Result<ExitCode, Failure> {
    match command {
        VaultCommand::Slots => slots(session),
        VaultCommand::AddDevice { name } => add_device(session, name).await,
        VaultCommand::RemoveSlot { id } => remove_slot(session, &id),
        VaultCommand::ChangePassphrase => change_passphrase(session),
    }
}

/// Nothing is unlocked for this.
fn slots(session: &Session) -> Result<ExitCode, Failure> {
    let slots = vault::slots(&session.vault_file()?)?;
    let all: Value = slots.iter().map(document).collect();
    Ok(session
        .output
        .done(&all, || slots.iter().map(line).collect::<Vec<_>>().join("\n")))
}

async fn add_device(session: &Session, name: Option<String>) -> Result<ExitCode, Failure> {
    let profile = session.profile()?;
    let vault = session.vault()?;
    let device = session.open_device(profile.clone()).await?;
    let name = match name {
        Some(name) => name,
        None => unlock::usual_name(&device.info().await?),
    };
    let mut flow = unlock::enrol(device, profile, vault, name).pin();
    while let Some(step) = flow.sip().await {
        session.output.progress(&step.sentence());
    }
    let added = flow.await?;
    let document = device_document(&added);
    Ok(session.output.done(&document, || {
        format!(
            "{}\n\nThe vault's passphrase goes on opening it. With this device: --unlock device",
            listing(&document)
        )
    }))
}

fn remove_slot(session: &Session, id: &str) -> Result<ExitCode, Failure> {
    let (vault, passphrase) = by_passphrase(session)?;
    session.confirm_on_terminal(&format!("take the slot {id} away?"))?;
    let removed = vault.remove_slot(id, &passphrase)?;
    let document = json!({ "removed": device_document(&removed) });
    Ok(session.output.done(&document, || {
        format!(
            "{} no longer opens this vault. Copies of the file made before are opened by it as they were.",
            removed.name
        )
    }))
}

fn change_passphrase(session: &Session) -> Result<ExitCode, Failure> {
    let (vault, old) = by_passphrase(session)?;
    let new = new_passphrase()?;
    vault.change_passphrase(&old, &new)?;
    let document = json!({ "vault": vault.path().display().to_string() });
    Ok(session
        .output
        .done(&document, || "the passphrase is changed".to_owned()))
}

/// A device does not do for what changes how the vault is unlocked: the passphrase's slot has to be wrapped again.
fn by_passphrase(session: &Session) -> Result<(Vault, Zeroizing<String>), Failure> {
    let file = session.vault_file()?;
    let passphrase = session.passphrase("passphrase of the vault: ")?;
    Ok((Vault::open(&file, &passphrase)?, passphrase))
}

/// Typed twice on a terminal; otherwise standard input.
fn new_passphrase() -> Result<Zeroizing<String>, Failure> {
    if !std::io::stdin().is_terminal() {
        return stdin();
    }
    let new = hidden("new passphrase: ")?;
    if hidden("once more: ")? == new {
        Ok(new)
    } else {
        Err(Failure::usage("the two passphrases are not the same"))
    }
}

fn document(slot: &SlotInfo) -> Value {
    match slot {
        SlotInfo::Passphrase => json!({ "id": PASSPHRASE_SLOT, "kind": "passphrase" }),
        SlotInfo::Device(info) => device_document(info),
        SlotInfo::Unknown { kind } => json!({ "id": null, "kind": kind }),
    }
}

fn device_document(info: &DeviceSlotInfo) -> Value {
    json!({
        "id": info.id(),
        "kind": "device",
        "device": info.vendor.name(),
        "name": info.name,
        "wallet": info.wallet,
        "path": info.path,
        "created": info.created,
    })
}

fn line(slot: &SlotInfo) -> String {
    match slot {
        SlotInfo::Passphrase => format!("{PASSPHRASE_SLOT:<10} the vault's passphrase"),
        SlotInfo::Device(info) => format!(
            "{:<10} {:<8} {} (wallet {})",
            info.id(),
            unlock::kind(info.vendor).to_string(),
            info.name,
            info.wallet
        ),
        SlotInfo::Unknown { kind } => format!("{:<10} {kind}: of another version of this program", "-"),
    }
}
