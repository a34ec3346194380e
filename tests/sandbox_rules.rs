//! Two readings of the rules for updates, written apart: the app's (`protocol::rules`, with facts gathered through its client)
//! and the sandbox's. They must give the same verdict in the same words, for good updates, bad ones, and bytes gone wrong.

use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, ScriptBuf, Txid};
use castellan::flow::transaction::{context, facts};
use castellan::protocol::bls::{BlsError, PublicKey, Scheme, SecretKey};
use castellan::protocol::masternode::{Entry, effect};
use castellan::protocol::message::message_hash;
use castellan::protocol::network::{self, MnType};
use castellan::protocol::rules::{self, Facts};
use castellan::protocol::script::{pay_to_key, pay_to_script, script_sig};
use castellan::protocol::special_tx::pro_reg::Platform;
use castellan::protocol::special_tx::{Payload, ProRegTx, ProUpRegTx, ProUpRevTx, ProUpServTx, Service};
use castellan::protocol::tx::{PRO_UP_REG, PRO_UP_REV, PRO_UP_SERV, TxIn, TxOut};
use castellan::protocol::{Amount, KeyId, ProTxHash, Profile, SecpKey, Transaction};
use castellan::rpc::{Auth, Client, Endpoint, Node, NodeStatus};
use castellan::sandbox::{Options, Sandbox};

const ALL: [u16; 3] = [PRO_UP_SERV, PRO_UP_REG, PRO_UP_REV];
const WORLDS: [(&str, MnType); 3] = [
    ("dash-regtest", MnType::Regular),
    ("dash-regtest", MnType::Evo),
    ("wei-regtest", MnType::Regular),
];
/// Keys by number.
const COLLATERAL: u8 = 10;
const FEE: u8 = 11;
const OWNER: u8 = 12;
const VOTING: u8 = 13;
const PAYOUT: u8 = 14;
const OPERATOR: u8 = 15;
const FEE_COIN: u64 = 100_000;

fn key(number: u8) -> SecpKey {
    SecpKey::from_bytes(&[number; 32]).expect("in range")
}

fn id(number: u8) -> KeyId {
    key(number).key_id()
}

fn pays(number: u8) -> ScriptBuf {
    pay_to_key(&id(number).0)
}

fn secret(number: u8) -> SecretKey {
    SecretKey::from_bytes(&[number; 32]).expect("in range")
}

fn sign_inputs(tx: &mut Transaction) {
    for index in 0..tx.inputs.len() {
        let signature = key(FEE).sign_der(&tx.sighash_all(index, pays(FEE).as_bytes()));
        tx.inputs[index].script_sig = script_sig(&signature, &key(FEE).public_key().serialize());
    }
}

/// One good update of each type, and who signs them.
#[derive(Clone)]
struct Draft {
    serv: ProUpServTx,
    reg: ProUpRegTx,
    rev: ProUpRevTx,
    operator: Option<SecretKey>,
    owner: Option<SecpKey>,
    scheme: Scheme,
    fee: u64,
}

impl Draft {
    fn build(&self, kind: u16, coin: OutPoint) -> Transaction {
        let mut tx = blank(coin, FEE_COIN - self.fee);
        let own = tx.inputs_hash();
        let committed = |hash: [u8; 32]| if hash == [0; 32] { own } else { hash };
        let mut draft = self.clone();
        draft.serv.inputs_hash = committed(draft.serv.inputs_hash);
        draft.reg.inputs_hash = committed(draft.reg.inputs_hash);
        draft.rev.inputs_hash = committed(draft.rev.inputs_hash);
        if let Some(operator) = &draft.operator {
            draft.serv.sign(operator, draft.scheme, draft.serv.encoding());
            draft.rev.sign(operator, draft.scheme, draft.rev.encoding());
        }
        if let Some(owner) = &draft.owner {
            draft.reg.sign(owner);
        }
        match kind {
            PRO_UP_SERV => draft.serv.attach(&mut tx),
            PRO_UP_REG => draft.reg.attach(&mut tx),
            _ => draft.rev.attach(&mut tx),
        }
        sign_inputs(&mut tx);
        tx
    }

