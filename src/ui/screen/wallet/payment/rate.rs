//! A fee rate as it is typed: duffs per byte.

use thiserror::Error;

use crate::flow::pay::MAX_RATE;
use crate::protocol::Amount;
use crate::protocol::amount::AmountError;
use crate::rpc::FeeRate;

/// An amount is read with eight decimals, a rate with three.
const FINER: u64 = 100_000;

/// Why a text is no rate.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum NoRate {
    #[error("{0}")]
    Unreadable(AmountError),
    #[error("at most three decimals")]
    TooFine,
    #[error("nodes relay nothing below {least} duffs per byte")]
    TooLow { least: String },
    #[error("more than {most} duffs per byte is surely a mistake")]
    TooHigh { most: String },
}

/// **Duffs per 1,000 bytes**; nothing typed is none.
pub(super) fn read_rate(text: &str, relay: Option<Amount>) -> Result<Option<Amount>, NoRate> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let number: Amount = text.parse().map_err(NoRate::Unreadable)?;
    if !number.duffs().is_multiple_of(FINER) {
        return Err(NoRate::TooFine);
    }
    let rate = Amount::from_duffs(number.duffs() / FINER);
    let least = relay.unwrap_or(Amount::from_duffs(1));
    if rate < least {
        return Err(NoRate::TooLow { least: per_byte(least) });
    }
    if rate > MAX_RATE {
        return Err(NoRate::TooHigh {
            most: per_byte(MAX_RATE),
        });
    }
    Ok(Some(rate))
}

/// `1`, `1.5`: **duffs per byte**.
pub(super) fn per_byte(rate: Amount) -> String {
    Amount::from_duffs(rate.duffs().saturating_mul(FINER)).short()
}

pub(super) fn help(advice: Option<FeeRate>) -> String {
    match advice {
        Some(advice) => format!("Duffs per byte. The node advises {}.", per_byte(advice.advised)),
        None => "Duffs per byte; left empty it is what the node advises.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_per_byte_and_kept_per_thousand() {
        let relay = Some(Amount::from_duffs(1_000));
        assert_eq!(read_rate("", relay), Ok(None));
        assert_eq!(read_rate("1.5", relay), Ok(Some(Amount::from_duffs(1_500))));
        assert_eq!(per_byte(Amount::from_duffs(1_500)), "1.5");
    }

    #[test]
    fn a_rate_no_node_relays_and_one_nobody_means_are_refused() {
        let relay = Some(Amount::from_duffs(1_000));
        assert_eq!(read_rate("0.999", relay), Err(NoRate::TooLow { least: "1".into() }));
        assert_eq!(read_rate("10001", relay), Err(NoRate::TooHigh { most: "10000".into() }));
        assert_eq!(read_rate("1.0001", relay), Err(NoRate::TooFine));
        assert!(matches!(read_rate("fast", relay), Err(NoRate::Unreadable(_))));
    }
}
