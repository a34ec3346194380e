//! The order and the filter, over lists like a network's.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Instant;

use bitcoin::OutPoint;
use proptest::prelude::*;

use super::*;
use crate::flow::overview::{self, Masternode, Mine};
use crate::protocol::Address;
use crate::protocol::bls::Scheme;
use crate::protocol::key::KeyId;
use crate::protocol::masternode::entry::{Entry, OperatorKey};
use crate::protocol::network::MnType;
use crate::protocol::special_tx::Service;
use crate::rpc::MasternodeList;
use crate::ui::tests::support::{entry, hash, profile, tip};
use crate::ui::widget::table::Direction;

/// Numbers that look random and are always the same (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % u64::from(sides)) as u32
    }
}

/// A list like a network's: one in twenty banned, one in ten penalised, owners with several, every tenth an evonode.
fn entries(count: u32) -> Vec<Entry> {
    let like = entry(0);
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let one = |number: u32| {
        let mut entry = like.clone();
        let key = |number: u32| {
            KeyId(std::array::from_fn(|at| {
                (number.wrapping_mul(2_654_435_761) >> (at % 4 * 8)) as u8 ^ at as u8
            }))
        };
        entry.pro_tx_hash = hash(number.wrapping_mul(40_503));
        entry.collateral = OutPoint::new(hash(number + 1_000_000), dice.roll(4));
        entry.kind = if dice.roll(10) == 0 {
            MnType::Evo
        } else {
            MnType::Regular
        };
        entry.operator_reward = [0, 0, 0, 500, 1_000][dice.roll(5) as usize];
        let state = &mut entry.state;
        state.service = Service::v4(std::net::Ipv4Addr::from(0x2d00_0000 + dice.roll(1 << 24)), 9_999);
        state.registered_height = 1_000_000 + dice.roll(200_000);
        state.last_paid_height = 1_230_000 + dice.roll(4_567);
        state.owner = Some(key(dice.roll(count / 3 + 1)));
        state.voting = Some(key(1_000_000 + dice.roll(count)));
        state.payout = Some(Address::PubkeyHash(key(2_000_000 + dice.roll(count)).0));
        let mut bytes = [0x8a; 48];
        bytes[..4].copy_from_slice(&dice.roll(u32::MAX).to_be_bytes());
        state.operator = OperatorKey::from_bytes(bytes, Scheme::Basic);
        match dice.roll(20) {
            0 => state.pose_ban_height = Some(1_200_000 + dice.roll(30_000)),
            1 | 2 => state.pose_penalty = 1 + dice.roll(99),
            3 if dice.roll(10) == 0 => state.service = Service::NONE,
            _ => {}
        }
        entry
    };
    (0..count).map(one).collect()
}

fn model_of(entries: Vec<Entry>, mine: &[ProTxHash]) -> Model {
    let profile = profile();
    let mine = Mine {
        hashes: mine.iter().copied().collect(),
    };
    let list = MasternodeList::saved(tip(), entries, &profile);
    let overview = overview::assemble(&list, &profile, None, &mine);
    Model::new(Arc::new(overview), profile, None)
}

fn model(count: u32) -> Model {
    model_of(entries(count), &[])
}

fn every_sort() -> impl Iterator<Item = Sort> {
    let both = [Direction::Ascending, Direction::Descending];
    OFFERED
        .into_iter()
        .flat_map(move |column| both.map(|direction| Sort { column, direction }))
}

/// What the columns themselves say of the order of two.
fn slowly(sort: Sort, a: &Masternode, b: &Masternode) -> Ordering {
    use crate::flow::overview::column::Order;
    let profile = profile();
    let (a, b) = (sort.column.order(a, &profile), sort.column.order(b, &profile));
    match (a == Order::Nothing, b == Order::Nothing, sort.direction) {
        (false, false, Direction::Descending) => b.cmp(&a),
        _ => a.cmp(&b),
    }
}

fn shown(hash: ProTxHash) -> String {
    hash.to_string()
}

