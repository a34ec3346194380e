//! Rules of evonodes: of their service updates, on the networks that have them.

use super::*;
use crate::protocol::network::MnType;
use crate::protocol::special_tx::pro_reg::Platform;

fn evo(case: &mut Case) {
    case.serv.kind = 1;
    case.serv.platform = Some(Platform {
        node_id: [5; 20],
        p2p_port: 26656,
        http_port: 443,
    });
    case.entry(MINE).kind = MnType::Evo;
}

/// An evonode's update with its Platform fields changed.
fn with(case: &mut Case, change: impl FnOnce(&mut Platform)) {
    evo(case);
    if let Some(platform) = &mut case.serv.platform {
        change(platform);
    }
}

const P2P: &str = "bad-protx-platform-p2p-port";
const HTTP: &str = "bad-protx-platform-http-port";
const MISMATCH: &str = "bad-protx-type-mismatch";

/// On mainnet after V19, in both wordings.
pub(super) const ROWS: &[Row] = &[
    row("good", evo, ACCEPTED),
    row(
        "no node id",
        |c| with(c, |p| p.node_id = [0; 20]),
        "bad-protx-platform-nodeid",
    ),
    row("another P2P port", |c| with(c, |p| p.p2p_port = 1), P2P),
    row("another HTTP port", |c| with(c, |p| p.http_port = 1), HTTP),
    row(
        "ports in the byte order of the service port",
        |c| with(c, |p| p.p2p_port = p.p2p_port.swap_bytes()),
        P2P,
    ),
    row(
        "the two ports exchanged",
        |c| with(c, |p| std::mem::swap(&mut p.p2p_port, &mut p.http_port)),
        P2P,
    ),
    row(
        "the node id of another evonode",
        |c| {
            evo(c);
            c.entry(OTHER).state.platform_node_id = c.serv.platform.map(|p| p.node_id_hex());
        },
        "bad-protx-dup-platformnodeid",
    ),
    row(
        "its own node id",
        |c| {
            evo(c);
            c.entry(MINE).state.platform_node_id = c.serv.platform.map(|p| p.node_id_hex());
        },
        ACCEPTED,
    ),
    row(
        "a regular masternode updated as an evonode",
        |c| {
            evo(c);
            c.entry(MINE).kind = MnType::Regular;
        },
        MISMATCH,
    ),
    row(
        "a type nobody knows",
        |c| {
            evo(c);
            (c.serv.kind, c.serv.platform) = (7, None);
        },
        MISMATCH,
    ),
    row(
        "an evonode updated by a payload of version 1, which has no type",
        |c| {
            evo(c);
            (c.serv.version, c.serv.kind, c.serv.platform) = (1, 0, None);
        },
        MISMATCH,
    ),
    row(
        "no Platform fields",
        |c| {
            evo(c);
            c.serv.platform = None;
        },
        "bad-protx-payload",
    ),
    row(
        "Platform fields of a regular masternode",
        |c| {
            evo(c);
            c.tx.payload = c.payload();
            c.tx.payload[2] = 0;
        },
        "bad-protx-payload",
    ),
    row(
        "the address of another masternode",
        |c| {
            evo(c);
            c.entry(OTHER).state.service = c.serv.service;
        },
        "bad-protx-dup-netinfo-entry",
    ),
];

/// Where ports are free.
const REGTEST: &[Row] = &[
    row(
        "other ports",
        |c| with(c, |p| (p.p2p_port, p.http_port) = (1, 2)),
        ACCEPTED,
    ),
    row("mainnet's port for P2P", |c| with(c, |p| p.p2p_port = 9999), P2P),
    row("mainnet's port for HTTP", |c| with(c, |p| p.http_port = 9999), HTTP),
    row(
        "one port for both",
        |c| with(c, |p| p.p2p_port = p.http_port),
        "bad-protx-platform-dup-ports",
    ),
    row(
        "the service port for P2P",
        |c| {
            let port = c.serv.service.port;
            with(c, |p| p.p2p_port = port);
        },
        "bad-protx-platform-dup-ports",
    ),
    row(
        "the service port for HTTP",
        |c| {
            let port = c.serv.service.port;
            with(c, |p| p.http_port = port);
        },
        "bad-protx-platform-dup-ports",
    ),
];

#[test]
fn rules_of_an_evonodes_update_give_the_reject_string_of_both_generations() {
    judge(&[NEW, FROM_19_TO_22], PRO_UP_SERV, ROWS);
    let regtest = [Dialect::V23, Dialect::V19].map(|dialect| generation("dash-regtest", dialect, 2));
    judge(&regtest, PRO_UP_SERV, REGTEST);
}

#[test]
fn what_only_blocks_judge_says_so() {
    let mut case = Case::new(NEW, PRO_UP_SERV);
    case.entry(MINE).kind = MnType::Evo;
    let verdict = case.verdict();
    let failure = verdict.failure().expect("blocks refuse it");
    assert!(failure.message.contains("judged only in blocks"), "{}", failure.message);
}

#[test]
fn a_waiting_platform_node_id_is_what_blocks_refuse() {
    let waiting = |change: Change| {
        let mut case = Case::new(NEW, PRO_UP_SERV);
        evo(&mut case);
        pending::wait_for(&mut case, PRO_UP_SERV, |other| {
            evo(other);
            other.serv.service.port += 1;
            change(other);
        });
        case.verdict()
    };
    let verdict = waiting(|other| other.set_hash(hash(OTHER)));
    let failure = verdict.failure().expect("no block can have both");
    assert_eq!(failure.rule, "platform-node-id-not-pending");
    assert!(failure.message.contains("judged only in blocks"), "{}", failure.message);
    assert_eq!(waiting(|_| ()).failure(), None, "its own");
}
