//! Each warning where it is due, and none where it is not.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, OutPoint, ScriptBuf};

use super::*;
use crate::flow::overview::{self, Mine};
use crate::protocol::bls::{PublicKey, Scheme, SecretKey};
use crate::protocol::key::KeyId;
use crate::protocol::masternode::entry::{Entry, State};
use crate::protocol::network::{self, MnType};
use crate::protocol::special_tx::{ProRegTx, ProUpRegTx, Service};
use crate::protocol::{Amount, Transaction, TxOut};
use crate::rpc::{MasternodeList, Tip};
use crate::store::journal::{self, Event, Operation};
use crate::store::phrase::Phrase;
use crate::store::vault::Vault;
use crate::store::vault::seal::Stretching;

const TIP: u32 = 1_000;
const OWNER: KeyId = KeyId([1; 20]);
const VOTING: KeyId = KeyId([2; 20]);

fn profile() -> Profile {
    network::builtin("dash-regtest").unwrap()
}

fn key(n: u8) -> PublicKey {
    SecretKey::from_bytes(&[n; 32]).unwrap().public_key()
}

fn payout(n: u8) -> Address {
    Address::PubkeyHash([n; 20])
}

/// A registration made here, as a transaction.
fn registration() -> Transaction {
    let payload = ProRegTx {
        version: 2,
        kind: 0,
        mode: 0,
        collateral: OutPoint::new(Txid::all_zeros(), 1),
        service: Service::v4([203, 0, 113, 1].into(), 19_899),
        owner: OWNER,
        operator: key(1).encode(Scheme::Basic),
        voting: VOTING,
        operator_reward: 0,
        payout: payout(10).script(),
        inputs_hash: [0; 32],
        platform: None,
        signature: Vec::new(),
    };
    let mut tx = empty();
    payload.attach(&mut tx);
    tx
}

fn update(pro_tx_hash: Txid, payout: ScriptBuf, operator: &PublicKey, voting: KeyId) -> Transaction {
    let payload = ProUpRegTx {
        version: 2,
        pro_tx_hash,
        mode: 0,
        operator: operator.encode(Scheme::Basic),
        voting,
        payout,
        inputs_hash: [0; 32],
        signature: Vec::new(),
    };
    let mut tx = empty();
    payload.attach(&mut tx);
    tx
}

fn empty() -> Transaction {
    Transaction {
        version: 3,
        kind: 0,
        inputs: Vec::new(),
        outputs: vec![TxOut::new(Amount::from_duffs(1_000), payout(99).script())],
        lock_time: 0,
        payload: Vec::new(),
    }
}

/// Mined at a height, or finished only.
fn operation(id: i64, kind: &str, tx: &Transaction, mined: Option<u32>) -> Operation {
    let at = |event| journal::Entry { at: 0, event };
    let mut events = vec![at(Event::Planned { plan: "{}".to_owned() }), at(Event::finished(tx))];
    events.extend(mined.map(|height| at(Event::Mined { height, hash: None })));
    Operation {
        id,
        kind: kind.to_owned(),
        network: "dash-regtest".to_owned(),
        created: 0,
        events,
    }
}

/// As the registration made it.
fn entry(hash: Txid) -> Entry {
    let mut entry = Entry {
        pro_tx_hash: hash,
        kind: MnType::Regular,
        collateral: OutPoint::new(Txid::all_zeros(), 1),
        operator_reward: 0,
        confirmations: None,
        state: State {
            version: 2,
            service: Service::v4([203, 0, 113, 1].into(), 19_899),
            registered_height: 500,
            last_paid_height: 0,
            consecutive_payments: 0,
            pose_penalty: 0,
            pose_revived_height: None,
            pose_ban_height: None,
            revocation_reason: 0,
            owner: Some(OWNER),
            voting: Some(VOTING),
            payout: Some(payout(10)),
            operator_payout: None,
            operator: crate::protocol::masternode::OperatorKey::NotTold,
            platform_node_id: None,
            platform_p2p_port: None,
            platform_http_port: None,
        },
    };
    entry.state.name_operator(&key(1));
    entry
}

