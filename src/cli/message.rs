//! `message verify`: a signed text against an address, offline.

use std::process::ExitCode;

use serde_json::json;

use super::args::MessageCommand;
use super::output::Failure;
use super::session::Session;
use crate::protocol::Address;
use crate::protocol::message::{self, CompactSignature};

pub fn run(session: &Session, command: MessageCommand) -> Result<ExitCode, Failure> {
    let MessageCommand::Verify {
        address,
        signature,
        message,
    } = command;
    let profile = session.profile()?;
    let address = Address::parse(&address, &profile).map_err(Failure::usage)?;
    let signature = CompactSignature::from_base64(&signature).map_err(Failure::usage)?;
    Ok(
        match message::verify(&profile, address, message.as_bytes(), &signature) {
            Ok(()) => session
                .output
                .done(&json!({ "valid": true }), || "the signature is valid".into()),
            Err(error) => {
                let document = json!({ "valid": false, "message": error.to_string() });
                session.output.refused(&document, || format!("not valid: {error}"))
            }
        },
    )
}