    fn set_version(&mut self, version: u16) {
        (self.serv.version, self.reg.version, self.rev.version) = (version, version, version);
        self.set_operator(OPERATOR);
    }

    fn set_operator(&mut self, number: u8) {
        self.reg.operator = secret(number).public_key().encode(self.reg.key_encoding());
    }

    fn set_hash(&mut self, hash: ProTxHash) {
        (self.serv.pro_tx_hash, self.reg.pro_tx_hash, self.rev.pro_tx_hash) = (hash, hash, hash);
    }
}

fn blank(coin: OutPoint, value: u64) -> Transaction {
    Transaction {
        version: 2,
        kind: 0,
        inputs: vec![TxIn::unsigned(coin)],
        outputs: vec![TxOut::new(Amount::from_duffs(value), pays(FEE))],
        lock_time: 0,
        payload: Vec::new(),
    }
}

/// A masternode of ours on a sandbox, and the client's view of it.
struct World {
    sandbox: Sandbox,
    client: Client,
    profile: Profile,
    status: NodeStatus,
    hash: ProTxHash,
    draft: Draft,
    coins: Vec<OutPoint>,
}

impl World {
    async fn new(name: &str, kind: MnType) -> Self {
        let profile = network::builtin(name).expect("embedded");
        let mut options = Options::new(profile.clone());
        options.masternodes = 8;
        let sandbox = Sandbox::start(options).await.expect("a free port");
        let auth = Auth::UserPassword {
            user: sandbox.user().to_owned(),
            password: sandbox.password().to_owned().into(),
        };
        let endpoint = Endpoint::new(&sandbox.rpc_url(), auth).expect("a URL");
        let client = Client::connect(endpoint, Arc::new(profile.clone())).expect("a client");
        let status = client.status().await.expect("the right chain");
        let version = status.capabilities.payload_version();
        let scheme = if version == 2 { Scheme::Basic } else { Scheme::Legacy };
        let coins = coins(&sandbox);
        let hash = register(&sandbox, &profile, kind, version, scheme);
        let platform = (kind == MnType::Evo).then_some(Platform {
            node_id: [9; 20],
            p2p_port: 22200,
            http_port: 22201,
        });
        let draft = Draft {
            serv: ProUpServTx {
                version,
                kind: kind.number(),
                pro_tx_hash: hash,
                service: Service::v4([198, 51, 100, 8].into(), 19999),
                operator_payout: pays(16),
                inputs_hash: [0; 32],
                platform,
                signature: [0; 96],
            },
            reg: ProUpRegTx {
                version,
                pro_tx_hash: hash,
                mode: 0,
                operator: secret(OPERATOR).public_key().encode(scheme),
                voting: id(17),
                payout: pays(18),
                inputs_hash: [0; 32],
                signature: Vec::new(),
            },
            rev: ProUpRevTx {
                version,
                pro_tx_hash: hash,
                reason: 1,
                inputs_hash: [0; 32],
                signature: [0; 96],
            },
            operator: Some(secret(OPERATOR)),
            owner: Some(key(OWNER)),
            scheme,
            fee: 1_000,
        };
        Self {
            sandbox,
            client,
            profile,
            status,
            hash,
            draft,
            coins,
        }
    }

    fn coin(&self) -> OutPoint {
        *self.coins.last().expect("enough coins")
    }

    fn build(&self, draft: &Draft, kind: u16) -> Transaction {
        draft.build(kind, self.coin())
    }

    /// Broadcasts the draft's update of a type; the next one is paid from another coin.
    async fn send(&mut self, draft: &Draft, kind: u16) -> Txid {
        let tx = self.build(draft, kind);
        self.coins.pop();
        self.client.broadcast(tx).await.expect("a good update")
    }

