//! Two looks side by side. What comes of them on a chain is in `tests/flow/alert`.

use bitcoin::BlockHash;
use bitcoin::hashes::Hash;

use super::*;
use crate::protocol::network;

const HEIGHT: u32 = 1_000;

fn snapshot() -> Snapshot {
    Snapshot {
        name: "mn1".to_owned(),
        mine: true,
        standing: Standing::Enabled,
        penalty: 0,
        max: 100,
        danger_line: 34,
        blocks_to_safe: 0,
        revived: None,
        last_paid: 900,
        due: Some(1_050),
        service: "1.2.3.4:9999".to_owned(),
        payout: Some("Xowner".to_owned()),
        operator_payout: None,
        voting: Some("Xvoting".to_owned()),
        operator: Some("aa".repeat(48)),
        collateral: OutPoint::null(),
    }
}

fn hash() -> ProTxHash {
    ProTxHash::from_byte_array([7; 32])
}

fn seen(height: u32, snapshot: Option<Snapshot>) -> Seen {
    Seen {
        height,
        hash: BlockHash::from_byte_array([height as u8; 32]),
        time: u64::from(height) * 150,
        masternodes: snapshot.map(|snapshot| (hash(), snapshot)).into_iter().collect(),
        blocks: Vec::new(),
    }
}

/// What happened from a masternode as it is usually, changed by `was`, to the same changed by `is`, `blocks` later.
fn after(blocks: u32, was: impl FnOnce(&mut Snapshot), is: impl FnOnce(&mut Snapshot)) -> Vec<What> {
    let (mut before, mut now) = (snapshot(), snapshot());
    was(&mut before);
    was_is(&before, &mut now);
    is(&mut now);
    between(&seen(HEIGHT, Some(before)), &seen(HEIGHT + blocks, Some(now)))
        .into_iter()
        .map(|alert| alert.what)
        .collect()
}

fn was_is(before: &Snapshot, now: &mut Snapshot) {
    now.clone_from(before);
}

fn kinds(all: &[What]) -> Vec<&'static str> {
    let alert = |what: &What| Alert {
        of: None,
        what: what.clone(),
        height: 0,
        time: 0,
        own: false,
    };
    all.iter().map(|what| alert(what).kind().name()).collect()
}

#[test]
fn a_quiet_block_tells_nothing_and_nor_does_a_masternode_seen_for_the_first_time() {
    assert_eq!(after(1, |_| (), |_| ()), []);
    assert_eq!(between(&seen(HEIGHT, None), &seen(HEIGHT + 1, Some(snapshot()))), []);
    // A score that fades is no news.
    let fades = after(10, |was| was.penalty = 30, |is| is.penalty = 20);
    assert_eq!(fades, []);
}

#[test]
fn a_failed_dkg_raises_the_score_and_crosses_the_line() {
    let failed = after(1, |_| (), |is| (is.penalty, is.blocks_to_safe) = (66, 33));
    assert_eq!(
        failed,
        [
            What::ScoreRose {
                from: 0,
                to: 66,
                max: 100,
                dkg: None
            },
            What::DangerLine {
                into: true,
                penalty: 66,
                line: 34,
                blocks_to_safe: 33
            },
        ]
    );
    let safe = after(1, |was| was.penalty = 34, |is| is.penalty = 33);
    assert!(matches!(safe[..], [What::DangerLine { into: false, .. }]), "{safe:?}");
}

#[test]
fn a_rise_among_blocks_that_were_not_seen_is_found_by_what_should_have_faded() {
    // 90 blocks later it would be 0 by itself.
    let rose = after(90, |was| was.penalty = 66, |is| is.penalty = 20);
    assert!(matches!(rose[0], What::ScoreRose { from: 0, to: 20, .. }), "{rose:?}");
    // Revived meanwhile it began at 0 again.
    let rose = after(
        10,
        |was| was.penalty = 200,
        |is| (is.penalty, is.revived, is.max) = (60, Some(HEIGHT + 5), 300),
    );
    assert!(
        rose.iter()
            .any(|what| matches!(what, What::ScoreRose { from: 0, to: 60, .. })),
        "{rose:?}"
    );
}

