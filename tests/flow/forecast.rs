//! What is foretold of a masternode, and the sentences that say it.

use std::sync::Arc;

use bitcoin::Txid;
use bitcoin::hashes::Hash;
use castellan::flow::overview::column::{self, Column};
use castellan::flow::overview::forecast::{Failing, Impossible};
use castellan::flow::overview::{self, Masternode, Mine, Overview, words};
use castellan::protocol::masternode::entry::{Entry, State};
use castellan::protocol::masternode::pose::Level;
use castellan::protocol::masternode::queue::Spacing;
use castellan::protocol::network::{self, MnType};
use castellan::protocol::special_tx::Service;
use castellan::protocol::{Address, Profile};
use castellan::rpc::MasternodeList;

use crate::world::entry;

const HEIGHT: u32 = 2_300_000;
/// A masternode that pays its operator a tenth.
const REWARDED: u32 = 5;

fn dash() -> Profile {
    network::builtin("dash").unwrap()
}

/// As many as the main network has, paid one after the other up to the tip; the first is changed.
fn list(count: u32, change: impl FnOnce(&mut State)) -> MasternodeList {
    let profile = dash();
    let make = |n: u32| -> Entry {
        let mut each = entry(1 + (n % 60) as u8, &profile);
        let mut hash = [0; 32];
        hash[28..].copy_from_slice(&n.to_le_bytes());
        each.pro_tx_hash = Txid::from_byte_array(hash);
        each.state.last_paid_height = HEIGHT - count + 1 + n;
        if n % 10 == 9 {
            each.kind = MnType::Evo;
        }
        if n == REWARDED {
            each.operator_reward = 1_000;
            each.state.operator_payout = Some(Address::PubkeyHash([7; 20]));
        }
        each
    };
    let mut entries: Vec<Entry> = (0..count).map(make).collect();
    change(&mut entries[0].state);
    let mut list = overview::saved(entries, HEIGHT, Some(1_795_000_000), &profile);
    // 2.625 minutes, as the main network takes.
    list.spacing = Spacing::observed((HEIGHT - 1_000, 0), (HEIGHT, 157_500)).unwrap();
    list
}

fn look(list: &MasternodeList) -> Overview {
    overview::assemble(list, &dash(), None, &Mine::default())
}

fn of(count: u32, change: impl FnOnce(&mut State)) -> Overview {
    look(&list(count, change))
}

fn first(overview: &Overview) -> &Masternode {
    &overview.masternodes[0]
}

#[test]
fn in_danger_the_sentence_says_when_it_is_over() {
    let overview = of(3_500, |state| state.pose_penalty = 2_310);
    let one = first(&overview);
    assert_eq!(one.level, Level::Danger);
    assert_eq!(
        words::pose(one, &overview),
        "one more failed DKG bans it; safe in 1,121 blocks, about 49 h"
    );
    assert_eq!(
        words::sentence(&words::pose(one, &overview)),
        "One more failed DKG bans it; safe in 1,121 blocks, about 49 h."
    );
}

#[test]
fn below_the_danger_line_the_sentence_says_what_it_survives() {
    let overview = of(3_500, |state| state.pose_penalty = 1_189);
    assert_eq!(first(&overview).level, Level::Warned);
    assert_eq!(
        words::pose(first(&overview), &overview),
        "it survives one more failed DKG; back to zero in 1,189 blocks, about 52 h"
    );
    let safe = of(3_500, |_| ());
    assert_eq!(
        words::pose(first(&safe), &safe),
        "no penalty; it survives one failed DKG"
    );
    let last = of(3_500, |state| state.pose_penalty = 1_190);
    assert_eq!(
        words::pose(first(&last), &last),
        "one more failed DKG bans it; safe in 1 block, about 3 min"
    );
}

#[test]
fn a_ban_says_since_when_and_why() {
    let banned = of(3_500, |state| {
        state.pose_ban_height = Some(2_299_000);
        state.pose_penalty = 3_500;
    });
    let one = first(&banned);
    let sentence = words::pose(one, &banned);
    assert!(
        sentence.starts_with("banned since block 2,299,000. It failed in too many"),
        "{sentence}"
    );
    assert_eq!(sentence, words::status(one));
    assert_eq!((one.slot, one.expected_time, one.expected_reward), (None, None, None));
    assert_eq!(words::queue(one), "not in the queue");
    assert_eq!(banned.time_to_ban(one, &dash()), None);
    assert_eq!(banned.course(one, &dash(), &[Failing::Now]), Err(Impossible::Banned));
    let nowhere = of(3_500, |state| {
        state.pose_ban_height = Some(100);
        state.service = Service::NONE;
    });
    assert!(words::status(first(&nowhere)).contains("without an address"));
}