    /// The masternode as the node lists it.
    async fn listed(&self) -> Entry {
        let found = self.client.masternode(self.hash).await.expect("a node that answers");
        found.expect("listed")
    }

    fn sandbox_says(&self, tx: &Transaction) -> String {
        let verdict = self.sandbox.with_chain(|chain| chain.test(tx).map(drop));
        verdict.map_or_else(|reject| reject.reason.into_owned(), |()| "accepted".to_owned())
    }

    /// What only blocks judge is no reason to refuse now.
    fn rules_say(&self, tx: &Transaction, facts: &Facts) -> String {
        let verdict = rules::check(tx, &context(&self.profile, &self.status, facts));
        let mut failures = verdict.failures().filter(|check| check.rule != "registered-type");
        failures.next().map_or("accepted", |check| check.reject).to_owned()
    }

    async fn facts(&self, tx: &Transaction) -> Facts {
        facts(&self.client, &self.profile, tx)
            .await
            .expect("a node that answers")
    }

    async fn assert_agreed(&self, what: &str, tx: &Transaction) -> String {
        let facts = self.facts(tx).await;
        let theirs = self.sandbox_says(tx);
        assert_eq!(self.rules_say(tx, &facts), theirs, "{what}");
        theirs
    }

    /// Both verdicts of all drafts, good and changed, of all types.
    async fn judge_all(&self, when: &str) -> usize {
        let other = self.sandbox.with_chain(|chain| {
            let mut others = chain
                .list()
                .iter()
                .filter(|mn| mn.pro_tx_hash != self.hash && !mn.is_banned());
            others.next().expect("seeded ones").clone()
        });
        let mut refused = std::collections::BTreeSet::new();
        for (what, change) in changes() {
            let mut draft = self.draft.clone();
            change(
                &mut draft,
                &other.state.service,
                &other.state.operator,
                other.pro_tx_hash,
            );
            for kind in ALL {
                let tx = self.build(&draft, kind);
                let what = format!("{} {when}, type {kind}: {what}", self.profile.name);
                refused.insert(self.assert_agreed(&what, &tx).await);
            }
        }
        refused.len()
    }
}

/// Twenty coins of the fee key.
fn coins(sandbox: &Sandbox) -> Vec<OutPoint> {
    let pay = |_| {
        let txid = sandbox.fund(pays(FEE), Amount::from_duffs(FEE_COIN)).expect("money");
        OutPoint { txid, vout: 0 }
    };
    let all = (0..20).map(pay).collect();
    sandbox.mine(1);
    all
}

fn register(sandbox: &Sandbox, profile: &Profile, kind: MnType, version: u16, scheme: Scheme) -> ProTxHash {
    let amount = profile.collateral(kind).expect("this network has them");
    let collateral = sandbox.fund(pays(COLLATERAL), amount).expect("money");
    let fee = sandbox.fund(pays(FEE), Amount::from_duffs(FEE_COIN)).expect("money");
    sandbox.mine(1);
    let outpoint = |txid| OutPoint { txid, vout: 0 };
    let mut tx = blank(outpoint(fee), FEE_COIN - 1_000);
    let mut payload = ProRegTx {
        version,
        kind: kind.number(),
        mode: 0,
        collateral: outpoint(collateral),
        service: Service::v4([198, 51, 100, 7].into(), 19999),
        owner: id(OWNER),
        operator: secret(OPERATOR).public_key().encode(scheme),
        voting: id(VOTING),
        operator_reward: 500,
        payout: pays(PAYOUT),
        inputs_hash: tx.inputs_hash(),
        platform: (kind == MnType::Evo).then_some(Platform {
            node_id: [9; 20],
            p2p_port: 22200,
            http_port: 22201,
        }),
        signature: Vec::new(),
    };
    let digest = message_hash(&profile.message_magic, payload.sign_message(profile).as_bytes());
    payload.signature = key(COLLATERAL).sign_compact(&digest).as_bytes().to_vec();
    payload.attach(&mut tx);
    sign_inputs(&mut tx);
    // Through the node, as everything of the outside is.
    let hash = tx.txid();
    sandbox.submit(tx).expect("a good registration");
    sandbox.mine(2);
    hash
}

