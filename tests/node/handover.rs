//! An update whose keys are on two machines, each with its own vault, journal and connection to one real node.

use std::sync::Arc;

use castellan::flow::choice::FeeSource;
use castellan::flow::operation::{self, Operation, Role};
use castellan::flow::update::{self, Change, Draft, OperatorPayout, Registrar, ServiceChange};
use castellan::flow::{Error, Ports};
use castellan::protocol::Address;
use castellan::protocol::network::MnType;
use castellan::protocol::special_tx::Service;
use castellan::rpc::{Auth, Client, Endpoint};
use castellan::store::journal::State;
use castellan::store::{Dirs, Journal, Kind};

use crate::chain::{Chain, FEES, Options};
use crate::masternode::{Masternode, Wanted};
use crate::support;

const PAYOUT: Address = Address::ScriptHash([0x24; 20]);

/// Two machines: one with the operator's key and a fee key, one with the owner's key and another fee key.
struct Two {
    chain: Chain,
    masternode: Masternode,
    owner: Ports,
    _folder: tempfile::TempDir,
}

impl Two {
    async fn start(options: Options) -> Self {
        let chain = Chain::start(options).await;
        let version = chain.version().await;
        let wanted = Wanted {
            kind: MnType::Regular,
            version,
            operator_reward: 100,
        };
        let masternode = chain.register(&[wanted]).await.remove(0);
        chain.coin().await;
        let profile = Arc::clone(&chain.ports.profile);
        let operator = castellan::protocol::wire::to_hex(&*masternode.operator().to_bytes());
        let vault = chain.ports.vault().expect("open");
        vault
            .import(Kind::Operator, "mn1-operator", &profile, &operator, 0)
            .expect("imported");

        let folder = tempfile::tempdir().expect("a folder");
        let dirs = Dirs::at(folder.path());
        let vault = support::vault(&dirs);
        let wif = masternode.owner().to_wif(&profile);
        vault
            .import(Kind::Owner, "mn1-owner", &profile, &wif, 0)
            .expect("imported");
        vault.generate(Kind::Fee, "purse", &profile, 0).expect("a key");
        chain.pay_key(&vault, "purse", "0.01").await;
        let auth = Auth::UserPassword {
            user: support::USER.into(),
            password: support::PASSWORD.to_owned().into(),
        };
        let endpoint = Endpoint::new(&chain.node.url(), auth).expect("a URL");
        let owner = Ports {
            node: Arc::new(Client::connect(endpoint, Arc::clone(&profile)).expect("a client")),
            vault: Some(Arc::new(vault)),
            journal: Arc::new(Journal::open(&dirs.journal).expect("a journal")),
            history: Arc::new(castellan::store::History::open(&dirs.history).expect("a history")),
            ..chain.ports.clone()
        };
        Self {
            chain,
            masternode,
            owner,
            _folder: folder,
        }
    }

    fn purse(&self) -> Address {
        let info = self.owner.vault().expect("open").info("purse").expect("held");
        info.key_id().expect("a key").address()
    }

    /// What the other machine makes of a file: read, judged, nothing believed.
    async fn read(&self, ports: &Ports, text: &str) -> (Operation, Vec<Role>) {
        let operation = operation::import(ports, &[text.to_owned()]).expect("an operation");
        let review = update::review(ports, &operation, None).await.expect("judged");
        assert_eq!(review.failure(), None);
        let missing = review.missing.into_iter().map(|missing| missing.role).collect();
        (operation, missing)
    }

    async fn plan(&self, ports: &Ports, change: Change, fee_from: FeeSource) -> (update::Plan, Vec<Role>) {
        let draft = Draft {
            pro_tx_hash: self.masternode.pro_tx_hash,
            change,
            fee_from,
        };
        let plan = update::prepare(ports, &draft).await.expect("a plan");
        assert_eq!(plan.review.failure(), None);
        let missing = plan.review.missing.iter().map(|missing| missing.role).collect();
        (plan, missing)
    }
}

fn last(ports: &Ports) -> State {
    ports.journal.list().expect("read").first().expect("begun").state()
}

