//! What each update does to a masternode on a real node, in every era (protocol rules: Dash Core evo/specialtxman.cpp).

use castellan::protocol::bls::{Scheme, SecretKey};
use castellan::protocol::key::KeyId;
use castellan::protocol::network::MnType;
use castellan::protocol::script;
use castellan::protocol::special_tx::pro_reg::encoding_of;
use castellan::protocol::special_tx::pro_up_rev::Reason;
use castellan::protocol::special_tx::{Payload, ProRegTx, Service};
use castellan::protocol::tx::{PRO_UP_REG, PRO_UP_REV, PRO_UP_SERV};
use castellan::protocol::{Address, ScriptBuf, Transaction, masternode::Entry};
use serde_json::{Value, json};

use crate::case::Case;
use crate::chain::{Chain, Options};
use crate::judgement::Judged;
use crate::masternode::{Masternode, Wanted, operator, stranger};

const REWARD: u16 = 525;
const NO_ADDRESS: &str = "[::]:0";

/// A masternode under way, and who its operator is now.
struct Life<'a> {
    chain: &'a Chain,
    masternode: Masternode,
    /// Of the payloads.
    version: u16,
    operator: SecretKey,
}

impl<'a> Life<'a> {
    async fn begin(chain: &'a Chain, kind: MnType, version: u16) -> Self {
        let wanted = Wanted {
            kind,
            version,
            operator_reward: REWARD,
        };
        let masternode = chain.register(&[wanted]).await.remove(0);
        Self {
            operator: masternode.operator(),
            chain,
            masternode,
            version,
        }
    }

    /// Builds an update, lets both judges accept it, sends it, and gives back the height it was mined at.
    async fn apply(&self, kind: u16, change: impl FnOnce(&mut Case)) -> u32 {
        let tx = self.build(kind, change).await;
        let judged = self.judge(&tx).await;
        assert_eq!((judged.ours, judged.theirs), (None, None));
        assert_eq!(judged.verdict.failure(), None);
        self.chain.deliver(&tx).await
    }

    /// The word with which both judges refuse an update.
    async fn refused(&self, kind: u16, change: impl FnOnce(&mut Case)) -> String {
        let tx = self.build(kind, change).await;
        let judged = self.judge(&tx).await;
        assert_eq!(judged.ours, judged.theirs);
        judged.theirs.expect("refused")
    }

    async fn build(&self, kind: u16, change: impl FnOnce(&mut Case)) -> Transaction {
        let mut case = Case::new(self.chain, &self.masternode, kind, self.version).await;
        case.operator = copy(&self.operator);
        if kind == PRO_UP_REG {
            case.reg().operator = self.operator.public_key().encode(encoding_of(self.version));
        }
        change(&mut case);
        case.finish()
    }

    async fn judge(&self, tx: &Transaction) -> Judged {
        Judged::of(&self.chain.node, &self.chain.ports, tx).await
    }

    async fn entry(&self) -> Entry {
        self.chain.entry(&self.masternode).await
    }

    /// The state `protx info` prints, and that our client reads the same.
    async fn state(&self) -> Value {
        let state = self.chain.state(&self.masternode).await;
        let entry = self.entry().await.state;
        let number = |height: Option<u32>| height.map_or_else(|| "-1".to_owned(), |height| height.to_string());
        assert_eq!(state["PoSeBanHeight"].to_string(), number(entry.pose_ban_height));
        assert_eq!(
            state["PoSeRevivedHeight"].to_string(),
            number(entry.pose_revived_height)
        );
        assert_eq!(state["version"].to_string(), entry.version.to_string());
        let text = |address: Option<Address>| address.map(|address| address.to_text(self.chain.profile()));
        assert_eq!(
            state["operatorPayoutAddress"].as_str().map(str::to_owned),
            text(entry.operator_payout)
        );
        assert_eq!(state["payoutAddress"].as_str().map(str::to_owned), text(entry.payout));
        let voting = entry.voting.map(KeyId::address);
        assert_eq!(state["votingAddress"].as_str().map(str::to_owned), text(voting));
        let hex = entry.operator.to_hex(encoding_of(entry.version));
        assert_eq!(state["pubKeyOperator"], hex);
        state
    }

    /// Fields of the state that an update must leave alone.
    fn assert_kept(before: &Value, after: &Value, fields: &[&str]) {
        for field in fields {
            assert_eq!(before[*field], after[*field], "{field}");
        }
    }

