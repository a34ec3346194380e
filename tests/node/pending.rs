//! Updates while others wait in the mempool, and what only blocks refuse.

use castellan::flow;
use castellan::protocol::Transaction;
use castellan::protocol::network::MnType;
use castellan::protocol::script;
use castellan::protocol::special_tx::Service;
use castellan::protocol::special_tx::pro_reg::encoding_of;
use castellan::protocol::tx::{PRO_UP_REG, PRO_UP_REV, PRO_UP_SERV};
use serde_json::{Value, json};

use crate::case::Case;
use crate::chain::{Chain, Options, sign_inputs};
use crate::judgement::{Judged, Tally};
use crate::masternode::{Masternode, Wanted, operator};

/// Two masternodes, and a number whose keys and addresses nobody has.
struct Pair<'a> {
    chain: &'a Chain,
    version: u16,
    number: u8,
    a: &'a Masternode,
    b: &'a Masternode,
}

/// What is done to one of them.
#[derive(Clone, Copy, Debug)]
enum Act {
    Keep,
    NewAddress,
    OtherAddress,
    Payout(u8),
    /// As [`Act::Payout`], in the other payload version.
    PayoutOtherVersion,
    NewKey,
    OtherKey,
    Revoke,
    /// Signed by the key [`Act::NewKey`] brings.
    ByNewKey,
}

impl Pair<'_> {
    async fn update(&self, of: &Masternode, act: Act) -> Transaction {
        let (kind, version) = match act {
            Act::Keep | Act::NewAddress | Act::OtherAddress | Act::ByNewKey => (PRO_UP_SERV, self.version),
            Act::PayoutOtherVersion => (PRO_UP_REG, 3 - self.version),
            Act::Payout(_) | Act::NewKey | Act::OtherKey => (PRO_UP_REG, self.version),
            Act::Revoke => (PRO_UP_REV, self.version),
        };
        let mut case = Case::new(self.chain, of, kind, version).await;
        let key = |n: u8| operator(n).public_key().encode(encoding_of(version));
        match act {
            Act::Keep | Act::Revoke => {}
            Act::NewAddress => case.serv().service = self.address(9),
            Act::OtherAddress => case.serv().service = self.address(8),
            Act::Payout(n) => case.reg().payout = script::pay_to_key(&[n; 20]),
            Act::PayoutOtherVersion => case.reg().payout = script::pay_to_key(&[0x77; 20]),
            Act::NewKey => case.reg().operator = key(self.new_key()),
            Act::OtherKey => case.reg().operator = key(self.new_key() + 1),
            Act::ByNewKey => case.operator = operator(self.new_key()),
        }
        case.finish()
    }

    fn address(&self, first: u8) -> Service {
        Service::v4([first, 2, 3, self.number].into(), 20_000)
    }

    /// Of numbers nobody is registered by.
    fn new_key(&self) -> u8 {
        0x80 + 2 * self.number
    }

    /// Gives both masternodes their first keys back, and revives them.
    async fn restore(&self) {
        for of in [self.a, self.b] {
            let key = of.operator().public_key();
            if !self.chain.entry(of).await.state.operator.is(&key) {
                let case = Case::new(self.chain, of, PRO_UP_REG, self.version).await;
                self.chain.deliver(&case.finish()).await;
            }
            if self.chain.entry(of).await.is_banned() {
                let case = Case::new(self.chain, of, PRO_UP_SERV, self.version).await;
                self.chain.deliver(&case.finish()).await;
            }
        }
    }
}

fn regular(version: u16) -> Wanted {
    Wanted {
        kind: MnType::Regular,
        version,
        operator_reward: 100,
    }
}

/// What waits for the first masternode, and what is judged then, for the first or (true) the second.
const PAIRS: &[(Act, Act, bool)] = &[
    (Act::NewAddress, Act::NewAddress, false),
    (Act::NewAddress, Act::OtherAddress, false),
    (Act::NewAddress, Act::NewAddress, true),
    (Act::Keep, Act::Keep, false),
    (Act::Keep, Act::NewAddress, false),
    (Act::NewAddress, Act::Payout(1), false),
    (Act::NewAddress, Act::NewKey, false),
    (Act::NewAddress, Act::Revoke, false),
    (Act::Payout(1), Act::NewAddress, false),
    (Act::Payout(1), Act::Payout(2), false),
    (Act::Payout(1), Act::Payout(1), true),
    (Act::Payout(1), Act::NewKey, false),
    (Act::Payout(1), Act::Revoke, false),
    (Act::NewKey, Act::Payout(1), false),
    (Act::NewKey, Act::NewKey, false),
    (Act::NewKey, Act::OtherKey, false),
    (Act::NewKey, Act::NewKey, true),
    (Act::NewKey, Act::Revoke, false),
    (Act::NewKey, Act::NewAddress, false),
    (Act::NewKey, Act::ByNewKey, false),
    (Act::Revoke, Act::Payout(1), false),
    (Act::Revoke, Act::NewKey, false),
    (Act::Revoke, Act::Revoke, false),
    (Act::Revoke, Act::Revoke, true),
    (Act::Revoke, Act::NewAddress, false),
];

