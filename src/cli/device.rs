//! `device`: what is connected, addresses, signed messages.

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};

use super::args::DeviceCommand;
use super::output::{Failure, listing};
use super::session::Session;
use crate::flow::message_shown;
use crate::flow::register::device_hash;
use crate::hw::discovery::State;
use crate::hw::{Device, DeviceSpec, discovery};
use crate::protocol::{KeyId, Profile, path};
use crate::setup::{NodeChoice, SandboxOptions, SandboxRun};
use crate::ui::advice::explain;

pub async fn run(session: &Session, command: DeviceCommand) -> Result<ExitCode, Failure> {
    match command {
        DeviceCommand::List => list(session).await,
        DeviceCommand::Address { path, show } => address(session, &path, show).await,
        DeviceCommand::SignMessage { path, message } => sign(session, &path, &message).await,
    }
}

/// The device, and whatever must live as long as it (the sandbox).
async fn open(session: &Session) -> Result<(Arc<dyn Device>, Arc<Profile>, Box<dyn std::any::Any + Send>), Failure> {
    let profile = session.profile()?;
    if session.global.sandbox {
        let connection = session.connect_with(NodeChoice::Sandbox { block_seconds: 2 }).await?;
        let device = connection.ports.device()?.clone();
        return Ok((device, profile, Box::new(connection)));
    }
    let device = session.open_device(profile.clone()).await?;
    Ok((device, profile, Box::new(())))
}

async fn list(session: &Session) -> Result<ExitCode, Failure> {
    let profile = session.profile()?;
    let chosen = session.device_spec()?;
    let (specs, _alive) = if session.global.sandbox {
        let run = SandboxRun::start(profile.clone(), SandboxOptions::quiet_with_trezor(&profile)).await?;
        let specs = match chosen {
            DeviceSpec::Any => run.specs(),
            named => vec![run.spec(&named)],
        };
        (specs, Some(run))
    } else {
        (vec![chosen], None)
    };
    let search = move || specs.iter().flat_map(|spec| discovery::found(spec, &profile)).collect();
    let found: Result<Vec<_>, _> = tokio::task::spawn_blocking(search).await;
    let found = found.map_err(|error| Failure::system("device", &error))?;
    let all: Value = found.iter().map(row).collect();
    Ok(session.output.done(&all, || match all.as_array() {
        Some(rows) if !rows.is_empty() => rows.iter().map(listing).collect::<Vec<_>>().join("\n\n"),
        _ => "no device is connected".into(),
    }))
}

/// `device` is the text that `--device` takes.
fn row(found: &discovery::Found) -> Value {
    let (state, app, version, reason) = match &found.state {
        State::Ready { app, version } if found.about.locked => {
            let reason = format!("it asks for its PIN before it gives a key of {app}");
            ("ready", Some(app), Some(version), Some(reason))
        }
        State::Ready { app, version } => ("ready", Some(app), Some(version), None),
        State::Open => ("open", None, None, None),
        State::NotReady(error) => ("not ready", None, None, Some(explain(error))),
    };
    let kind = found.kind.to_string().to_lowercase();
    json!({
        "kind": found.kind,
        "model": found.model,
        "label": found.about.label,
        "device": format!("{kind}@{}", found.place),
        "place": found.place,
        "app": app,
        "version": version,
        "wallet": found.about.wallet,
        "state": state,
        "reason": reason,
    })
}

async fn address(session: &Session, text: &str, show: bool) -> Result<ExitCode, Failure> {
    let at = path::parse(text).map_err(Failure::usage)?;
    let (device, profile, _alive) = open(session).await?;
    let (key, on_screen) = if show {
        session
            .output
            .progress(&format!("compare the address on the {}", device.kind()));
        let shown = device.show_address(at.clone()).await?;
        (shown.key, Some(shown.on_screen))
    } else {
        (device.public_key(at.clone()).await?, None)
    };
    let address = KeyId::of(&key).address().to_text(&profile);
    let document =
        json!({ "path": path::to_text(&at), "address": address, "publicKey": key.to_string(), "onScreen": on_screen });
    Ok(session.output.done(&document, || listing(&document)))
}

async fn sign(session: &Session, text: &str, message: &str) -> Result<ExitCode, Failure> {
    let at = path::parse(text).map_err(Failure::usage)?;
    let (device, profile, _alive) = open(session).await?;
    let key = device.public_key(at.clone()).await?;
    let shown = message_shown(device.kind(), message, &device_hash(message));
    session
        .output
        .progress(&format!("confirm on the {}: {shown}", device.kind()));
    let signature = device.sign_message(at.clone(), message.as_bytes().to_vec()).await?;
    let document = json!({
        "path": path::to_text(&at),
        "address": KeyId::of(&key).address().to_text(&profile),
        "message": message,
        "messageHash": device_hash(message),
        "signature": signature.to_base64(),
    });
    Ok(session.output.done(&document, || signature.to_base64()))
}
