//! Who pays the fee: coins of a fee key or of the node's wallet, never a collateral.

use std::collections::HashSet;

use bitcoin::{OutPoint, ScriptBuf};
use serde::{Deserialize, Serialize};

use super::choice::FeeSource;
use super::guard::Collaterals;
use super::keys::secp_id;
use super::operation::Kind;
use super::{Error, Ports, wallet};
use crate::protocol::funding::{self, Change, Coin, Funded};
use crate::protocol::network::MnType;
use crate::protocol::special_tx::operator_signature::UNSIGNED;
use crate::protocol::special_tx::pro_reg::{BASIC_BLS, Platform};
use crate::protocol::special_tx::pro_up_rev::Reason;
use crate::protocol::special_tx::{Payload, ProRegTx, ProUpRegTx, ProUpRevTx, ProUpServTx, Service};
use crate::protocol::tx::SPECIAL_VERSION;
use crate::protocol::{Address, Amount, KeyId, Transaction, script};
use crate::rpc::FoundCoin;
use crate::store;

/// An output that pays the fee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeInput {
    pub outpoint: OutPoint,
    /// **Duffs**.
    pub value: u64,
    pub script: ScriptBuf,
}

/// What a fee is paid for: its length decides the fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bill {
    pub kind: Kind,
    pub mn_type: MnType,
}

impl Bill {
    /// A transaction of the length any of its kind has, without inputs.
    pub(super) fn of_full_length(self) -> Transaction {
        let platform = (self.mn_type == MnType::Evo).then_some(Platform {
            node_id: [0; 20],
            p2p_port: 0,
            http_port: 0,
        });
        let (pro_tx_hash, inputs_hash) = (OutPoint::null().txid, [0; 32]);
        let payout = script::pay_to_key(&[0; 20]);
        let (kind, version) = (self.mn_type.number(), BASIC_BLS);
        let payload = match self.kind {
            Kind::Register => Payload::ProReg(Box::new(ProRegTx {
                version,
                kind,
                mode: 0,
                collateral: OutPoint::null(),
                service: Service::NONE,
                owner: KeyId([0; 20]),
                operator: [0; 48],
                voting: KeyId([0; 20]),
                operator_reward: 0,
                payout,
                inputs_hash,
                platform,
                signature: Vec::new(),
            })),
            Kind::UpdateService => Payload::ProUpServ(Box::new(ProUpServTx {
                version,
                kind,
                pro_tx_hash,
                service: Service::NONE,
                operator_payout: payout,
                inputs_hash,
                platform,
                signature: UNSIGNED,
            })),
            Kind::UpdateRegistrar => Payload::ProUpReg(Box::new(ProUpRegTx {
                version,
                pro_tx_hash,
                mode: 0,
                operator: [0; 48],
                voting: KeyId([0; 20]),
                payout,
                inputs_hash,
                signature: Vec::new(),
            })),
            Kind::Revoke => Payload::ProUpRev(Box::new(ProUpRevTx::unsigned(
                version,
                pro_tx_hash,
                Reason::NotSpecified,
                inputs_hash,
            ))),
        };
        let mut tx = Transaction::empty(SPECIAL_VERSION);
        payload.of_final_length().attach(&mut tx);
        tx
    }
}

/// A transaction whose fee is paid: complete but for signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Paid {
    pub unsigned: Transaction,
    pub payload: Payload,
    pub inputs: Vec<FeeInput>,
    pub fee: Amount,
}

/// What fees are paid from, read once: the coins of a fee source, and what the node asks for.
///
/// A search for coins takes some nodes a minute, so a batch reads once and keeps the account itself.
#[derive(Debug, Clone)]
pub(super) struct Till {
    source: FeeSource,
    label: String,
    /// Change returns here.
    pub address: Address,
    pub coins: Vec<FoundCoin>,
    /// Change of transactions this program sent just now: not confirmed yet, but its own and known in every byte.
    own: HashSet<OutPoint>,
    /// **Duffs** per 1000 bytes.
    rate: Amount,
}

impl Till {
    /// # Errors
    /// Of the node and the vault.
    pub async fn open(ports: &Ports, source: &FeeSource, exclude: &[OutPoint]) -> Result<Self, Error> {
        let (label, address, coins) = fee_coins(ports, source, exclude).await?;
        Ok(Self {
            source: source.clone(),
            label,
            address,
            coins,
            own: HashSet::new(),
            rate: ports.node.fee_rate().await?.advised,
        })
    }

    pub fn source(&self) -> &FeeSource {
        &self.source
    }

    pub fn holds(&self) -> Amount {
        self.coins.iter().map(|coin| coin.value).sum()
    }

