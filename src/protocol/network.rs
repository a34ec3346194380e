//! Network profiles: everything that differs between Dash, its forks and their test networks, as data.
//!
//! The built-in ones are `assets/networks/*.toml`, embedded in the binary; more can be read from a file. A fork is a file,
//! never a condition in code.

use std::fmt;
use std::str::FromStr;

use bitcoin::BlockHash;
use thiserror::Error;
use toml::{Table, Value};

use super::amount::Amount;
use super::masternode::pose::{PoseRules, QuorumRules};
use super::masternode::reward::RewardRules;

mod forecast;

const BUILTIN: [(&str, &str); 6] = [
    ("dash", include_str!("../../assets/networks/dash.toml")),
    ("dash-testnet", include_str!("../../assets/networks/dash-testnet.toml")),
    ("dash-regtest", include_str!("../../assets/networks/dash-regtest.toml")),
    ("wei", include_str!("../../assets/networks/wei.toml")),
    ("wei-testnet", include_str!("../../assets/networks/wei-testnet.toml")),
    ("wei-regtest", include_str!("../../assets/networks/wei-regtest.toml")),
];

/// One network. Amounts are duffs, heights block heights, ports TCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// As given to `--network`: `dash`, `wei-regtest`.
    pub name: String,
    /// The coin's name as people write it: `Dash`.
    pub coin: String,
    /// `DASH`, `tDASH`, `WEI`.
    pub ticker: String,
    /// `chain` of `getblockchaininfo`.
    pub chain: String,
    /// Block 0; the only safe identity, because forks share ports and prefixes.
    pub genesis: BlockHash,
    /// BIP-0044 coin type.
    pub coin_type: u32,
    /// First byte of a P2PKH address, a P2SH address and a WIF key.
    pub pubkey_prefix: u8,
    pub script_prefix: u8,
    pub wif_prefix: u8,
    pub p2p_port: u16,
    pub rpc_port: u16,
    /// Nodes relay only standard transactions (dust, script forms, sizes).
    pub standard_only: bool,
    /// MAX_MONEY.
    pub max_money: Amount,
    /// Text before every signed message, with its line feed.
    pub message_magic: String,
    pub collateral_regular: Amount,
    /// None where the network knows no evonodes.
    pub collateral_evo: Option<Amount>,
    /// How many confirmations of the collateral the guides ask for (consensus asks for 1).
    pub advised_confirmations: u32,
    pub service: ServiceRules,
    pub platform: Option<PlatformRules>,
    pub activation: Activation,
    /// Target seconds between blocks.
    pub spacing: u32,
    pub coinbase_maturity: u32,
    pub devices: DeviceRules,
    /// Dash's rules where a profile has none.
    pub pose: PoseRules,
    /// None: unknown, so there is no estimate of how long a dead masternode lasts.
    pub quorums: Option<QuorumRules>,
    /// None: unknown, so no amount of a payment is foretold.
    pub reward: Option<RewardRules>,
    /// Least protocol version (`getnetworkinfo.protocolversion`) of a masternode that is not punished. None: unknown.
    pub min_protocol: Option<u32>,
}

/// What a node asks of a masternode's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRules {
    /// Private and other unroutable addresses are refused.
    pub routable_only: bool,
    /// The mainnet's P2P port. On mainnet it is required, elsewhere forbidden.
    pub mainnet_port: u16,
    pub is_mainnet: bool,
}

/// Evonode ports: required on mainnet, defaults elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformRules {
    pub p2p_port: u16,
    pub http_port: u16,
}

/// Heights used when the node does not say; `None` means the rule does not exist on the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activation {
    /// From here the owner key may differ from the voting key.
    pub dip3_enforcement: u32,
    /// Basic BLS and payload version 2.
    pub v19: Option<u32>,
    /// From here evonodes are paid once per round.
    pub mn_rr: Option<u32>,
}

/// How devices know this coin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRules {
    /// Name of the Ledger app that signs this coin's messages.
    pub ledger_app: String,
    /// `coinid` that app must answer: its message magic is `<coinid> Signed Message:\n`.
    pub ledger_coin_id: String,
    /// The P2PKH version byte of addresses that app shows (a fork without an own app sees the parent's).
    pub ledger_pubkey_prefix: u8,
    /// Coin type whose keys that app tells without asking; for others the user confirms each reading.
    pub ledger_coin_type: u32,
}

