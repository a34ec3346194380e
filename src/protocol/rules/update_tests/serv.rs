//! Rules of a ProUpServTx of a regular masternode, and of the operator's signature.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;
use crate::protocol::network::MnType;

fn ip(c: &mut Case, ip: [u8; 4]) {
    c.serv.service.ip = Ipv4Addr::from(ip).to_ipv6_mapped();
}

const UNROUTABLE: &str = "bad-protx-netinfo-addr-unroutable";
const EMPTY: &str = "bad-protx-netinfo-empty";
const PAYEE: &str = "bad-protx-operator-payee";

pub(super) const ROWS: &[Row] = &[
    row("no address", |c| c.serv.service = Service::NONE, EMPTY),
    row("255.255.255.255, which nodes read as none", |c| ip(c, [255; 4]), EMPTY),
    row("0.0.0.0 with a port", |c| ip(c, [0; 4]), EMPTY),
    row("[::] with a port", |c| c.serv.service.ip = Ipv6Addr::UNSPECIFIED, EMPTY),
    row(
        "an address of Tor's first range",
        |c| c.serv.service.ip = Ipv6Addr::new(0xfd87, 0xd87e, 0xeb43, 0, 0, 0, 0, 1),
        EMPTY,
    ),
    row(
        "an address of a node's own names",
        |c| c.serv.service.ip = Ipv6Addr::new(0xfd6b, 0x88c0, 0x8724, 0, 0, 0, 0, 1),
        EMPTY,
    ),
    row(
        "an IPv6 address of the documentation range",
        |c| c.serv.service.ip = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
        EMPTY,
    ),
    row("an address of this network", |c| ip(c, [0, 1, 2, 3]), UNROUTABLE),
    row("a private address (10/8)", |c| ip(c, [10, 0, 0, 1]), UNROUTABLE),
    row(
        "a private address (172.16/12)",
        |c| ip(c, [172, 31, 255, 1]),
        UNROUTABLE,
    ),
    row(
        "a private address (192.168/16)",
        |c| ip(c, [192, 168, 1, 1]),
        UNROUTABLE,
    ),
    row("a loopback address", |c| ip(c, [127, 0, 0, 1]), UNROUTABLE),
    row("a link-local address", |c| ip(c, [169, 254, 1, 1]), UNROUTABLE),
    row(
        "an address behind a provider's NAT",
        |c| ip(c, [100, 127, 0, 1]),
        UNROUTABLE,
    ),
    row("an address for benchmarks", |c| ip(c, [198, 19, 0, 1]), UNROUTABLE),
    row(
        "an address of the first documentation range",
        |c| ip(c, [192, 0, 2, 1]),
        UNROUTABLE,
    ),
    row(
        "an address of the second documentation range",
        |c| ip(c, [198, 51, 100, 1]),
        UNROUTABLE,
    ),
    row(
        "an address of the third documentation range",
        |c| ip(c, [203, 0, 113, 1]),
        UNROUTABLE,
    ),
    row(
        "an address beside a private range",
        |c| ip(c, [172, 32, 0, 1]),
        ACCEPTED,
    ),
    row("a multicast address", |c| ip(c, [224, 0, 0, 1]), ACCEPTED),
    row(
        "an IPv6 address",
        |c| c.serv.service.ip = Ipv6Addr::new(0x2a00, 0x1450, 0, 0, 0, 0, 0, 1),
        "bad-protx-netinfo-addr-type",
    ),
    row(
        "another port",
        |c| c.serv.service.port = 19_999,
        "bad-protx-netinfo-port",
    ),
    row("port 0", |c| c.serv.service.port = 0, "bad-protx-netinfo-port"),
    row(
        "the port in the other byte order",
        |c| c.serv.service.port = c.serv.service.port.swap_bytes(),
        "bad-protx-netinfo-port",
    ),
    row(
        "the address of another masternode",
        |c| c.entry(OTHER).state.service = c.serv.service,
        "bad-protx-dup-netinfo-entry",
    ),
    row(
        "the address of another masternode that is banned",
        |c| {
            c.entry(OTHER).state.service = c.serv.service;
            c.entry(OTHER).state.pose_ban_height = Some(7);
        },
        "bad-protx-dup-netinfo-entry",
    ),
    row(
        "the address it has",
        |c| c.entry(MINE).state.service = c.serv.service,
        ACCEPTED,
    ),
    row(
        "an operator payout without reward",
        |c| c.entry(MINE).operator_reward = 0,
        PAYEE,
    ),
    row(
        "neither operator payout nor reward",
        |c| {
            c.entry(MINE).operator_reward = 0;
            c.serv.operator_payout = ScriptBuf::new();
        },
        ACCEPTED,
    ),
    row(
        "an operator payout to nobody",
        |c| c.serv.operator_payout = ScriptBuf::from_bytes(vec![0x6a]),
        PAYEE,
    ),
    row(
        "an operator payout to a bare key",
        |c| c.serv.operator_payout = bare_key(),
        PAYEE,
    ),
    row(
        "an operator payout with a byte too many",
        |c| c.serv.operator_payout = ScriptBuf::from_bytes([c.serv.operator_payout.as_bytes(), &[0]].concat()),
        PAYEE,
    ),
    row(
        "an operator payout to a script",
        |c| c.serv.operator_payout = script::pay_to_script(&[1; 20]),
        ACCEPTED,
    ),
    row(
        "an operator payout to the owner key",
        |c| c.serv.operator_payout = key(1).key_id().address().script(),
        ACCEPTED,
    ),
    row(
        "a script longer than the payload",
        |c| {
            c.tx.payload = c.payload();
            let at = c.tx.payload.len() - 96 - 32 - 26;
            c.tx.payload[at] = 0xfc;
        },
        "bad-protx-payload",
    ),
    row(
        "a script length in a longer form than needed",
        |c| {
            c.tx.payload = c.payload();
            let at = c.tx.payload.len() - 96 - 32 - 26;
            c.tx.payload.splice(at..=at, [0xfd, 25, 0]);
        },
        "bad-protx-payload",
    ),
    // Two bytes more than nodes of the 0.17 line read.
    row("version 2", |c| c.serv.version = 2, ACCEPTED)
        .before_v19("bad-protx-version")
        .old("bad-protx-payload"),
    // Read as extended addresses, which are none.
    row(
        "version 3 in the form of version 2",
        |c| c.serv.version = 3,
        "bad-protx-payload",
    ),
    row(
        "a banned masternode",
        |c| c.entry(MINE).state.pose_ban_height = Some(7),
        ACCEPTED,
    ),
    // A version-1 payload has no type, and is as wrong for an evonode.
    row(
        "an evonode updated as a regular masternode",
        |c| c.entry(MINE).kind = MnType::Evo,
        "bad-protx-type-mismatch",
    )
    .old(ACCEPTED),
];