fn listed(entries: Vec<Entry>, vault: Option<&Vault>) -> Overview {
    let tip = Tip {
        height: TIP,
        hash: BlockHash::all_zeros(),
        time: 1_795_000_000,
    };
    let mine = Mine {
        hashes: entries.iter().take(1).map(|entry| entry.pro_tx_hash).collect(),
    };
    overview::assemble(
        &MasternodeList::saved(tip, entries, &profile()),
        &profile(),
        vault,
        &mine,
    )
}

/// Warnings of the first of a list, after these operations (the newest last).
fn found(operations: Vec<Operation>, entries: Vec<Entry>, vault: Option<&Vault>) -> Vec<Warning> {
    let newest_first: Vec<Operation> = operations.into_iter().rev().collect();
    let known = Known::of(&newest_first, "dash-regtest", vault);
    let overview = listed(entries, vault);
    let first = &overview.masternodes[0];
    let of_all = of_mine(&known, &overview).remove(&first.hash()).unwrap_or_default();
    assert_eq!(of_all, warnings(&known, &overview, first));
    of_all
}

fn registered() -> (Transaction, Operation) {
    let tx = registration();
    let operation = operation(1, "register", &tx, Some(500));
    (tx, operation)
}

fn vault() -> (tempfile::TempDir, Arc<Vault>) {
    let home = tempfile::tempdir().unwrap();
    let words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
    let cheap = Stretching {
        memory_kib: 8 * 1024,
        iterations: 1,
        lanes: 1,
    };
    let path = home.path().join("vault.castellan");
    let vault = Vault::create_with(&path, "correct horse", &Phrase::parse(words).unwrap(), cheap).unwrap();
    (home, Arc::new(vault))
}

#[test]
fn what_is_as_it_was_set_here_is_no_matter() {
    let (tx, registered) = registered();
    assert_eq!(found(vec![registered], vec![entry(tx.txid())], None), []);
}

#[test]
fn a_payout_address_that_somebody_else_set_is_a_grave_matter() {
    let (tx, registered) = registered();
    let mut changed = entry(tx.txid());
    changed.state.payout = Some(payout(66));
    let warnings = found(vec![registered], vec![changed], None);
    let expected = Warning::PayoutChanged {
        set: Some(payout(10)),
        now: Some(payout(66)),
    };
    assert_eq!(warnings, [expected]);
    let sentence = warnings[0].sentence(&profile());
    assert!(sentence.contains(&payout(66).to_text(&profile())), "{sentence}");
    assert_eq!(warnings[0].severity(), Severity::Grave);
}

#[test]
fn a_payout_address_that_was_changed_from_here_is_none() {
    let (tx, registered) = registered();
    let change = update(tx.txid(), payout(66).script(), &key(1), VOTING);
    let mut changed = entry(tx.txid());
    changed.state.payout = Some(payout(66));
    let operations = |mined| {
        vec![
            registered.clone(),
            operation(2, "update-registrar", &change, Some(mined)),
        ]
    };
    assert_eq!(found(operations(900), vec![changed.clone()], None), []);
    // A list that is older than the change from here tells nothing.
    let old = found(operations(TIP + 1), vec![entry(tx.txid())], None);
    assert_eq!(old, []);
    // And one changed back elsewhere is a matter again.
    assert_eq!(found(operations(900), vec![entry(tx.txid())], None).len(), 1);
}

#[test]
fn a_payout_to_a_key_of_the_vault_is_none() {
    let (_home, vault) = vault();
    let fees = vault.generate(KeyKind::Fee, "fees", &profile(), 0).unwrap();
    let (tx, registered) = registered();
    let mut changed = entry(tx.txid());
    changed.state.payout = Some(Address::PubkeyHash(fees.key_id().unwrap().0));
    assert_eq!(found(vec![registered], vec![changed], Some(&vault)), []);
}