#[test]
fn every_column_sorts_both_ways_and_says_the_order_of_any_two() {
    let model = model(600);
    for sort in every_sort() {
        let order = model.sorted(sort);
        assert_eq!(order.len(), 600);
        for pair in order.windows(2) {
            let (a, b) = (model.row(pair[0] as usize), model.row(pair[1] as usize));
            match slowly(sort, a, b) {
                Ordering::Less => {}
                Ordering::Equal => assert!(shown(a.hash()) < shown(b.hash()), "{sort:?}: equal ones by hash"),
                Ordering::Greater => panic!("{sort:?}: {} before {}", a.hash(), b.hash()),
            }
        }
    }
}

#[test]
fn the_order_does_not_depend_on_the_order_of_the_list() {
    let (one, mut turned) = (entries(300), entries(300));
    turned.reverse();
    let (one, turned) = (model_of(one, &[]), model_of(turned, &[]));
    let hashes = |model: &Model, sort| -> Vec<ProTxHash> {
        let rows = model.sorted(sort).into_iter();
        rows.map(|row| model.row(row as usize).hash()).collect()
    };
    for sort in every_sort() {
        assert_eq!(hashes(&one, sort), hashes(&turned, sort), "{sort:?}");
    }
}

#[test]
fn addresses_are_sorted_as_numbers_and_those_without_come_last_both_ways() {
    let mut list: Vec<Entry> = (0..4).map(entry).collect();
    for (entry, ip) in list.iter_mut().zip(["9.9.9.9", "10.0.0.1", "100.1.1.1"]) {
        entry.state.service = Service::v4(ip.parse().unwrap(), 9_999);
    }
    list[3].state.service = Service::NONE;
    let model = model_of(list, &[]);
    let order = |direction| {
        model.sorted(Sort {
            column: Column::Service,
            direction,
        })
    };
    assert_eq!(order(Direction::Ascending), [0, 1, 2, 3]);
    assert_eq!(order(Direction::Descending), [2, 1, 0, 3]);
}

#[test]
fn the_default_order_is_that_of_payment_with_the_banned_last() {
    let model = model(200);
    let order = model.sorted(Layout::default().sort);
    let places: Vec<Option<u32>> = order
        .iter()
        .map(|row| model.row(*row as usize).slot.map(|slot| slot.position))
        .collect();
    let enabled = places.iter().flatten().count();
    assert!(enabled < 200);
    assert_eq!(
        places[..enabled].iter().flatten().copied().collect::<Vec<_>>(),
        (1..=enabled as u32).collect::<Vec<_>>()
    );
    assert!(places[enabled..].iter().all(Option::is_none));
}

fn found(model: &Model, filter: &str) -> Vec<u32> {
    let order: Vec<u32> = (0..model.len() as u32).collect();
    model.filtered(&order, filter)
}

#[test]
fn the_filter_finds_every_field_in_any_case() {
    let model = model_of(entries(100), &[hash(40_503 * 7)]);
    let profile = profile();
    let wanted = model.row(7);
    let state = &wanted.entry.state;
    let address = |key: Option<KeyId>| key.unwrap().address().to_text(&profile);
    for text in [
        wanted.hash().to_string(),
        wanted.hash().to_string().to_uppercase(),
        wanted.entry.collateral.txid.to_string(),
        state.service.to_string(),
        state.operator.to_hex(Scheme::Basic),
        "mine".to_owned(),
    ] {
        assert_eq!(found(&model, &text), [7], "{text}");
    }
    // Some have these in common.
    let payout = state.payout.unwrap().to_text(&profile);
    for text in [address(state.owner), address(state.voting), payout.to_lowercase()] {
        let found = found(&model, &text);
        assert!(found.contains(&7) && found.len() < 20, "{text}: {found:?}");
    }
}

#[test]
fn all_words_of_a_filter_have_to_be_there() {
    let model = model(2_000);
    let banned = found(&model, "banned").len();
    let evo = found(&model, "evo").len();
    let both = found(&model, "  Evo   banned ");
    assert!(
        both.len() < banned.min(evo) && !both.is_empty(),
        "{banned} {evo} {}",
        both.len()
    );
    for row in both {
        let entry = &model.row(row as usize).entry;
        assert!(entry.is_banned() && entry.kind == MnType::Evo);
    }
    let evonodes = model.overview().registered.evo;
    assert_eq!(evo, evonodes, "the word, not letters of an address");
    assert_eq!(found(&model, "").len(), 2_000);
    assert_eq!(found(&model, "evo nowhere"), [0u32; 0]);
}