/// Which payload a masternode type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MnType {
    Regular,
    Evo,
}

impl MnType {
    /// nType of payloads.
    pub fn number(self) -> u16 {
        match self {
            Self::Regular => 0,
            Self::Evo => 1,
        }
    }

    pub fn from_number(number: u16) -> Option<Self> {
        match number {
            0 => Some(Self::Regular),
            1 => Some(Self::Evo),
            _ => None,
        }
    }
}

impl fmt::Display for MnType {
    /// As Dash Core prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Regular => "Regular",
            Self::Evo => "Evo",
        })
    }
}

/// What is wrong with a profile: where and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}: {key}: {reason}")]
pub struct ProfileError {
    /// The file as the user named it.
    pub file: String,
    /// Dotted key, or the line for text that is no TOML.
    pub key: String,
    pub reason: String,
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// The first key that is missing, unknown, of the wrong type or out of range.
    pub fn from_toml(file: &str, text: &str) -> Result<Self, ProfileError> {
        let table = text
            .parse::<Table>()
            .map_err(|error| syntax_error(file, text, &error))?;
        Section::root(file, table).profile()
    }

    /// Whether a Ledger asks its user before it tells a key of this coin.
    pub fn ledger_asks_for_keys(&self) -> bool {
        self.coin_type != self.devices.ledger_coin_type
    }

    /// How blocks from height `next` on are rewarded, where the node says which deployments hold for that one: they may have come
    /// at other heights than the profile has. None where it is not known: the rules of Dash are those since V20, which came after
    /// V19.
    pub fn reward_from(&self, next: u32, v19_active: bool, mn_rr_active: bool) -> Option<RewardRules> {
        let mut rules = self.reward.clone()?;
        if self.activation.v19.is_some() && !v19_active {
            return None;
        }
        if rules.platform_permille > 0 {
            let to_come = self.activation.mn_rr.filter(|height| *height > next);
            rules.platform_from = if mn_rr_active { Some(0) } else { to_come };
        }
        Some(rules)
    }

    /// The masternode type that an amount is the exact collateral of.
    pub fn collateral_kind(&self, amount: Amount) -> Option<MnType> {
        [MnType::Regular, MnType::Evo]
            .into_iter()
            .find(|kind| self.collateral(*kind) == Some(amount))
    }

    /// Collateral of a masternode type, if the network has the type.
    pub fn collateral(&self, kind: MnType) -> Option<Amount> {
        match kind {
            MnType::Regular => Some(self.collateral_regular),
            MnType::Evo => self.collateral_evo,
        }
    }
}

/// A built-in profile by name.
pub fn builtin(name: &str) -> Option<Profile> {
    let (file, text) = BUILTIN.iter().find(|(known, _)| *known == name)?;
    // The test below reads each of them, so an embedded profile that does not parse cannot be released.
    Some(Profile::from_toml(file, text).expect("embedded profiles are tested"))
}

/// Names of the built-in profiles, in the order to offer them.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|(name, _)| *name)
}

fn syntax_error(file: &str, text: &str, error: &toml::de::Error) -> ProfileError {
    let line = error
        .span()
        .map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
    ProfileError {
        file: file.to_owned(),
        key: format!("line {line}"),
        reason: error.message().to_owned(),
    }
}

/// A table being read; every key read is removed, so what is left at the end is unknown.
struct Section<'a> {
    file: &'a str,
    prefix: String,
    table: Table,
}

impl<'a> Section<'a> {
    fn root(file: &'a str, table: Table) -> Self {
        Self {
            file,
            prefix: String::new(),
            table,
        }
    }

    fn error(&self, key: &str, reason: impl Into<String>) -> ProfileError {
        ProfileError {
            file: self.file.to_owned(),
            key: format!("{}{key}", self.prefix),
            reason: reason.into(),
        }
    }

    fn take(&mut self, key: &str) -> Result<Value, ProfileError> {
        self.table.remove(key).ok_or_else(|| self.error(key, "is missing"))
    }