#[test]
fn the_queue_says_place_block_and_time() {
    let overview = of(3_500, |_| ());
    let third = &overview.masternodes[2];
    assert_eq!(words::queue(third), "3 of 3,500, paid in block 2,300,003");
    let time = third.expected_time.unwrap();
    assert_eq!(time.likely, 1_795_000_000 + 3 * 315 / 2 + 1);
    assert!(time.earliest < time.likely && time.likely < time.latest);
    let words = words::expected_time(&time);
    assert!(
        words.starts_with("about 2026-11-18 11:14 UTC (between 2026-11-18 11:"),
        "{words}"
    );
}

#[test]
fn without_the_time_of_the_tip_nothing_has_a_time() {
    let mut list = list(40, |_| ());
    list.tip.time = 0;
    let overview = look(&list);
    assert!(overview.masternodes.iter().all(|each| each.expected_time.is_none()));
    assert!(overview.upcoming(5, &dash()).iter().all(|each| each.time.is_none()));
}

#[test]
fn the_amount_is_told_for_owner_and_operator() {
    let overview = of(3_500, |_| ());
    let plain = overview.masternodes[4].expected_reward.unwrap();
    let shared = overview.masternodes[REWARDED as usize].expected_reward.unwrap();
    assert_eq!(plain.owner, shared.owner.checked_add(shared.operator).unwrap());
    assert_eq!(shared.operator.duffs(), plain.owner.duffs() / 10);
    assert_eq!(words::reward(&plain, &dash()), format!("{} DASH", plain.owner.short()));
    let said = words::reward(&shared, &dash());
    assert!(said.ends_with(" DASH to the operator"), "{said}");
}

#[test]
fn the_next_payments_go_on_over_the_round_and_name_each_masternode() {
    let overview = of(30, |state| state.pose_ban_height = Some(5));
    assert_eq!((overview.queue_length, overview.round()), (29, 29));
    let next = overview.upcoming(60, &dash());
    assert_eq!(next.len(), 60);
    for (at, each) in next.iter().enumerate() {
        assert_eq!(each.height, HEIGHT + 1 + at as u32);
        assert_eq!(each.masternode.hash(), next[at % 29].masternode.hash());
    }
    assert_eq!(next[3].masternode.slot.unwrap().position, 4);
}

#[test]
fn counts_tell_types_and_what_is_enabled() {
    let overview = of(30, |state| state.pose_ban_height = Some(5));
    assert_eq!((overview.registered.regular, overview.registered.evo), (27, 3));
    assert_eq!((overview.enabled.regular, overview.enabled.evo), (26, 3));
}

#[test]
fn an_imagined_failure_in_danger_bans_and_in_safety_does_not() {
    let profile = dash();
    let danger = of(3_500, |state| state.pose_penalty = 1_191);
    let course = danger.course(first(&danger), &profile, &[Failing::Now]).unwrap();
    assert_eq!(course.simulation.banned_at, Some(HEIGHT + 1));
    assert!(words::course(&course, &danger).starts_with("banned in block 2,300,001 (1 block, "));
    let safe = of(3_500, |_| ());
    let course = safe
        .course(first(&safe), &profile, &[Failing::At(HEIGHT + 50)])
        .unwrap();
    assert_eq!(
        (course.simulation.banned_at, course.fails.as_slice()),
        (None, [HEIGHT + 50].as_slice())
    );
    assert_eq!(course.simulation.safe_from, Some(HEIGHT + 50 + 1_121));
    assert_eq!(
        words::course(&course, &safe),
        "not banned; safe from block 2,301,171 (1,171 blocks, about 51 h)"
    );
    let twice = [Failing::At(HEIGHT + 1_000), Failing::Now];
    let course = safe.course(first(&safe), &profile, &twice).unwrap();
    assert_eq!(course.simulation.banned_at, Some(HEIGHT + 1_000));
    let apart = [Failing::At(HEIGHT + 1_200), Failing::Now];
    let course = safe.course(first(&safe), &profile, &apart).unwrap();
    assert_eq!(course.simulation.banned_at, None);
}