    fn address(&self, key: KeyId) -> String {
        key.address().to_text(self.chain.profile())
    }
}

fn copy(key: &SecretKey) -> SecretKey {
    SecretKey::from_bytes(&key.to_bytes()).expect("a key")
}

/// All updates one after the other, of one masternode.
async fn lives_through_all(chain: &Chain, kind: MnType, version: u16) {
    let mut life = Life::begin(chain, kind, version).await;
    service_changes(&life).await;
    registrar_changes(&life).await;
    operator_changes(&mut life).await;
    for reason in Reason::ALL {
        revokes(&mut life, reason).await;
    }
    revokes_while_banned(&mut life).await;
}

/// Address and operator payout: set, then erased by not being restated.
async fn service_changes(life: &Life<'_>) {
    let before = life.state().await;
    let payout = script::pay_to_script(&[0x42; 20]);
    life.apply(PRO_UP_SERV, |case| {
        case.serv().service = Service::v4([5, 6, 7, life.masternode.number].into(), 20_001);
        case.serv().operator_payout = payout.clone();
    })
    .await;
    let after = life.state().await;
    assert_eq!(after["service"], format!("5.6.7.{}:20001", life.masternode.number));
    let text = script::address(payout.as_bytes())
        .expect("P2SH")
        .to_text(life.chain.profile());
    assert_eq!(after["operatorPayoutAddress"], text);
    let kept = [
        "version",
        "registeredHeight",
        "PoSePenalty",
        "PoSeRevivedHeight",
        "PoSeBanHeight",
        "revocationReason",
        "ownerAddress",
        "votingAddress",
        "payoutAddress",
        "pubKeyOperator",
    ];
    Life::assert_kept(&before, &after, &kept);

    life.apply(PRO_UP_SERV, |case| case.serv().operator_payout = ScriptBuf::new())
        .await;
    let erased = life.state().await;
    assert_eq!(erased.get("operatorPayoutAddress"), None, "{erased}");
    Life::assert_kept(&after, &erased, &["service", "PoSeBanHeight", "platformNodeID"]);

    // The same address again is no duplicate; and the payout is there for what follows.
    life.apply(PRO_UP_SERV, |case| case.serv().operator_payout = payout.clone())
        .await;
    assert_eq!(life.state().await["operatorPayoutAddress"], text);
    if life.masternode.wanted.kind == MnType::Evo {
        platform_changes(life).await;
    }
}

async fn platform_changes(life: &Life<'_>) {
    let mut changed = life.masternode.platform().expect("an evonode");
    (changed.node_id[0], changed.p2p_port, changed.http_port) = (0xee, 30_001, 30_002);
    life.apply(PRO_UP_SERV, |case| case.serv().platform = Some(changed))
        .await;
    let state = life.state().await;
    assert_eq!(state["platformNodeID"], changed.node_id_hex());
    assert!(changed.node_id_hex().ends_with("ee"), "shown reversed");
    assert_eq!(state["platformP2PPort"].to_string(), "30001");
    assert_eq!(state["platformHTTPPort"].to_string(), "30002");
}

/// Payout and voting with the same operator key: nothing else moves.
async fn registrar_changes(life: &Life<'_>) {
    let before = life.state().await;
    let (voting, payout) = (stranger(1).key_id(), stranger(2).key_id());
    life.apply(PRO_UP_REG, |case| {
        (case.reg().voting, case.reg().payout) = (voting, payout.address().script());
    })
    .await;
    let after = life.state().await;
    assert_eq!(after["votingAddress"], life.address(voting));
    assert_eq!(after["payoutAddress"], life.address(payout));
    let kept = [
        "version",
        "service",
        "registeredHeight",
        "PoSeRevivedHeight",
        "PoSeBanHeight",
        "ownerAddress",
        "pubKeyOperator",
        "operatorPayoutAddress",
        "platformNodeID",
    ];
    Life::assert_kept(&before, &after, &kept);
}