#[test]
fn a_filter_typed_on_finds_what_it_finds_at_once() {
    let model = Arc::new(model(500));
    let sort = Sort {
        column: Column::Service,
        direction: Direction::Descending,
    };
    let mut typed = Listed::new(Arc::clone(&model), sort, String::new());
    for end in 1..="45.1 enabled".len() {
        typed = typed.arranged(sort, "45.1 enabled"[..end].to_owned());
    }
    let at_once = Listed::new(Arc::clone(&model), sort, "45.1 enabled".to_owned());
    assert!(!at_once.shown.is_empty() && at_once.shown.len() < 500);
    assert_eq!(typed.shown, at_once.shown);
    assert_eq!(
        typed.arranged(sort, "45".to_owned()).shown,
        Listed::new(model, sort, "45".to_owned()).shown
    );
}

#[test]
fn texts_are_kept_for_the_next_list_unless_something_in_them_changed() {
    let first = model(50);
    let mut next = entries(50);
    next[3].state.pose_ban_height = Some(1_234_567);
    next[4].state.service = Service::v4([9, 9, 9, 9].into(), 1);
    next[5].state.last_paid_height = 1_234_567;
    let profile = profile();
    let list = MasternodeList::saved(tip(), next, &profile);
    let overview = Arc::new(overview::assemble(&list, &profile, None, &Mine::default()));
    let kept = Model::new(Arc::clone(&overview), Arc::clone(&profile), Some(&first));
    let anew = Model::new(overview, profile, None);
    assert_eq!(found(&kept, "9.9.9.9"), [4]);
    for row in 0..50 {
        assert_eq!(kept.text(row), anew.text(row), "{row}");
    }
    assert!(kept.shares(&first, 5) && !kept.shares(&first, 3) && !kept.shares(&first, 4));
}

#[test]
fn penalties_are_counted_once_each() {
    let model = model(3_000);
    let bins = model.spread();
    let enabled = model.overview().queue_length as usize;
    assert_eq!(bins.iter().map(|bin| bin.count).sum::<usize>(), enabled);
    assert!(bins.windows(2).all(|pair| pair[0].to + 1 == pair[1].from), "{bins:?}");
    let outlook = model.row(0).outlook;
    assert_eq!((bins[0].from, bins[0].to), (0, 0));
    assert_eq!(bins.last().unwrap().to, outlook.max);
    assert!(bins.iter().any(|bin| bin.from == outlook.danger_line), "{bins:?}");
}

#[test]
fn the_next_hundred_payees_are_the_queue_in_order() {
    let model = model(400);
    let payees = model.payees();
    assert_eq!(payees.len(), 100);
    for (at, payee) in payees.iter().enumerate() {
        assert_eq!(payee.height, tip().height + 1 + at as u32);
        let slot = model.row(payee.row).slot.expect("in the queue");
        assert_eq!(slot.position, at as u32 + 1);
    }
    // Of few the round begins anew.
    let few = model_of(entries(30), &[]);
    assert_eq!(few.payees().len(), 100);
}

#[test]
fn a_hundred_thousand_rows_are_sorted_and_filtered() {
    let begin = Instant::now();
    let model = model(100_000);
    let made = begin.elapsed();
    for column in [
        Column::ProTxHash,
        Column::Service,
        Column::PosePenalty,
        Column::OwnerAddress,
    ] {
        let begin = Instant::now();
        let order = model.sorted(Sort {
            column,
            direction: Direction::Descending,
        });
        let mut rows = order.clone();
        rows.sort_unstable();
        assert!(rows.into_iter().eq(0..100_000), "{column:?} loses or repeats a row");
        println!("{column:?} {:?}", begin.elapsed());
    }
    let banned = model
        .overview()
        .masternodes
        .iter()
        .filter(|each| each.entry.is_banned())
        .count();
    assert_eq!(found(&model, "banned").len(), banned);
    println!("made in {made:?}");
}

proptest! {
    #[test]
    fn no_filter_makes_it_panic(filter in "\\PC{0,40}") {
        let model = model(20);
        let found = found(&model, &filter);
        prop_assert!(found.len() <= 20);
    }
}
