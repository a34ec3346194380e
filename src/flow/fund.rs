//! An ordinary payment from the device: fills a fee key, or pays any address.

use bitcoin::Txid;
use bitcoin::bip32::DerivationPath;
use serde::{Deserialize, Serialize};
use sipper::{Sender, Straw, sipper};

use super::wallet::{self, DeviceCoin};
use super::{Error, Ports, Step, send, transaction};
use crate::hw::{Spend, SpendInput};
use crate::protocol::funding::{self, Change, Coin};
use crate::protocol::{Address, Amount, Transaction, TxOut, rules};
use crate::store::journal::Event;

/// A payment, complete and unsigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub to: Address,
    pub amount: Amount,
    pub fee: Amount,
    pub unsigned: Transaction,
    pub spend: Spend,
    /// Value of the change that returns to the device.
    pub change: Option<Amount>,
}

/// A payment in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub txid: Txid,
    pub tx: Transaction,
    pub fee: Amount,
    pub height: u32,
}

/// What the journal keeps of a payment: enough to see what was meant.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    to: String,
    amount: String,
    unsigned: String,
}

/// Chooses coins of one account and builds the payment. Collaterals are never chosen.
///
/// # Errors
/// Of device and node, [`Error::Short`], [`Error::UnprovenCoin`], and the first rule the payment breaks.
pub async fn prepare(ports: &Ports, to: Address, amount: Amount, account: DerivationPath) -> Result<Plan, Error> {
    let listed = wallet::listed_collaterals(ports).await?;
    let found = wallet::account_coins(ports, account, &[]).await?;
    let usable: Vec<DeviceCoin> = found
        .coins
        .into_iter()
        .filter(|own| wallet::is_spendable(ports, &own.coin, &listed))
        .collect();
    let mut template = Transaction::empty(2);
    template.outputs.push(TxOut::new(amount, to.script()));
    let rate = ports.node.fee_rate().await?.advised;
    let coins: Vec<Coin> = usable.iter().map(|own| Coin::from(&own.coin)).collect();
    let (change_path, change_key) = found.next_change;
    let change_script = change_key.address().script();
    let funded = funding::fund(&template, &coins, rate, &change_script, Change::IfWorthIt).map_err(Error::Short)?;
    let mut inputs = Vec::with_capacity(funded.coins.len());
    for chosen in &funded.coins {
        let own = usable
            .iter()
            .find(|own| own.coin.outpoint == chosen.outpoint)
            .expect("chosen from these");
        inputs.push(spend_input(ports, own).await?);
    }
    let verdict = transaction::judge(ports, &funded.tx).await?;
    if let Some(check) = verdict.failure_before_signing() {
        return Err(Error::Rule(check.clone()));
    }
    let change = funded.change.and_then(|at| funded.tx.outputs[at].amount());
    let spend = Spend {
        inputs,
        outputs: funded.tx.outputs.clone(),
        change: funded.change.map(|_| change_path),
        lock_time: 0,
    };
    Ok(Plan {
        to,
        amount,
        fee: funded.fee,
        unsigned: funded.tx,
        spend,
        change,
    })
}

/// The device recomputes each previous transaction; here they are compared before it is asked.
async fn spend_input(ports: &Ports, own: &DeviceCoin) -> Result<SpendInput, Error> {
    let previous = wallet::prove(ports, &own.coin).await?;
    Ok(SpendInput {
        path: own.path.clone(),
        key_id: own.key_id,
        outpoint: own.coin.outpoint,
        previous,
        amount: own.coin.value,
    })
}

/// Signs on the device, verifies, sends and awaits. It cannot be undone from [`Step::Broadcasting`] on.
pub fn pay(ports: Ports, plan: Plan) -> impl Straw<Outcome, Step, Error> {
    sipper(async move |mut steps| {
        let id = ports
            .journal
            .begin("fund", &ports.profile.name, &stored(&ports, &plan), ports.now())?;
        steps.send(Step::Planned { id }).await;
        let tx = match sign(&ports, id, &plan, &mut steps).await {
            Ok(tx) => tx,
            // Nothing to go on with: its coins may be gone by then, and planning it anew costs nothing.
            Err(error) => return Err(send::note_failure(&ports, id, error)),
        };
        let height = send::deliver(&ports, id, &tx, &mut steps).await?;
        Ok(Outcome {
            txid: tx.txid(),
            tx,
            fee: plan.fee,
            height,
        })
    })
}

async fn sign(ports: &Ports, id: i64, plan: &Plan, steps: &mut Sender<Step>) -> Result<Transaction, Error> {
    let device = ports.device()?;
    let ticker = &ports.profile.ticker;
    steps
        .send(Step::ConfirmPayment {
            device: device.kind().to_string(),
            outputs: vec![(
                format!("{} {ticker}", plan.amount.short()),
                plan.to.to_text(&ports.profile),
            )],
            fee: format!("{} {ticker}", plan.fee.short()),
        })
        .await;
    let tx = device
        .sign_spend(plan.spend.clone(), crate::hw::Progress::none())
        .await?;
    verify(plan, &tx)?;
    ports.journal.record(
        id,
        &Event::Signed {
            what: "payment".into(),
            hex: tx.to_hex(),
        },
        ports.now(),
    )?;
    steps.send(Step::DeviceSigned).await;
    steps
        .send(Step::Verified {
            txid: tx.txid(),
            size: tx.size(),
        })
        .await;
    Ok(tx)
}

/// The device's transaction is the reviewed one, and every input is signed by its key.
fn verify(plan: &Plan, tx: &Transaction) -> Result<(), Error> {
    if Transaction::decode(&tx.encode())?.without_scripts() != plan.unsigned {
        return Err(Error::NotAsReviewed {
            what: "inputs or outputs differ",
        });
    }
    for (at, input) in plan.spend.inputs.iter().enumerate() {
        let script = input.key_id.address().script();
        if rules::is_signed(tx, at, script.as_bytes()) != Some(true) {
            return Err(Error::NotAsReviewed {
                what: "an input is not signed by its key",
            });
        }
    }
    Ok(())
}

fn stored(ports: &Ports, plan: &Plan) -> Stored {
    Stored {
        to: plan.to.to_text(&ports.profile),
        amount: plan.amount.to_string(),
        unsigned: plan.unsigned.to_hex(),
    }
}
