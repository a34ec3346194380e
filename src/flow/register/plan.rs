//! The complete registration before anybody signs: built, decoded, checked.

use bitcoin::bip32::DerivationPath;
use bitcoin::{OutPoint, ScriptBuf};
use serde::{Deserialize, Serialize};

use super::draft::{CollateralChoice, Draft, FeeSource, KeyChoice, OperatorChoice, PlatformChoice, VotingChoice};
use crate::flow::{Error, Ports, transaction, wallet};
use crate::protocol::funding::{self, Change, Coin};
use crate::protocol::key::KeyId;
use crate::protocol::network::MnType;
use crate::protocol::rules::{self, Verdict};
use crate::protocol::special_tx::ProRegTx;
use crate::protocol::special_tx::pro_reg::Platform;
use crate::protocol::{Address, Amount, Transaction, bls, path, script};
use crate::rpc::{FoundCoin, NodeStatus};
use crate::store::{Kind, Vault};

/// Everything of a registration but the signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub network: String,
    /// Inputs unsigned, payload with an empty signature.
    pub unsigned: Transaction,
    pub payload: ProRegTx,
    pub collateral_path: DerivationPath,
    pub collateral_key: KeyId,
    pub collateral_amount: Amount,
    pub collateral_confirmations: u32,
    pub fee_from: FeeSource,
    pub fee_inputs: Vec<FeeInput>,
    pub fee: Amount,
    /// Text the device signs.
    pub message: String,
    pub verdict: Verdict,
    pub warnings: Vec<Warning>,
    /// Labels of the vault's keys that take part: role and label.
    pub keys: Vec<(&'static str, String)>,
    /// Those of them that were made for this plan.
    pub made: Vec<String>,
}

/// An output that pays the fee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeInput {
    pub outpoint: OutPoint,
    /// **Duffs**.
    pub value: u64,
    pub script: ScriptBuf,
}

/// Legal, but worth a second look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    FewConfirmations {
        have: u32,
        advised: u32,
    },
    /// It has every block it knows of, but its masternode sync is not done: what it tells may be old.
    NodeNotSynced,
    /// The collateral backs this masternode: it is replaced and its queue position lost.
    Replaces {
        pro_tx_hash: String,
    },
    OwnerIsVoting,
    PayoutIsCollateral,
    /// Registered banned until its operator announces an address.
    NoService,
    /// The operator's secret is kept elsewhere.
    ForeignOperator,
}

impl Plan {
    /// The key the device signs with, as the chain knows it.
    pub fn collateral_address(&self) -> Address {
        self.collateral_key.address()
    }

    /// The hash a Ledger shows for the message: SHA256, upper-case hexadecimal.
    pub fn message_hash(&self) -> String {
        device_hash(&self.message)
    }
}

/// SHA256 of a text as the Ledger's screen shows it.
pub fn device_hash(text: &str) -> String {
    use bitcoin::hashes::{Hash, sha256};
    sha256::Hash::hash(text.as_bytes()).to_string().to_uppercase()
}

/// Builds and checks the whole registration. Makes new keys in the vault where the draft asks for them.
///
/// # Errors
/// What is missing or refused; nothing was signed or sent.
pub async fn prepare(ports: &Ports, draft: Draft) -> Result<Plan, Error> {
    let status = ports.node.status().await?;
    if status.tip.height < status.headers {
        return Err(Error::NotSynced {
            blocks: status.tip.height,
            headers: status.headers,
        });
    }
    let amount = ports
        .profile
        .collateral(draft.kind)
        .ok_or_else(|| no_such_type(ports, draft.kind))?;
    let collateral = choose_collateral(ports, draft.kind, &draft.collateral, amount).await?;
    let mut made = Made::default();
    let keys = Keys::choose(ports, &draft, &mut made).inspect_err(|_| made.remove(ports))?;
    let planned = plan_with(ports, draft, &status, collateral, keys).await;
    match planned {
        Ok(plan) => Ok(Plan { made: made.0, ..plan }),
        Err(error) => {
            made.remove(ports);
            Err(error)
        }
    }
}