#[test]
fn operator_and_voting_keys_that_somebody_else_set_are_grave_matters() {
    let (tx, registered) = registered();
    let mut changed = entry(tx.txid());
    changed.state.name_operator(&key(2));
    changed.state.voting = Some(KeyId([77; 20]));
    let warnings = found(vec![registered.clone()], vec![changed.clone()], None);
    assert_eq!(warnings, [Warning::OperatorChanged, Warning::VotingChanged]);
    let change = update(tx.txid(), payout(10).script(), &key(2), KeyId([77; 20]));
    let operations = vec![registered, operation(2, "update-registrar", &change, Some(900))];
    assert_eq!(found(operations, vec![changed], None), []);
}

#[test]
fn an_operator_key_in_its_other_encoding_is_the_same_key() {
    let (tx, registered) = registered();
    let mut older = entry(tx.txid());
    older.state.version = 1;
    older.state.name_operator(&key(1));
    assert_eq!(found(vec![registered], vec![older], None), []);
}

#[test]
fn a_revocation_is_told_by_the_status_and_not_as_a_change() {
    let (tx, registered) = registered();
    let mut revoked = entry(tx.txid());
    revoked.state.operator = crate::protocol::masternode::OperatorKey::Revoked;
    revoked.state.pose_ban_height = Some(900);
    assert_eq!(found(vec![registered], vec![revoked], None), []);
}

#[test]
fn a_key_of_its_name_that_the_chain_does_not_have_is_told() {
    let (_home, vault) = vault();
    let owner = vault.generate(KeyKind::Owner, "mn1-owner", &profile(), 0).unwrap();
    let operator = vault
        .generate(KeyKind::Operator, "mn1-operator", &profile(), 0)
        .unwrap();
    let mut listed = entry(Txid::from_byte_array([9; 32]));
    listed.state.owner = owner.key_id();
    let mismatch = Warning::KeyMismatch {
        role: KeyKind::Operator,
        label: "mn1-operator".to_owned(),
    };
    assert_eq!(found(Vec::new(), vec![listed.clone()], Some(&vault)), [mismatch]);
    listed.state.name_operator(&operator.operator().unwrap());
    assert_eq!(found(Vec::new(), vec![listed.clone()], Some(&vault)), []);
    // A newer key of the name that fits makes the older one merely old.
    let newer = vault
        .generate(KeyKind::Operator, "mn1-operator-2", &profile(), 0)
        .unwrap();
    listed.state.name_operator(&newer.operator().unwrap());
    assert_eq!(found(Vec::new(), vec![listed.clone()], Some(&vault)), []);
    // One that was given to somebody else from here, too.
    listed.state.name_operator(&key(5));
    let change = update(listed.pro_tx_hash, payout(10).script(), &key(5), VOTING);
    let here = operation(1, "update-registrar", &change, Some(800));
    assert_eq!(found(vec![here], vec![listed], Some(&vault)), []);
}

#[test]
fn an_address_or_operator_key_of_another_masternode_is_told() {
    let (mine, mut other) = (
        entry(Txid::from_byte_array([8; 32])),
        entry(Txid::from_byte_array([9; 32])),
    );
    let hash = other.pro_tx_hash;
    other.state.version = 1;
    other.state.name_operator(&key(1));
    let both = found(Vec::new(), vec![mine.clone(), other.clone()], None);
    let expected = [
        Warning::SameAddress { other: hash },
        Warning::SameOperatorKey { other: hash },
    ];
    assert_eq!(both, expected);
    other.state.service = Service::NONE;
    other.state.name_operator(&key(3));
    assert_eq!(found(Vec::new(), vec![mine, other], None), []);
}

