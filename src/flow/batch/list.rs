//! A list of masternodes and their new addresses, as typed or from a CSV file: `name-or-proTxHash, host:port`, one to a line.
//!
//! Comments begin with `#`; a first line that names its columns is skipped. Cells are separated by commas, semicolons or tabs and
//! may be quoted, as spreadsheets write them.

use std::collections::HashMap;

use thiserror::Error as ThisError;

use crate::protocol::special_tx::Service;
use crate::protocol::special_tx::service::ServiceError;
use crate::protocol::{ProTxHash, Profile};

/// Longest text that is read, in bytes: some ten thousand masternodes.
pub const MAX_TEXT: usize = 1_000_000;
/// Errors told of at most; more help nobody.
const MAX_ERRORS: usize = 50;

/// A masternode that a line may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub pro_tx_hash: ProTxHash,
    /// What it is called here.
    pub name: String,
}

/// A line that was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Counted from 1.
    pub line: usize,
    pub pro_tx_hash: ProTxHash,
    pub service: Service,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[error("line {line}: {flaw}")]
pub struct ListError {
    /// Counted from 1.
    pub line: usize,
    pub flaw: Flaw,
}

#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum Flaw {
    #[error("'{text}' is not a name and an address, like mn1, 1.2.3.4:9999")]
    NotTwoCells { text: String },
    #[error("there is no masternode {name} here")]
    UnknownMasternode { name: String },
    #[error("{count} masternodes are called {name}: write the proTxHash instead")]
    AmbiguousName { name: String, count: usize },
    #[error(transparent)]
    Address(#[from] ServiceError),
    #[error("{name} was given an address in line {first} already")]
    SameMasternode { name: String, first: usize },
    #[error("{service} was given to another masternode in line {first}")]
    SameAddress { service: Service, first: usize },
    #[error("no masternode is listed")]
    Nothing,
    #[error("the text is longer than {max} bytes")]
    TooLong { max: usize },
}

/// Reads a list. An address without a port gets the network's.
///
/// # Errors
/// Everything that is wrong, line by line (the first fifty).
pub fn read(text: &str, known: &[Known], profile: &Profile) -> Result<Vec<Row>, Vec<ListError>> {
    if text.len() > MAX_TEXT {
        let flaw = Flaw::TooLong { max: MAX_TEXT };
        return Err(vec![ListError { line: 1, flaw }]);
    }
    let (mut rows, mut errors) = (Vec::new(), Vec::new());
    let mut seen = Seen::default();
    let lines = text.trim_start_matches('\u{feff}').lines().zip(1..);
    let filled = lines
        .map(|(text, line)| (text.trim(), line))
        .filter(|(text, _)| !text.is_empty() && !text.starts_with('#'));
    for (at, (text, line)) in filled.enumerate() {
        if at == 0 && is_header(text, known) {
            continue;
        }
        match read_line(text, line, known, profile).and_then(|row| seen.take(row, text)) {
            Ok(row) => rows.push(row),
            Err(flaw) if errors.len() < MAX_ERRORS => errors.push(ListError { line, flaw }),
            Err(_) => break,
        }
    }
    if rows.is_empty() && errors.is_empty() {
        errors.push(ListError {
            line: 1,
            flaw: Flaw::Nothing,
        });
    }
    if errors.is_empty() { Ok(rows) } else { Err(errors) }
}

/// A text that says what is so now: to begin with, and to be edited.
pub fn sample<'a>(masternodes: impl IntoIterator<Item = (&'a str, Service)>) -> String {
    let line = |(name, service): (&str, Service)| {
        let service = if service.is_none() {
            String::new()
        } else {
            service.to_string()
        };
        format!("{name}, {service}").trim_end().to_owned() + "\n"
    };
    masternodes.into_iter().map(line).collect()
}

/// Every address has a digit; the name of a column has none. A line that begins with a masternode is never taken for a header.
fn is_header(text: &str, known: &[Known]) -> bool {
    match cells(text)[..] {
        [name, address, ..] => {
            let is_name = !address.is_empty() && !address.contains(|letter: char| letter.is_ascii_digit());
            is_name && matches!(find(name, known), Err(Flaw::UnknownMasternode { .. }))
        }
        _ => false,
    }
}

fn cells(text: &str) -> Vec<&str> {
    text.split([',', ';', '\t'])
        .map(|cell| cell.trim().trim_matches('"').trim())
        .collect()
}