/// Takes back the keys that were made for a plan nobody will sign. Their numbers are not given out again.
pub fn discard(ports: &Ports, plan: &Plan) {
    Made(plan.made.clone()).remove(ports);
}

async fn plan_with(
    ports: &Ports,
    draft: Draft,
    status: &NodeStatus,
    collateral: Collateral,
    keys: Keys,
) -> Result<Plan, Error> {
    let payload = build_payload(&draft, &keys, &collateral, status);
    let (unsigned, payload, inputs, fee) = pay_fee(ports, &draft, payload, collateral.coin.outpoint).await?;
    let facts = transaction::facts(&*ports.node, &ports.profile, &unsigned).await?;
    let verdict = rules::check(&unsigned, &transaction::context(&ports.profile, status, &facts));
    if let Some(entry) = facts.operator_in_any_encoding(&keys.operator)
        && verdict.failures().all(|check| check.rule != "operator-key-unique")
    {
        return Err(Error::OperatorInOtherEncoding {
            pro_tx_hash: entry.pro_tx_hash.to_string(),
        });
    }
    let replaced = facts
        .masternodes
        .iter()
        .find(|entry| entry.collateral == payload.collateral);
    let mut warnings = warn(
        ports,
        &draft,
        &keys,
        &collateral,
        replaced.map(|entry| entry.pro_tx_hash.to_string()),
    );
    if !status.synced {
        warnings.push(Warning::NodeNotSynced);
    }
    Ok(Plan {
        network: ports.profile.name.clone(),
        message: payload.sign_message(&ports.profile),
        unsigned,
        payload,
        collateral_path: collateral.path,
        collateral_key: collateral.key_id,
        collateral_amount: collateral.coin.value,
        collateral_confirmations: collateral.coin.confirmations,
        fee_from: draft.fee_from,
        fee_inputs: inputs,
        fee,
        verdict,
        warnings,
        keys: keys.labels,
        made: Vec::new(),
    })
}

fn no_such_type(ports: &Ports, kind: MnType) -> Error {
    Error::NoSuchType {
        network: ports.profile.name.clone(),
        kind,
    }
}

/// The collateral output and the device key that owns it.
pub(super) struct Collateral {
    pub(super) coin: FoundCoin,
    pub(super) path: DerivationPath,
    pub(super) key_id: KeyId,
}

pub(super) async fn choose_collateral(
    ports: &Ports,
    kind: MnType,
    choice: &CollateralChoice,
    amount: Amount,
) -> Result<Collateral, Error> {
    match choice {
        CollateralChoice::Find => find_collateral(ports, kind, amount).await,
        CollateralChoice::Named { outpoint, path } => {
            let coin = ports
                .node
                .coin(*outpoint)
                .await?
                .ok_or(Error::CollateralMissing { outpoint: *outpoint })?;
            let (path, key_id) = match path {
                Some(path) => (path.clone(), check_path(ports, &coin, path).await?),
                None => search_path(ports, &coin).await?,
            };
            Ok(Collateral { coin, path, key_id })
        }
    }
}

async fn find_collateral(ports: &Ports, kind: MnType, amount: Amount) -> Result<Collateral, Error> {
    let all = wallet::candidates(ports, &wallet::default_accounts(ports)).await?;
    let fit: Vec<_> = all
        .into_iter()
        .filter(|found| found.kind == kind && found.used_by.is_none() && found.confirmations > 0)
        .collect();
    match fit.as_slice() {
        [] => Err(Error::NoCollateral { amount }),
        [one] => {
            let missing = Error::CollateralMissing { outpoint: one.outpoint };
            let coin = ports.node.coin(one.outpoint).await?.ok_or(missing)?;
            Ok(Collateral {
                coin,
                path: one.path.clone(),
                key_id: one.key_id,
            })
        }
        several => Err(Error::SeveralCollaterals {
            count: several.len(),
            outpoints: several.iter().map(|found| found.outpoint).collect(),
        }),
    }
}

