//! What unconfirmed transactions keep out.

use super::*;

/// Another unconfirmed update, of a type, as the case's chain would see it.
pub(super) fn wait_for(case: &mut Case, kind: u16, change: impl FnOnce(&mut Case)) {
    let mut other = Case::new(case.generation, kind);
    change(&mut other);
    let mut tx = other.tx.clone();
    tx.lock_time = 1;
    tx.payload = other.payload();
    let pending = Pending { txid: tx.txid(), tx };
    case.facts.pending = Some(vec![pending]);
}

fn judged_as(case: &mut Case, kind: u16) {
    (case.kind, case.tx.kind) = (kind, kind);
}

fn new_key(case: &mut Case) {
    case.reg.operator = operator(8).encode(case.reg.key_encoding());
}

fn other_masternode(case: &mut Case) {
    case.set_hash(hash(OTHER));
}

const DUP: &str = "protx-dup";

/// Each sets its own type. An address or key that waits is taken for its own masternode too: Dash Core 23.1.2 and 0.17.0.3 alike
/// (txmempool.cpp) compare the masternode's hash with `it->second`, which is a txid.
pub(super) const ROWS: &[Row] = &[
    row(
        "a service update of the same masternode to the same address",
        |c| {
            judged_as(c, PRO_UP_SERV);
            wait_for(c, PRO_UP_SERV, |_| ());
        },
        DUP,
    ),
    row(
        "a service update of the same masternode to another address",
        |c| {
            judged_as(c, PRO_UP_SERV);
            wait_for(c, PRO_UP_SERV, |other| {
                other.serv.service = Service::v4([1, 2, 3, 5].into(), 9999);
            });
        },
        ACCEPTED,
    ),
    row(
        "two registrar updates that keep the key",
        |c| {
            judged_as(c, PRO_UP_REG);
            wait_for(c, PRO_UP_REG, |_| ());
        },
        DUP,
    ),
    row(
        "a service update of another masternode to the same address",
        |c| {
            judged_as(c, PRO_UP_SERV);
            wait_for(c, PRO_UP_SERV, other_masternode);
        },
        DUP,
    ),
    row(
        "a service update of another masternode to another address",
        |c| {
            judged_as(c, PRO_UP_SERV);
            wait_for(c, PRO_UP_SERV, |other| {
                other_masternode(other);
                other.serv.service = Service::v4([1, 2, 3, 5].into(), 9999);
            });
        },
        ACCEPTED,
    ),
    row(
        "a payout change beside a service update",
        |c| {
            judged_as(c, PRO_UP_REG);
            wait_for(c, PRO_UP_SERV, |_| ());
        },
        ACCEPTED,
    ),
    row(
        "a service update beside a key change",
        |c| {
            judged_as(c, PRO_UP_SERV);
            wait_for(c, PRO_UP_REG, new_key);
        },
        ACCEPTED,
    ),
    row(
        "two registrar updates of which one changes the key",
        |c| {
            judged_as(c, PRO_UP_REG);
            wait_for(c, PRO_UP_REG, new_key);
        },
        ACCEPTED,
    ),
    row(
        "two changes of the key",
        |c| {
            judged_as(c, PRO_UP_REG);
            new_key(c);
            wait_for(c, PRO_UP_REG, new_key);
        },
        DUP,
    ),
    row(
        "one new key for two masternodes",
        |c| {
            judged_as(c, PRO_UP_REG);
            new_key(c);
            wait_for(c, PRO_UP_REG, |other| {
                new_key(other);
                other_masternode(other);
            });
        },
        DUP,
    ),
    row(
        "this masternode's key for another one",
        |c| {
            judged_as(c, PRO_UP_REG);
            wait_for(c, PRO_UP_REG, other_masternode);
        },
        DUP,
    ),
    row(
        "a registrar update that keeps the key beside a revocation",
        |c| {
            judged_as(c, PRO_UP_REG);
            wait_for(c, PRO_UP_REV, |_| ());
        },
        ACCEPTED,
    ),
    row(
        "a key change beside a revocation",
        |c| {
            judged_as(c, PRO_UP_REG);
            new_key(c);
            wait_for(c, PRO_UP_REV, |_| ());
        },
        DUP,
    ),
    row(
        "a revocation beside a key change",
        |c| {
            judged_as(c, PRO_UP_REV);
            wait_for(c, PRO_UP_REG, new_key);
        },
        DUP,
    ),
    row(
        "a revocation beside a registrar update that keeps the key",
        |c| {
            judged_as(c, PRO_UP_REV);
            wait_for(c, PRO_UP_REG, |_| ());
        },
        ACCEPTED,
    ),
    row(
        "two revocations",
        |c| {
            judged_as(c, PRO_UP_REV);
            wait_for(c, PRO_UP_REV, |_| ());
        },
        DUP,
    ),
    row(
        "revocations of two masternodes",
        |c| {
            judged_as(c, PRO_UP_REV);
            wait_for(c, PRO_UP_REV, other_masternode);
        },
        ACCEPTED,
    ),
];

#[test]
fn unconfirmed_transactions_keep_out_what_they_have_taken_in_every_generation() {
    judge(&GENERATIONS, PRO_UP_SERV, ROWS);
}

#[test]
fn what_the_node_knows_already_is_not_in_its_own_way() {
    for generation in GENERATIONS {
        let known = reject(generation, PRO_UP_REV, |c| {
            wait_for(c, PRO_UP_REV, |_| ());
            c.facts.known = true;
        });
        assert_eq!(known, None);
    }
}

#[test]
fn a_node_that_does_not_tell_its_mempool_leaves_the_rule_open() {
    let mut case = Case::new(OLD, PRO_UP_SERV);
    case.facts.pending = None;
    let verdict = case.verdict();
    let open = verdict.checks.iter().find(|check| check.passed.is_none());
    assert_eq!(
        open.map(|check| (check.rule, check.reject)),
        Some(("no-pending-duplicate", DUP))
    );
}
