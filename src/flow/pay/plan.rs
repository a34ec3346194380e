//! The complete payment before the device is asked: coins chosen, proven and guarded, every rule of the node judged.

use std::collections::HashMap;

use bitcoin::bip32::DerivationPath;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

use super::draft::{Draft, Purpose, Selection, Sum};
use super::warning::{Warning, warn};
use crate::flow::guard::{self, Collaterals};
use crate::flow::wallet::{self, CoinState, Opened, WalletCoin};
use crate::flow::{Error, Ports, synced_status, transaction};
use crate::hw::{Spend, SpendInput};
use crate::protocol::funding::{self, Coin, Funded, PAYMENT_VERSION, Shortage};
use crate::protocol::key::KeyId;
use crate::protocol::{Address, Amount, OutPoint, Transaction, TxOut, rules};
use crate::rpc::FeeRate;

/// Inputs a device signs at once: beyond these a Ledger and a Trezor need minutes.
pub const MAX_INPUTS: usize = 50;
/// **Duffs** per 1000 bytes. Above this nodes refuse a transaction of their own users (`DEFAULT_MAX_RAW_TX_FEE_RATE`).
pub const MAX_RATE: Amount = Amount::from_duffs(10_000_000);
/// **Duffs**. What Dash Core's wallet pays at most for one transaction (`DEFAULT_TRANSACTION_MAXFEE`); more is a mistake.
pub const MAX_FEE: Amount = Amount::from_duffs(10_000_000);
/// Previous transactions asked of a node at a time.
const AT_ONCE: usize = 4;

/// A payment, complete and unsigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub purpose: Purpose,
    pub account: DerivationPath,
    pub to: Address,
    /// What the destination gets.
    pub amount: Amount,
    pub fee: Amount,
    /// **Duffs** per 1000 bytes.
    pub rate: Amount,
    pub unsigned: Transaction,
    pub spend: Spend,
    /// What returns to the account; the device does not show it.
    pub change: Option<Change>,
    /// In the order of the transaction's inputs.
    pub inputs: Vec<WalletCoin>,
    /// The destination is an address of the same account: the device shows it first.
    pub to_path: Option<DerivationPath>,
    pub warnings: Vec<Warning>,
}

/// The output that returns to the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub amount: Amount,
    pub path: DerivationPath,
    pub address: Address,
}

impl Plan {
    /// Index of the output that pays the destination.
    pub fn payment_output(&self) -> usize {
        0
    }

    /// Guarded coins it spends, whose phrases were typed.
    pub fn unlocked(&self) -> impl Iterator<Item = &WalletCoin> {
        self.inputs.iter().filter(|coin| !coin.guards.is_empty())
    }
}

/// Chooses coins of one account and builds the payment. Guarded coins are never chosen; nothing is written down, signed or sent.
///
/// # Errors
/// Of device and node; [`Error::Guarded`], [`Error::CoinNotReady`], [`Error::NoSuchCoin`] of a chosen coin; [`Error::Short`],
/// [`Error::TooManyCoins`], [`Error::FeeRate`], [`Error::FeeTooHigh`], [`Error::UnprovenCoin`], and the first rule it breaks.
pub async fn prepare(ports: &Ports, draft: Draft) -> Result<Plan, Error> {
    synced_status(ports).await?;
    let rates = ports.node.fee_rate().await?;
    let rate = choose_rate(&rates, draft.rate)?;
    let collaterals = Collaterals::read(ports).await?;
    let hints = hints(&draft.coins);
    // Labels only adorn a payment: an unreadable file is no reason not to pay.
    let labels = wallet::labels(ports).unwrap_or_default();
    let opened = wallet::open(ports, &labels, &collaterals, draft.account.clone(), &hints).await?;
    let (to, sum) = destination(ports, &draft.purpose, &opened)?;
    let coins = choose(ports, &opened, &draft.coins)?;
    let change = change_place(&opened, to);
    let funded = fund(&coins, &draft.coins, to, sum, rate, change.1)?;
    check_cost(&funded)?;
    let inputs = inputs_of(&funded, coins);
    let spend_inputs = prove_all(ports, &inputs).await?;
    judge(ports, &funded.tx).await?;
    let amount = funded.tx.outputs[0].amount().unwrap_or(Amount::ZERO);
    let kept = funded.change.and_then(|at| funded.tx.outputs[at].amount());
    let spend = Spend {
        inputs: spend_inputs,
        outputs: funded.tx.outputs.clone(),
        change: funded.change.map(|_| change.0.clone()),
        lock_time: 0,
    };
    let mut plan = Plan {
        to_path: own_path(&opened, to),
        purpose: draft.purpose,
        account: draft.account,
        to,
        amount,
        fee: funded.fee,
        rate,
        unsigned: funded.tx,
        spend,
        change: kept.map(|amount| Change {
            amount,
            path: change.0,
            address: change.1.address(),
        }),
        inputs,
        warnings: Vec::new(),
    };
    plan.warnings = warn(ports, &plan, &opened.account, &rates);
    Ok(plan)
}