#[test]
fn a_ban_is_told_once_as_a_ban() {
    let banned = after(
        1,
        |was| was.penalty = 50,
        |is| (is.standing, is.penalty, is.due) = (Standing::Misbehaved, 100, None),
    );
    assert_eq!(
        banned,
        [What::Status {
            from: Standing::Enabled,
            to: Standing::Misbehaved
        }]
    );
    let revived = after(
        1,
        |was| (was.standing, was.penalty) = (Standing::Misbehaved, 100),
        |is| (is.standing, is.penalty, is.revived) = (Standing::Enabled, 0, Some(HEIGHT + 1)),
    );
    assert_eq!(kinds(&revived), ["status"]);
}

#[test]
fn a_new_operator_key_takes_the_address_with_it() {
    let changed = after(
        1,
        |was| was.operator_payout = Some("Xop".to_owned()),
        |is| {
            is.operator = Some("bb".repeat(48));
            (is.standing, is.service, is.operator_payout) = (Standing::OperatorChanged, "[::]:0".to_owned(), None);
        },
    );
    assert_eq!(kinds(&changed), ["operator-changed", "status"]);
    let revoked = after(
        1,
        |_| (),
        |is| (is.operator, is.standing, is.service) = (None, Standing::Revoked(2), String::new()),
    );
    assert_eq!(kinds(&revoked), ["status"]);
}

#[test]
fn what_a_node_had_not_told_is_no_change() {
    let told = after(
        1,
        |was| (was.payout, was.voting) = (None, None),
        |is| {
            (is.payout, is.voting) = (Some("Xnew".to_owned()), Some("Xother".to_owned()));
        },
    );
    assert_eq!(told, []);
    let changed = after(
        1,
        |_| (),
        |is| (is.payout, is.voting) = (Some("Xnew".to_owned()), Some("Xother".to_owned())),
    );
    assert_eq!(kinds(&changed), ["payout-changed", "voting-changed"]);
}

#[test]
fn a_payment_is_told_and_one_that_was_due_but_did_not_come_is_missed() {
    let next = HEIGHT + 1;
    let paid = after(
        1,
        |was| was.due = Some(next),
        |is| (is.last_paid, is.due) = (next, Some(1_080)),
    );
    assert_eq!(
        paid,
        [What::Paid {
            block: next,
            amount: None
        }]
    );
    let missed = after(1, |was| was.due = Some(next), |is| is.due = Some(next + 1));
    assert_eq!(missed, [What::PaymentMissed { block: next }]);
    // Not yet due, banned in that very block, or revived behind the others: not missed.
    assert_eq!(after(1, |was| was.due = Some(next + 1), |_| ()), []);
    let banned = after(
        1,
        |was| was.due = Some(next),
        |is| (is.standing, is.due) = (Standing::Misbehaved, None),
    );
    assert_eq!(kinds(&banned), ["status"]);
    let revived = after(1, |was| was.due = Some(next), |is| is.revived = Some(next));
    assert_eq!(revived, []);
}

#[test]
fn an_evonode_in_the_middle_of_its_run_is_paid_block_by_block() {
    let run = |paid: u32| {
        after(
            1,
            |was| (was.due, was.last_paid) = (Some(HEIGHT + 1), HEIGHT),
            |is| is.last_paid = paid,
        )
    };
    assert_eq!(kinds(&run(HEIGHT + 1)), ["payment"]);
    assert_eq!(kinds(&run(HEIGHT)), ["payment-missed"]);
}

