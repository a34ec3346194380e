#![allow(clippy::unwrap_used)]

use bitcoin::hashes::Hash;

use super::*;
use crate::protocol::bls::{Scheme, SecretKey};
use crate::protocol::masternode::{BanReason, OperatorKey, Status};
use crate::protocol::special_tx::Service;
use crate::protocol::{Address, Amount, KeyId};

const GENESIS: [u8; 32] = [7; 32];

fn genesis() -> BlockHash {
    BlockHash::from_byte_array(GENESIS)
}

fn subject(n: u8) -> Subject {
    Subject {
        genesis: genesis(),
        hash: ProTxHash::from_byte_array([n; 32]),
    }
}

fn block(height: u32) -> Block {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&height.to_le_bytes());
    Block {
        height,
        hash: BlockHash::from_byte_array(hash),
        time: 1_000_000 + 150 * u64::from(height),
    }
}

fn enabled(penalty: u32) -> Start {
    Start {
        penalty,
        status: Some(Status::Enabled),
    }
}

fn event(height: u32, change: Change) -> Event {
    Event::new(block(height), change)
}

fn rise(height: u32, from: u32, to: u32) -> Event {
    event(height, Change::Penalty { from, to })
}

fn chunk(from: u32, to: u32, events: Vec<Event>) -> Chunk {
    Chunk {
        subject: subject(1),
        from,
        to,
        step: 1,
        start: enabled(0),
        events,
    }
}

fn folder_and_history() -> (tempfile::TempDir, History) {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(&folder.path().join("history.sqlite")).unwrap();
    (folder, history)
}

fn stretches(history: &History, of: &Subject) -> Vec<(u32, u32)> {
    let kept = history.read(of).unwrap();
    kept.ranges.iter().map(|range| (range.from, range.to)).collect()
}

fn heights(history: &History, of: &Subject) -> Vec<u32> {
    let kept = history.read(of).unwrap();
    kept.events.iter().map(|event| event.height).collect()
}

/// One of each kind, with and without what may be missing.
fn all_changes() -> Vec<Change> {
    let key = |n: u8| SecretKey::from_bytes(&[n; 32]).unwrap().public_key();
    let platform = |n: u16| Platform {
        node_id: Some("ab".repeat(20)),
        p2p_port: Some(n),
        http_port: None,
    };
    let status = |from, to, reason| Change::Status { from, to, reason };
    vec![
        Change::Registered {
            status: Status::WaitingForService,
            reason: Some(BanReason::NoAddress),
        },
        Change::Removed,
        Change::Penalty { from: 3, to: 69 },
        Change::Dkg {
            kind: "llmq_60_75".to_owned(),
            quorum: BlockHash::from_byte_array([9; 32]),
            height: 288,
        },
        status(Status::Enabled, Status::PoseBanned, Some(BanReason::Misbehaviour)),
        status(
            Status::PoseBanned,
            Status::Revoked,
            Some(BanReason::Revoked { reason: 3 }),
        ),
        status(
            Status::Revoked,
            Status::WaitingForService,
            Some(BanReason::OperatorChanged),
        ),
        status(Status::WaitingForService, Status::Enabled, None),
        Change::Paid { amount: None },
        Change::Paid {
            amount: Some(Amount::from_duffs(187_653_745)),
        },
        Change::Service {
            from: Service::NONE,
            to: Service::v4([1, 2, 3, 4].into(), 9999),
        },
        Change::OperatorKey {
            from: OperatorKey::of(&key(1), Scheme::Basic),
            to: OperatorKey::Revoked,
        },
        Change::Voting {
            from: Some(KeyId([1; 20])),
            to: None,
        },
        Change::Payout {
            from: Some(Address::PubkeyHash([1; 20])),
            to: Some(Address::ScriptHash([2; 20])),
        },
        Change::OperatorPayout {
            from: None,
            to: Some(Address::PubkeyHash([3; 20])),
        },
        Change::Platform {
            from: platform(1),
            to: Platform::default(),
        },
    ]
}