/// The path's key must be the one the collateral pays to.
async fn check_path(ports: &Ports, coin: &FoundCoin, at: &DerivationPath) -> Result<KeyId, Error> {
    path::check(at).map_err(crate::hw::DeviceError::from)?;
    let derived = KeyId::of(&ports.device()?.public_key(at.clone()).await?);
    if script::address(coin.script.as_bytes()) == Some(derived.address()) {
        return Ok(derived);
    }
    let owner = script::address(coin.script.as_bytes());
    Err(Error::CollateralOfAnotherKey {
        outpoint: coin.outpoint,
        owner: owner.map_or_else(|| "a script".to_owned(), |address| address.to_text(&ports.profile)),
        path: path::to_text(at),
        derived: derived.address().to_text(&ports.profile),
    })
}

async fn search_path(ports: &Ports, coin: &FoundCoin) -> Result<(DerivationPath, KeyId), Error> {
    for account in wallet::default_accounts(ports) {
        let coins = wallet::account_coins(ports, account, &[coin.outpoint]).await?.coins;
        if let Some(found) = coins.into_iter().find(|found| found.coin.outpoint == coin.outpoint) {
            return Ok((found.path, found.key_id));
        }
    }
    Err(Error::CollateralPathUnknown {
        outpoint: coin.outpoint,
    })
}

/// Labels of keys made on the way to a plan.
#[derive(Default)]
struct Made(Vec<String>);

impl Made {
    fn make(&mut self, ports: &Ports, kind: Kind, name: &str) -> Result<String, Error> {
        let label = make(ports, kind, name)?;
        self.0.push(label.clone());
        Ok(label)
    }

    fn remove(&self, ports: &Ports) {
        let Ok(vault) = ports.vault() else { return };
        for label in &self.0 {
            if let Err(error) = vault.remove(label) {
                // An unused key more in the vault harms nobody.
                tracing::warn!(label, %error, "a key made for a plan was not taken back");
            }
        }
    }
}