#[test]
fn a_payment_among_unseen_blocks_is_only_suspected_to_be_missed() {
    let suspect = |due: u32, blocks: u32, is: fn(&mut Snapshot)| {
        let (mut was, mut now) = (snapshot(), snapshot());
        was.due = Some(due);
        is(&mut now);
        let (before, after) = (seen(HEIGHT, Some(was)), seen(HEIGHT + blocks, Some(now)));
        assert!(
            between(&before, &after)
                .iter()
                .all(|alert| alert.kind() != Kind::PaymentMissed)
        );
        suspicions(&before, &after)
            .into_iter()
            .map(|each| each.block)
            .collect::<Vec<_>>()
    };
    assert_eq!(suspect(HEIGHT + 3, 5, |_| ()), [HEIGHT + 3]);
    assert_eq!(suspect(HEIGHT + 6, 5, |_| ()), [0u32; 0]);
    assert_eq!(suspect(HEIGHT + 3, 5, |is| is.last_paid = HEIGHT + 2), [0u32; 0]);
    assert_eq!(suspect(HEIGHT + 3, 5, |is| is.revived = Some(HEIGHT + 1)), [0u32; 0]);
    assert_eq!(
        suspect(HEIGHT + 3, 5, |is| is.standing = Standing::Misbehaved),
        [0u32; 0]
    );
}

#[test]
fn what_happened_in_both_branches_of_the_chain_is_told_once() {
    let (mut was, mut now) = (snapshot(), snapshot());
    (was.last_paid, was.penalty) = (HEIGHT, 66);
    // Paid and punished again, each two blocks later.
    (now.last_paid, now.penalty) = (HEIGHT + 2, 66);
    let before = seen(HEIGHT, Some(was.clone()));
    let later = seen(HEIGHT + 2, Some(now.clone()));
    assert_eq!(
        kinds(
            &between(&before, &later)
                .into_iter()
                .map(|each| each.what)
                .collect::<Vec<_>>()
        ),
        ["penalty", "payment"]
    );
    assert_eq!(after_reorganisation(&before, &later, HEIGHT - 3), []);
    // What is only in the new one is news.
    now.payout = Some("Xthief".to_owned());
    let later = seen(HEIGHT + 2, Some(now.clone()));
    let told = after_reorganisation(&before, &later, HEIGHT - 3);
    assert_eq!(told.iter().map(Alert::kind).collect::<Vec<_>>(), [Kind::PayoutChanged]);
    // So is a payment, if the one before is in both.
    was.last_paid = HEIGHT - 10;
    let told = after_reorganisation(&seen(HEIGHT, Some(was)), &later, HEIGHT - 3);
    assert!(told.iter().any(|alert| alert.kind() == Kind::Payment), "{told:?}");
}

#[test]
fn one_that_left_the_list_is_told_by_the_name_it_had() {
    let told = between(&seen(HEIGHT, Some(snapshot())), &seen(HEIGHT + 1, None));
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].kind(), told[0].name()), (Kind::Removed, Some("mn1")));
}

#[test]
fn what_is_no_longer_mine_stays_watched_only_while_the_vault_cannot_tell() {
    let mut other = snapshot();
    other.mine = false;
    let look = |keep| {
        seen(HEIGHT, Some(other.clone()))
            .following(None, keep)
            .masternodes
            .len()
    };
    assert_eq!((look(true), look(false)), (1, 0));
}

#[test]
fn blocks_that_a_reorganisation_took_away_are_forgotten() {
    let first = seen(10, None).following(None, true);
    let second = seen(12, None).following(Some(&first), true);
    let moved = seen(11, None).following(Some(&second), true);
    let heights: Vec<u32> = moved.blocks.iter().map(|(height, _)| *height).collect();
    assert_eq!(heights, [10, 11]);
    let many = (0..200).fold(first, |before, n| seen(20 + n, None).following(Some(&before), true));
    assert!(many.blocks.len() <= 60 && many.blocks.last().is_some_and(|(height, _)| *height == 219));
}