type Change = fn(&mut Draft, &Service, &[u8; 48], ProTxHash);

fn changes() -> Vec<(&'static str, Change)> {
    vec![
        ("nothing", |_, _, _, _| {}),
        ("version 0", |d, _, _, _| d.set_version(0)),
        ("version 1", |d, _, _, _| d.set_version(1)),
        ("version 2", |d, _, _, _| d.set_version(2)),
        ("version 3", |d, _, _, _| d.set_version(3)),
        ("version 9", |d, _, _, _| d.set_version(9)),
        ("version 1, legacy scheme", |d, _, _, _| {
            d.set_version(1);
            d.scheme = Scheme::Legacy;
        }),
        ("basic scheme", |d, _, _, _| d.scheme = Scheme::Basic),
        ("legacy scheme", |d, _, _, _| d.scheme = Scheme::Legacy),
        ("nobody's masternode", |d, _, _, _| d.set_hash(ProTxHash::all_zeros())),
        ("another's masternode", |d, _, _, hash| d.set_hash(hash)),
        ("inputs hash", |d, _, _, _| {
            (d.serv.inputs_hash, d.reg.inputs_hash, d.rev.inputs_hash) = ([1; 32], [1; 32], [1; 32]);
        }),
        ("unsigned", |d, _, _, _| (d.operator, d.owner) = (None, None)),
        ("signed by strangers", |d, _, _, _| {
            (d.operator, d.owner) = (Some(secret(40)), Some(key(40)));
        }),
        ("too cheap", |d, _, _, _| d.fee = 100),
        ("no address", |d, _, _, _| d.serv.service = Service::NONE),
        ("0.0.0.0", |d, _, _, _| {
            d.serv.service = Service::v4([0; 4].into(), 19999)
        }),
        ("broadcast", |d, _, _, _| {
            d.serv.service = Service::v4([255; 4].into(), 19999)
        }),
        ("private", |d, _, _, _| {
            d.serv.service = Service::v4([10, 0, 0, 1].into(), 19999)
        }),
        ("IPv6", |d, _, _, _| d.serv.service.ip = "2a00::1".parse().expect("v6")),
        ("IPv6 and mainnet's port", |d, _, _, _| {
            d.serv.service.ip = "2a00::1".parse().expect("v6");
            d.serv.service.port = 9999;
        }),
        ("documentation", |d, _, _, _| {
            d.serv.service.ip = "2001:db8::1".parse().expect("v6")
        }),
        ("mainnet's port", |d, _, _, _| d.serv.service.port = 9999),
        ("port 0", |d, _, _, _| d.serv.service.port = 0),
        ("another's address", |d, service, _, _| d.serv.service = *service),
        ("its own address", |d, _, _, _| {
            d.serv.service = Service::v4([198, 51, 100, 7].into(), 19999)
        }),
        ("no operator payout", |d, _, _, _| {
            d.serv.operator_payout = ScriptBuf::new()
        }),
        ("operator payout burnt", |d, _, _, _| {
            d.serv.operator_payout = ScriptBuf::from_bytes(vec![0x6a]);
        }),
        ("operator payout to a script", |d, _, _, _| {
            d.serv.operator_payout = pay_to_script(&[1; 20]);
        }),
        ("other type", |d, _, _, _| {
            d.serv.kind = 1 - d.serv.kind;
            d.serv.platform = (d.serv.kind == 1).then_some(Platform {
                node_id: [8; 20],
                p2p_port: 1,
                http_port: 2,
            });
        }),
        ("no type", |d, _, _, _| (d.serv.kind, d.serv.platform) = (7, None)),
        ("no node id", |d, _, _, _| platform(d, |p| p.node_id = [0; 20])),
        ("P2P port of mainnet", |d, _, _, _| platform(d, |p| p.p2p_port = 9999)),
        ("HTTP port of mainnet", |d, _, _, _| platform(d, |p| p.http_port = 9999)),
        ("Platform ports alike", |d, _, _, _| {
            platform(d, |p| p.http_port = p.p2p_port)
        }),
        ("Platform port is core's", |d, _, _, _| {
            platform(d, |p| p.http_port = 19999)
        }),
        ("mode", |d, _, _, _| d.reg.mode = 1),
        ("no voting key", |d, _, _, _| d.reg.voting.0 = [0; 20]),
        ("no operator key", |d, _, _, _| d.reg.operator = [0; 48]),
        ("operator off the curve", |d, _, _, _| d.reg.operator = [0xbf; 48]),
        ("new operator", |d, _, _, _| d.set_operator(25)),
        ("another's operator", |d, _, operator, _| d.reg.operator = *operator),
        ("another's operator, otherwise written", |d, _, operator, _| {
            if let Ok(key) = PublicKey::decode(Scheme::Basic, operator) {
                d.set_version(1);
                d.reg.operator = key.encode(Scheme::Legacy);
            }
        }),
        ("payout burnt", |d, _, _, _| {
            d.reg.payout = ScriptBuf::from_bytes(vec![0x6a])
        }),
        ("payout empty", |d, _, _, _| d.reg.payout = ScriptBuf::new()),
        ("payout to the owner", |d, _, _, _| d.reg.payout = pays(OWNER)),
        ("payout to the voting key", |d, _, _, _| d.reg.payout = pays(17)),
        ("payout to the collateral", |d, _, _, _| d.reg.payout = pays(COLLATERAL)),
        ("voting key is the collateral's", |d, _, _, _| {
            d.reg.voting = id(COLLATERAL)
        }),
        ("voting key is the owner's", |d, _, _, _| d.reg.voting = id(OWNER)),
        ("reason 3", |d, _, _, _| d.rev.reason = 3),
        ("reason 4", |d, _, _, _| d.rev.reason = 4),
        ("reason 4 of nobody", |d, _, _, _| {
            d.rev.reason = 4;
            d.set_hash(ProTxHash::all_zeros());
        }),
    ]
}