/// The three keys of a masternode.
struct Keys {
    owner: KeyId,
    operator: bls::PublicKey,
    voting: KeyId,
    labels: Vec<(&'static str, String)>,
}

impl Keys {
    fn choose(ports: &Ports, draft: &Draft, made: &mut Made) -> Result<Self, Error> {
        let mut labels = Vec::new();
        let owner_label = match &draft.owner {
            KeyChoice::Held(label) => label.clone(),
            KeyChoice::New => made.make(ports, Kind::Owner, &draft.name)?,
        };
        let owner = secp_id(ports.vault()?, &owner_label, Kind::Owner)?;
        labels.push(("owner", owner_label));
        let operator = match &draft.operator {
            OperatorChoice::Foreign(key) => *key,
            OperatorChoice::Held(label) => operator_key(ports.vault()?, label, &mut labels)?,
            OperatorChoice::New => {
                let label = made.make(ports, Kind::Operator, &draft.name)?;
                operator_key(ports.vault()?, &label, &mut labels)?
            }
        };
        let voting = match &draft.voting {
            VotingChoice::SameAsOwner => owner,
            VotingChoice::Foreign(id) => *id,
            VotingChoice::Held(label) => {
                let id = secp_id(ports.vault()?, label, Kind::Voting)?;
                labels.push(("voting", label.clone()));
                id
            }
            VotingChoice::New => {
                let label = made.make(ports, Kind::Voting, &draft.name)?;
                let id = secp_id(ports.vault()?, &label, Kind::Voting)?;
                labels.push(("voting", label));
                id
            }
        };
        Ok(Self {
            owner,
            operator,
            voting,
            labels,
        })
    }
}

/// A new key of the vault: derived from the recovery phrase and durable before it is used anywhere.
pub(super) fn make(ports: &Ports, kind: Kind, name: &str) -> Result<String, Error> {
    let vault = ports.vault()?;
    let base = format!("{name}-{}", kind.name());
    let taken: Vec<String> = vault.list().into_iter().map(|key| key.label).collect();
    let label = (1..)
        .map(|n| if n == 1 { base.clone() } else { format!("{base}-{n}") })
        .find(|label| !taken.contains(label))
        .expect("labels are endless");
    vault.generate(kind, &label, &ports.profile, ports.now())?;
    Ok(label)
}

fn secp_id(vault: &Vault, label: &str, kind: Kind) -> Result<KeyId, Error> {
    expect_kind(vault, label, &[kind])?;
    Ok(vault.secp(label)?.key_id())
}

fn operator_key(vault: &Vault, label: &str, labels: &mut Vec<(&'static str, String)>) -> Result<bls::PublicKey, Error> {
    expect_kind(vault, label, &[Kind::Operator])?;
    labels.push(("operator", label.to_owned()));
    Ok(vault.bls(label)?.public_key())
}

fn expect_kind(vault: &Vault, label: &str, kinds: &[Kind]) -> Result<(), Error> {
    let found = vault.info(label)?.kind;
    if kinds.contains(&found) {
        return Ok(());
    }
    let wanted = kinds.first().map_or("", |kind| kind.name());
    Err(Error::KeyOfOtherKind {
        label: label.to_owned(),
        found: found.name().to_owned(),
        wanted: wanted.to_owned(),
    })
}

fn build_payload(draft: &Draft, keys: &Keys, collateral: &Collateral, status: &NodeStatus) -> ProRegTx {
    // Evonodes exist in version 2 only; before V19 the rules refuse them, with the reason.
    let version = if draft.kind == MnType::Evo {
        2
    } else {
        status.capabilities.payload_version()
    };
    let encoding = crate::protocol::special_tx::pro_reg::encoding_of(version);
    ProRegTx {
        version,
        kind: draft.kind.number(),
        mode: 0,
        collateral: collateral.coin.outpoint,
        service: draft.service,
        owner: keys.owner,
        operator: keys.operator.encode(encoding),
        voting: keys.voting,
        operator_reward: draft.operator_reward,
        payout: draft.payout.script(),
        inputs_hash: [0; 32],
        platform: draft
            .platform
            .as_ref()
            .filter(|_| draft.kind == MnType::Evo)
            .map(platform),
        signature: Vec::new(),
    }
}

fn platform(choice: &PlatformChoice) -> Platform {
    Platform {
        node_id: choice.node_id,
        p2p_port: choice.p2p_port,
        http_port: choice.http_port,
    }
}

/// Chooses the fee coins and completes the payload with their hash.
async fn pay_fee(
    ports: &Ports,
    draft: &Draft,
    mut payload: ProRegTx,
    collateral: OutPoint,
) -> Result<(Transaction, ProRegTx, Vec<FeeInput>, Amount), Error> {
    let (label, address, coins) = fee_coins(ports, &draft.fee_from, collateral).await?;
    let mut template = Transaction {
        version: 0,
        kind: 0,
        inputs: vec![],
        outputs: vec![],
        lock_time: 0,
        payload: vec![],
    };
    // The signature is part of the size that the fee is counted by.
    payload.signature = vec![0; 65];
    payload.attach(&mut template);
    let rate = ports.node.fee_rate().await?.advised;
    let spendable: Vec<Coin> = coins
        .iter()
        .map(|coin| Coin {
            outpoint: coin.outpoint,
            value: coin.value,
        })
        .collect();
    let funded = funding::fund(&template, &spendable, rate, &address.script(), Change::Required).map_err(|short| {
        let address = address.to_text(&ports.profile);
        Error::FeeKeyShort {
            label,
            address,
            available: short.available,
            needed: short.needed,
        }
    })?;
    if let FeeSource::Key(_) = draft.fee_from {
        for coin in coins.iter().filter(|coin| is_chosen(&funded.coins, coin)) {
            wallet::prove(ports, coin).await?;
        }
    }
    let mut unsigned = funded.tx;
    payload.inputs_hash = unsigned.inputs_hash();
    payload.signature.clear();
    payload.attach(&mut unsigned);
    let chosen = |outpoint: OutPoint| coins.iter().find(|coin| coin.outpoint == outpoint);
    let inputs = funded
        .coins
        .iter()
        .filter_map(|coin| chosen(coin.outpoint))
        .map(fee_input)
        .collect();
    Ok((unsigned, payload, inputs, funded.fee))
}

fn is_chosen(chosen: &[Coin], coin: &FoundCoin) -> bool {
    chosen.iter().any(|one| one.outpoint == coin.outpoint)
}

fn fee_input(coin: &FoundCoin) -> FeeInput {
    FeeInput {
        outpoint: coin.outpoint,
        value: coin.value.duffs(),
        script: coin.script.clone(),
    }
}

/// Coins that may pay: confirmed, mature, unspent also in the mempool, and never anything that is or looks like a collateral.
pub(super) async fn fee_coins(
    ports: &Ports,
    source: &FeeSource,
    collateral: OutPoint,
) -> Result<(String, Address, Vec<FoundCoin>), Error> {
    let listed: std::collections::HashSet<OutPoint> = ports
        .node
        .masternodes()
        .await?
        .entries
        .iter()
        .map(|entry| entry.collateral)
        .collect();
    let (label, address, found) = match source {
        FeeSource::Key(label) => {
            let vault = ports.vault()?;
            let address = secp_id(vault, label, Kind::Fee)?.address();
            let mut found = ports.node.coins_of(vec![address], vec![]).await?.coins;
            found.retain(|coin| coin.script == address.script());
            (label.clone(), address, found)
        }
        FeeSource::NodeWallet => {
            let wallet = ports.node.wallet_coins().await?;
            ("the node's wallet".to_owned(), wallet.change, wallet.coins)
        }
    };
    let maturity = ports.profile.coinbase_maturity;
    let usable = found
        .into_iter()
        .filter(|coin| coin.outpoint != collateral && !wallet::is_guarded(ports, coin, &listed))
        .filter(|coin| !coin.spent_in_mempool && coin.confirmations > 0)
        .filter(|coin| !coin.coinbase || coin.confirmations >= maturity)
        .collect();
    Ok((label, address, usable))
}

fn warn(ports: &Ports, draft: &Draft, keys: &Keys, collateral: &Collateral, replaces: Option<String>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let advised = ports.profile.advised_confirmations;
    if collateral.coin.confirmations < advised {
        warnings.push(Warning::FewConfirmations {
            have: collateral.coin.confirmations,
            advised,
        });
    }
    warnings.extend(replaces.map(|pro_tx_hash| Warning::Replaces { pro_tx_hash }));
    if keys.owner == keys.voting {
        warnings.push(Warning::OwnerIsVoting);
    }
    if draft.payout == collateral.key_id.address() {
        warnings.push(Warning::PayoutIsCollateral);
    }
    if draft.service.is_none() {
        warnings.push(Warning::NoService);
    }
    if matches!(draft.operator, OperatorChoice::Foreign(_)) {
        warnings.push(Warning::ForeignOperator);
    }
    warnings
}

impl Warning {
    pub fn sentence(&self) -> String {
        match self {
            Self::FewConfirmations { have, advised } => {
                format!(
                    "the collateral has {have} confirmations; one is enough to register, {advised} are needed to serve in quorums"
                )
            }
            Self::Replaces { pro_tx_hash } => {
                format!(
                    "the collateral backs the masternode {pro_tx_hash}: it will be replaced and its place in the payment queue is lost"
                )
            }
            Self::NodeNotSynced => "the node says that it is not synchronised yet: its list may be old".into(),
            Self::OwnerIsVoting => "owner and voting key are the same: who holds the one can use the other".into(),
            Self::PayoutIsCollateral => "rewards are paid to the address of the collateral".into(),
            Self::NoService => "without an address the masternode stays banned until its operator announces one".into(),
            Self::ForeignOperator => "only the holder of the operator's secret can start this masternode".into(),
        }
    }
}
