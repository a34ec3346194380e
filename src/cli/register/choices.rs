//! Texts of the arguments to the typed draft; each error names the option.

use super::{complete, outpoint};
use crate::cli::args::RegisterArgs;
use crate::cli::output::Failure;
use crate::flow::Ports;
use crate::flow::register::{
    CollateralChoice, Draft, FeeSource, KeyChoice, OperatorChoice, PlatformChoice, VotingChoice,
};
use crate::protocol::bls::{PublicKey, Readings, Scheme};
use crate::protocol::network::MnType;
use crate::protocol::special_tx::Service;
use crate::protocol::special_tx::pro_reg::Platform;
use crate::protocol::wire::from_hex;
use crate::protocol::{Address, KeyId, path};
use crate::store::Kind;

pub fn draft(ports: &Ports, args: &RegisterArgs) -> Result<Draft, Failure> {
    let (kind, name) = complete(ports, args)?;
    Ok(Draft {
        kind,
        collateral: collateral(args)?,
        service: service(ports, &args.service)?,
        owner: key("owner", &args.owner),
        operator: operator(ports, args)?,
        voting: voting(ports, &args.voting)?,
        payout: Address::parse(&args.payout, &ports.profile).map_err(|error| option("payout", error))?,
        operator_reward: percent(&args.operator_reward)?,
        platform: if kind == MnType::Evo {
            Some(platform(ports, args, &name)?)
        } else {
            None
        },
        fee_from: match args.fee_from.as_str() {
            "node-wallet" => FeeSource::NodeWallet,
            label => FeeSource::Key(label.to_owned()),
        },
        name,
    })
}

fn option(name: &str, error: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("--{name}: {error}"))
}

fn collateral(args: &RegisterArgs) -> Result<CollateralChoice, Failure> {
    let Some(text) = &args.collateral else {
        return Ok(CollateralChoice::Find);
    };
    let path = args.collateral_path.as_deref().map(path::parse).transpose();
    Ok(CollateralChoice::Named {
        outpoint: outpoint(text)?,
        path: path.map_err(|error| option("collateral-path", error))?,
    })
}

fn service(ports: &Ports, text: &str) -> Result<Service, Failure> {
    if text == "none" {
        return Ok(Service::NONE);
    }
    let service: Service = text.parse().map_err(|error| option("service", error))?;
    service
        .check_typed(&ports.profile)
        .map_err(|error| option("service", error))?;
    Ok(service)
}

fn key(_role: &str, text: &str) -> KeyChoice {
    if text == "new" {
        KeyChoice::New
    } else {
        KeyChoice::Held(text.to_owned())
    }
}

/// A label, or 96 hexadecimal digits of a provider's key in a scheme that is named, never guessed.
fn operator(ports: &Ports, args: &RegisterArgs) -> Result<OperatorChoice, Failure> {
    let text = args.operator.as_str();
    if text == "new" {
        return Ok(OperatorChoice::New);
    }
    let is_key = text.len() == 96 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_key {
        return Ok(OperatorChoice::Held(text.to_owned()));
    }
    let scheme = match &args.operator_scheme {
        Some(name) => name
            .parse::<Scheme>()
            .map_err(|error| option("operator-scheme", error))?,
        None if ports.profile.activation.v19.is_some() => Scheme::Basic,
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

fn voting(ports: &Ports, text: &str) -> Result<VotingChoice, Failure> {
    match text {
        "owner" => return Ok(VotingChoice::SameAsOwner),
        "new" => return Ok(VotingChoice::New),
        _ => {}
    }
    // A label of the vault wins over an address, which nobody takes for a label.
    if ports.vault()?.info(text).is_ok() {
        return Ok(VotingChoice::Held(text.to_owned()));
    }
    let key = Address::parse_key(text, &ports.profile).map_err(|error| option("voting", error))?;
    Ok(VotingChoice::Foreign(KeyId(key)))
}

/// Percent with at most two decimals, as hundredths.
pub fn percent(text: &str) -> Result<u16, Failure> {
    let wrong = || {
        option(
            "operator-reward",
            format!("'{text}' is not a percentage from 0 to 100 with at most two decimals"),
        )
    };
    let (whole, decimals) = text
        .trim()
        .trim_end_matches('%')
        .trim_end()
        .split_once('.')
        .unwrap_or((text.trim().trim_end_matches('%').trim_end(), ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || decimals.len() > 2 || !digits(whole) || !digits(decimals) {
        return Err(wrong());
    }
    let hundredths = format!("{whole}{decimals:0<2}").parse::<u32>().map_err(|_| wrong())?;
    u16::try_from(hundredths)
        .ok()
        .filter(|value| *value <= 10_000)
        .ok_or_else(wrong)
}

fn platform(ports: &Ports, args: &RegisterArgs, name: &str) -> Result<PlatformChoice, Failure> {
    let defaults = ports.profile.platform.as_ref();
    let port = |given: Option<u16>, default: Option<u16>, name: &str| {
        given
            .or(default)
            .ok_or_else(|| option(name, "this network has no default: name a port"))
    };
    Ok(PlatformChoice {
        node_id: node_id(ports, args.platform_node_id.as_deref().unwrap_or("new"), name)?,
        p2p_port: port(
            args.platform_p2p_port,
            defaults.map(|rules| rules.p2p_port),
            "platform-p2p-port",
        )?,
        http_port: port(
            args.platform_http_port,
            defaults.map(|rules| rules.http_port),
            "platform-http-port",
        )?,
    })
}

fn node_id(ports: &Ports, text: &str, name: &str) -> Result<[u8; 20], Failure> {
    if let Ok(id) = Platform::node_id_from_hex(text) {
        return Ok(id);
    }
    let vault = ports.vault()?;
    let label = if text == "new" {
        let label = format!("{name}-platform");
        vault.generate(Kind::Platform, &label, &ports.profile, ports.now())?;
        label
    } else {
        text.to_owned()
    };
    let hex = vault.info(&label)?.node_id();
    let hex = hex.ok_or_else(|| option("platform-node-id", format!("{label} is not a platform key")))?;
    Platform::node_id_from_hex(&hex).map_err(|error| option("platform-node-id", error))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_become_hundredths() {
        for (text, hundredths) in [
            ("0", 0),
            ("5.25", 525),
            ("100", 10_000),
            ("33.3", 3330),
            ("1 %", 100),
            ("0.01", 1),
        ] {
            assert_eq!(percent(text), Ok(hundredths), "{text}");
        }
        for text in ["", "-1", "100.01", "1.234", "abc", "1e2", ".5", "٣"] {
            assert!(percent(text).is_err(), "{text}");
        }
    }

    #[test]
    fn outpoints_read_in_both_spellings() {
        let txid = "ab".repeat(32);
        assert_eq!(outpoint(&format!("{txid}:1")).map(|found| found.vout), Ok(1));
        assert_eq!(outpoint(&format!("{txid}-0")).map(|found| found.vout), Ok(0));
        assert!(outpoint(&txid).is_err() && outpoint("x:1").is_err() && outpoint(&format!("{txid}:-1")).is_err());
    }
}