    fn section(&mut self, key: &str) -> Result<Section<'a>, ProfileError> {
        match self.take(key)? {
            Value::Table(table) => Ok(Section {
                file: self.file,
                prefix: format!("{}{key}.", self.prefix),
                table,
            }),
            other => Err(self.error(key, format!("is a {} instead of a table", other.type_str()))),
        }
    }

    fn text(&mut self, key: &str) -> Result<String, ProfileError> {
        match self.take(key)? {
            Value::String(text) if !text.is_empty() => Ok(text),
            Value::String(_) => Err(self.error(key, "is empty")),
            other => Err(self.error(key, format!("is a {} instead of a text", other.type_str()))),
        }
    }

    fn parsed<T: FromStr<Err: fmt::Display>>(&mut self, key: &str) -> Result<T, ProfileError> {
        let text = self.text(key)?;
        text.parse().map_err(|error| self.error(key, format!("{error}")))
    }

    fn flag(&mut self, key: &str) -> Result<bool, ProfileError> {
        match self.take(key)? {
            Value::Boolean(flag) => Ok(flag),
            other => Err(self.error(key, format!("is a {} instead of true or false", other.type_str()))),
        }
    }

    fn number<T: TryFrom<i64>>(&mut self, key: &str) -> Result<T, ProfileError> {
        match self.take(key)? {
            Value::Integer(number) => {
                T::try_from(number).map_err(|_| self.error(key, format!("{number} is out of range")))
            }
            other => Err(self.error(key, format!("is a {} instead of a whole number", other.type_str()))),
        }
    }

    fn optional<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Self, &str) -> Result<T, ProfileError>,
    ) -> Result<Option<T>, ProfileError> {
        if self.table.contains_key(key) {
            read(self, key).map(Some)
        } else {
            Ok(None)
        }
    }

    fn finish(self) -> Result<(), ProfileError> {
        match self.table.keys().next() {
            Some(key) => Err(self.error(key, "is not a key of a network profile")),
            None => Ok(()),
        }
    }

    fn profile(mut self) -> Result<Profile, ProfileError> {
        let mut address = self.section("address")?;
        let mut money = self.section("money")?;
        let mut blocks = self.section("blocks")?;
        let mut profile = Profile {
            name: self.text("name")?,
            coin: self.text("coin")?,
            ticker: self.text("ticker")?,
            chain: self.text("chain")?,
            genesis: self.parsed("genesis")?,
            coin_type: self.number("coin_type")?,
            pubkey_prefix: address.number("pubkey")?,
            script_prefix: address.number("script")?,
            wif_prefix: address.number("wif")?,
            p2p_port: self.number("p2p_port")?,
            rpc_port: self.number("rpc_port")?,
            standard_only: self.flag("standard_only")?,
            max_money: money.parsed("max")?,
            message_magic: self.text("message_magic")?,
            collateral_regular: money.parsed("collateral_regular")?,
            collateral_evo: money.optional("collateral_evo", Self::parsed)?,
            advised_confirmations: blocks.number("advised_confirmations")?,
            service: self.section("service").and_then(Self::service)?,
            platform: self.optional("platform", |root, key| root.section(key).and_then(Self::platform))?,
            activation: self.section("activation").and_then(Self::activation)?,
            spacing: blocks.number("spacing")?,
            coinbase_maturity: blocks.number("coinbase_maturity")?,
            devices: self.section("devices").and_then(Self::devices)?,
            pose: self
                .optional("pose", |root, key| root.section(key).and_then(Self::pose))?
                .unwrap_or_default(),
            quorums: self.optional("quorums", Self::quorums)?,
            reward: self.optional("reward", |root, key| root.section(key).and_then(Self::reward))?,
            min_protocol: self.optional("min_protocol", Self::number)?,
        };
        if let Some(reward) = &mut profile.reward {
            reward.platform_from = profile.activation.mn_rr.filter(|_| reward.platform_permille > 0);
        }
        for part in [&address, &money, &blocks] {
            part.check_prefixes(&profile)?;
        }
        address.finish()?;
        money.finish()?;
        blocks.finish()?;
        self.check(&mut profile)?;
        self.finish()?;
        Ok(profile)
    }

    fn check_prefixes(&self, profile: &Profile) -> Result<(), ProfileError> {
        match self.prefix.as_str() {
            "address." if profile.pubkey_prefix == profile.script_prefix => {
                Err(self.error("script", "is the same as address.pubkey"))
            }
            "money." if profile.collateral_regular > profile.max_money => {
                Err(self.error("collateral_regular", "is larger than money.max"))
            }
            "money." if profile.collateral_regular == Amount::ZERO => Err(self.error("collateral_regular", "is zero")),
            "blocks." if profile.spacing == 0 => Err(self.error("spacing", "is zero")),
            _ => Ok(()),
        }
    }

    fn check(&self, profile: &mut Profile) -> Result<(), ProfileError> {
        if profile.collateral_evo.is_some() && profile.platform.is_none() {
            return Err(self.error("platform", "is missing although money.collateral_evo is set"));
        }
        if profile.collateral_evo.is_some() && profile.activation.v19.is_none() {
            return Err(self.error("activation.v19", "is missing although money.collateral_evo is set"));
        }
        if profile.message_magic.len() > 0xfc {
            return Err(self.error("message_magic", "is longer than 252 bytes"));
        }
        if profile.coin_type >= 1 << 31 {
            return Err(self.error("coin_type", "is out of range"));
        }
        Ok(())
    }

    fn service(mut self) -> Result<ServiceRules, ProfileError> {
        let rules = ServiceRules {
            routable_only: self.flag("routable_only")?,
            mainnet_port: self.number("mainnet_port")?,
            is_mainnet: self.flag("is_mainnet")?,
        };
        self.finish().map(|()| rules)
    }

    fn platform(mut self) -> Result<PlatformRules, ProfileError> {
        let rules = PlatformRules {
            p2p_port: self.number("p2p_port")?,
            http_port: self.number("http_port")?,
        };
        self.finish().map(|()| rules)
    }

    fn activation(mut self) -> Result<Activation, ProfileError> {
        let activation = Activation {
            dip3_enforcement: self.number("dip3_enforcement")?,
            v19: self.optional("v19", Self::number)?,
            mn_rr: self.optional("mn_rr", Self::number)?,
        };
        self.finish().map(|()| activation)
    }

    fn devices(mut self) -> Result<DeviceRules, ProfileError> {
        let rules = DeviceRules {
            ledger_app: self.text("ledger_app")?,
            ledger_coin_id: self.text("ledger_coin_id")?,
            ledger_pubkey_prefix: self.number("ledger_pubkey_prefix")?,
            ledger_coin_type: self.number("ledger_coin_type")?,
        };
        self.finish().map(|()| rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_profile_reads_and_carries_its_own_name() {
        for name in builtin_names() {
            assert_eq!(builtin(name).map(|profile| profile.name).as_deref(), Some(name));
        }
        assert_eq!(builtin("doge"), None);
    }

    #[test]
    fn wei_differs_from_dash_where_its_node_does() {
        let wei = builtin("wei").expect("embedded");
        assert_eq!((wei.pubkey_prefix, wei.script_prefix, wei.wif_prefix), (103, 13, 230));
        assert_eq!(wei.collateral_regular, Amount::from_coins(40_000));
        assert_eq!(
            (wei.collateral_evo, wei.activation.v19, wei.coin_type),
            (None, None, 1308)
        );
        assert_eq!(wei.message_magic, "DarkCoin Signed Message:\n");
        let regtests = (
            builtin("wei-regtest").expect("embedded"),
            builtin("dash-regtest").expect("embedded"),
        );
        assert_ne!(regtests.0.genesis, regtests.1.genesis);
    }

    fn broken(from: &str, to: &str) -> ProfileError {
        let good = include_str!("../../assets/networks/dash.toml");
        assert!(good.contains(from), "{from}");
        Profile::from_toml("mine.toml", &good.replacen(from, to, 1)).expect_err("broken on purpose")
    }

    #[test]
    fn a_malformed_profile_names_file_key_and_reason() {
        let error = broken("pubkey = 76", "pubkey = 760");
        assert_eq!(error.to_string(), "mine.toml: address.pubkey: 760 is out of range");
        assert_eq!(
            broken("pubkey = 76\n", "").to_string(),
            "mine.toml: address.pubkey: is missing"
        );
        assert_eq!(broken("pubkey = 76", "pubkey = 16").key, "address.script");
        assert_eq!(broken("genesis = \"0", "genesis = \"zz").key, "genesis");
        assert_eq!(
            broken("coin_type = 5", "coin_type = \"5\"").reason,
            "is a string instead of a whole number"
        );
        assert_eq!(broken("ticker =", "tikker =").key, "ticker");
        assert_eq!(broken("name = \"dash\"", "name = \"dash\"\nextra = 1").key, "extra");
        let line = include_str!("../../assets/networks/dash.toml")
            .lines()
            .position(|line| line == "[address]");
        let expected = format!("line {}", line.expect("a table") + 1);
        assert_eq!(broken("[address]", "[address").key, expected);
    }
}