#[test]
fn every_change_is_read_back_as_it_was_written() {
    let (folder, history) = folder_and_history();
    let events: Vec<Event> = all_changes().into_iter().map(|change| event(20, change)).collect();
    let chunk = chunk(10, 30, events.clone());
    history
        .write(genesis(), &[chunk], &[block(10), block(20), block(30)])
        .unwrap();
    assert_eq!(history.read(&subject(1)).unwrap().events, events);
    drop(history);
    let again = History::open(&folder.path().join("history.sqlite")).unwrap();
    let kept = again.read(&subject(1)).unwrap();
    assert_eq!(kept.events, events);
    assert_eq!(
        kept.ranges,
        [Range {
            from: 10,
            to: 30,
            step: 1,
            start: enabled(0)
        }]
    );
    assert_eq!(again.blocks(genesis()).unwrap(), [block(30), block(20), block(10)]);
    assert_eq!(again.read(&subject(2)).unwrap(), Kept::default());
    assert_eq!(again.subjects(genesis()).unwrap(), [subject(1).hash]);
}

#[test]
fn a_quiet_block_writes_nothing_and_is_known_all_the_same() {
    let (folder, history) = folder_and_history();
    let path = folder.path().join("history.sqlite-wal");
    let size = || std::fs::metadata(&path).map_or(0, |file| file.len());
    let before = size();
    for height in 100..190 {
        let quiet = chunk(height, height + 1, Vec::new());
        history
            .see(genesis(), Some(block(height)), block(height + 1), &[quiet])
            .unwrap();
    }
    assert_eq!(size(), before);
    assert_eq!(stretches(&history, &subject(1)), [(100, 190)]);
    assert_eq!(history.blocks(genesis()).unwrap()[0], block(190));
    assert_eq!(history.block(genesis(), 150).unwrap(), Some(block(150)));
    assert_eq!(history.block(genesis(), 191).unwrap(), None);
    // A second window, or the command line.
    let other = History::open(history.path()).unwrap();
    assert_eq!(stretches(&other, &subject(1)), []);
    // The next event writes what was quiet before it, too.
    let loud = chunk(190, 191, vec![rise(191, 0, 66)]);
    history.see(genesis(), Some(block(190)), block(191), &[loud]).unwrap();
    assert_eq!(stretches(&other, &subject(1)), [(100, 191)]);
    assert_eq!(other.block(genesis(), 190).unwrap(), Some(block(190)));
    assert_eq!(heights(&other, &subject(1)), [191]);
}

#[test]
fn what_was_quiet_is_written_now_and_then_and_at_the_end() {
    let (folder, history) = folder_and_history();
    let other = History::open(&folder.path().join("history.sqlite")).unwrap();
    for height in 0..QUIET + 20 {
        let quiet = chunk(height, height + 1, Vec::new());
        history
            .see(genesis(), Some(block(height)), block(height + 1), &[quiet])
            .unwrap();
    }
    assert_eq!(stretches(&other, &subject(1)), [(0, QUIET)]);
    drop(history);
    assert_eq!(stretches(&other, &subject(1)), [(0, QUIET + 20)]);
    assert_eq!(other.blocks(genesis()).unwrap()[0], block(QUIET + 20));
}

#[test]
fn a_gap_stays_one_until_it_is_read() {
    let (_folder, history) = folder_and_history();
    for (from, to) in [(10, 11), (20, 21), (21, 22)] {
        let quiet = chunk(from, to, Vec::new());
        history.see(genesis(), Some(block(from)), block(to), &[quiet]).unwrap();
    }
    assert_eq!(stretches(&history, &subject(1)), [(10, 11), (20, 22)]);
    let kept = history.read(&subject(1)).unwrap();
    assert_eq!(kept.missing(0, 30), [(22, 30), (11, 20), (0, 10)]);
    assert_eq!(kept.missing(15, 22), [(15, 20)]);
    assert_eq!(kept.missing(10, 11), []);
    history
        .write(genesis(), &[chunk(11, 20, vec![rise(15, 0, 66)])], &[])
        .unwrap();
    assert_eq!(stretches(&history, &subject(1)), [(10, 22)]);
    assert_eq!(history.read(&subject(1)).unwrap().missing(0, 22), [(0, 10)]);
}