/// The node's advice is bounded like anybody's.
fn choose_rate(rates: &FeeRate, wanted: Option<Amount>) -> Result<Amount, Error> {
    let rate = wanted.unwrap_or(rates.advised);
    if rate < rates.relay || rate > MAX_RATE {
        return Err(Error::FeeRate {
            rate,
            least: rates.relay,
            most: MAX_RATE,
        });
    }
    Ok(rate)
}

/// Coins the user named, for nodes that can search nothing.
fn hints(selection: &Selection) -> Vec<OutPoint> {
    match selection {
        Selection::Automatic => Vec::new(),
        Selection::Chosen { coins, .. } => coins.iter().copied().collect(),
    }
}

fn destination(ports: &Ports, purpose: &Purpose, opened: &Opened) -> Result<(Address, Sum), Error> {
    let (to, sum) = match purpose {
        Purpose::Fund { to, amount, .. } => (*to, Sum::Exactly(*amount)),
        Purpose::Send { to, sum } => (*to, *sum),
        Purpose::Collateral { kind } => {
            let (network, kind) = (ports.profile.name.clone(), *kind);
            let amount = ports
                .profile
                .collateral(kind)
                .ok_or(Error::NoSuchType { network, kind })?;
            (opened.account.next_receive.1.address(), Sum::Exactly(amount))
        }
    };
    if sum == Sum::Exactly(Amount::ZERO) {
        return Err(Error::NothingToPay);
    }
    Ok((to, sum))
}

/// What may be spent: the chosen coins, all of which must be fit, or every free one.
fn choose(ports: &Ports, opened: &Opened, selection: &Selection) -> Result<Vec<WalletCoin>, Error> {
    let all = &opened.account.coins;
    let Selection::Chosen { coins, unlocked } = selection else {
        return Ok(all.iter().filter(|coin| coin.is_free()).cloned().collect());
    };
    let mut chosen = Vec::with_capacity(coins.len());
    for outpoint in coins {
        let coin = all.iter().find(|coin| coin.outpoint() == *outpoint);
        let coin = coin.ok_or(Error::NoSuchCoin { outpoint: *outpoint })?;
        if coin.state != CoinState::Ready {
            return Err(not_ready(coin));
        }
        if guard::gravity(&coin.guards) > unlocked.get(outpoint).copied().unwrap_or(0) {
            return Err(Error::Guarded {
                outpoint: *outpoint,
                consequence: guard::consequences(&coin.guards, &ports.profile),
            });
        }
        chosen.push(coin.clone());
    }
    Ok(chosen)
}

fn not_ready(coin: &WalletCoin) -> Error {
    Error::CoinNotReady {
        outpoint: coin.outpoint(),
        state: coin.state,
    }
}

/// Where change goes: the next unused address of the change chain, which the destination never is, or the device would hide a payment
/// as change.
fn change_place(opened: &Opened, to: Address) -> (DerivationPath, KeyId) {
    let Opened {
        account, after_change, ..
    } = opened;
    if account.next_change.1.address() == to {
        after_change.clone()
    } else {
        account.next_change.clone()
    }
}

fn fund(
    coins: &[WalletCoin],
    selection: &Selection,
    to: Address,
    sum: Sum,
    rate: Amount,
    change: KeyId,
) -> Result<Funded, Error> {
    let coins: Vec<Coin> = coins.iter().map(|coin| Coin::from(&coin.own.coin)).collect();
    let back = change.address().script();
    let mut template = Transaction::empty(PAYMENT_VERSION);
    let funded = match (sum, selection) {
        (Sum::All, _) => {
            check_count(coins.len())?;
            funding::fund_all(&coins, rate, &to.script())
        }
        (Sum::Exactly(amount), Selection::Automatic) => {
            template.outputs.push(TxOut::new(amount, to.script()));
            funding::fund(&template, &coins, rate, &back, funding::Change::IfWorthIt)
        }
        (Sum::Exactly(amount), Selection::Chosen { .. }) => {
            template.outputs.push(TxOut::new(amount, to.script()));
            check_count(coins.len())?;
            funding::fund_with(&template, &coins, rate, &back)
        }
    };
    let funded = funded.map_err(|short: Shortage| Error::Short(short))?;
    check_count(funded.coins.len())?;
    Ok(funded)
}