/// Planned and paid by one machine, signed by the owner on the other, sent by the first.
async fn the_owner_signs_and_it_comes_back(two: &Two) {
    let here = &two.chain.ports;
    let change = Change::Registrar(Registrar {
        payout: Some(PAYOUT),
        ..Registrar::default()
    });
    let (plan, missing) = two.plan(here, change, FeeSource::Key(FEES.into())).await;
    assert_eq!(missing, [Role::Owner]);
    let refused = update::update(here.clone(), plan.clone()).await;
    assert!(matches!(
        refused,
        Err(Error::SignatureElsewhere { role: Role::Owner, .. })
    ));
    let exported = update::export(here.clone(), plan).await.expect("exported").to_file();

    let (operation, missing) = two.read(&two.owner, &exported).await;
    assert_eq!(missing, [Role::Fee]);
    let flow = operation::sign_here(two.owner.clone(), operation, None);
    let signed = flow.await.expect("signed").to_file();
    assert_ne!(last(&two.owner), State::Mined);

    let (operation, missing) = two.read(here, &signed).await;
    assert_eq!(missing, []);
    let flow = operation::run(here.clone(), operation, None);
    let outcome = two.chain.run(flow).await.expect("mined");
    let info = two.chain.info(two.masternode.pro_tx_hash).await;
    assert_eq!(info["state"]["payoutAddress"], PAYOUT.to_text(two.chain.profile()));
    assert_eq!(
        (outcome.pro_tx_hash, last(here)),
        (two.masternode.pro_tx_hash, State::Mined)
    );
}

/// Planned by one machine without money, signed and paid and sent by the owner's.
async fn the_owner_completes_it_there(two: &Two) {
    let here = &two.chain.ports;
    let change = Change::Registrar(Registrar {
        payout: Some(Address::PubkeyHash([0x25; 20])),
        ..Registrar::default()
    });
    let (plan, missing) = two.plan(here, change, FeeSource::Elsewhere(two.purse())).await;
    assert_eq!(missing, [Role::Owner, Role::Fee]);
    let exported = update::export(here.clone(), plan).await.expect("exported").to_file();

    let (operation, missing) = two.read(&two.owner, &exported).await;
    assert_eq!(missing, []);
    let flow = operation::run(two.owner.clone(), operation, None);
    let outcome = two.chain.run(flow).await.expect("mined");
    let entry = two.chain.entry(&two.masternode).await;
    assert_eq!(entry.state.payout, Some(Address::PubkeyHash([0x25; 20])));
    assert_eq!(last(&two.owner), State::Mined);
    let change: Vec<_> = outcome.tx.outputs.iter().map(|output| output.script.clone()).collect();
    assert_eq!(change, [two.purse().script()]);
}

/// The operator signs first; the owner's machine pays for it and sends it.
async fn the_operator_signs_and_the_other_pays(two: &Two) {
    let here = &two.chain.ports;
    let service = Service::v4([7, 7, 7, 7].into(), 20_200);
    let change = Change::Service(ServiceChange {
        service: Some(service),
        operator_payout: OperatorPayout::To(PAYOUT),
        ..ServiceChange::default()
    });
    let (plan, missing) = two.plan(here, change, FeeSource::Elsewhere(two.purse())).await;
    assert_eq!(missing, [Role::Fee]);
    let exported = update::export(here.clone(), plan).await.expect("exported").to_file();

    let (operation, missing) = two.read(&two.owner, &exported).await;
    assert!(
        operation.payload_signature.is_some() && missing.is_empty(),
        "{missing:?}"
    );
    let flow = operation::run(two.owner.clone(), operation, None);
    two.chain.run(flow).await.expect("mined");
    let entry = two.chain.entry(&two.masternode).await;
    assert_eq!(
        (entry.state.service, entry.state.operator_payout),
        (service, Some(PAYOUT))
    );
}

async fn is_handed_over(options: Options) {
    let two = Two::start(options).await;
    the_owner_signs_and_it_comes_back(&two).await;
    the_owner_completes_it_there(&two).await;
    the_operator_signs_and_the_other_pays(&two).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn updates_are_completed_by_another_machine_before_v19() {
    is_handed_over(Options::BEFORE_V19).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn updates_are_completed_by_another_machine_after_v19() {
    is_handed_over(Options::AFTER_V19).await;
}
