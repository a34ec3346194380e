//! The client against recordings of the real app (`tests/data/ledger`): all 123 exchanges, none skipped, and the worker
//! against a peer on TCP.

mod cases;
mod recording;
mod refusals;
mod slot;
mod worker;

use std::collections::BTreeSet;

use recording::recording;

#[test]
fn every_recorded_exchange_is_covered_by_a_case() {
    let covered: BTreeSet<usize> = cases::ALL.iter().flat_map(|case| case()).collect();
    assert_eq!(recording().exchanges.len(), 123);
    assert_eq!(covered, (0..123).collect());
}
