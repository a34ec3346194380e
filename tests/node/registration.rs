//! The registration flow on a real node, with an emulated device, and the rules of a registration.

use std::sync::Arc;
use std::time::Duration;

use bitcoin::bip32::{DerivationPath, Xpriv};
use castellan::flow::register::{
    self, CollateralChoice, Draft, FeeSource, KeyChoice, OperatorChoice, PlatformChoice, VotingChoice,
};
use castellan::flow::{Error, Ports, Step};
use castellan::hw::{DeviceSpec, Nobody};
use castellan::protocol::message::message_hash;
use castellan::protocol::network::{self, MnType};
use castellan::protocol::special_tx::pro_reg::Platform;
use castellan::protocol::special_tx::{Payload, ProRegTx, Service};
use castellan::protocol::{Address, KeyId, OutPoint, Profile, SecpKey, Transaction, path, script};
use castellan::rpc::{Auth, Client, Endpoint};
use castellan::sandbox::ledger::{Options, SandboxLedger, TEST_PHRASE};
use castellan::setup;
use castellan::store::{Dirs, Journal, Kind};
use serde_json::json;
use sipper::Sipper;

use crate::judgement::Tally;
use crate::support::{self, Dashd};

/// A node, an emulated device, and everything the flows need.
struct World {
    node: Dashd,
    ports: Ports,
    _ledger: SandboxLedger,
    _folder: tempfile::TempDir,
}

impl World {
    async fn start(options: &[&str]) -> Self {
        let node = Dashd::start(options).await;
        let profile = Arc::new(network::builtin("dash-regtest").expect("embedded"));
        let mut device = Options {
            auto_approve: true,
            ..Options::for_profile(&profile)
        };
        device.app.coin_type = profile.coin_type;
        let ledger = SandboxLedger::start(device).expect("a free port");
        let spec: DeviceSpec = format!("ledger@{}", ledger.address()).parse().expect("a device");
        let device = setup::open_device(spec, Arc::clone(&profile), Arc::new(Nobody))
            .await
            .expect("the emulated device");
        let auth = Auth::UserPassword {
            user: support::USER.into(),
            password: support::PASSWORD.to_owned().into(),
        };
        let client =
            Client::connect(Endpoint::new(&node.url(), auth).expect("a URL"), Arc::clone(&profile)).expect("a client");
        let folder = tempfile::tempdir().expect("a folder");
        let dirs = Dirs::at(folder.path());
        let vault = support::vault(&dirs);
        vault.generate(Kind::Fee, "fees", &profile, 0).expect("a key");
        let ports = Ports {
            profile,
            node: Arc::new(client),
            device: Some(device),
            vault: Some(Arc::new(vault)),
            journal: Arc::new(Journal::open(&dirs.journal).expect("a journal")),
            history: Arc::new(castellan::store::History::open(&dirs.history).expect("a history")),
            poll: Duration::from_millis(100),
        };
        node.mine(130).await;
        Self {
            node,
            ports,
            _ledger: ledger,
            _folder: folder,
        }
    }

    fn profile(&self) -> &Profile {
        &self.ports.profile
    }

    async fn device_address(&self, index: u32) -> String {
        let device = self.ports.device().expect("open");
        let key = device
            .public_key(path::address(self.profile(), 0, false, index))
            .await
            .expect("a key");
        KeyId::of(&key).address().to_text(self.profile())
    }

    /// A confirmed collateral on the device, and money on the fee key.
    async fn collateral(&self, coins: &str) -> OutPoint {
        while self.balance().await < coins.parse::<f64>().expect("a number") + 10.0 {
            self.node.mine(10).await;
        }
        let collateral = self.node.pay(&self.device_address(0).await, coins).await;
        let fee = self
            .ports
            .vault()
            .expect("open")
            .info("fees")
            .expect("made")
            .address()
            .expect("an address")
            .to_owned();
        self.node.pay(&fee, "1").await;
        self.node.mine(1).await;
        collateral
    }

    async fn balance(&self) -> f64 {
        self.node
            .call("getbalance", json!([]))
            .await
            .to_string()
            .parse()
            .expect("a number")
    }