#[test]
fn a_share_without_an_address_is_a_note_while_it_serves() {
    let mut listed = entry(Txid::from_byte_array([8; 32]));
    listed.operator_reward = 525;
    let warnings = found(Vec::new(), vec![listed.clone()], None);
    assert_eq!(warnings, [Warning::NoOperatorPayout { reward: 525 }]);
    assert!(warnings[0].sentence(&profile()).contains("5.25 %"));
    listed.state.operator_payout = Some(payout(4));
    assert_eq!(found(Vec::new(), vec![listed.clone()], None), []);
    listed.state.operator_payout = None;
    listed.state.pose_ban_height = Some(900);
    assert_eq!(found(Vec::new(), vec![listed], None), []);
}

#[test]
fn a_finished_transaction_in_no_block_is_a_note_until_it_is_over() {
    let (tx, registered) = registered();
    let change = update(tx.txid(), payout(66).script(), &key(1), VOTING);
    let mut waiting = operation(2, "update-registrar", &change, None);
    let warnings = found(vec![registered.clone(), waiting.clone()], vec![entry(tx.txid())], None);
    let expected = Warning::Unfinished {
        operation: 2,
        kind: "update-registrar".to_owned(),
        txid: change.txid(),
    };
    assert_eq!(warnings, [expected]);
    assert!(warnings[0].next_step().contains("number 2"));
    waiting.events.push(journal::Entry {
        at: 0,
        event: Event::Failed {
            reason: "rejected".to_owned(),
        },
    });
    assert_eq!(found(vec![registered, waiting], vec![entry(tx.txid())], None), []);
}

#[test]
fn a_masternode_from_here_that_is_listed_no_more_is_gone() {
    let (tx, registered) = registered();
    let known = Known::of(std::slice::from_ref(&registered), "dash-regtest", None);
    let other = Entry {
        collateral: OutPoint::new(Txid::all_zeros(), 7),
        ..entry(Txid::from_byte_array([8; 32]))
    };
    let gone = gone(&known, &listed(vec![other.clone()], None));
    assert_eq!(gone.len(), 1);
    assert_eq!((gone[0].pro_tx_hash, gone[0].registered), (tx.txid(), 500));
    assert_eq!(super::gone(&known, &listed(vec![entry(tx.txid())], None)), []);
    // Its collateral backs another one: it was registered anew.
    let anew = Entry {
        collateral: gone[0].collateral,
        ..other.clone()
    };
    assert_eq!(super::gone(&known, &listed(vec![anew], None)), []);
    // A registration in a block that the list does not have yet, and one of another network.
    let late = operation(1, "register", &tx, Some(TIP + 1));
    let known = Known::of(&[late], "dash-regtest", None);
    assert_eq!(super::gone(&known, &listed(vec![other.clone()], None)), []);
    let known = Known::of(&[registered], "dash-testnet", None);
    assert_eq!(super::gone(&known, &listed(vec![other], None)), []);
}

#[test]
fn every_warning_has_a_consequence_and_a_next_step() {
    let hash = Txid::all_zeros();
    let all = [
        Warning::CollateralBeingSpent,
        Warning::PayoutChanged { set: None, now: None },
        Warning::OperatorChanged,
        Warning::VotingChanged,
        Warning::KeyMismatch {
            role: KeyKind::Owner,
            label: "mn1-owner".to_owned(),
        },
        Warning::OutdatedProtocol {
            version: 70_238,
            minimum: 70_240,
        },
        Warning::SameAddress { other: hash },
        Warning::SameOperatorKey { other: hash },
        Warning::NoOperatorPayout { reward: 5 },
        Warning::Unfinished {
            operation: 1,
            kind: "revoke".to_owned(),
            txid: hash,
        },
    ];
    for warning in all {
        assert!(warning.sentence(&profile()).ends_with('.'), "{warning:?}");
        assert!(warning.next_step().ends_with('.'), "{warning:?}");
        assert!(!warning.short().is_empty());
    }
}