fn platform(draft: &mut Draft, change: impl FnOnce(&mut Platform)) {
    if let Some(platform) = &mut draft.serv.platform {
        change(platform);
    }
}

#[tokio::test]
async fn both_readings_give_one_verdict_on_a_healthy_and_on_a_banned_masternode() {
    for (name, kind) in WORLDS {
        let world = World::new(name, kind).await;
        assert!(world.judge_all("healthy").await >= 15, "{name}");
        world.sandbox.ban(world.hash).expect("listed");
        world.sandbox.mine(1);
        world.judge_all("banned").await;
    }
}

#[tokio::test]
async fn both_readings_give_one_verdict_after_a_revocation_and_after_a_new_key() {
    for (name, kind) in WORLDS {
        let mut world = World::new(name, kind).await;
        let draft = world.draft.clone();
        world.send(&draft, PRO_UP_REV).await;
        world.sandbox.mine(1);
        world.judge_all("revoked").await;
        let mut draft = draft;
        draft.set_operator(25);
        world.send(&draft, PRO_UP_REG).await;
        world.sandbox.mine(1);
        world.judge_all("handed over").await;
    }
}

#[tokio::test]
async fn both_readings_give_one_verdict_beside_what_waits() {
    for (name, kind) in WORLDS {
        for waiting in ALL {
            let mut world = World::new(name, kind).await;
            let draft = world.draft.clone();
            world.send(&draft, waiting).await;
            let mut seen = Vec::new();
            for (what, change) in [
                ("the same", (|_, _, _, _| {}) as Change),
                ("another address", |d, _, _, _| d.serv.service.port += 1),
                ("a new key", |d, _, _, _| d.set_operator(25)),
            ] {
                let mut draft = draft.clone();
                change(&mut draft, &Service::NONE, &[0; 48], world.hash);
                for kind in ALL {
                    let tx = world.build(&draft, kind);
                    let what = format!("{name}, {waiting} waits, {kind}: {what}");
                    seen.push(world.assert_agreed(&what, &tx).await);
                }
            }
            assert!(seen.iter().any(|verdict| verdict == "protx-dup"), "{seen:?}");
            assert!(seen.iter().any(|verdict| verdict == "accepted"), "{seen:?}");
        }
    }
}

