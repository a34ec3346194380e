//! Rules of every transaction, and those that all updates share.

use super::*;

/// What is wrong with the transaction around the payload.
pub(super) const FRAME: &[Row] = &[
    row("no inputs", |c| c.tx.inputs.clear(), "bad-txns-vin-empty"),
    row("no outputs", |c| c.tx.outputs.clear(), "bad-txns-vout-empty"),
    row(
        "a transaction of 100 001 bytes and more",
        |c| (0..3_000).for_each(|_| c.add_output(1_000, script::pay_to_key(&[8; 20]).as_bytes())),
        "bad-txns-oversize",
    ),
    row(
        "a payload of 10 001 bytes",
        |c| c.tx.payload = vec![1; 10_001],
        "bad-txns-payload-oversize",
    ),
    row(
        "an input twice",
        |c| c.tx.inputs.push(TxIn::unsigned(outpoint(FEE))),
        "bad-txns-inputs-duplicate",
    ),
    row("a type in version 2", |c| c.tx.version = 2, "bad-txns-type"),
    row("version 4", |c| c.tx.version = 4, "version"),
    row("a type nobody knows", |c| c.tx.kind = 77, "bad-txns-type"),
    row("the type of coinbases", |c| c.tx.kind = 5, "bad-cbtx-invalid"),
    row(
        "a negative output",
        |c| c.tx.outputs[0].value = -1,
        "bad-txns-vout-negative",
    ),
    row(
        "an output of more coins than can exist",
        |c| c.tx.outputs[0].value = i64::MAX,
        "bad-txns-vout-toolarge",
    ),
    row(
        "outputs of more coins than can exist together",
        |c| {
            let most = c.profile.max_money.duffs() as i64;
            c.tx.outputs[0].value = most;
            c.add_output(most, script::pay_to_key(&[8; 20]).as_bytes());
        },
        "bad-txns-txouttotal-toolarge",
    ),
    row(
        "an input script longer than nodes relay",
        |c| c.last = |c| c.tx.inputs[0].script_sig = ScriptBuf::from_bytes(vec![0; 1_651]),
        "scriptsig-size",
    ),
    row(
        "an output to a script of no known form",
        |c| c.add_output(600, &[0x51]),
        "scriptpubkey",
    ),
    row("an output too small for a key", |c| c.tx.outputs[0].value = 545, "dust"),
    row(
        "an output too small for a script",
        |c| c.add_output(539, script::pay_to_script(&[8; 20]).as_bytes()),
        "dust",
    ),
    row(
        "an output too small for a bare key",
        |c| c.add_output(575, serv::bare_key().as_bytes()),
        "dust",
    ),
    row(
        "an output too small before one of no known form",
        |c| {
            c.tx.outputs[0].value = 1;
            c.add_output(1, &[0x51]);
        },
        "dust",
    ),
    row(
        "an output of no known form before one too small",
        |c| {
            c.tx.outputs[0].script = ScriptBuf::from_bytes(vec![0x51]);
            c.add_output(1, script::pay_to_key(&[1; 20]).as_bytes());
        },
        "scriptpubkey",
    ),
    row(
        "locked until a later block",
        |c| (c.tx.lock_time, c.tx.inputs[0].sequence) = (3_000_001, 0),
        "non-final",
    ),
    row(
        "locked until the block that passed",
        |c| (c.tx.lock_time, c.tx.inputs[0].sequence) = (3_000_000, 0),
        ACCEPTED,
    ),
    row(
        "locked until a later block, with final inputs",
        |c| c.tx.lock_time = 3_000_001,
        ACCEPTED,
    ),
    row(
        "an input locked for longer than its coin is old",
        |c| c.tx.inputs[0].sequence = 0xffff,
        "non-BIP68-final",
    ),
    row(
        "an input locked for less than its coin is old",
        |c| c.tx.inputs[0].sequence = 1,
        ACCEPTED,
    ),
    row(
        "two outputs that carry data",
        |c| (0..2).for_each(|_| c.add_output(0, &[0x6a])),
        "multi-op-return",
    ),
    row(
        "an input spent in the chain",
        |c| drop(c.facts.coins.insert(outpoint(FEE), None)),
        "bad-txns-inputs-missingorspent",
    )
    .old("Missing inputs"),
    row(
        "an input an unconfirmed transaction spends",
        |c| c.coin(FEE).spent_in_mempool = true,
        "txn-mempool-conflict",
    ),
    row(
        "a reward of 99 confirmations",
        |c| {
            let coin = c.coin(FEE);
            (coin.coinbase, coin.confirmations) = (true, 99);
        },
        "bad-txns-premature-spend-of-coinbase",
    ),
    row(
        "a reward of 100 confirmations",
        |c| {
            let coin = c.coin(FEE);
            (coin.coinbase, coin.confirmations) = (true, 100);
        },
        ACCEPTED,
    ),
    row(
        "outputs of more than the inputs hold",
        |c| c.tx.outputs[0].value = 100_001,
        "bad-txns-in-belowout",
    ),
    row("no fee", |c| c.tx.outputs[0].value = 100_000, "min relay fee not met"),
    row(
        "a fee too small",
        |c| c.tx.outputs[0].value = 99_950,
        "min relay fee not met",
    ),
    row(
        "an input signed by a stranger",
        |c| c.fee = key(7),
        "mandatory-script-verify-flag-failed",
    ),
    row(
        "inputs signed before the last change",
        |c| c.last = |c| c.tx.lock_time = 1,
        "mandatory-script-verify-flag-failed",
    ),
    row(
        "an input not signed",
        |c| c.last = |c| c.tx.inputs[0].script_sig = ScriptBuf::new(),
        "mandatory-script-verify-flag-failed",
    ),
];