/// Another operator key bans and wipes; a second one leaves the ban where it is; the newest operator revives.
async fn operator_changes(life: &mut Life<'_>) {
    let before = life.state().await;
    let banned = replaces_operator(life, life.masternode.number | 0x40).await;
    let state = life.state().await;
    assert_wiped(&state);
    assert_eq!(state["PoSeBanHeight"].to_string(), banned.to_string());
    assert_eq!(state["version"].to_string(), life.version.to_string());
    Life::assert_kept(
        &before,
        &state,
        &["registeredHeight", "PoSePenalty", "PoSeRevivedHeight", "votingAddress"],
    );

    // Banned already: payout changes are taken, and neither they nor another key move the ban.
    life.apply(PRO_UP_REG, |case| case.reg().payout = script::pay_to_key(&[0x51; 20]))
        .await;
    replaces_operator(life, life.masternode.number | 0x50).await;
    let state = life.state().await;
    assert_eq!(state["PoSeBanHeight"].to_string(), banned.to_string());

    let old = life.masternode.operator();
    assert_eq!(
        life.refused(PRO_UP_SERV, |case| case.operator = old).await,
        "bad-protx-sig"
    );
    revives(life).await;
}

/// Gives the masternode the operator key of a number; the height.
async fn replaces_operator(life: &mut Life<'_>, number: u8) -> u32 {
    let key = operator(number);
    let encoded = key.public_key().encode(encoding_of(life.version));
    let height = life.apply(PRO_UP_REG, |case| case.reg().operator = encoded).await;
    assert!(life.entry().await.state.operator.is(&key.public_key()));
    life.operator = key;
    height
}

fn assert_wiped(state: &Value) {
    assert_eq!(state["service"], NO_ADDRESS);
    assert_eq!(state.get("operatorPayoutAddress"), None);
    if let Some(node_id) = state.get("platformNodeID") {
        assert_eq!(node_id, &json!("0".repeat(40)));
    }
}

/// The ProUpServTx of the present operator enables a banned masternode at the end of the queue.
async fn revives(life: &Life<'_>) {
    let before = life.entry().await;
    assert!(before.is_banned());
    let height = life
        .apply(PRO_UP_SERV, |case| {
            case.serv().operator_payout = script::pay_to_key(&[0x52; 20]);
        })
        .await;
    let state = life.state().await;
    assert_eq!(state["PoSeBanHeight"].to_string(), "-1");
    assert_eq!(state["PoSeRevivedHeight"].to_string(), height.to_string());
    assert_eq!(state["PoSePenalty"].to_string(), "0");
    let entry = life.entry().await;
    assert_eq!(entry.state.service, life.masternode.service(life.chain.profile()));
    assert_eq!(
        entry.state.version, before.state.version,
        "a service update has no say in this"
    );
    let id = life.masternode.platform().map(|platform| platform.node_id_hex());
    assert_eq!(entry.state.platform_node_id, id);
}

/// Revocation, the refusals after it, the owner putting the same key back, and revival.
async fn revokes(life: &mut Life<'_>, reason: Reason) {
    let height = life.apply(PRO_UP_REV, |case| case.rev().reason = reason.number()).await;
    let state = life.state().await;
    assert_revoked(&state, reason);
    assert_eq!(state["PoSeBanHeight"].to_string(), height.to_string());
    for kind in [PRO_UP_SERV, PRO_UP_REV] {
        assert_eq!(life.refused(kind, |_| {}).await, "bad-protx-sig");
    }
    life.apply(PRO_UP_REG, |_| {}).await;
    let state = life.state().await;
    assert_eq!(state["revocationReason"].to_string(), "0");
    assert_eq!(state["PoSeBanHeight"].to_string(), height.to_string());
    assert_eq!(state["version"].to_string(), life.version.to_string());
    revives(life).await;
}

fn assert_revoked(state: &Value, reason: Reason) {
    assert_wiped(state);
    assert_eq!(state["pubKeyOperator"], "0".repeat(96));
    assert_eq!(state["revocationReason"].to_string(), reason.number().to_string());
    assert_eq!(state["version"].to_string(), "1");
}