#[test]
fn what_is_known_already_is_not_replaced_by_something_poorer() {
    let (_folder, history) = folder_and_history();
    let amount = Some(Amount::from_coins(1));
    let rich = chunk(10, 12, vec![event(11, Change::Paid { amount })]);
    let poor = chunk(5, 12, vec![rise(6, 0, 66), event(11, Change::Paid { amount: None })]);
    history
        .write(genesis(), std::slice::from_ref(&rich), &[block(11)])
        .unwrap();
    history.write(genesis(), &[poor], &[]).unwrap();
    let kept = history.read(&subject(1)).unwrap();
    assert_eq!(kept.events[1], rich.events[0]);
    assert_eq!(heights(&history, &subject(1)), [6, 11]);
    assert_eq!(kept.events[0].time, None, "no block of it was noted");
}

#[test]
fn a_reorganisation_takes_back_what_the_blocks_did() {
    let (_folder, history) = folder_and_history();
    let other_chain = BlockHash::from_byte_array([8; 32]);
    let elsewhere = Subject {
        genesis: other_chain,
        ..subject(1)
    };
    let events = vec![rise(15, 0, 66), rise(25, 56, 100)];
    let blocks = [block(10), block(15), block(25), block(30)];
    history
        .write(genesis(), &[chunk(10, 30, events.clone())], &blocks)
        .unwrap();
    history.write(genesis(), &[chunk(40, 45, Vec::new())], &[]).unwrap();
    let there = Chunk {
        subject: elsewhere,
        ..chunk(10, 30, events)
    };
    history.write(other_chain, &[there], &blocks).unwrap();
    let quiet = Chunk {
        subject: subject(2),
        ..chunk(18, 22, Vec::new())
    };
    history.see(genesis(), Some(block(18)), block(22), &[quiet]).unwrap();
    history.rewind(genesis(), 20).unwrap();
    assert_eq!(stretches(&history, &subject(1)), [(10, 20)]);
    assert_eq!(heights(&history, &subject(1)), [15]);
    assert_eq!(stretches(&history, &subject(2)), [(18, 20)]);
    assert_eq!(history.blocks(genesis()).unwrap()[0].height, 18);
    assert_eq!(stretches(&history, &elsewhere), [(10, 30)]);
    assert_eq!(heights(&history, &elsewhere), [15, 25]);
}

#[test]
fn what_is_too_old_is_dropped_and_the_rest_still_adds_up() {
    let (_folder, history) = folder_and_history();
    let events = vec![rise(15, 0, 66), rise(25, 57, 100)];
    let blocks = [block(10), block(15), block(20), block(25), block(30)];
    history.write(genesis(), &[chunk(10, 30, events)], &blocks).unwrap();
    let before = history.read(&subject(1)).unwrap();
    history.prune(block(20).time + 1).unwrap();
    let after = history.read(&subject(1)).unwrap();
    assert_eq!(stretches(&history, &subject(1)), [(20, 30)]);
    assert_eq!(heights(&history, &subject(1)), [25]);
    for height in 20..=30 {
        let at = |kept: &Kept| kept.ranges[0].at(height, &kept.events);
        assert_eq!(at(&after), at(&before), "{height}");
    }
    assert_eq!(after.ranges[0].start.penalty, 61);
    history.prune(u64::MAX).unwrap();
    assert_eq!(history.read(&subject(1)).unwrap(), Kept::default());
}

