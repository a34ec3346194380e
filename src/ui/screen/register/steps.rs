//! The steps in their order, and what each answers for.

use super::sketch::Sketch;
use super::{collateral, keys, payout, platform, service};
use crate::flow::Error;
use crate::protocol::rules::Check;

/// A page of the form. Signing and result follow the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Collateral,
    Service,
    Platform,
    Keys,
    Payout,
    Fee,
}

impl Page {
    const ALL: [Self; 6] = [
        Self::Collateral,
        Self::Service,
        Self::Platform,
        Self::Keys,
        Self::Payout,
        Self::Fee,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Collateral => "Collateral",
            Self::Service => "Service",
            Self::Platform => "Platform",
            Self::Keys => "Keys",
            Self::Payout => "Payout",
            Self::Fee => "Fee",
        }
    }

    /// Where typing begins.
    pub fn first_field(self) -> Option<&'static str> {
        match self {
            Self::Service => Some("service"),
            Self::Payout => Some("payout"),
            Self::Collateral | Self::Platform | Self::Keys | Self::Fee => None,
        }
    }

    /// Says whether there is nothing to ask.
    fn skip(self, sketch: &Sketch) -> bool {
        self == Self::Platform && platform::Form::skip(sketch)
    }

    /// The steps this registration has.
    pub fn shown(sketch: &Sketch) -> impl Iterator<Item = Self> + '_ {
        Self::ALL.into_iter().filter(|page| !page.skip(sketch))
    }

    pub fn after(self, sketch: &Sketch) -> Option<Self> {
        Self::shown(sketch).skip_while(|page| *page != self).nth(1)
    }

    pub fn before(self, sketch: &Sketch) -> Option<Self> {
        Self::shown(sketch).take_while(|page| *page != self).last()
    }

    /// Takes back what this step and those after it have said.
    pub fn revert_from(self, sketch: &mut Sketch) {
        for page in Self::ALL.into_iter().skip_while(|page| *page != self) {
            page.revert(sketch);
        }
    }

    fn revert(self, sketch: &mut Sketch) {
        match self {
            Self::Collateral => collateral::Form::revert(sketch),
            Self::Service => service::Form::revert(sketch),
            Self::Platform => platform::Form::revert(sketch),
            Self::Keys => keys::Form::revert(sketch),
            Self::Payout => payout::Form::revert(sketch),
            Self::Fee => sketch.fee_from = None,
        }
    }

    fn rules(self) -> &'static [&'static str] {
        match self {
            Self::Collateral => &collateral::RULES,
            Self::Service => &service::RULES,
            Self::Platform => &platform::RULES,
            Self::Keys => &keys::RULES,
            Self::Payout => &payout::RULES,
            Self::Fee => &[
                "inputs-unspent",
                "inputs-mature",
                "inputs-suffice",
                "relay-fee",
                "no-conflict",
            ],
        }
    }

    /// Of all failures those this step shows and can mend.
    pub fn own(self, failures: Vec<Check>) -> Vec<Check> {
        failures
            .into_iter()
            .filter(|check| self.rules().contains(&check.rule))
            .collect()
    }

    /// The step on which a failed rule can be mended.
    pub fn of_rule(rule: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|page| page.rules().contains(&rule))
    }

    /// The step on which an error can be mended, if it is one of the form.
    pub fn of_error(error: &Error) -> Option<Self> {
        match error {
            Error::Rule(check) => Self::of_rule(check.rule),
            Error::FeeKeyShort { .. } | Error::Short(_) => Some(Self::Fee),
            Error::NoCollateral { .. }
            | Error::SeveralCollaterals { .. }
            | Error::CollateralMissing { .. }
            | Error::CollateralOfAnotherKey { .. }
            | Error::CollateralPathUnknown { .. }
            | Error::NoSuchType { .. } => Some(Self::Collateral),
            Error::OperatorInOtherEncoding { .. } | Error::KeyOfOtherKind { .. } => Some(Self::Keys),
            _ => None,
        }
    }
}