async fn revokes_while_banned(life: &mut Life<'_>) {
    let banned = replaces_operator(life, life.masternode.number | 0x60).await;
    life.apply(PRO_UP_REV, |case| case.rev().reason = 2).await;
    let state = life.state().await;
    assert_revoked(&state, Reason::CompromisedKeys);
    assert_eq!(state["PoSeBanHeight"].to_string(), banned.to_string());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn updates_do_what_the_protocol_says_before_v19() {
    let chain = Chain::start(Options::BEFORE_V19).await;
    assert_eq!(chain.version().await, 1);
    lives_through_all(&chain, MnType::Regular, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn updates_do_what_the_protocol_says_after_v19() {
    let chain = Chain::start(Options::AFTER_V19).await;
    assert_eq!(chain.version().await, 2);
    lives_through_all(&chain, MnType::Regular, 2).await;
    lives_through_all(&chain, MnType::Evo, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn updates_do_what_the_protocol_says_between_v19_and_mn_rr() {
    let chain = Chain::start(Options::BEFORE_MN_RR).await;
    let status = castellan::rpc::Node::status(&*chain.ports.node)
        .await
        .expect("a status");
    assert!(status.capabilities.v19_active && !status.capabilities.mn_rr_active);
    lives_through_all(&chain, MnType::Evo, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn version_1_updates_with_basic_signatures_are_taken_after_v19() {
    let chain = Chain::start(Options::AFTER_V19).await;
    lives_through_all(&chain, MnType::Regular, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn a_masternode_of_version_1_keeps_its_key_and_address_when_it_is_updated_in_version_2() {
    let chain = Chain::start(Options::AFTER_V19).await;
    let mut life = Life::begin(&chain, MnType::Regular, 1).await;
    life.version = 2;
    let before = life.state().await;
    life.apply(PRO_UP_SERV, |_| {}).await;
    life.apply(PRO_UP_REG, |case| case.reg().payout = script::pay_to_key(&[0x53; 20]))
        .await;
    let after = life.state().await;
    Life::assert_kept(
        &before,
        &after,
        &["version", "service", "PoSeBanHeight", "pubKeyOperator"],
    );
    assert_eq!(after["version"].to_string(), "1");
    replaces_operator(&mut life, 0x71).await;
    assert_eq!(life.state().await["version"].to_string(), "2");
}

/// A masternode registered without address waits, banned, for its operator.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn a_registration_without_address_is_enabled_by_the_first_service_update() {
    let chain = Chain::start(Options::AFTER_V19).await;
    let wanted = Wanted {
        kind: MnType::Regular,
        version: 2,
        operator_reward: REWARD,
    };
    let mut masternode = Masternode {
        number: 0x33,
        wanted,
        collateral: chain.collateral(0x33, MnType::Regular).await,
        pro_tx_hash: bitcoin::hashes::Hash::all_zeros(),
    };
    chain.node.mine(1).await;
    let mut tx = chain.registration(&masternode).await;
    let Ok(Payload::ProReg(mut payload)) = Payload::of(&tx) else {
        panic!("a registration")
    };
    let without: &mut ProRegTx = &mut payload;
    without.service = Service::NONE;
    masternode.sign(without, chain.profile());
    without.attach(&mut tx);
    let tx = crate::chain::sign_inputs(tx);
    masternode.pro_tx_hash = tx.txid();
    let height = chain.deliver(&tx).await;
    let life = Life {
        chain: &chain,
        operator: masternode.operator(),
        masternode,
        version: 2,
    };
    assert_eq!(life.entry().await.state.pose_ban_height, Some(height));
    revives(&life).await;
}

/// What is accepted changes for the block after the one before the activation, in rules and node alike.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn the_block_that_brings_v19_changes_what_is_accepted_on_both_sides() {
    const V19: u32 = 300;
    let chain = Chain::start(Options::v19_at(V19)).await;
    let life = Life::begin(&chain, MnType::Regular, 1).await;
    let coin = chain.coin().await;
    for (tip, version, scheme, expected) in [
        (V19 - 2, 1, Scheme::Legacy, None),
        (V19 - 2, 1, Scheme::Basic, Some("bad-protx-sig")),
        (V19 - 2, 2, Scheme::Legacy, Some("bad-protx-version")),
        (V19 - 2, 2, Scheme::Basic, Some("bad-protx-version")),
        (V19 - 1, 1, Scheme::Legacy, Some("bad-protx-sig")),
        (V19 - 1, 1, Scheme::Basic, None),
        (V19 - 1, 2, Scheme::Legacy, Some("bad-protx-sig")),
        (V19 - 1, 2, Scheme::Basic, None),
    ] {
        chain.mine_to(tip).await;
        for kind in [PRO_UP_SERV, PRO_UP_REV] {
            let mut case = Case::with(&chain, &life.masternode, kind, version, coin.clone()).await;
            case.scheme = scheme;
            let judged = life.judge(&case.finish()).await;
            let both = (judged.ours.as_deref(), judged.theirs.as_deref());
            assert_eq!(
                both,
                (expected, expected),
                "type {kind} version {version} {scheme} at {tip}"
            );
        }
    }
}
