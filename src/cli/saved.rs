//! Where a list comes from: a node, or a file that was saved from one.

use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::args::Saved;
use super::output::Failure;
use super::session::Session;
use crate::flow::Ports;
use crate::flow::overview::{self, Mine, Overview};
use crate::protocol::Profile;
use crate::rpc::types;
use crate::setup::Connection;
use crate::store::journal::Journal;

/// A list, and the ports it came through where it came from a node. The connection is kept: with it ends an embedded sandbox.
pub struct Source {
    pub overview: Overview,
    pub ports: Option<Ports>,
    _connection: Option<Connection>,
}

/// # Errors
/// The file or the height is wrong, or of the node.
pub async fn read(session: &Session, saved: &Saved, profile: &Profile) -> Result<Source, Failure> {
    if let (Some(file), Some(height)) = (&saved.snapshot, saved.height) {
        return Ok(Source {
            overview: snapshot(session, profile, file, height, saved.time)?,
            ports: None,
            _connection: None,
        });
    }
    let (connection, ports) = session.ports_with_vault_if_open().await?;
    Ok(Source {
        overview: overview::overview(&ports).await?,
        ports: Some(ports),
        _connection: Some(connection),
    })
}

fn snapshot(
    session: &Session,
    profile: &Profile,
    file: &Path,
    height: u32,
    time: Option<u64>,
) -> Result<Overview, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("{} cannot be read: {}", file.display(), error.kind())))?;
    let entries = types::masternodes(list_of(&text), profile)
        .map_err(|error| Failure::refused("decode", format!("{}: {error}", file.display())))?;
    let list = overview::saved(entries, height, time, profile);
    let vault = session.vault_if_open()?;
    Ok(overview::assemble(
        &list,
        profile,
        vault.as_deref(),
        &mine(session, profile)?,
    ))
}

/// What this computer registered, if it ever kept a journal: reading a file makes no folder.
fn mine(session: &Session, profile: &Profile) -> Result<Mine, Failure> {
    let journal = session.dirs()?.journal;
    if !journal.exists() {
        return Ok(Mine::default());
    }
    Ok(overview::registered_here(&Journal::open(&journal)?, &profile.name)?)
}

/// A node's reply as it came over the wire.
#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    result: &'a RawValue,
}

/// The array itself, whether it was saved bare, as `dash-cli` prints it, or within the whole reply.
fn list_of(text: &str) -> &str {
    let text = text.trim_start_matches('\u{feff}').trim();
    if !text.starts_with('{') {
        return text;
    }
    // What is no reply either is told of as the list it should be.
    serde_json::from_str::<Reply<'_>>(text).map_or(text, |reply| reply.result.get())
}

#[cfg(test)]
mod tests {
    use super::list_of;

    #[test]
    fn a_list_is_taken_bare_or_out_of_a_whole_reply() {
        let bare = "[{\"a\": {\"result\": []}}]";
        for text in [
            format!(" {bare}\n"),
            format!("\u{feff}{bare}"),
            format!("{{\"result\": {bare}}}"),
            format!("{{\"method\":\"protx\",\"params\":[\"list\"],\"result\":{bare},\"error\":null,\"id\":1}}\n"),
        ] {
            assert_eq!(list_of(&text), bare);
        }
        assert_eq!(list_of("{\"error\": 1}"), "{\"error\": 1}");
    }
}