/// What is wrong with any payload.
pub(super) const PAYLOAD: &[Row] = &[
    row("version 0", |c| c.set_version(0), "bad-protx-payload").old("bad-protx-version"),
    row(
        "version 4 and nothing of it",
        |c| c.tx.payload = [4, 0, 1, 1].into(),
        "bad-protx-payload",
    ),
    row(
        "nothing but a version",
        |c| c.tx.payload = vec![1, 0],
        "bad-protx-payload",
    ),
    row("half a version", |c| c.tx.payload = vec![1], "bad-protx-payload"),
    row("no payload", |c| c.last = |c| c.tx.payload.clear(), "bad-protx-payload"),
    row(
        "a byte too many",
        |c| {
            c.tx.payload = c.payload();
            c.tx.payload.push(0);
        },
        "bad-protx-payload",
    ),
    row(
        "a byte too few",
        |c| {
            c.tx.payload = c.payload();
            c.tx.payload.pop();
        },
        "bad-protx-payload",
    ),
    row(
        "the payload of another type",
        |c| {
            let kind = c.kind;
            c.kind = if kind == PRO_UP_REV { PRO_UP_SERV } else { kind + 1 };
            c.tx.payload = c.payload();
        },
        "bad-protx-payload",
    ),
    row(
        "no masternode at all",
        |c| c.facts.masternodes.clear(),
        "bad-protx-hash",
    ),
    row(
        "a masternode that is not listed",
        |c| c.set_hash(hash(0x77)),
        "bad-protx-hash",
    ),
    row(
        "the proTxHash as it is printed",
        |c| {
            let mut stored = [MINE; 32];
            stored[0] = 1;
            c.entry(MINE).pro_tx_hash = ProTxHash::from_byte_array(stored);
            stored.reverse();
            c.set_hash(ProTxHash::from_byte_array(stored));
        },
        "bad-protx-hash",
    ),
    row(
        "another inputs hash",
        |c| c.set_inputs_hash([1; 32]),
        "bad-protx-inputs-hash",
    ),
    row(
        "the inputs hash as it is printed",
        |c| {
            let mut hash = c.tx.inputs_hash();
            hash.reverse();
            c.set_inputs_hash(hash);
        },
        "bad-protx-inputs-hash",
    ),
    row(
        "inputs in another order than hashed",
        |c| {
            c.add_input(0x13);
            c.set_inputs_hash(c.tx.inputs_hash());
            c.tx.inputs.reverse();
        },
        "bad-protx-inputs-hash",
    ),
    row("not signed", |c| c.sign = false, "bad-protx-sig"),
    row(
        "signed by strangers",
        |c| (c.signer, c.owner) = (secret(7), key(7)),
        "bad-protx-sig",
    ),
    row(
        "changed after signing",
        |c| {
            c.then = |c| {
                c.serv.service.ip = std::net::Ipv4Addr::new(1, 2, 3, 5).to_ipv6_mapped();
                c.reg.voting = key(7).key_id();
                c.rev.reason = 2;
            }
        },
        "bad-protx-sig",
    ),
];

#[test]
fn what_is_wrong_with_the_transaction_gives_the_reject_string_of_every_generation() {
    for kind in ALL {
        judge(&GENERATIONS, kind, FRAME);
    }
}

#[test]
fn what_is_wrong_with_any_update_gives_the_reject_string_of_every_generation() {
    for kind in ALL {
        judge(&GENERATIONS, kind, PAYLOAD);
    }
}

#[test]
fn regtest_relays_what_is_not_standard_on_the_old_network_only() {
    let odd: Change = |c| {
        c.tx.outputs[0].value -= 1_000;
        c.add_output(600, &[0x51]);
    };
    for kind in ALL {
        let judge = |network, dialect, version| reject(generation(network, dialect, version), kind, odd);
        assert_eq!(judge("wei-regtest", Dialect::V17, 1), None);
        assert_eq!(judge("dash-regtest", Dialect::V23, 2), Some("scriptpubkey"));
    }
}

#[test]
fn locks_by_time_are_left_open() {
    // Nobody here knows the blocks' median time.
    let mut case = Case::new(NEW, PRO_UP_REV);
    (case.tx.lock_time, case.tx.inputs[0].sequence) = (1_700_000_000, 0x0040_0001);
    let verdict = case.verdict();
    let open = verdict.checks.iter().filter(|check| check.passed.is_none());
    let open: Vec<&str> = open.map(|check| check.reject).collect();
    assert_eq!(open, ["non-final", "non-BIP68-final"]);
}
