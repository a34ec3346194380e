//! Rules of a ProUpRegTx, and the warnings about operator keys in another encoding.

use super::serv::{bare_key, other_than};
use super::*;
use crate::protocol::key::KeyId;
use crate::protocol::message::message_hash;

const NULL: &str = "bad-protx-key-null";
const PAYEE: &str = "bad-protx-payee";
const REUSE: &str = "bad-protx-payee-reuse";

/// The compact signature's header: 31..34 as it is made.
fn shift_header(case: &mut Case, by: i8) {
    let header = &mut case.reg.signature[0];
    *header = header.wrapping_add_signed(by);
}

/// The first operator whose key, in the encoding of another version, does or does not have the top bit: with it the bytes are
/// the negative key in the version's own encoding, without it they are no key there.
fn miswritten(scheme: bls::Scheme, reads: bool) -> [u8; 48] {
    let is_key = |bytes: &[u8; 48]| bls::PublicKey::decode(scheme, bytes).is_ok();
    let mut all = (10..40).map(|n| operator(n).encode(other_than(scheme)));
    all.find(|bytes| is_key(bytes) == reads).expect("half of all keys")
}

/// Of a list entry whose key is in the other encoding than the chain's.
fn other_version(case: &Case) -> u16 {
    if case.scheme() == bls::Scheme::Basic { 1 } else { 2 }
}

/// Legacy bytes that are no key.
const OFF_CURVE: [u8; 48] = {
    let mut bytes = [0; 48];
    bytes[47] = 1;
    bytes
};
const OFF_SUBGROUP: [u8; 48] = {
    let mut bytes = [0; 48];
    (bytes[0], bytes[47]) = (0x80, 4);
    bytes
};