    /// Inputs and change for a payload of this length, and the fee. Nothing is asked or proven.
    ///
    /// # Errors
    /// [`Error::FeeKeyShort`]
    pub fn fund(&self, ports: &Ports, payload: &Payload) -> Result<Funded, Error> {
        let mut template = Transaction::empty(SPECIAL_VERSION);
        // The signature is part of the size that the fee is counted by.
        payload.clone().of_final_length().attach(&mut template);
        let coins: Vec<Coin> = self.coins.iter().map(Coin::from).collect();
        funding::fund(&template, &coins, self.rate, &self.address.script(), Change::Required).map_err(|short| {
            Error::FeeKeyShort {
                label: self.label.clone(),
                address: self.address.to_text(&ports.profile),
                available: short.available,
                needed: short.needed,
            }
        })
    }

    /// Chooses the fee coins and completes the payload with their hash.
    ///
    /// # Errors
    /// [`Error::FeeKeyShort`], and [`Error::UnprovenCoin`] for a coin that is not this program's own change.
    pub async fn pay(&self, ports: &Ports, payload: Payload) -> Result<Paid, Error> {
        let funded = self.fund(ports, &payload)?;
        let chosen: Vec<&FoundCoin> = funded
            .coins
            .iter()
            .filter_map(|chosen| self.coins.iter().find(|coin| coin.outpoint == chosen.outpoint))
            .collect();
        if self.source != FeeSource::NodeWallet {
            for coin in chosen.iter().filter(|coin| !self.own.contains(&coin.outpoint)) {
                wallet::prove(ports, coin).await?;
            }
        }
        let mut unsigned = funded.tx;
        let mut payload = payload.unsigned();
        payload.set_inputs_hash(unsigned.inputs_hash());
        payload.attach(&mut unsigned);
        Ok(Paid {
            unsigned,
            payload,
            inputs: chosen.into_iter().map(FeeInput::from).collect(),
            fee: funded.fee,
        })
    }

    /// A transaction was sent: what it spends is gone, and its outputs, which all are change, are there.
    pub fn spend(&mut self, tx: &Transaction) {
        let txid = tx.txid();
        self.remove(tx.inputs.iter().map(|input| input.previous));
        let change = (0..).zip(&tx.outputs).filter_map(|(vout, output)| {
            Some(FoundCoin {
                outpoint: OutPoint { txid, vout },
                value: output.amount()?,
                script: output.script.clone(),
                confirmations: 0,
                coinbase: false,
                spent_in_mempool: false,
            })
        });
        for coin in change {
            // The node may have found it in a block meanwhile.
            if self.coins.iter().all(|known| known.outpoint != coin.outpoint) {
                self.own.insert(coin.outpoint);
                self.coins.push(coin);
            }
        }
    }

    pub fn remove(&mut self, spent: impl IntoIterator<Item = OutPoint>) {
        let spent: HashSet<OutPoint> = spent.into_iter().collect();
        self.coins.retain(|coin| !spent.contains(&coin.outpoint));
    }
}

/// Chooses the fee coins, none of the excluded ones, and completes the payload with their hash.
pub(super) async fn pay_fee(
    ports: &Ports,
    source: &FeeSource,
    payload: Payload,
    exclude: &[OutPoint],
) -> Result<Paid, Error> {
    Till::open(ports, source, exclude).await?.pay(ports, payload).await
}

impl From<&FoundCoin> for FeeInput {
    fn from(coin: &FoundCoin) -> Self {
        Self {
            outpoint: coin.outpoint,
            value: coin.value.duffs(),
            script: coin.script.clone(),
        }
    }
}

/// Coins that may pay the fee ([`Collaterals::is_spendable`]) but for the excluded ones, with their owner's name and address.
pub(super) async fn fee_coins(
    ports: &Ports,
    source: &FeeSource,
    exclude: &[OutPoint],
) -> Result<(String, Address, Vec<FoundCoin>), Error> {
    let collaterals = Collaterals::read(ports).await?;
    let (label, address, found) = match source {
        FeeSource::Key(label) => {
            let address = secp_id(ports.vault()?, label, store::Kind::Fee)?.address();
            (label.clone(), address, coins_of(ports, address).await?)
        }
        FeeSource::Elsewhere(address) => {
            let label = address.to_text(&ports.profile);
            if !matches!(address, Address::PubkeyHash(_)) {
                return Err(Error::KeyOfOtherKind {
                    label,
                    found: "script".to_owned(),
                    wanted: store::Kind::Fee.name().to_owned(),
                });
            }
            (label, *address, coins_of(ports, *address).await?)
        }
        FeeSource::NodeWallet => {
            let wallet = ports.node.wallet_coins().await?;
            ("the node's wallet".to_owned(), wallet.change, wallet.coins)
        }
    };
    let usable = found
        .into_iter()
        .filter(|coin| !exclude.contains(&coin.outpoint) && collaterals.is_spendable(coin))
        .collect();
    Ok((label, address, usable))
}

async fn coins_of(ports: &Ports, address: Address) -> Result<Vec<FoundCoin>, Error> {
    let mut found = ports.node.coins_of(vec![address], vec![]).await?.coins;
    found.retain(|coin| coin.script == address.script());
    Ok(found)
}