/// Where the readings differ on purpose: a legacy operator key outside the subgroup, for which nobody can ever sign. Nodes
/// take it, and so does the sandbox; the app refuses it.
fn has_useless_key(update: u16, payload: &[u8]) -> bool {
    let read = ProUpRegTx::decode(payload).ok().filter(|_| update == PRO_UP_REG);
    read.is_some_and(|payload| {
        payload.key_encoding() == Scheme::Legacy
            && matches!(
                payload.operator_key(),
                Err(BlsError::NotInSubgroup | BlsError::Infinity)
            )
    })
}

/// Every byte of a payload changed, and every cut; inputs are signed again, the payload is not.
#[tokio::test]
async fn both_readings_give_one_verdict_on_bytes_gone_wrong() {
    for (name, kind) in WORLDS {
        let world = World::new(name, kind).await;
        let mut numbers = 1u64;
        for update in ALL {
            let good = world.build(&world.draft, update);
            // The registrar's collateral is asked for too; the others do without.
            let facts = world.facts(&good).await;
            let judge = |payload: Vec<u8>, what: String| {
                if has_useless_key(update, &payload) {
                    return;
                }
                let mut tx = good.clone();
                tx.payload = payload;
                sign_inputs(&mut tx);
                assert_eq!(world.rules_say(&tx, &facts), world.sandbox_says(&tx), "{what}");
            };
            for at in 0..good.payload.len() {
                numbers = numbers.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let mut payload = good.payload.clone();
                payload[at] ^= u8::try_from(numbers >> 56).expect("8 bits") | 1;
                judge(payload, format!("{name}, type {update}, byte {at}"));
                judge(
                    good.payload[..at].to_vec(),
                    format!("{name}, type {update}, {at} bytes"),
                );
            }
        }
    }
}

/// What the app says an update will do, and what the sandbox's block then does.
#[tokio::test]
async fn both_readings_foresee_the_same_state() {
    for (name, kind) in WORLDS {
        let mut world = World::new(name, kind).await;
        let (mut new_key, mut bare) = (world.draft.clone(), world.draft.clone());
        new_key.set_operator(25);
        bare.serv.operator_payout = ScriptBuf::new();
        let mut by_new = world.draft.clone();
        (by_new.operator, by_new.serv.service.port) = (Some(secret(25)), 20_001);
        let good = world.draft.clone();
        let story = [
            (&good, PRO_UP_SERV),
            (&bare, PRO_UP_SERV),
            (&good, PRO_UP_REG),
            (&new_key, PRO_UP_REG),
            (&by_new, PRO_UP_SERV),
            (&by_new, PRO_UP_REV),
            (&good, PRO_UP_REG),
            (&good, PRO_UP_SERV),
            (&good, PRO_UP_REV),
        ];
        for (at, (draft, update)) in story.into_iter().enumerate() {
            // Now and then it is banned before.
            if at % 4 == 1 {
                world.sandbox.ban(world.hash).expect("listed");
                world.sandbox.mine(1);
            }
            let before = world.listed().await;
            let payload = Payload::of(&world.build(draft, update)).expect("well-formed");
            world.send(draft, update).await;
            world.sandbox.mine(1);
            let found = world.listed().await.state;
            let mut foreseen = effect::after(&before, &payload, world.sandbox.height()).expect("an update");
            // Payments and decay are none of the update's.
            foreseen.last_paid_height = found.last_paid_height;
            foreseen.consecutive_payments = found.consecutive_payments;
            assert_eq!(foreseen, found, "{name}, update {at}");
        }
    }
}
