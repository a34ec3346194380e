//! Texts of a registration's arguments to the typed draft; each error names the option.

use super::{complete, outpoint};
use crate::cli::args::RegisterArgs;
use crate::cli::choices::{self, Fresh, option};
use crate::cli::output::Failure;
use crate::flow::Ports;
use crate::flow::register::{CollateralChoice, Draft, FeeSource, PlatformChoice};
use crate::protocol::network::MnType;
use crate::protocol::path;
use crate::protocol::special_tx::Service;

/// Keys that are made on the way are in `fresh`.
pub fn draft(ports: &Ports, args: &RegisterArgs, fee_from: FeeSource, fresh: &mut Fresh) -> Result<Draft, Failure> {
    let (kind, name) = complete(ports, args)?;
    Ok(Draft {
        kind,
        collateral: collateral(args)?,
        service: service(ports, &args.service)?,
        owner: choices::key(&args.owner),
        operator: choices::operator(&ports.profile, &args.operator, args.operator_scheme.as_deref())?,
        voting: choices::voting(ports, &args.voting)?,
        payout: choices::address("payout", &args.payout, &ports.profile)?,
        operator_reward: percent(&args.operator_reward)?,
        platform: if kind == MnType::Evo {
            Some(platform(ports, args, &name, fresh)?)
        } else {
            None
        },
        fee_from,
        name,
    })
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
    choices::service(&ports.profile, text)
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

fn platform(ports: &Ports, args: &RegisterArgs, name: &str, fresh: &mut Fresh) -> Result<PlatformChoice, Failure> {
    let defaults = ports.profile.platform.as_ref();
    let port = |given: Option<u16>, default: Option<u16>, name: &str| {
        given
            .or(default)
            .ok_or_else(|| option(name, "this network has no default: name a port"))
    };
    Ok(PlatformChoice {
        node_id: choices::node_id(ports, args.platform_node_id.as_deref().unwrap_or("new"), name, fresh)?,
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