/// Of the operator, in both updates the operator signs.
pub(super) const SIGNATURES: &[Row] = &[
    row(
        "after a revocation",
        |c| c.entry(MINE).state.operator = OperatorKey::Revoked,
        "bad-protx-sig",
    ),
    row(
        "by the operator of another masternode",
        |c| c.signer = secret(6),
        "bad-protx-sig",
    ),
    row(
        "by the operator before this one",
        |c| c.entry(MINE).state.name_operator(&operator(8)),
        "bad-protx-sig",
    ),
    row(
        "over the hash as it is printed",
        |c| {
            c.then = |c| {
                let scheme = c.scheme();
                c.sign_as_operator(scheme, scheme, |mut hash| {
                    hash.reverse();
                    hash
                });
            }
        },
        "bad-protx-sig",
    ),
    row(
        "in the other scheme",
        |c| {
            c.then = |c| {
                let scheme = c.scheme();
                c.sign_as_operator(other_than(scheme), scheme, |hash| hash);
            }
        },
        "bad-protx-sig",
    ),
    row(
        "of version 1, in the legacy scheme",
        |c| {
            c.set_version(1);
            c.then = |c| c.sign_as_operator(bls::Scheme::Legacy, bls::Scheme::Legacy, |hash| hash);
        },
        "bad-protx-sig",
    )
    .before_v19(ACCEPTED)
    .old(ACCEPTED),
    row(
        "of version 1, in the basic scheme and the legacy encoding",
        |c| {
            c.set_version(1);
            c.then = |c| c.sign_as_operator(bls::Scheme::Basic, bls::Scheme::Legacy, |hash| hash);
        },
        ACCEPTED,
    )
    .before_v19("bad-protx-sig")
    .old("bad-protx-sig"),
    row(
        "with bytes that are no coordinate",
        |c| c.then = |c| (c.serv.signature, c.rev.signature) = ([0xff; 96], [0xff; 96]),
        "bad-protx-payload",
    ),
    row(
        "at infinity",
        |c| {
            c.then = |c| {
                let mut infinity = [0; 96];
                infinity[0] = 0xc0;
                (c.serv.signature, c.rev.signature) = (infinity, infinity);
            }
        },
        "bad-protx-payload",
    ),
];