fn read_line(text: &str, line: usize, known: &[Known], profile: &Profile) -> Result<Row, Flaw> {
    let (name, address) = match cells(text)[..] {
        // Spreadsheets end lines with empty cells.
        [name, address, ref rest @ ..] if !name.is_empty() && rest.iter().all(|cell| cell.is_empty()) => {
            (name, address)
        }
        _ => return Err(Flaw::NotTwoCells { text: text.to_owned() }),
    };
    let pro_tx_hash = find(name, known)?;
    let service = read_service(address, profile)?;
    Ok(Row {
        line,
        pro_tx_hash,
        service,
    })
}

fn find(name: &str, known: &[Known]) -> Result<ProTxHash, Flaw> {
    if let Ok(hash) = name.parse::<ProTxHash>() {
        let listed = known.iter().any(|each| each.pro_tx_hash == hash);
        return listed
            .then_some(hash)
            .ok_or_else(|| Flaw::UnknownMasternode { name: name.to_owned() });
    }
    let found: Vec<&Known> = known.iter().filter(|each| each.name == name).collect();
    match found[..] {
        [one] => Ok(one.pro_tx_hash),
        [] => Err(Flaw::UnknownMasternode { name: name.to_owned() }),
        _ => Err(Flaw::AmbiguousName {
            name: name.to_owned(),
            count: found.len(),
        }),
    }
}

fn read_service(text: &str, profile: &Profile) -> Result<Service, Flaw> {
    let service = match text.parse::<std::net::Ipv4Addr>() {
        Ok(ip) => Service::v4(ip, profile.p2p_port),
        Err(_) => text.parse::<Service>()?,
    };
    service.check_typed(profile)?;
    Ok(service)
}

/// What earlier lines took, and in which.
#[derive(Default)]
struct Seen {
    masternodes: HashMap<ProTxHash, usize>,
    services: HashMap<Service, usize>,
}