async fn compare_pairs(
    chain: &Chain,
    tally: &mut Tally,
    made: &[Masternode],
    version: u16,
    pairs: &[(Act, Act, bool)],
) {
    for (number, (waiting, judged, of_other)) in (0..).zip(pairs) {
        let pair = Pair {
            chain,
            version,
            number,
            a: &made[0],
            b: &made[1],
        };
        let subject = if *of_other { pair.b } else { pair.a };
        // Both before one is sent: taking a coin may mine a block.
        let second = pair.update(subject, *judged).await;
        let first = pair.update(pair.a, *waiting).await;
        chain.send(&first).await;
        let what = format!("version {version}: {waiting:?} waits, then {judged:?}, other: {of_other}");
        tally.compare(&chain.node, &chain.ports, &what, &second).await;
        chain.node.mine(1).await;
        assert_eq!(chain.node.call("getrawmempool", json!([])).await, json!([]));
        pair.restore().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn the_verdict_beside_a_waiting_update_is_the_nodes() {
    let mut tally = Tally::default();
    let chain = Chain::start(Options::BEFORE_V19).await;
    let made = chain.register(&[regular(1); 2]).await;
    compare_pairs(&chain, &mut tally, &made, 1, PAIRS).await;
    let chain = Chain::start(Options::AFTER_V19).await;
    let made = chain.register(&[regular(2); 2]).await;
    compare_pairs(&chain, &mut tally, &made, 2, PAIRS).await;
    let across = [
        (Act::Payout(1), Act::PayoutOtherVersion, false),
        (Act::NewKey, Act::PayoutOtherVersion, false),
        (Act::PayoutOtherVersion, Act::Payout(2), false),
    ];
    compare_pairs(&chain, &mut tally, &made, 2, &across).await;
    compare_pairs(&chain, &mut tally, &made, 1, &across).await;
    tally.finish("updates beside waiting ones", 2 * PAIRS.len() + 6);
}

/// The same 48 bytes are different keys in the two payload versions; the mempool compares the bytes, the list the keys.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn operator_keys_in_the_wrong_encoding_are_judged_like_the_node_does_and_warned_of() {
    let chain = Chain::start(Options::AFTER_V19).await;
    let made = chain.register(&[regular(2), regular(2), regular(1)]).await;
    // Both readings of these bytes are keys.
    let both = (0x80..=0xff)
        .map(|number| operator(number).public_key().encode(encoding_of(2)))
        .find(|bytes| bytes[0] & 0x20 == 0)
        .expect("half of all keys");
    let update = async |of: &Masternode, version, bytes| {
        let mut case = Case::new(&chain, of, PRO_UP_REG, version).await;
        case.reg().operator = bytes;
        case.finish()
    };
    let warned = |judged: &Judged| {
        judged
            .verdict
            .warnings()
            .any(|check| check.rule == "operator-key-in-any-encoding")
    };
    let mut tally = Tally::default();
    // Keys of the list, in the version they are not listed in.
    for (number, version) in [(0, 1), (1, 1), (2, 2)] {
        let listed = made[number].operator().public_key();
        let other_encoding = encoding_of(3 - version);
        let of = &made[(number + 1) % 3];
        for (what, bytes) in [
            ("a listed key", listed.encode(encoding_of(version))),
            ("the bytes of a listed key", listed.encode(other_encoding)),
        ] {
            let tx = update(of, version, bytes).await;
            let judged = tally
                .compare(&chain.node, &chain.ports, &format!("{what}, version {version}"), &tx)
                .await;
            assert!(warned(&judged) || judged.theirs.is_some(), "{what}, version {version}");
        }
    }
    // Waiting ones.
    let (first, same, other) = (
        update(&made[0], 2, both).await,
        update(&made[1], 2, both).await,
        update(&made[1], 1, both).await,
    );
    let key = castellan::protocol::bls::PublicKey::decode(encoding_of(2), &both).expect("a key");
    let written_otherwise = update(&made[1], 1, key.encode(encoding_of(1))).await;
    chain.send(&first).await;
    for (what, tx) in [
        ("a waiting key", &same),
        ("the bytes of a waiting key", &other),
        ("a waiting key written otherwise", &written_otherwise),
    ] {
        tally.compare(&chain.node, &chain.ports, what, tx).await;
    }
    tally.finish("keys in both encodings", 9);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn the_verdict_beside_a_waiting_registration_is_the_nodes() {
    let chain = Chain::start(Options::AFTER_V19).await;
    let mut tally = Tally::default();
    let listed = chain.register(&[regular(2), regular(2)]).await;
    let new = unregistered(&chain, 0x40, MnType::Regular).await;
    let other = unregistered(&chain, 0x41, MnType::Regular).await;
    // Coins first: taking one may mine a block.
    let registration = chain.registration(&new).await;
    let waiting = Masternode {
        pro_tx_hash: registration.txid(),
        ..new
    };
    let mut updates = vec![];
    for kind in [PRO_UP_SERV, PRO_UP_REG, PRO_UP_REV] {
        let mut case = Case::new(&chain, &listed[0], kind, 2).await;
        *case.pro_tx_hash() = waiting.pro_tx_hash;
        (case.operator, case.owner) = (waiting.operator(), waiting.owner());
        updates.push((format!("type {kind} of the waiting one"), case.finish()));
    }
    let mut case = Case::new(&chain, &listed[0], PRO_UP_SERV, 2).await;
    case.serv().service = waiting.service(chain.profile());
    updates.push(("its address".into(), case.finish()));
    let mut case = Case::new(&chain, &listed[0], PRO_UP_REG, 2).await;
    case.reg().operator = waiting.operator().public_key().encode(encoding_of(2));
    updates.push(("its operator key".into(), case.finish()));
    let late = chain.registration(&other).await;
    chain.send(&registration).await;
    for (what, tx) in &updates {
        tally.compare(&chain.node, &chain.ports, what, tx).await;
    }
    chain.node.mine(1).await;
    chain.entry(&waiting).await;

    // The other way round: updates wait, a registration comes.
    let mut case = Case::new(&chain, &listed[0], PRO_UP_SERV, 2).await;
    case.serv().service = other.service(chain.profile());
    let address = case.finish();
    chain.send(&address).await;
    tally
        .compare(&chain.node, &chain.ports, "a registration at a waiting address", &late)
        .await;
    chain.node.mine(1).await;
    tally.finish("updates beside waiting registrations", 6);
}

/// A masternode with a confirmed collateral that is not registered.
async fn unregistered(chain: &Chain, number: u8, kind: MnType) -> Masternode {
    let collateral = chain.collateral(number, kind).await;
    chain.node.mine(1).await;
    Masternode {
        number,
        wanted: Wanted { kind, ..regular(2) },
        collateral,
        pro_tx_hash: bitcoin::hashes::Hash::all_zeros(),
    }
}

/// What `generatetoaddress` says, and whether the mempool still has the transaction.
async fn try_mining(chain: &Chain, tx: &Transaction) -> (Result<Value, Value>, bool) {
    let address = chain.node.call("getnewaddress", json!([])).await;
    let mined = chain.node.try_call("generatetoaddress", json!([1, address])).await;
    let waiting = chain.node.call("getrawmempool", json!([])).await;
    let still = waiting
        .as_array()
        .expect("a list")
        .contains(&json!(tx.txid().to_string()));
    (mined, still)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn an_update_of_the_wrong_type_gets_into_the_mempool_and_into_no_block() {
    let chain = Chain::start(Options::AFTER_V19).await;
    let evo = Wanted {
        kind: MnType::Evo,
        ..regular(2)
    };
    let made = chain.register(&[evo]).await;
    let mut case = Case::new(&chain, &made[0], PRO_UP_SERV, 2).await;
    (case.serv().kind, case.serv().platform) = (0, None);
    let tx = case.finish();
    let judged = Judged::of(&chain.node, &chain.ports, &tx).await;
    assert_eq!(judged.theirs, None);
    assert_eq!(
        judged.verdict.failure().map(|check| check.reject),
        Some("bad-protx-type-mismatch")
    );
    // Ours does not let it out.
    let sent = flow::transaction::send(&chain.ports, &tx).await;
    assert!(matches!(sent, Err(flow::Error::Rule(_))), "{sent:?}");
    chain.node.call("sendrawtransaction", json!([tx.to_hex()])).await;
    let (mined, still) = try_mining(&chain, &tx).await;
    let error = json!("CreateNewBlock: BuildNewListFromBlock failed: bad-protx-type-mismatch");
    assert_eq!(mined.expect_err("no block")["message"], error);
    assert!(still, "it waits forever, and so do all others at this node");
    let template = chain.node.try_call("getblocktemplate", json!([{}])).await;
    assert_eq!(template.expect_err("no template")["message"], error);
}

/// The node takes the second; ours says that no block will have both, and lets none out.
async fn assert_only_blocks_refuse(chain: &Chain, first: &Transaction, second: &Transaction) {
    chain.send(first).await;
    let judged = Judged::of(&chain.node, &chain.ports, second).await;
    assert_eq!((judged.ours, judged.theirs), (None, None));
    let failure = judged.verdict.failure().map(|check| check.rule);
    assert_eq!(failure, Some("platform-node-id-not-pending"));
    let sent = flow::transaction::send(&chain.ports, second).await;
    assert!(matches!(sent, Err(flow::Error::Rule(_))), "{sent:?}");
    chain.node.call("sendrawtransaction", json!([second.to_hex()])).await;
    let (mined, still) = try_mining(chain, second).await;
    let error = mined.expect_err("no block")["message"].to_string();
    assert!(error.contains("with a duplicate platformNodeID="), "{error}");
    assert!(still);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn two_updates_to_one_platform_node_id_get_into_the_mempool_and_into_no_block() {
    let chain = Chain::start(Options::AFTER_V19).await;
    let evo = Wanted {
        kind: MnType::Evo,
        ..regular(2)
    };
    let made = chain.register(&[evo, evo]).await;
    let mut txs = vec![];
    for of in &made {
        let mut case = Case::new(&chain, of, PRO_UP_SERV, 2).await;
        case.serv().platform.as_mut().expect("an evonode").node_id = [0x66; 20];
        txs.push(case.finish());
    }
    assert_only_blocks_refuse(&chain, &txs[0], &txs[1]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn two_registrations_of_one_platform_node_id_get_into_the_mempool_and_into_no_block() {
    let chain = Chain::start(Options::AFTER_V19).await;
    let first = unregistered(&chain, 0x40, MnType::Evo).await;
    let second = unregistered(&chain, 0x41, MnType::Evo).await;
    let (tx, mut other) = (chain.registration(&first).await, chain.registration(&second).await);
    let mut payload = second.pro_reg(&other, chain.profile());
    payload.platform = first.platform();
    second.sign(&mut payload, chain.profile());
    payload.attach(&mut other);
    assert_only_blocks_refuse(&chain, &tx, &sign_inputs(other)).await;
}

/// Also where the operator key stays: nodes compare a waiting update's key with that of the mined one, and a ProUpServTx has none.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn any_registrar_update_or_revocation_in_a_block_throws_waiting_service_updates_out() {
    let chain = Chain::start(Options::AFTER_V19).await;
    let made = chain.register(&[regular(2); 2]).await;
    for (number, act) in (0..).zip([Act::Payout(1), Act::NewKey, Act::Revoke]) {
        let pair = Pair {
            chain: &chain,
            version: 2,
            number,
            a: &made[0],
            b: &made[1],
        };
        let other = pair.update(pair.a, act).await;
        let own = pair.update(pair.a, Act::NewAddress).await;
        let of_b = pair.update(pair.b, Act::OtherAddress).await;
        for tx in [&own, &of_b, &other] {
            chain.send(tx).await;
        }
        for tx in [&own, &of_b] {
            // Not worth mining.
            let worthless = json!([tx.txid().to_string(), -10_000_000]);
            chain.node.call("prioritisetransaction", worthless).await;
        }
        chain.node.mine(1).await;
        let waiting = chain.node.call("getrawmempool", json!([])).await;
        assert_eq!(waiting, json!([of_b.txid().to_string()]), "{act:?}");
        let worthy = json!([of_b.txid().to_string(), 10_000_000]);
        chain.node.call("prioritisetransaction", worthy).await;
        chain.node.mine(1).await;
        pair.restore().await;
    }
}
