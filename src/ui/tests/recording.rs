//! Lists that the window reads are in the history.

use std::sync::Arc;

use super::alerts::{listed, read};
use super::mine::nobodys;
use super::support::{Fixture, entry, status, tip};
use crate::flow::history::Change;
use crate::protocol::{Address, ProTxHash};
use crate::rpc::Tip;
use crate::rpc::fake::FakeNode;
use crate::store::history::{Kept, Subject};

const HEIGHT: u32 = 1_234_567;

fn kept(fixture: &mut Fixture, hash: ProTxHash) -> Kept {
    let ports = fixture.session().ports().clone();
    let genesis = ports.profile.genesis;
    ports.history.read(&Subject { genesis, hash }).unwrap()
}

#[test]
fn what_happens_to_mine_is_recorded_whatever_page_is_open() {
    let mut fixture = Fixture::connected();
    let mut node = FakeNode::new().with_status(Ok(status()));
    for height in HEIGHT..HEIGHT + 2 {
        node = node.with_block_at(height, Ok(Some(Tip { height, ..tip() })));
    }
    fixture.session().connection.ports.node = Arc::new(node);
    let quiet = |n| {
        let mut entry = entry(n);
        entry.state.pose_penalty = 0;
        entry
    };
    read(&mut fixture, listed(HEIGHT, vec![quiet(0), quiet(1)]));
    let mut moved = quiet(0);
    moved.state.payout = Some(Address::PubkeyHash([9; 20]));
    read(&mut fixture, listed(HEIGHT + 1, vec![moved.clone(), quiet(1)]));
    let told = kept(&mut fixture, moved.pro_tx_hash);
    assert_eq!((told.ranges[0].from, told.ranges[0].to), (HEIGHT, HEIGHT + 1));
    assert_eq!(told.events.len(), 1);
    let event = &told.events[0];
    assert_eq!((event.height, event.time), (HEIGHT + 1, Some(tip().time)));
    assert!(matches!(event.change, Change::Payout { to, .. } if to == moved.state.payout));
    let other = kept(&mut fixture, quiet(1).pro_tx_hash);
    assert_eq!((other.ranges[0].to, other.events.len()), (HEIGHT + 1, 0));
}

#[test]
fn what_is_not_mine_is_not_recorded() {
    let mut fixture = Fixture::connected();
    read(&mut fixture, nobodys(3));
    let ports = fixture.session().ports().clone();
    assert_eq!(ports.history.subjects(ports.profile.genesis).unwrap(), []);
}