impl Seen {
    fn take(&mut self, row: Row, text: &str) -> Result<Row, Flaw> {
        if let Some(first) = self.masternodes.get(&row.pro_tx_hash) {
            let name = cells(text).first().copied().unwrap_or_default().to_owned();
            return Err(Flaw::SameMasternode { name, first: *first });
        }
        if let Some(first) = self.services.get(&row.service) {
            return Err(Flaw::SameAddress {
                service: row.service,
                first: *first,
            });
        }
        self.masternodes.insert(row.pro_tx_hash, row.line);
        self.services.insert(row.service, row.line);
        Ok(row)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bitcoin::hashes::Hash;

    use super::*;
    use crate::protocol::network;

    fn profile() -> Profile {
        network::builtin("dash-testnet").unwrap()
    }

    fn hash(n: u8) -> ProTxHash {
        ProTxHash::from_byte_array([n; 32])
    }

    /// mn1 and mn2, and two that are called twin.
    fn known() -> Vec<Known> {
        let named = |(n, name): (u8, &str)| Known {
            pro_tx_hash: hash(n),
            name: name.to_owned(),
        };
        [(1, "mn1"), (2, "mn2"), (3, "twin"), (4, "twin")].map(named).into()
    }

    fn read_it(text: &str) -> Result<Vec<Row>, Vec<ListError>> {
        read(text, &known(), &profile())
    }

    fn service(text: &str) -> Service {
        text.parse().unwrap()
    }

    fn row(line: usize, n: u8, text: &str) -> Row {
        Row {
            line,
            pro_tx_hash: hash(n),
            service: service(text),
        }
    }

    fn flaws(text: &str) -> Vec<(usize, Flaw)> {
        let errors = read_it(text).unwrap_err();
        errors.into_iter().map(|error| (error.line, error.flaw)).collect()
    }

    #[test]
    fn names_and_hashes_are_read_with_their_addresses() {
        let text = format!("mn1, 45.76.230.1:19999\n{}, 45.76.230.2:19999\n", hash(2));
        let rows = [row(1, 1, "45.76.230.1:19999"), row(2, 2, "45.76.230.2:19999")];
        assert_eq!(read_it(&text).unwrap(), rows);
    }

    #[test]
    fn comments_empty_lines_and_a_header_are_passed_over() {
        let text = "# the new servers\n\nmasternode, host:port\n  mn2,45.76.230.2:19999\r\n# mn1, 1.1.1.1:19999\n";
        assert_eq!(read_it(text).unwrap(), [row(4, 2, "45.76.230.2:19999")]);
    }

    #[test]
    fn only_the_first_line_can_be_a_header() {
        let text = "mn1, 45.76.230.1:19999\nname, address\n";
        assert!(matches!(flaws(text)[..], [(2, Flaw::UnknownMasternode { .. })]));
    }

    #[test]
    fn a_first_line_with_a_masternode_and_no_address_is_no_header() {
        assert!(matches!(flaws("mn1, later")[..], [(1, Flaw::Address(_))]));
    }

    #[test]
    fn what_spreadsheets_write_is_understood() {
        for text in [
            "\u{feff}\"mn1\";\"45.76.230.1:19999\"",
            "mn1\t45.76.230.1:19999\t",
            "mn1 , 45.76.230.1:19999 ,,",
        ] {
            assert_eq!(read_it(text).unwrap(), [row(1, 1, "45.76.230.1:19999")], "{text}");
        }
    }

    #[test]
    fn an_address_without_a_port_gets_the_networks() {
        assert_eq!(read_it("mn1, 45.76.230.1").unwrap(), [row(1, 1, "45.76.230.1:19999")]);
    }

    #[test]
    fn an_unknown_masternode_is_told_with_its_line() {
        let text = format!(
            "mn1, 45.76.230.1:19999\nmn9, 45.76.230.2:19999\n{}, 45.76.230.3:19999",
            hash(9)
        );
        let [
            (2, Flaw::UnknownMasternode { name: first }),
            (3, Flaw::UnknownMasternode { name: second }),
        ] = &flaws(&text)[..]
        else {
            panic!("{:?}", flaws(&text))
        };
        assert_eq!((first.as_str(), second), ("mn9", &hash(9).to_string()));
    }

    #[test]
    fn a_name_that_two_have_is_not_guessed() {
        let name = "twin".to_owned();
        assert_eq!(
            flaws("twin, 45.76.230.1:19999"),
            [(1, Flaw::AmbiguousName { name, count: 2 })]
        );
        assert!(read_it(&format!("{}, 45.76.230.1:19999", hash(3))).is_ok());
    }

    #[test]
    fn a_malformed_or_unusable_address_is_told_with_its_line() {
        for address in [
            "",
            "45.76.230",
            "example.org:19999",
            "45.76.230.1:x",
            "[2001:db8::1]:19999",
            "10.0.0.1:19999",
        ] {
            let text = format!("# first\nmn1, {address}");
            assert!(
                matches!(flaws(&text)[..], [(2, Flaw::Address(_))]),
                "{address}: {:?}",
                flaws(&text)
            );
        }
    }

    #[test]
    fn a_line_of_another_shape_is_told_with_its_line() {
        for text in [
            "mn1",
            "mn1 45.76.230.1:19999",
            ", 45.76.230.1:19999",
            "mn1, 45.76.230.1:19999, 5",
        ] {
            assert!(matches!(flaws(text)[..], [(1, Flaw::NotTwoCells { .. })]), "{text}");
        }
    }

    #[test]
    fn the_same_masternode_twice_is_told_also_under_its_other_name() {
        let text = format!("mn1, 45.76.230.1:19999\n{}, 45.76.230.2:19999", hash(1));
        assert!(matches!(flaws(&text)[..], [(2, Flaw::SameMasternode { first: 1, .. })]));
    }

    #[test]
    fn the_same_address_twice_is_told_with_both_lines() {
        let text = "mn1, 45.76.230.1:19999\nmn2, 45.76.230.1";
        let service = service("45.76.230.1:19999");
        assert_eq!(flaws(text), [(2, Flaw::SameAddress { service, first: 1 })]);
    }

    #[test]
    fn every_wrong_line_is_told_at_once_but_not_endlessly() {
        assert_eq!(flaws("a\nb\nc").len(), 3);
        assert_eq!(flaws(&"a\n".repeat(1_000)).len(), MAX_ERRORS);
    }

    #[test]
    fn an_empty_or_endless_text_is_refused() {
        assert_eq!(flaws("# nothing\n"), [(1, Flaw::Nothing)]);
        assert_eq!(flaws(&"#".repeat(MAX_TEXT + 1)), [(1, Flaw::TooLong { max: MAX_TEXT })]);
    }

    #[test]
    fn an_error_says_its_line() {
        let error = read_it("mn1").unwrap_err().remove(0);
        assert_eq!(
            error.to_string(),
            "line 1: 'mn1' is not a name and an address, like mn1, 1.2.3.4:9999"
        );
    }

    #[test]
    fn the_sample_can_be_read_back() {
        let text = sample([
            ("mn1", service("45.76.230.1:19999")),
            ("mn2", service("45.76.230.2:19999")),
        ]);
        assert_eq!(read_it(&text).unwrap().len(), 2);
        assert_eq!(sample([("mn1", Service::NONE)]), "mn1,\n");
    }
}