#[test]
fn a_block_that_has_been_is_no_course() {
    let overview = of(40, |_| ());
    let past = overview.course(first(&overview), &dash(), &[Failing::At(HEIGHT)]);
    assert_eq!(
        past,
        Err(Impossible::Past {
            height: HEIGHT,
            tip: HEIGHT
        })
    );
}

#[test]
fn staying_down_is_told_as_an_estimate() {
    let overview = of(3_350, |_| ());
    let profile = dash();
    let time = overview.time_to_ban(first(&overview), &profile).unwrap();
    assert!(time.early < time.likely && time.likely < time.late, "{time:?}");
    let sentence = words::time_to_ban(&time, &overview);
    assert!(
        sentence.starts_with("if it stays down, a ban is likely within about ") && sentence.contains("an estimate"),
        "{sentence}"
    );
    let chance = |hours: u32| {
        let course = overview.course(first(&overview), &profile, &[Failing::Down { hours }]);
        course.unwrap().chance_of_ban.unwrap()
    };
    assert!(chance(1) < chance(24) && chance(24) < chance(300));
    // Half of them are banned by the likely time.
    let half = chance((overview.seconds(time.likely) / 3_600) as u32);
    assert!((0.4..=0.6).contains(&half), "{half}");
    let course = overview
        .course(first(&overview), &profile, &[Failing::Down { hours: 300 }])
        .unwrap();
    assert!(course.fails.len() > 1, "{course:?}");
    // A banned masternode fails no more.
    assert_eq!(course.fails.last().copied(), course.simulation.banned_at);
    assert!(words::course(&course, &overview).contains("(an estimate)"));
}

#[test]
fn a_network_of_unknown_quorums_has_no_estimate() {
    let mut profile = dash();
    profile.quorums = None;
    let overview = of(40, |_| ());
    assert_eq!(overview.time_to_ban(first(&overview), &profile), None);
    let down = overview.course(first(&overview), &profile, &[Failing::Down { hours: 5 }]);
    assert_eq!(down, Err(Impossible::NoQuorums));
}

#[test]
fn every_column_is_found_by_its_key_and_sorts_what_it_shows() {
    let overview = of(40, |state| state.pose_ban_height = Some(5));
    let profile = dash();
    for each in Column::ALL {
        assert_eq!(each.key().parse(), Ok(*each));
        assert_eq!(each.title().to_lowercase().parse(), Ok(*each));
        let mut sorted: Vec<&Masternode> = overview.masternodes.iter().collect();
        sorted.sort_by(|a, b| each.compare(a, b, &profile));
        let orders: Vec<_> = sorted.iter().map(|one| each.order(one, &profile)).collect();
        assert!(orders.is_sorted(), "{}", each.key());
        // What has no value is told as null or -1, and comes last.
        let empty = |one: &&Masternode| {
            let value = each.value(one, &profile);
            value.is_null() || value == -1
        };
        let values = sorted.iter().take_while(|one| !empty(one)).count();
        assert!(sorted[values..].iter().all(|one| empty(one)), "{}", each.key());
    }
    assert!("colour".parse::<Column>().is_err());
}

#[test]
fn addresses_sort_by_their_numbers() {
    let mut list = list(2, |_| ());
    let entries = Arc::make_mut(&mut list.entries);
    entries[0].state.service = "10.0.0.1:9999".parse().unwrap();
    entries[1].state.service = "9.9.9.9:9999".parse().unwrap();
    let overview = look(&list);
    let (ten, nine) = (&overview.masternodes[0], &overview.masternodes[1]);
    assert!(Column::Service.compare(nine, ten, &dash()).is_lt());
}

#[test]
fn a_filter_finds_what_identifies_a_masternode() {
    let overview = of(40, |state| state.service = "203.0.113.77:9999".parse().unwrap());
    let profile = dash();
    let found = |needle: &str| {
        let all = overview.masternodes.iter();
        all.filter(|each| column::matches(each, needle, &profile)).count()
    };
    assert_eq!(found(""), 40);
    assert_eq!(found("203.0.113.77"), 1);
    assert_eq!(found("evo"), 4);
    assert_eq!(found(&overview.masternodes[3].hash().to_string()), 1);
    let owner = overview.masternodes[3]
        .entry
        .state
        .owner
        .unwrap()
        .address()
        .to_text(&profile);
    assert_eq!(found(&owner.to_lowercase()), 1);
    assert_eq!(found("nothing of the kind"), 0);
}
