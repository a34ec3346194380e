//! The registration as far as it is known, judged by the node's own rules after every key stroke.

use std::collections::HashMap;
use std::sync::Arc;

use crate::flow::register::{
    CollateralChoice, Draft, FeeSource, KeyChoice, OperatorChoice, PlatformChoice, VotingChoice,
};
use crate::flow::wallet::Candidate;
use crate::flow::{Error, Ports, transaction};
use crate::protocol::key::KeyId;
use crate::protocol::network::MnType;
use crate::protocol::rules::{self, Check, Coin, Context, Facts};
use crate::protocol::special_tx::pro_reg::{Platform, encoding_of};
use crate::protocol::special_tx::{ProRegTx, Service};
use crate::protocol::tx::SPECIAL_VERSION;
use crate::protocol::{Address, OutPoint, Profile, Transaction, bls, script};
use crate::rpc::NodeStatus;

/// What the steps have said so far; each fills its own part and takes it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch {
    pub name: String,
    pub kind: MnType,
    pub collateral: Option<Candidate>,
    pub service: Option<Service>,
    pub platform: Option<PlatformChoice>,
    pub owner: Option<Owner>,
    pub operator: Option<Operator>,
    pub voting: Option<Voting>,
    pub payout: Option<Address>,
    /// Hundredths of a percent.
    pub operator_reward: u16,
    pub fee_from: Option<FeeSource>,
}

/// A choice and, where the key exists already, the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub choice: KeyChoice,
    pub key: Option<KeyId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    pub choice: OperatorChoice,
    pub key: Option<bls::PublicKey>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voting {
    pub choice: VotingChoice,
    pub key: Option<KeyId>,
}

impl Default for Sketch {
    fn default() -> Self {
        Self {
            name: String::new(),
            kind: MnType::Regular,
            collateral: None,
            service: None,
            platform: None,
            owner: None,
            operator: None,
            voting: None,
            payout: None,
            operator_reward: 0,
            fee_from: None,
        }
    }
}

impl Sketch {
    /// The draft, once every step has spoken.
    pub fn draft(&self) -> Option<Draft> {
        let collateral = self.collateral.as_ref()?;
        Some(Draft {
            name: self.name.clone(),
            kind: self.kind,
            collateral: CollateralChoice::Named {
                outpoint: collateral.outpoint,
                path: Some(collateral.path.clone()),
            },
            service: self.service?,
            owner: self.owner.as_ref()?.choice.clone(),
            operator: self.operator.as_ref()?.choice.clone(),
            voting: self.voting.as_ref()?.choice.clone(),
            payout: self.payout?,
            operator_reward: self.operator_reward,
            platform: self.platform.clone(),
            fee_from: self.fee_from.clone()?,
        })
    }

    /// What a node would refuse of it. Parts that are not known yet are filled with values no rule objects to.
    pub fn failures(&self, profile: &Profile, chain: Option<&Chain>) -> Vec<Check> {
        let facts = chain.map(|chain| Facts {
            coins: self.coins(),
            ..chain.facts.clone()
        });
        let context = match (chain, &facts) {
            (Some(chain), Some(facts)) => transaction::context(profile, &chain.status, facts),
            _ => Context::offline(profile),
        };
        let version = if self.kind == MnType::Evo {
            2
        } else {
            context.max_version
        };
        let mut tx = Transaction::empty(SPECIAL_VERSION);
        self.payload(version).attach(&mut tx);
        let mut failures: Vec<Check> = rules::check(&tx, &context).failures().cloned().collect();
        failures.extend(self.operator_elsewhere(facts.as_ref()));
        failures
    }

    fn payload(&self, version: u16) -> ProRegTx {
        let owner = self
            .owner
            .as_ref()
            .and_then(|owner| owner.key)
            .unwrap_or(KeyId([0x11; 20]));
        let operator = self
            .operator
            .as_ref()
            .and_then(|operator| operator.key)
            .unwrap_or_else(some_operator);
        ProRegTx {
            version,
            kind: self.kind.number(),
            mode: 0,
            collateral: self
                .collateral
                .as_ref()
                .map_or_else(some_outpoint, |collateral| collateral.outpoint),
            service: self.service.unwrap_or(Service::NONE),
            owner,
            operator: operator.encode(encoding_of(version)),
            voting: self
                .voting
                .as_ref()
                .and_then(|voting| voting.key)
                .unwrap_or(KeyId([0x12; 20])),
            operator_reward: self.operator_reward,
            payout: self.payout.unwrap_or(Address::PubkeyHash([0x22; 20])).script(),
            inputs_hash: [0; 32],
            platform: self
                .platform
                .as_ref()
                .map(platform)
                .or_else(|| (self.kind == MnType::Evo).then_some(SOME_PLATFORM)),
            signature: Vec::new(),
        }
    }

    fn coins(&self) -> HashMap<OutPoint, Option<Coin>> {
        let coin = |found: &Candidate| Coin {
            value: found.amount,
            script: script::pay_to_key(&found.key_id.0),
            confirmations: found.confirmations,
            coinbase: false,
            spent_in_mempool: false,
        };
        self.collateral
            .iter()
            .map(|found| (found.outpoint, Some(coin(found))))
            .collect()
    }

    /// Nodes compare operator keys within one encoding only; the same key in the other one is as unusable.
    fn operator_elsewhere(&self, facts: Option<&Facts>) -> Option<Check> {
        let key = self.operator.as_ref()?.key?;
        let entry = facts?.operator_in_any_encoding(&key)?;
        let error = Error::OperatorInOtherEncoding {
            pro_tx_hash: entry.pro_tx_hash.to_string(),
        };
        Some(Check {
            rule: "operator-key-elsewhere",
            reject: "",
            passed: Some(false),
            needs_node: true,
            message: error.to_string(),
        })
    }
}

fn platform(choice: &PlatformChoice) -> Platform {
    Platform {
        node_id: choice.node_id,
        p2p_port: choice.p2p_port,
        http_port: choice.http_port,
    }
}

const SOME_PLATFORM: Platform = Platform {
    node_id: [0x33; 20],
    p2p_port: 1,
    http_port: 2,
};

fn some_operator() -> bls::PublicKey {
    let mut secret = [0; bls::SecretKey::LENGTH];
    secret[31] = 1;
    bls::SecretKey::from_bytes(&secret)
        .expect("one is in range")
        .public_key()
}

fn some_outpoint() -> OutPoint {
    use bitcoin::hashes::Hash;
    OutPoint {
        txid: bitcoin::Txid::from_byte_array([0x44; 32]),
        vout: 0,
    }
}

/// What the node said when the form was opened: its rules, and the list that keys and addresses must not be in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    pub status: NodeStatus,
    pub facts: Facts,
}

/// # Errors
/// Of the node.
pub async fn read_chain(ports: Ports) -> Result<Chain, Error> {
    let status = ports.node.status().await?;
    let list = ports.node.masternodes().await?;
    let facts = Facts {
        height: list.tip.height,
        masternodes: Arc::unwrap_or_clone(list.entries),
        coinbase_maturity: ports.profile.coinbase_maturity,
        ..Facts::default()
    };
    Ok(Chain { status, facts })
}