    async fn draft(&self, name: &str, collateral: OutPoint, service: [u8; 4]) -> Draft {
        let payout = self.node.call("getnewaddress", json!([])).await;
        Draft {
            name: name.into(),
            kind: MnType::Regular,
            collateral: CollateralChoice::Named {
                outpoint: collateral,
                path: None,
            },
            service: Service::v4(service.into(), self.profile().p2p_port),
            owner: KeyChoice::New,
            operator: OperatorChoice::New,
            voting: VotingChoice::New,
            payout: Address::parse(payout.as_str().expect("an address"), self.profile()).expect("an address"),
            operator_reward: 525,
            platform: None,
            fee_from: FeeSource::Key("fees".into()),
        }
    }

    async fn register(&self, draft: Draft) -> Result<register::Outcome, Error> {
        let plan = register::prepare(&self.ports, draft).await?;
        assert_eq!(plan.verdict.failure_before_signing(), None);
        let mut flow = register::register(self.ports.clone(), plan).pin();
        while let Some(step) = flow.sip().await {
            if matches!(step, Step::WaitingForBlock { .. }) {
                self.node.mine(1).await;
            }
        }
        flow.await
    }

    async fn assert_listed(&self, outcome: &register::Outcome) {
        let info = self
            .node
            .call("protx", json!(["info", outcome.pro_tx_hash.to_string()]))
            .await;
        let Ok(Payload::ProReg(payload)) = Payload::of(&outcome.tx) else {
            panic!("a registration")
        };
        assert_eq!(info["state"]["service"], payload.service.to_string());
        assert_eq!(
            info["state"]["pubKeyOperator"],
            castellan::protocol::wire::to_hex(&payload.operator)
        );
        assert_eq!(
            info["state"]["ownerAddress"],
            payload.owner.address().to_text(self.profile())
        );
        assert_eq!(info["state"]["PoSeBanHeight"].to_string(), "-1");
        assert_eq!(
            info["state"]["registeredHeight"].to_string(),
            outcome.height.to_string()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn a_masternode_is_registered_on_a_real_node_after_v19() {
    let world = World::start(&["-testactivationheight=v20@100", "-testactivationheight=mn_rr@100"]).await;
    let collateral = world.collateral("1000").await;
    let outcome = world
        .register(world.draft("first", collateral, [1, 2, 3, 4]).await)
        .await
        .expect("registered");
    assert_eq!(outcome.tx.payload[..2], [2, 0]);
    world.assert_listed(&outcome).await;
    // The node's own second opinion on what was paid.
    let overview = castellan::flow::overview::overview(&world.ports).await.expect("a list");
    assert!(
        overview
            .masternodes
            .iter()
            .any(|each| each.entry.pro_tx_hash == outcome.pro_tx_hash && each.mine && each.slot.is_some())
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn a_masternode_is_registered_on_a_real_node_before_v19() {
    let world = World::start(&[
        "-testactivationheight=v19@5000",
        "-testactivationheight=v20@5000",
        "-testactivationheight=mn_rr@5000",
    ])
    .await;
    let collateral = world.collateral("1000").await;
    let outcome = world
        .register(world.draft("old", collateral, [1, 2, 3, 4]).await)
        .await
        .expect("registered");
    assert_eq!(outcome.tx.payload[..2], [1, 0]);
    world.assert_listed(&outcome).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn an_evonode_and_a_node_paid_by_the_nodes_wallet_are_registered() {
    let world = World::start(&["-testactivationheight=v20@100", "-testactivationheight=mn_rr@100"]).await;
    let collateral = world.collateral("4000").await;
    let mut draft = world.draft("evo", collateral, [5, 6, 7, 8]).await;
    draft.kind = MnType::Evo;
    draft.platform = Some(PlatformChoice {
        node_id: [7; 20],
        p2p_port: 22200,
        http_port: 22201,
    });
    draft.fee_from = FeeSource::NodeWallet;
    let outcome = world.register(draft).await.expect("registered");
    world.assert_listed(&outcome).await;
    let info = world
        .node
        .call("protx", json!(["info", outcome.pro_tx_hash.to_string()]))
        .await;
    assert_eq!(info["type"], "Evo");
    assert_eq!(info["state"]["platformNodeID"], "07".repeat(20));
}

/// A change that takes something a registered masternode has.
type Reuse<'a> = Box<dyn Fn(&mut ProRegTx) + 'a>;

/// A change to a payload, and whether the collateral key signs the changed one.
type Change = fn(&mut ProRegTx, &mut Transaction);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn the_verdict_on_broken_registrations_is_the_nodes() {
    let world = World::start(&["-testactivationheight=v20@100", "-testactivationheight=mn_rr@100"]).await;
    let first = world.collateral("1000").await;
    let taken = world
        .register(world.draft("taken", first, [1, 2, 3, 4]).await)
        .await
        .expect("registered");
    let Ok(Payload::ProReg(taken)) = Payload::of(&taken.tx) else {
        panic!("a registration")
    };
    let second = world.collateral("1000").await;
    let plan = register::prepare(&world.ports, world.draft("next", second, [4, 3, 2, 1]).await)
        .await
        .expect("a plan");

    let changes: &[(&str, Change)] = &[
        ("nothing", |_, _| {}),
        ("version 0", |p, _| p.version = 0),
        ("version 1 with a basic key", |p, _| p.version = 1),
        ("version 3", |p, _| p.version = 3),
        ("version 4", |p, _| p.version = 4),
        ("mode 1", |p, _| p.mode = 1),
        ("type 2", |p, _| p.kind = 2),
        ("owner zero", |p, _| p.owner = KeyId([0; 20])),
        ("voting zero", |p, _| p.voting = KeyId([0; 20])),
        ("operator zero", |p, _| p.operator = [0; 48]),
        ("payout burnt", |p, _| {
            p.payout = bitcoin::ScriptBuf::from_bytes(vec![0x6a])
        }),
        ("payout is owner", |p, _| p.payout = p.owner.address().script()),
        ("payout is voting", |p, _| p.payout = p.voting.address().script()),
        ("reward too high", |p, _| p.operator_reward = 10_001),
        ("mainnet's port", |p, _| p.service.port = 9999),
        ("ipv6 of the documentation", |p, _| {
            p.service.ip = "2001:db8::1".parse().expect("v6")
        }),
        ("ipv6", |p, _| p.service.ip = "2a00:1450::1".parse().expect("v6")),
        ("0.0.0.0", |p, _| p.service.ip = "::ffff:0.0.0.0".parse().expect("v4")),
        ("broadcast", |p, _| {
            p.service.ip = "::ffff:255.255.255.255".parse().expect("v4")
        }),
        ("no ip but a port", |p, _| p.service.ip = "::".parse().expect("v6")),
        ("port 0", |p, _| p.service.port = 0),
        ("private address", |p, _| {
            p.service = Service::v4([10, 0, 0, 1].into(), 19899)
        }),
        ("multicast", |p, _| {
            p.service = Service::v4([224, 0, 0, 1].into(), 19899)
        }),
        ("payout to a script", |p, _| p.payout = script::pay_to_script(&[1; 20])),
        ("payout to a bare key", |p, _| {
            p.payout = bitcoin::ScriptBuf::from_bytes([&[33, 2][..], &[9; 32], &[0xac]].concat())
        }),
        ("empty payout", |p, _| p.payout = bitcoin::ScriptBuf::new()),
        ("evonode without collateral for it", |p, _| {
            p.kind = 1;
            p.platform = Some(Platform {
                node_id: [1; 20],
                p2p_port: 1,
                http_port: 2,
            });
        }),
        ("evonode without node id", |p, _| {
            p.kind = 1;
            p.platform = Some(Platform {
                node_id: [0; 20],
                p2p_port: 1,
                http_port: 2,
            });
        }),
        ("evonode of version 1", |p, _| {
            p.version = 1;
            p.kind = 1;
            p.platform = Some(Platform {
                node_id: [1; 20],
                p2p_port: 1,
                http_port: 2,
            });
        }),
        ("evonode with equal ports", |p, _| {
            p.kind = 1;
            p.platform = Some(Platform {
                node_id: [1; 20],
                p2p_port: 2,
                http_port: 2,
            });
        }),
        ("evonode on mainnet's port", |p, _| {
            p.kind = 1;
            p.platform = Some(Platform {
                node_id: [1; 20],
                p2p_port: 9999,
                http_port: 2,
            });
        }),
        ("internal collateral that is not there", |p, _| {
            p.collateral = OutPoint {
                txid: bitcoin::hashes::Hash::all_zeros(),
                vout: 7,
            };
            p.signature.clear();
        }),
        ("internal collateral of a wrong amount", |p, _| {
            p.collateral = OutPoint {
                txid: bitcoin::hashes::Hash::all_zeros(),
                vout: 0,
            };
            p.signature.clear();
        }),
        ("unknown collateral", |p, _| p.collateral.vout = 77),
        ("inputs hash", |p, _| p.inputs_hash = [9; 32]),
        ("no address", |p, _| p.service = Service::NONE),
        ("owner is voting", |p, _| p.voting = p.owner),
        ("tiny fee", |_, tx| tx.outputs[0].value += 900),
        ("more out than in", |_, tx| tx.outputs[0].value += 1_000_000_000),
        ("dust", |_, tx| tx.outputs[0].value = 100),
        ("no outputs", |_, tx| tx.outputs.clear()),
        ("unknown type", |_, tx| tx.kind = 99),
    ];
    let mut tally = Tally::default();
    for (what, change) in changes {
        let tx = world.signed(&plan, change);
        world.compare(&mut tally, what, &tx).await;
    }
    let reuse: [(&str, Reuse<'_>); 4] = [
        ("service taken", Box::new(|p| p.service = taken.service)),
        ("owner taken", Box::new(|p| p.owner = taken.owner)),
        ("operator taken", Box::new(|p| p.operator = taken.operator)),
        (
            "collateral replaced with new keys",
            Box::new(|p| p.collateral = taken.collateral),
        ),
    ];
    for (what, change) in reuse {
        let tx = world.signed(&plan, |payload, _| change(payload));
        world.compare(&mut tally, what, &tx).await;
    }
    let mut unsigned = world.signed(&plan, |_, _| {});
    unsigned.payload = {
        let mut payload = plan.payload.clone();
        payload.signature.clear();
        payload.encode()
    };
    let unsigned = world.sign_inputs(unsigned);
    world
        .compare(&mut tally, "not signed by the collateral key", &unsigned)
        .await;
    let mut trailing = world.signed(&plan, |_, _| {});
    trailing.payload.push(0);
    let trailing = world.sign_inputs(trailing);
    world.compare(&mut tally, "trailing byte", &trailing).await;
    // A pending registration of the same address: after the payload's own rules, before the scripts.
    let third = world.collateral("1000").await;
    let pending = world.signed(&plan, |_, _| {});
    world.node.call("sendrawtransaction", json!([pending.to_hex()])).await;
    let other = register::prepare(&world.ports, world.draft("third", third, [9, 9, 9, 9]).await)
        .await
        .expect("a plan");
    let taken = plan.payload.service;
    for (what, mode) in [("address pending elsewhere", 0), ("and a broken payload", 1)] {
        let tx = world.signed(&other, |payload, _| (payload.service, payload.mode) = (taken, mode));
        world.compare(&mut tally, what, &tx).await;
    }
    tally.finish("registrations", changes.len() + 8);
}

impl World {
    async fn compare(&self, tally: &mut Tally, what: &str, tx: &Transaction) {
        tally.compare(&self.node, &self.ports, what, tx).await;
    }

    /// The plan's transaction, changed, then signed by collateral and fee key as if it were meant.
    fn signed(&self, plan: &register::Plan, change: impl Fn(&mut ProRegTx, &mut Transaction)) -> Transaction {
        let (mut payload, mut tx) = (plan.payload.clone(), plan.unsigned.clone());
        change(&mut payload, &mut tx);
        let digest = message_hash(
            &self.profile().message_magic,
            payload.sign_message(self.profile()).as_bytes(),
        );
        let key = device_key(&plan.collateral_path);
        payload.signature = key.sign_compact(&digest).as_bytes().to_vec();
        tx.payload = payload.encode();
        self.sign_inputs(tx)
    }

    fn sign_inputs(&self, mut tx: Transaction) -> Transaction {
        let key = self.ports.vault().expect("open").secp("fees").expect("made");
        let spent = key.key_id().address().script();
        for at in 0..tx.inputs.len() {
            let signature = key.sign_der(&tx.sighash_all(at, spent.as_bytes()));
            tx.inputs[at].script_sig = script::script_sig(&signature, &key.public_key().serialize());
        }
        tx
    }
}

fn device_key(path: &DerivationPath) -> SecpKey {
    let seed = bip39::Mnemonic::parse(TEST_PHRASE).expect("a phrase").to_seed("");
    let master = Xpriv::new_master(bitcoin::NetworkKind::Main, &seed).expect("a key");
    let key = master
        .derive_priv(&bitcoin::secp256k1::Secp256k1::new(), path)
        .expect("a key");
    SecpKey::from_bytes(&key.private_key.secret_bytes()).expect("in range")
}
