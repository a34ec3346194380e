//! Texts of arguments that several commands share, as typed choices; each error names its option.

use std::fmt::Display;

use zeroize::Zeroizing;

use super::output::Failure;
use super::session::stdin;
use crate::flow::choice::{FeeSource, KeyChoice, OneUse, OperatorChoice, OperatorSecret, VotingChoice};
use crate::flow::{Error, Ports};
use crate::protocol::bls::{PublicKey, Readings, Scheme};
use crate::protocol::special_tx::Service;
use crate::protocol::special_tx::pro_reg::Platform;
use crate::protocol::wire::from_hex;
use crate::protocol::{Address, KeyId, ProTxHash, Profile};
use crate::store::Kind;

/// The node's own wallet pays.
const NODE_WALLET: &str = "node-wallet";

pub fn option(name: &str, error: impl Display) -> Failure {
    Failure::usage(format!("--{name}: {error}"))
}

pub fn pro_tx_hash(text: &str) -> Result<ProTxHash, Failure> {
    text.trim()
        .parse()
        .map_err(|_| Failure::usage(format!("'{text}' is not a ProTxHash")))
}

pub fn address(name: &str, text: &str, profile: &Profile) -> Result<Address, Failure> {
    Address::parse(text, profile).map_err(|error| option(name, error))
}

pub fn service(profile: &Profile, text: &str) -> Result<Service, Failure> {
    let service: Service = text.parse().map_err(|error| option("service", error))?;
    service.check_typed(profile).map_err(|error| option("service", error))?;
    Ok(service)
}

pub fn key(text: &str) -> KeyChoice {
    if text == "new" {
        KeyChoice::New
    } else {
        KeyChoice::Held(text.to_owned())
    }
}

/// Whether a text has the shape of a public operator key, which no label has.
pub fn is_operator_key(text: &str) -> bool {
    text.len() == 2 * PublicKey::LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A label, or 96 hexadecimal digits of a provider's key in a scheme that is named, never guessed.
pub fn operator(profile: &Profile, text: &str, scheme: Option<&str>) -> Result<OperatorChoice, Failure> {
    if text == "new" {
        return Ok(OperatorChoice::New);
    }
    if !is_operator_key(text) {
        return Ok(OperatorChoice::Held(text.to_owned()));
    }
    let scheme = match scheme {
        Some(name) => name
            .parse::<Scheme>()
            .map_err(|error| option("operator-scheme", error))?,
        None if profile.activation.v19.is_some() => Scheme::Basic,
        None => Scheme::Legacy,
    };
    foreign(text, scheme).map(OperatorChoice::Foreign)
}

fn foreign(text: &str, scheme: Scheme) -> Result<PublicKey, Failure> {
    let other = match scheme {
        Scheme::Basic => Scheme::Legacy,
        Scheme::Legacy => Scheme::Basic,
    };
    PublicKey::from_hex(scheme, text).map_err(|error| {
        let bytes = from_hex(text).ok().and_then(|bytes| <[u8; 48]>::try_from(bytes).ok());
        let fits_other = bytes
            .map(|bytes| PublicKey::readings(&bytes))
            .is_some_and(|readings| matches!(readings, Readings::One { scheme, .. } if scheme == other));
        let hint = if fits_other {
            format!("; it is a key in the {other} encoding: say --operator-scheme {other}")
        } else {
            String::new()
        };
        option(
            "operator",
            format!("not a public key in the {scheme} encoding: {error}{hint}"),
        )
    })
}

/// The operator's secret: the vault's, one by label, or one read from standard input for once.
///
/// # Errors
/// What stands on standard input is no secret of an operator.
pub fn operator_secret(text: Option<&str>) -> Result<OperatorSecret, Failure> {
    match text {
        None => Ok(OperatorSecret::OfTheVault),
        Some("-") => {
            let typed: Zeroizing<String> = stdin()?;
            let once = OneUse::parse(&typed).map_err(Error::Pasted)?;
            Ok(OperatorSecret::Pasted(once))
        }
        Some(label) => Ok(OperatorSecret::Held(label.to_owned())),
    }
}

pub fn voting(ports: &Ports, text: &str) -> Result<VotingChoice, Failure> {
    match text {
        "owner" => return Ok(VotingChoice::SameAsOwner),
        "new" => return Ok(VotingChoice::New),
        _ => {}
    }
    // A label of the vault wins over an address, which nobody takes for a label.
    if ports.vault.as_ref().is_some_and(|vault| vault.info(text).is_ok()) {
        return Ok(VotingChoice::Held(text.to_owned()));
    }
    let key = Address::parse_key(text, &ports.profile).map_err(|error| option("voting", error))?;
    Ok(VotingChoice::Foreign(KeyId(key)))
}

/// A label or the node's wallet; where the operation is only exported, also the address of a fee key elsewhere.
pub fn fee_from(profile: &Profile, text: &str, exported: bool) -> Result<FeeSource, Failure> {
    if text == NODE_WALLET {
        return Ok(FeeSource::NodeWallet);
    }
    match Address::parse(text, profile) {
        Ok(address) if exported => Ok(FeeSource::Elsewhere(address)),
        Ok(_) => Err(option(
            "fee-from",
            "name the fee key by its label; an address of a fee key elsewhere needs --export FILE",
        )),
        Err(_) => Ok(FeeSource::Key(text.to_owned())),
    }
}

/// The address of a fee key.
pub fn fee_address(ports: &Ports, label: &str) -> Result<Address, Failure> {
    let key = ports.vault()?.info(label)?;
    if key.kind != Kind::Fee {
        return Err(Failure::usage(format!(
            "{label} is a {} key; a fee key is needed",
            key.kind.name()
        )));
    }
    key.key_id()
        .map(KeyId::address)
        .ok_or_else(|| Failure::usage(format!("{label} has no address")))
}

/// The node id of a platform key: 40 hexadecimal digits, a label, or `new`.
pub fn node_id(ports: &Ports, text: &str, name: &str, fresh: &mut Fresh) -> Result<[u8; 20], Failure> {
    if let Ok(id) = Platform::node_id_from_hex(text) {
        return Ok(id);
    }
    let label = if text == "new" {
        fresh.make(Kind::Platform, name)?
    } else {
        text.to_owned()
    };
    let hex = ports.vault()?.info(&label)?.node_id();
    let hex = hex.ok_or_else(|| option("platform-node-id", format!("{label} is not a platform key")))?;
    Platform::node_id_from_hex(&hex).map_err(|error| option("platform-node-id", error))
}

/// Keys made while arguments are read: taken back when dropped, unless a plan takes them over.
pub struct Fresh {
    ports: Ports,
    labels: Vec<String>,
}

impl Fresh {
    pub fn new(ports: &Ports) -> Self {
        Self {
            ports: ports.clone(),
            labels: Vec::new(),
        }
    }

    fn make(&mut self, kind: Kind, name: &str) -> Result<String, Failure> {
        let label = crate::flow::make_key(&self.ports, kind, name)?;
        self.labels.push(label.clone());
        Ok(label)
    }

    /// From here the plan answers for them.
    pub fn give(&mut self, made: &mut Vec<String>) {
        made.append(&mut self.labels);
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let Some(vault) = &self.ports.vault else { return };
        for label in &self.labels {
            if let Err(error) = vault.remove(label) {
                // An unused key more in the vault harms nobody.
                tracing::warn!(label, %error, "a key made for a plan was not taken back");
            }
        }
    }
}
