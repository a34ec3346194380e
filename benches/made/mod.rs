//! A list like a network's, of any length, always the same: one in twenty banned, one in ten penalised, every tenth an evonode,
//! addresses and keys spread.

use std::net::Ipv4Addr;
use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, OutPoint, Txid};
use castellan::flow::overview::{self, Mine, Overview};
use castellan::protocol::bls::Scheme;
use castellan::protocol::key::KeyId;
use castellan::protocol::masternode::Entry;
use castellan::protocol::masternode::entry::{OperatorKey, State};
use castellan::protocol::network::{self, MnType};
use castellan::protocol::special_tx::Service;
use castellan::protocol::{Address, Profile};
use castellan::rpc::{MasternodeList, Tip};

const HEIGHT: u32 = 2_300_000;

pub fn profile() -> Arc<Profile> {
    Arc::new(network::builtin("dash").expect("embedded"))
}

pub fn overview(count: u32) -> Arc<Overview> {
    let profile = profile();
    let tip = Tip {
        height: HEIGHT,
        hash: BlockHash::all_zeros(),
        time: 1_795_000_000,
    };
    let entries: Vec<Entry> = (0..count).map(entry).collect();
    let list = MasternodeList::saved(tip, entries, &profile);
    Arc::new(overview::assemble(&list, &profile, None, &Mine::default()))
}

/// Bytes that look random (splitmix64).
fn bytes<const N: usize>(seed: u64) -> [u8; N] {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    std::array::from_fn(|_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 56) as u8
    })
}

fn entry(number: u32) -> Entry {
    let seed = u64::from(number) * 16;
    let dice = bytes::<8>(seed);
    let below = |die: u8, sides: u32| u32::from(die) * sides / 256;
    let key = |role: u64| KeyId(bytes(seed + role));
    let banned = dice[0] < 13;
    Entry {
        pro_tx_hash: Txid::from_byte_array(bytes(seed + 1)),
        kind: if dice[1] < 26 { MnType::Evo } else { MnType::Regular },
        collateral: OutPoint::new(Txid::from_byte_array(bytes(seed + 2)), below(dice[2], 4)),
        operator_reward: if dice[3] < 50 { 500 } else { 0 },
        confirmations: Some(number + 1),
        state: State {
            version: 2,
            service: Service::v4(Ipv4Addr::from(bytes::<4>(seed + 3)), 9_999),
            registered_height: 1_000_000 + below(dice[4], 1_300_000),
            last_paid_height: HEIGHT - number % 4_000,
            consecutive_payments: 0,
            pose_penalty: if !banned && dice[5] < 26 {
                below(dice[6], 2_000)
            } else {
                0
            },
            pose_revived_height: None,
            pose_ban_height: banned.then(|| HEIGHT - below(dice[7], 200_000)),
            revocation_reason: 0,
            owner: Some(key(4)),
            voting: Some(key(5)),
            payout: Some(Address::PubkeyHash(bytes(seed + 6))),
            operator_payout: None,
            operator: OperatorKey::from_bytes(bytes(seed + 7), Scheme::Basic),
            platform_node_id: None,
            platform_p2p_port: None,
            platform_http_port: None,
        },
    }
}