pub(super) const ROWS: &[Row] = &[
    row("mode 1", |c| c.reg.mode = 1, "bad-protx-mode"),
    row("mode in the other byte order", |c| c.reg.mode = 0x100, "bad-protx-mode"),
    row("no operator key", |c| c.reg.operator = [0; 48], NULL),
    // 0.17 reads the key while it parses.
    row("an operator key of no form", |c| c.reg.operator = [0xff; 48], NULL).old("bad-protx-payload"),
    // Nodes of the 0.17 line accept it, and nobody can ever sign for it.
    row(
        "an operator key at infinity",
        |c| {
            c.reg.operator = [0; 48];
            c.reg.operator[0] = 0xc0;
        },
        NULL,
    ),
    // Nodes take these in the legacy encoding, and nobody can sign for them: a warning, but where nodes are 0.17.
    row(
        "an operator key outside the subgroup",
        |c| c.reg.operator = OFF_SUBGROUP,
        NULL,
    )
    .before_v19(ACCEPTED),
    row("an operator key off the curve", |c| c.reg.operator = OFF_CURVE, NULL)
        .before_v19(ACCEPTED)
        .old("bad-protx-payload"),
    row(
        "an operator key whose bytes are another masternode's in the other encoding",
        |c| {
            let bytes = miswritten(c.scheme(), true);
            c.entry(OTHER).state.version = other_version(c);
            c.entry(OTHER).state.operator = OperatorKey::from_bytes(bytes, other_than(c.scheme()));
            c.reg.operator = bytes;
        },
        "bad-protx-dup-key",
    ),
    row(
        "an operator key written in the other encoding, which reads as no key",
        |c| c.reg.operator = miswritten(c.scheme(), false),
        NULL,
    )
    .old("bad-protx-payload"),
    row(
        "an operator key written in the other encoding, which reads as its negative",
        |c| c.reg.operator = miswritten(c.scheme(), true),
        ACCEPTED,
    ),
    row("no voting key", |c| c.reg.voting = KeyId([0; 20]), NULL),
    row("no payout", |c| c.reg.payout = ScriptBuf::new(), PAYEE),
    row(
        "a payout to nobody",
        |c| c.reg.payout = ScriptBuf::from_bytes(vec![0x6a]),
        PAYEE,
    ),
    row("a payout to a bare key", |c| c.reg.payout = bare_key(), PAYEE),
    row(
        "a payout with a byte too many",
        |c| c.reg.payout = ScriptBuf::from_bytes([c.reg.payout.as_bytes(), &[0]].concat()),
        PAYEE,
    ),
    row(
        "a payout to a hash of 19 bytes",
        |c| c.reg.payout = ScriptBuf::from_bytes([&[0xa9, 19][..], &[1; 19], &[0x87]].concat()),
        PAYEE,
    ),
    row(
        "a payout to a script",
        |c| c.reg.payout = script::pay_to_script(&[1; 20]),
        ACCEPTED,
    ),
    row(
        "a payout to the owner key",
        |c| c.reg.payout = key(1).key_id().address().script(),
        REUSE,
    ),
    row(
        "a payout to the new voting key",
        |c| {
            c.reg.voting = key(7).key_id();
            c.reg.payout = key(7).key_id().address().script();
        },
        REUSE,
    ),
    row(
        "a payout to the voting key that is kept",
        |c| c.reg.payout = c.reg.voting.address().script(),
        REUSE,
    ),
    row(
        "a payout to the voting key that is given up",
        |c| {
            c.reg.payout = c.reg.voting.address().script();
            c.reg.voting = key(7).key_id();
        },
        ACCEPTED,
    ),
    row(
        "a payout to the collateral's address",
        |c| c.reg.payout = key(4).key_id().address().script(),
        ACCEPTED,
    ),
    row(
        "a collateral that is spent",
        |c| drop(c.facts.coins.insert(outpoint(MINE), None)),
        "bad-protx-collateral",
    ),
    row(
        "a collateral without address",
        |c| c.coin(MINE).script = ScriptBuf::from_bytes(vec![0x51]),
        "bad-protx-collateral-dest",
    ),
    row(
        "a collateral of a bare key",
        |c| c.coin(MINE).script = bare_key(),
        ACCEPTED,
    ),
    row(
        "the voting key holds the collateral",
        |c| c.reg.voting = key(4).key_id(),
        "bad-protx-collateral-reuse",
    ),
    row(
        "the voting key holds the collateral as a bare key",
        |c| {
            c.coin(MINE).script = bare_key();
            c.reg.voting = key(7).key_id();
        },
        "bad-protx-collateral-reuse",
    ),
    row(
        "the owner key holds the collateral",
        |c| {
            c.entry(MINE).state.owner = Some(key(4).key_id());
            c.owner = key(4);
        },
        "bad-protx-collateral-reuse",
    ),
    row(
        "the operator key of another masternode",
        |c| c.reg.operator = operator(6).encode(c.reg.key_encoding()),
        "bad-protx-dup-key",
    ),
    row(
        "the operator key of another masternode that is banned",
        |c| {
            c.entry(OTHER).state.pose_ban_height = Some(7);
            c.reg.operator = operator(6).encode(c.reg.key_encoding());
        },
        "bad-protx-dup-key",
    ),
    // Nodes compare bytes.
    row(
        "the operator key of another masternode in the other encoding",
        |c| {
            c.entry(OTHER).state.version = other_version(c);
            c.reg.operator = operator(6).encode(c.reg.key_encoding());
        },
        ACCEPTED,
    ),
    row(
        "a new operator key",
        |c| c.reg.operator = operator(8).encode(c.reg.key_encoding()),
        ACCEPTED,
    ),
    row(
        "the voting key of another masternode",
        |c| c.entry(OTHER).state.voting = Some(c.reg.voting),
        ACCEPTED,
    ),
    row("the owner votes", |c| c.reg.voting = key(1).key_id(), ACCEPTED),
    row(
        "a revoked masternode gets its key back",
        |c| c.entry(MINE).state.operator = OperatorKey::Revoked,
        ACCEPTED,
    ),
    row(
        "another voting key than the owner's before enforcement",
        |c| c.facts.height = c.profile.activation.dip3_enforcement.saturating_sub(2),
        "bad-protx-key-not-same",
    ),
    row(
        "the owner votes before enforcement",
        |c| {
            c.facts.height = c.profile.activation.dip3_enforcement.saturating_sub(2);
            c.reg.voting = key(1).key_id();
        },
        ACCEPTED,
    ),
    row("signed by the voting key", |c| c.owner = key(3), "bad-protx-sig"),
    row(
        "signed as a text, which devices can",
        |c| {
            c.then = |c| {
                let mut hash = c.reg.payload_hash();
                hash.reverse();
                let text = crate::protocol::wire::to_hex(&hash);
                let digest = message_hash(&c.profile.message_magic, text.as_bytes());
                c.reg.signature = c.owner.sign_compact(&digest).as_bytes().to_vec();
            }
        },
        "bad-protx-sig",
    ),
    row(
        "signed over the hash as it is printed",
        |c| {
            c.then = |c| {
                let mut hash = c.reg.payload_hash();
                hash.reverse();
                c.reg.signature = c.owner.sign_compact(&hash).as_bytes().to_vec();
            }
        },
        "bad-protx-sig",
    ),
    row(
        "signed with the header of an uncompressed key (27..30)",
        |c| c.then = |c| shift_header(c, -4),
        "bad-protx-sig",
    ),
    row(
        "signed with a header of BIP-0137 (35..38)",
        |c| c.then = |c| shift_header(c, 4),
        "bad-protx-sig",
    ),
    row(
        "signed with a header of BIP-0137 (39..42), the same to a node",
        |c| c.then = |c| shift_header(c, 8),
        ACCEPTED,
    ),
    row(
        "a signature of 64 bytes",
        |c| c.then = |c| c.reg.signature.truncate(64),
        "bad-protx-sig",
    ),
    row(
        "a signature of 66 bytes",
        |c| c.then = |c| c.reg.signature.push(0),
        "bad-protx-sig",
    ),
    row(
        "a signature of zeros",
        |c| c.then = |c| c.reg.signature = vec![0; 65],
        "bad-protx-sig",
    ),
    row("version 1", |c| c.set_version(1), ACCEPTED),
    row("version 2", |c| c.reg.version = 2, ACCEPTED)
        .before_v19("bad-protx-version")
        .old("bad-protx-version"),
    row("version 3", |c| c.reg.version = 3, "bad-protx-version").since_19("bad-protx-payload"),
    row("version 4", |c| c.reg.version = 4, "bad-protx-payload").old("bad-protx-version"),
];

