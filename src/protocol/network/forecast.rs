//! The tables of a profile that forecasts need: `[pose]`, `[[quorums]]` and `[reward]`. All may be missing.

use toml::Value;

use super::{ProfileError, Section};
use crate::protocol::masternode::pose::{PoseRules, QuorumKind, QuorumRules};
use crate::protocol::masternode::reward::RewardRules;

impl<'a> Section<'a> {
    pub(super) fn pose(mut self) -> Result<PoseRules, ProfileError> {
        let rules = PoseRules {
            least_max: self.above_zero("least_max")?,
            percent: self.percent("percent")?,
        };
        if rules.percent == 0 || rules.percent == 100 {
            return Err(self.error("percent", format!("{} is out of range", rules.percent)));
        }
        self.finish().map(|()| rules)
    }

    /// An array of tables.
    pub(super) fn quorums(&mut self, key: &str) -> Result<QuorumRules, ProfileError> {
        let all = match self.take(key)? {
            Value::Array(all) => all,
            other => return Err(self.error(key, format!("is a {} instead of a list of tables", other.type_str()))),
        };
        let kinds = all.into_iter().enumerate().map(|(at, value)| match value {
            Value::Table(table) => Section {
                file: self.file,
                prefix: format!("{}{key}[{at}].", self.prefix),
                table,
            }
            .quorum(),
            other => Err(self.error(key, format!("has a {} instead of a table", other.type_str()))),
        });
        kinds.collect::<Result<_, _>>().map(|kinds| QuorumRules { kinds })
    }

    fn quorum(mut self) -> Result<QuorumKind, ProfileError> {
        let kind = QuorumKind {
            name: self.text("name")?,
            size: self.above_zero("size")?,
            min_size: self.optional("min_size", Self::number)?.unwrap_or(0),
            quorums: self.optional("quorums", Self::above_zero)?.unwrap_or(1),
            interval: self.above_zero("interval")?,
            mined_after: self.number("mined_after")?,
            evo_only: self.optional("evo_only", Self::flag)?.unwrap_or(false),
        };
        self.finish().map(|()| kind)
    }

    /// Without the height of Platform's part, which is an activation.
    pub(super) fn reward(mut self) -> Result<RewardRules, ProfileError> {
        let rules = RewardRules {
            from: self.optional("from", Self::number)?.unwrap_or(0),
            start: self.parsed("start")?,
            decline: self.above_zero("decline")?,
            interval: self.above_zero("interval")?,
            treasury_percent: self.optional("treasury_percent", Self::percent)?.unwrap_or(0),
            treasury_after: self.optional("treasury_after", Self::number)?.unwrap_or(0),
            masternode_percent: self.percent("masternode_percent")?,
            platform_permille: self.optional("platform_permille", Self::number)?.unwrap_or(0),
            platform_from: None,
        };
        if rules.platform_permille > 1000 {
            return Err(self.error(
                "platform_permille",
                format!("{} is out of range", rules.platform_permille),
            ));
        }
        self.finish().map(|()| rules)
    }

    fn above_zero(&mut self, key: &str) -> Result<u32, ProfileError> {
        match self.number(key)? {
            0 => Err(self.error(key, "is zero")),
            number => Ok(number),
        }
    }

    fn percent(&mut self, key: &str) -> Result<u32, ProfileError> {
        match self.number(key)? {
            number @ 0..=100 => Ok(number),
            number => Err(self.error(key, format!("{number} is out of range"))),
        }
    }
}
