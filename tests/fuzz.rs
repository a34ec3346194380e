//! The bodies of the fuzz targets (`fuzz/README.md`), over their seeds and some thousand random changes of them: enough that they
//! do not rot between campaigns of the fuzzer itself.

/// Where the targets expect it.
use castellan::protocol;

#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

use targets::{TARGETS, Target};

/// xorshift64*: the same changes in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides.max(1)
    }
}

fn target(name: &str) -> &'static Target {
    let mut targets = TARGETS.iter();
    targets
        .find(|target| target.name == name)
        .expect("there is such a target")
}

/// One of the changes fuzzers make: a byte, a bit, a cut, a piece of another input.
fn change(input: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let at = dice.roll(input.len());
    match dice.roll(6) {
        0 => input
            .iter_mut()
            .skip(at)
            .take(1)
            .for_each(|byte| *byte = dice.roll(256) as u8),
        1 => input
            .iter_mut()
            .skip(at)
            .take(1)
            .for_each(|byte| *byte ^= 1 << dice.roll(8)),
        2 => input.insert(at, dice.roll(256) as u8),
        3 => input.truncate(at),
        4 => input.extend((0..dice.roll(9)).map(|_| dice.roll(256) as u8)),
        _ => {
            let from = dice.roll(other.len());
            let piece = &other[from..other.len().min(from + 1 + dice.roll(40))];
            input.splice(at.min(input.len()).., piece.iter().copied());
        }
    }
}

/// The fuzzer has minutes; this has a second or two.
fn hold(target: &Target, changes: usize) {
    let seeds = (target.seeds)();
    assert!(seeds.len() > 60, "only {} seeds", seeds.len());
    for seed in &seeds {
        (target.run)(seed);
    }
    let mut dice = Dice(0x0ca5_7e11_a110_0001);
    for _ in 0..changes {
        let mut input = seeds[dice.roll(seeds.len())].clone();
        for _ in 0..=dice.roll(4) {
            change(&mut input, &seeds[dice.roll(seeds.len())], &mut dice);
        }
        (target.run)(&input);
    }
}

#[test]
fn what_holds_of_transactions_holds_over_the_seeds_and_random_changes_of_them() {
    hold(target("transaction"), 2_000);
}

#[test]
fn what_holds_of_payloads_holds_over_the_seeds_and_random_changes_of_them() {
    hold(target("payload"), 2_000);
}

#[test]
fn what_holds_of_the_rules_holds_over_the_seeds_and_random_changes_of_them() {
    hold(target("rules"), 1_500);
}

#[test]
fn a_recorded_transaction_is_accepted_in_its_world_as_it_is_and_signed_again() {
    let recordings = targets::recordings();
    assert!(recordings.len() >= 75, "only {} recordings", recordings.len());
    for (at, name) in recordings.iter().enumerate() {
        let at = u8::try_from(at).expect("an input names it by one byte");
        assert!(targets::is_accepted(&[at]), "{name} as it is");
        assert!(targets::is_accepted(&targets::whole(at)), "{name} signed again");
    }
}