fn check_count(count: usize) -> Result<(), Error> {
    if count > MAX_INPUTS {
        return Err(Error::TooManyCoins {
            count,
            most: MAX_INPUTS,
        });
    }
    Ok(())
}

fn check_cost(funded: &Funded) -> Result<(), Error> {
    if funded.fee > MAX_FEE {
        return Err(Error::FeeTooHigh {
            fee: funded.fee,
            most: MAX_FEE,
        });
    }
    Ok(())
}

fn inputs_of(funded: &Funded, coins: Vec<WalletCoin>) -> Vec<WalletCoin> {
    let find = |outpoint| {
        let found = coins.iter().find(|coin| coin.outpoint() == outpoint);
        found.cloned().expect("chosen from these")
    };
    funded.coins.iter().map(|coin| find(coin.outpoint)).collect()
}

/// The device recomputes each previous transaction; here they are compared before it is asked.
async fn prove_all(ports: &Ports, inputs: &[WalletCoin]) -> Result<Vec<SpendInput>, Error> {
    let asked: Vec<_> = inputs.iter().map(|coin| spend_input(ports, coin).boxed()).collect();
    stream::iter(asked).buffered(AT_ONCE).try_collect().await
}

async fn spend_input(ports: &Ports, coin: &WalletCoin) -> Result<SpendInput, Error> {
    let previous = wallet::prove(ports, &coin.own.coin).await?;
    // Whether a coinbase made it is seen here, whatever the node said of it.
    let reward = previous.inputs.first().is_some_and(|input| input.is_coinbase());
    let left = ports
        .profile
        .coinbase_maturity
        .saturating_sub(coin.own.coin.confirmations);
    if reward && left > 0 {
        return Err(Error::CoinNotReady {
            outpoint: coin.outpoint(),
            state: CoinState::Immature { blocks_left: left },
        });
    }
    Ok(SpendInput {
        path: coin.own.path.clone(),
        key_id: coin.own.key_id,
        outpoint: coin.outpoint(),
        previous,
        amount: coin.value(),
    })
}

async fn judge(ports: &Ports, tx: &Transaction) -> Result<(), Error> {
    let verdict = transaction::judge(ports, tx).await?;
    match verdict.failure_before_signing() {
        Some(check) => Err(Error::Rule(check.clone())),
        None => Ok(()),
    }
}

/// As [`prepare`] judged it, of the signed transaction: the node's state may have changed while the device was asked, and a coin may
/// have become a collateral. `agreed`: how grave a guard of a coin may be ([`guard::gravity`]), as it was reviewed.
pub(super) async fn judge_again(ports: &Ports, tx: &Transaction, agreed: &HashMap<OutPoint, u8>) -> Result<(), Error> {
    let status = ports.node.status().await?;
    let facts = transaction::facts(&*ports.node, &ports.profile, tx).await?;
    let verdict = rules::check(tx, &transaction::context(&ports.profile, &status, &facts));
    if let Some(check) = verdict.failure() {
        return Err(Error::Rule(check.clone()));
    }
    let collaterals = Collaterals::of(ports, facts.masternodes.clone())?;
    let coins = tx.inputs.iter().map(|input| {
        let coin = facts.coin(&input.previous).flatten();
        (input.previous, coin.map_or(Amount::ZERO, |coin| coin.value))
    });
    check_guards(ports, &collaterals, agreed, coins)
}

/// None of the coins has a graver guard than was agreed to.
pub(super) fn check_guards(
    ports: &Ports,
    collaterals: &Collaterals,
    agreed: &HashMap<OutPoint, u8>,
    coins: impl Iterator<Item = (OutPoint, Amount)>,
) -> Result<(), Error> {
    for (outpoint, value) in coins {
        let guards = collaterals.guards_of(outpoint, value);
        if guard::gravity(&guards) > agreed.get(&outpoint).copied().unwrap_or(0) {
            let consequence = guard::consequences(&guards, &ports.profile);
            return Err(Error::Guarded { outpoint, consequence });
        }
    }
    Ok(())
}

fn own_path(opened: &Opened, to: Address) -> Option<DerivationPath> {
    match to {
        Address::PubkeyHash(hash) => opened.path_of(KeyId(hash)),
        Address::ScriptHash(_) => None,
    }
}