#[test]
fn rules_of_a_registrar_update_give_the_reject_string_of_every_generation() {
    judge(&GENERATIONS, PRO_UP_REG, ROWS);
}

fn warned(change: impl FnOnce(&mut Case)) -> (bool, Vec<String>) {
    let mut case = Case::new(NEW, PRO_UP_REG);
    change(&mut case);
    let verdict = case.verdict();
    let warnings = verdict.warnings().map(|check| check.message.clone()).collect();
    (verdict.accepted(), warnings)
}

#[test]
fn a_key_another_masternode_has_in_the_other_encoding_is_accepted_with_a_warning() {
    let (accepted, warnings) = warned(|case| {
        case.reg.operator = operator(6).encode(bls::Scheme::Basic);
        case.entry(OTHER).state.version = 1;
    });
    assert!(accepted && warnings.len() == 1, "{warnings:?}");
    assert_eq!(warned(|_| ()), (true, vec![]));
    // The own key, in the encoding of a newer payload: nothing changes and nothing is said.
    assert_eq!(warned(|case| case.entry(MINE).state.version = 1), (true, vec![]));
}

#[test]
fn a_key_pasted_in_the_wrong_encoding_is_warned_of_where_a_node_takes_it_for_its_negative() {
    let mut seen = 0;
    for n in 10..30 {
        let legacy = operator(n).encode(bls::Scheme::Legacy);
        let (accepted, warnings) = warned(|case| {
            case.entry(MINE).state.name_operator(&operator(n));
            case.reg.operator = legacy;
        });
        // Half of all keys read in both encodings; the rest are refused by everybody.
        assert_eq!(accepted, legacy[0] & 0x80 != 0);
        assert_eq!(warnings.len(), 1);
        seen += usize::from(accepted);
    }
    assert!((3..18).contains(&seen), "{seen} of 20");
}

#[test]
fn legacy_bytes_that_are_no_key_are_taken_by_nodes_and_warned_of() {
    for bytes in [OFF_CURVE, OFF_SUBGROUP] {
        let (accepted, warnings) = warned(|case| (case.reg.version, case.reg.operator) = (1, bytes));
        assert!(accepted && warnings.len() == 1, "{warnings:?}");
    }
}

#[test]
fn the_mempool_compares_the_bytes_of_keys_whatever_they_mean() {
    let bytes = miswritten(bls::Scheme::Legacy, true);
    let waiting = reject(NEW, PRO_UP_REG, |case| {
        (case.reg.version, case.reg.operator) = (1, bytes);
        pending::wait_for(case, PRO_UP_REG, |other| {
            other.set_hash(hash(OTHER));
            other.reg.operator = miswritten(bls::Scheme::Legacy, true);
        });
    });
    assert_eq!(waiting, Some("protx-dup"));
}
