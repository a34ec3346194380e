//! Rules of a ProUpRevTx; those of the operator's signature are in `serv`.

use super::*;

pub(super) const ROWS: &[Row] = &[
    row("reason 4", |c| c.rev.reason = 4, "bad-protx-reason"),
    row(
        "a reason in the other byte order",
        |c| c.rev.reason = 1_u16.swap_bytes(),
        "bad-protx-reason",
    ),
    row(
        "a reason is judged before the masternode",
        |c| {
            c.rev.reason = 0xffff;
            c.facts.masternodes.clear();
        },
        "bad-protx-reason",
    ),
    row("reason 0", |c| c.rev.reason = 0, ACCEPTED),
    row("reason 3", |c| c.rev.reason = 3, ACCEPTED),
    // The signature is written in the basic encoding, which nodes of the 0.17 line cannot read.
    row("version 2", |c| c.rev.version = 2, ACCEPTED)
        .before_v19("bad-protx-version")
        .old("bad-protx-payload"),
    row("version 3", |c| c.rev.version = 3, "bad-protx-version")
        .since_19("bad-protx-payload")
        .old("bad-protx-payload"),
    row("version 4", |c| c.rev.version = 4, "bad-protx-payload"),
    row(
        "a masternode without address",
        |c| c.entry(MINE).state.service = Service::NONE,
        ACCEPTED,
    ),
    row(
        "a banned masternode",
        |c| c.entry(MINE).state.pose_ban_height = Some(7),
        ACCEPTED,
    ),
];

#[test]
fn rules_of_a_revocation_give_the_reject_string_of_every_generation() {
    judge(&GENERATIONS, PRO_UP_REV, ROWS);
}