pub(super) fn other_than(scheme: bls::Scheme) -> bls::Scheme {
    match scheme {
        bls::Scheme::Legacy => bls::Scheme::Basic,
        bls::Scheme::Basic => bls::Scheme::Legacy,
    }
}

/// P2PK.
pub(super) fn bare_key() -> ScriptBuf {
    let key = key(7).public_key().serialize();
    ScriptBuf::from_bytes([&[33][..], &key, &[0xac]].concat())
}

#[test]
fn rules_of_a_service_update_give_the_reject_string_of_every_generation() {
    judge(&GENERATIONS, PRO_UP_SERV, ROWS);
}

#[test]
fn an_operator_signs_with_the_listed_key_in_the_chains_scheme_and_the_versions_encoding() {
    for kind in [PRO_UP_SERV, PRO_UP_REV] {
        judge(&GENERATIONS, kind, SIGNATURES);
    }
}

#[test]
fn a_signature_in_the_other_encoding_is_read_as_none() {
    for kind in [PRO_UP_SERV, PRO_UP_REV] {
        for generation in GENERATIONS {
            let answer = reject(generation, kind, |c| {
                c.then = |c| {
                    let scheme = c.scheme();
                    c.sign_as_operator(scheme, other_than(scheme), |hash| hash);
                }
            });
            // 0.17 knows no other encoding: the bytes are another signature there or none.
            let malformed = generation == OLD && answer == Some("bad-protx-payload");
            assert!(
                answer == Some("bad-protx-sig") || malformed,
                "{generation:?} {answer:?}"
            );
        }
    }
}

#[test]
fn addresses_of_other_networks_keep_off_the_mainnet_port_and_nothing_else() {
    for (network, dialect, version) in [("dash-regtest", Dialect::V23, 2), ("wei-regtest", Dialect::V17, 1)] {
        let judge = |change: Change| reject(generation(network, dialect, version), PRO_UP_SERV, change);
        let port = until_22_if(dialect, "bad-protx-netinfo-port");
        assert_eq!(judge(|c| c.serv.service.port = 9999), Some(port));
        for accepted in [
            (|c| c.serv.service.port = 0) as Change,
            |c| c.serv.service.port = 1,
            |c| ip(c, [10, 0, 0, 1]),
            |c| {
                // One address with two ports is two addresses.
                c.entry(OTHER).state.service = c.serv.service;
                c.entry(OTHER).state.service.port += 1;
            },
        ] {
            assert_eq!(judge(accepted), None);
        }
    }
}

fn until_22_if(dialect: Dialect, reject: &'static str) -> &'static str {
    if dialect == Dialect::V23 {
        reject
    } else {
        until_22(reject)
    }
}
