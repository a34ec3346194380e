//! Amounts of a coin: duffs inside, decimal coins outside, never a floating-point number between.

use std::fmt;
use std::iter::Sum;
use std::str::FromStr;

use thiserror::Error;

/// Duffs in one coin.
pub const COIN: u64 = 100_000_000;

/// A number of **duffs** (1e-8 coin). Prints as coins with eight decimals, as Dash Core does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(u64);

/// Why a text is not an amount of coins.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AmountError {
    #[error("an amount is missing")]
    Empty,
    #[error("'{text}' is not an amount")]
    NotANumber { text: String },
    #[error("'{text}' has more than 8 decimals")]
    TooFine { text: String },
    #[error("'{text}' is larger than any amount")]
    TooLarge { text: String },
    #[error("'{text}' is negative")]
    Negative { text: String },
}

impl Amount {
    pub const ZERO: Self = Self(0);

    pub const fn from_duffs(duffs: u64) -> Self {
        Self(duffs)
    }

    pub const fn from_coins(coins: u64) -> Self {
        Self(coins * COIN)
    }

    pub const fn duffs(self) -> u64 {
        self.0
    }

    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// Without the zeros at the end: `1000`, `0.5`. For people; [`fmt::Display`] is for machines.
    pub fn short(self) -> String {
        let full = self.to_string();
        full.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:08}", self.0 / COIN, self.0 % COIN)
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    /// Coins with up to eight decimals. Exponents (`1e-05`), which some JSON writers print, are understood.
    fn from_str(text: &str) -> Result<Self, AmountError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AmountError::Empty);
        }
        let owned = || text.to_owned();
        if text.starts_with('-') {
            return Err(AmountError::Negative { text: owned() });
        }
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let exponent = exponent
                    .parse::<i32>()
                    .map_err(|_| AmountError::NotANumber { text: owned() })?;
                (mantissa, exponent)
            }
            None => (text, 0),
        };
        let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || !all_digits(decimals) || (whole.is_empty() && decimals.is_empty()) {
            return Err(AmountError::NotANumber { text: owned() });
        }
        // value = digits * 10^(8 - decimals + exponent) duffs
        let digits = format!("{whole}{decimals}");
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Ok(Self::ZERO);
        }
        let shift = 8 - i64::try_from(decimals.len()).unwrap_or(i64::MAX) + i64::from(exponent);
        let digits = if shift < 0 {
            let cut = usize::try_from(-shift).unwrap_or(usize::MAX);
            let kept = digits.len().saturating_sub(cut);
            if digits[kept..].bytes().any(|byte| byte != b'0') || cut > digits.len() {
                return Err(AmountError::TooFine { text: owned() });
            }
            digits[..kept].to_owned()
        } else if shift > 40 {
            return Err(AmountError::TooLarge { text: owned() });
        } else {
            format!("{digits}{}", "0".repeat(shift as usize))
        };
        digits
            .parse()
            .map(Self)
            .map_err(|_| AmountError::TooLarge { text: owned() })
    }
}

impl Sum for Amount {
    /// # Panics
    /// Never in practice: sums are of outputs, whose total the chain limits far below 2^64; saturates instead of wrapping.
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, |total, next| Self(total.0.saturating_add(next.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coins_read_and_print_without_a_float() {
        for (text, duffs) in [
            ("1000", 100_000_000_000),
            ("0.00000001", 1),
            ("40000.00000000", 4_000_000_000_000),
            ("2999999999.99999999", 299_999_999_999_999_999),
            (".5", 50_000_000),
            ("1e-05", 1_000),
            ("4.65e-8", 0),
            ("1.0E2", 10_000_000_000),
        ] {
            match text.parse::<Amount>() {
                Ok(amount) => assert_eq!(amount.duffs(), duffs, "{text}"),
                Err(error) => assert!(text == "4.65e-8", "{text}: {error}"),
            }
        }
        assert_eq!(
            Amount::from_duffs(299_999_999_999_999_999).to_string(),
            "2999999999.99999999"
        );
        assert_eq!(Amount::from_coins(1000).short(), "1000");
        assert_eq!(Amount::from_duffs(50_000_000).short(), "0.5");
    }

    #[test]
    fn what_is_not_an_amount_says_why() {
        assert_eq!("".parse::<Amount>(), Err(AmountError::Empty));
        assert!(matches!("-1".parse::<Amount>(), Err(AmountError::Negative { .. })));
        assert!(matches!(
            "1.000000001".parse::<Amount>(),
            Err(AmountError::TooFine { .. })
        ));
        assert!(matches!("1e30".parse::<Amount>(), Err(AmountError::TooLarge { .. })));
        assert!(matches!(
            "999999999999999999999".parse::<Amount>(),
            Err(AmountError::TooLarge { .. })
        ));
        for text in [".", "1,5", "0x1", "1.2.3", "NaN", "1e", "١"] {
            assert!(
                matches!(text.parse::<Amount>(), Err(AmountError::NotANumber { .. })),
                "{text}"
            );
        }
    }
}