#[test]
fn a_score_falls_by_one_in_each_block_but_not_while_banned() {
    let ban = Change::Status {
        from: Status::Enabled,
        to: Status::PoseBanned,
        reason: Some(BanReason::Misbehaviour),
    };
    let back = Change::Status {
        from: Status::PoseBanned,
        to: Status::Enabled,
        reason: None,
    };
    let events = [
        rise(110, 0, 66),
        rise(120, 57, 100),
        event(120, ban),
        rise(130, 100, 0),
        event(130, back),
        rise(131, 0, 5),
    ];
    let range = Range {
        from: 100,
        to: 140,
        step: 1,
        start: enabled(3),
    };
    let at = |height| range.at(height, &events).penalty;
    let heights = [100, 102, 103, 109, 110, 119, 120, 129, 130, 131, 135, 136, 140];
    let scores: Vec<u32> = heights.into_iter().map(at).collect();
    assert_eq!(scores, [3, 1, 0, 0, 66, 57, 100, 100, 0, 5, 1, 0, 0]);
    assert_eq!(range.at(125, &events).status, Some(Status::PoseBanned));
}

#[test]
fn two_programs_write_to_one_history() {
    let (folder, one) = folder_and_history();
    let two = History::open(&folder.path().join("history.sqlite")).unwrap();
    let loud = chunk(10, 11, vec![rise(11, 0, 66)]);
    for history in [&one, &two] {
        history
            .see(genesis(), Some(block(10)), block(11), std::slice::from_ref(&loud))
            .unwrap();
    }
    let threads: Vec<_> = [one, two]
        .into_iter()
        .zip(1..)
        .map(|(history, n)| {
            std::thread::spawn(move || {
                for height in (100 * n)..(100 * n + 50) {
                    let loud = chunk(height, height + 1, vec![rise(height + 1, 0, 66)]);
                    history.write(genesis(), &[loud], &[block(height + 1)]).unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let history = History::open(&folder.path().join("history.sqlite")).unwrap();
    assert_eq!(stretches(&history, &subject(1)), [(10, 11), (100, 150), (200, 250)]);
    assert_eq!(heights(&history, &subject(1)).len(), 101);
}

#[test]
fn what_is_no_history_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    std::fs::write(&text, "x".repeat(5000)).unwrap();
    let refused = |path: &Path| History::open(path).unwrap_err();
    assert_eq!(refused(&text), HistoryError::NotAHistory { path: text.clone() });
    assert_eq!(std::fs::read_to_string(&text).unwrap(), "x".repeat(5000));

    let journal = folder.path().join("journal.sqlite");
    drop(crate::store::Journal::open(&journal).unwrap());
    assert_eq!(refused(&journal), HistoryError::NotAHistory { path: journal });

    let newer = folder.path().join("newer.sqlite");
    drop(History::open(&newer).unwrap());
    let database = Connection::open(&newer).unwrap();
    database.pragma_update(None, "user_version", 2).unwrap();
    drop(database);
    let version = HistoryError::Newer {
        path: newer.clone(),
        version: 2,
    };
    assert_eq!(refused(&newer), version);
    // The program starts all the same, and says that nothing is kept.
    let history = History::open_or_begin_anew(&newer).unwrap();
    assert_eq!(history.unkept(), Some(&version));
    history.write(genesis(), &[chunk(10, 11, Vec::new())], &[]).unwrap();
    assert_eq!(stretches(&history, &subject(1)), [(10, 11)]);
}

#[test]
fn a_damaged_file_is_set_aside_and_a_new_one_begun() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.sqlite");
    std::fs::write(&path, "x".repeat(5000)).unwrap();
    let history = History::open_or_begin_anew(&path).unwrap();
    assert_eq!(history.unkept(), None);
    history.write(genesis(), &[chunk(10, 11, Vec::new())], &[]).unwrap();
    drop(history);
    let again = History::open_or_begin_anew(&path).unwrap();
    assert_eq!(stretches(&again, &subject(1)), [(10, 11)]);
    let aside = folder.path().join("history.sqlite.damaged");
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "x".repeat(5000));
}

#[test]
fn an_entry_that_says_nothing_is_named() {
    let (_folder, history) = folder_and_history();
    history
        .write(genesis(), &[chunk(10, 12, vec![rise(11, 0, 66)])], &[])
        .unwrap();
    let database = Connection::open(history.path()).unwrap();
    database
        .execute("UPDATE event SET change = '{\"is\":\"magic\"}'", [])
        .unwrap();
    let path = history.path().to_owned();
    let damaged = HistoryError::Damaged { path, height: 11 };
    assert_eq!(history.read(&subject(1)).unwrap_err(), damaged);
}

#[test]
#[cfg(unix)]
fn only_the_owner_may_read_the_history_and_its_log() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, history) = folder_and_history();
    history.write(genesis(), &[chunk(10, 11, Vec::new())], &[]).unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
    assert!(files.len() >= 2, "the log is there");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

/// Blocks of ten years at 150 s.
const TEN_YEARS: u32 = 2_103_840;
/// A payment every so many blocks, as on Dash's mainnet; a failed DKG a month, which is many; a change of address or key every two
/// months.
const EVERY: [u32; 3] = [3_500, 17_280, 34_560];

/// What happens to the masternode `n` at a height, at these densities.
fn fate(n: u32, height: u32) -> Vec<Change> {
    let [paid, failed, changed] = EVERY.map(|every| (height + 97 * n).is_multiple_of(every));
    let amount = Some(Amount::from_duffs(187_653_745));
    let service = |third: u32| Service::v4([10, 20, third as u8, n as u8].into(), 9999);
    let key = |n: u32| OperatorKey::from_bytes([n as u8 | 0x80; 48], Scheme::Basic);
    let mut out = Vec::new();
    out.extend(paid.then_some(Change::Paid { amount }));
    out.extend(failed.then_some(Change::Penalty { from: 0, to: 2_310 }));
    out.extend(failed.then(|| Change::Dkg {
        kind: "llmq_400_60".to_owned(),
        quorum: block(height).hash,
        height: height - 25,
    }));
    out.extend(changed.then(|| Change::Service {
        from: service(height / 256),
        to: service(height / 256 + 1),
    }));
    out.extend(changed.then(|| Change::OperatorKey {
        from: key(height),
        to: key(height + 1),
    }));
    out
}

/// **Bytes** of a history that watched masternodes for ten years, block by block.
fn ten_years(masternodes: u8) -> u64 {
    let (folder, history) = folder_and_history();
    // Quiet blocks between two that do something to somebody cost one range that is made longer; it is written every `QUIET` blocks.
    let mut from = 1_000;
    for height in (from + 1)..=(from + TEN_YEARS) {
        let events: Vec<Vec<Event>> = (1..=u32::from(masternodes))
            .map(|n| {
                fate(n, height)
                    .into_iter()
                    .map(|change| event(height, change))
                    .collect()
            })
            .collect();
        let due = height.is_multiple_of(QUIET);
        if !due && events.iter().all(Vec::is_empty) {
            continue;
        }
        let chunks: Vec<Chunk> = (1..=masternodes)
            .zip(events)
            .map(|(n, events)| Chunk {
                subject: subject(n),
                ..chunk(from, height, events)
            })
            .collect();
        history.write(genesis(), &chunks, &[block(height)]).unwrap();
        from = height;
    }
    assert_eq!(stretches(&history, &subject(1)), [(1_000, from)]);
    drop(history);
    std::fs::metadata(folder.path().join("history.sqlite")).unwrap().len()
}

#[test]
fn ten_years_of_a_masternode_are_small() {
    let one = ten_years(1);
    assert!(one < 2 << 20, "{one} bytes");
}

#[test]
#[ignore = "a minute: ten masternodes for ten years"]
fn ten_years_of_ten_masternodes_are_small() {
    let ten = ten_years(10);
    assert!(ten < 20 << 20, "{ten} bytes");
}
