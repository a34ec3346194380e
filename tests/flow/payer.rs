//! A device account that pays, and devices that lie.

use bitcoin::bip32::{DerivationPath, Xpub};
use bitcoin::secp256k1::PublicKey;
use castellan::flow::pay::{self, Draft, Outcome, Plan, Purpose, Selection, Sum};
use castellan::flow::{Error, Ports, Step};
use castellan::hw::fake::FakeDevice;
use castellan::hw::{Device, DeviceInfo, Kind, Progress, Reply, ShownAddress, Spend};
use castellan::protocol::message::CompactSignature;
use castellan::protocol::{Address, Amount, OutPoint, Transaction, path};
use castellan::rpc::fake::FakeNode;

use crate::world::{World, run, told};

/// A device account with a collateral and two coins to spend: 2 on the first change address, 3 on the third address.
pub struct Payer {
    pub world: World,
    pub coins: [OutPoint; 2],
    pub to: Address,
}

impl Payer {
    pub fn new(network: &str) -> Self {
        let mut world = World::new(network);
        let two = world.chain.pay(world.device_key(0, true, 0), Amount::from_coins(2));
        let three = world.chain.pay(world.device_key(0, false, 2), Amount::from_coins(3));
        let to = world.key_id("fees").address();
        Self {
            world,
            coins: [two, three],
            to,
        }
    }

    pub fn draft(&self, purpose: Purpose, coins: Selection) -> Draft {
        Draft {
            account: path::account(&self.world.profile, 0),
            purpose,
            coins,
            rate: None,
        }
    }

    /// An amount to the fee key.
    pub fn exactly(&self, amount: Amount) -> Purpose {
        Purpose::Send {
            to: self.to,
            sum: Sum::Exactly(amount),
        }
    }

    pub async fn prepare(&self, amount: Amount) -> (Result<Plan, Error>, Ports, FakeNode) {
        self.prepare_draft(self.draft(self.exactly(amount), Selection::Automatic))
            .await
    }

    pub async fn prepare_draft(&self, draft: Draft) -> (Result<Plan, Error>, Ports, FakeNode) {
        let (ports, node) = self.world.ports();
        let before = self.world.journal.list().unwrap();
        let asked = self.world.signatures_asked();
        let plan = pay::prepare(&ports, draft).await;
        assert_eq!(told(&node), [], "planning only reads");
        assert_eq!(self.world.signatures_asked(), asked, "planning asks for no signature");
        assert_eq!(self.world.journal.list().unwrap(), before);
        (plan, ports, node)
    }

    pub async fn refusal(&self, amount: Amount) -> Error {
        self.prepare(amount).await.0.expect_err("it must be refused")
    }

    /// Plans and pays, and mines what was sent.
    pub async fn pay(&self, draft: Draft) -> (Plan, Outcome, Vec<Step>) {
        let (plan, ports, node) = self.prepare_draft(draft).await;
        let plan = plan.unwrap();
        let (outcome, steps) = run(&ports, &node, pay::pay(ports.clone(), plan.clone())).await;
        (plan, outcome.unwrap(), steps)
    }
}

pub fn chosen(coins: &[OutPoint], unlocked: &[OutPoint]) -> Selection {
    Selection::Chosen {
        coins: coins.iter().copied().collect(),
        unlocked: unlocked.iter().map(|coin| (*coin, u8::MAX)).collect(),
    }
}

pub fn spent(tx: &Transaction) -> Vec<OutPoint> {
    tx.inputs.iter().map(|input| input.previous).collect()
}

/// Signs well and then changes the transaction; shows an address and then tells another.
pub struct Lying {
    pub device: FakeDevice,
    pub tampers: fn(&mut Transaction),
    pub shows: fn(&mut ShownAddress),
}

impl Lying {
    pub fn of(world: &World) -> Self {
        Self {
            device: FakeDevice::new(world.profile.clone()),
            tampers: |_| {},
            shows: |_| {},
        }
    }
}

impl Device for Lying {
    fn kind(&self) -> Kind {
        self.device.kind()
    }
    fn place(&self) -> String {
        self.device.place()
    }
    fn info(&self) -> Reply<'_, DeviceInfo> {
        self.device.info()
    }
    fn public_key(&self, path: DerivationPath) -> Reply<'_, PublicKey> {
        self.device.public_key(path)
    }
    fn show_address(&self, path: DerivationPath) -> Reply<'_, ShownAddress> {
        Box::pin(async move {
            let mut shown = self.device.show_address(path).await?;
            (self.shows)(&mut shown);
            Ok(shown)
        })
    }
    fn account_xpub(&self, path: DerivationPath) -> Reply<'_, Xpub> {
        self.device.account_xpub(path)
    }
    fn sign_message(&self, path: DerivationPath, message: Vec<u8>) -> Reply<'_, CompactSignature> {
        self.device.sign_message(path, message)
    }
    fn sign_spend(&self, spend: Spend, progress: Progress) -> Reply<'_, Transaction> {
        Box::pin(async move {
            let mut tx = self.device.sign_spend(spend, progress).await?;
            (self.tampers)(&mut tx);
            Ok(tx)
        })
    }
}