/// One of each, as they are told.
fn examples() -> Vec<What> {
    let text = |text: &str| Some(text.to_owned());
    vec![
        What::Status {
            from: Standing::Enabled,
            to: Standing::Revoked(2),
        },
        What::ScoreRose {
            from: 0,
            to: 2_310,
            max: 3_500,
            dkg: Some(Dkg {
                kind: "llmq_60_75".to_owned(),
                quorum: "00ab".to_owned(),
                height: 1_234_560,
            }),
        },
        What::DangerLine {
            into: true,
            penalty: 2_310,
            line: 1_190,
            blocks_to_safe: 1_121,
        },
        What::Paid {
            block: 9,
            amount: Some(150_000_000),
        },
        What::PaymentMissed { block: 9 },
        What::Removed {
            collateral: OutPoint::null(),
            spent: Some(true),
        },
        What::Payout {
            from: text("Xa"),
            to: text("Xb"),
        },
        What::OperatorPayout {
            from: None,
            to: text("Xb"),
        },
        What::Address {
            from: "1.2.3.4:1".to_owned(),
            to: "1.2.3.4:2".to_owned(),
        },
        What::OperatorKey,
        What::Voting {
            from: None,
            to: text("Xv"),
        },
        What::NodeDown {
            minutes: 10,
            cause: "no connection".to_owned(),
        },
        What::NodeUp,
    ]
}

#[test]
fn every_alert_is_told_in_sentences_and_read_back() {
    let profile = network::builtin("dash").unwrap();
    for what in examples() {
        for own in [false, true] {
            let alert = Alert {
                of: Some(Of {
                    pro_tx_hash: hash(),
                    name: "mn1".to_owned(),
                }),
                what: what.clone(),
                height: 1,
                time: 2,
                own,
            };
            let (sentence, title) = (alert.sentence(&profile), alert.title());
            assert!(
                sentence.ends_with('.') && !sentence.contains("  ") && title.len() < 60,
                "{sentence}"
            );
            assert!(!own || alert.urgency() == Urgency::Low);
            let text = serde_json::to_string(&alert).unwrap();
            assert_eq!(serde_json::from_str::<Alert>(&text).unwrap(), alert, "{text}");
        }
    }
    let danger = Alert {
        of: None,
        what: examples().remove(2),
        height: 0,
        time: 0,
        own: false,
    };
    assert!(
        danger.sentence(&profile).contains("in 1,121 blocks, about 47 h"),
        "{}",
        danger.sentence(&profile)
    );
}

#[test]
fn names_of_kinds_and_conditions_are_read_back() {
    for kind in Kind::ALL {
        assert_eq!(Kind::by_name(kind.name()), Some(kind));
    }
    for condition in Condition::all() {
        assert_eq!(condition.to_string().parse(), Ok(condition));
    }
    let wrong = "soon".parse::<Condition>().unwrap_err().to_string();
    assert!(wrong.contains("'soon'") && wrong.contains("payment-missed"), "{wrong}");
}

#[test]
fn a_condition_is_met_by_the_turn_that_matters() {
    let alert = |what| Alert {
        of: None,
        what,
        height: 0,
        time: 0,
        own: false,
    };
    let danger = |into| {
        alert(What::DangerLine {
            into,
            penalty: 0,
            line: 0,
            blocks_to_safe: 0,
        })
    };
    let status = |to| alert(What::Status { from: to, to });
    let of = Condition::Of;
    assert!(of(Kind::Danger).is_met_by(&danger(true)) && !of(Kind::Danger).is_met_by(&danger(false)));
    assert!(!of(Kind::NodeDown).is_met_by(&alert(What::NodeUp)));
    assert!(Condition::Banned.is_met_by(&status(Standing::OperatorChanged)));
    assert!(!Condition::Banned.is_met_by(&status(Standing::Enabled)));
    assert!(
        Condition::Any.is_met_by(&status(Standing::Enabled)) && of(Kind::Status).is_met_by(&status(Standing::Enabled))
    );
}
