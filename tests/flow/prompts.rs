//! Every question that a registration and a payment come to on each device, and everything that can happen at it. Afterwards the
//! device is usable at once, the journal says what became of it, and the node was sent nothing.
//!
//! A clean run lists the questions; each is then a scene for each event. All scenes of a device run side by side and fail, the chain is
//! looked at, and then each is done again to its end, with the same device.

mod bench;
mod user;

use std::time::Duration;

use castellan::flow::Error;
use castellan::hw::{DeviceError, Kind};
use castellan::protocol::KeyId;
use castellan::store::journal::State;
use futures::future::join_all;

use self::bench::{Bench, Job, Make, PATIENCE, Seat};
use self::user::{EVENTS, Event, Panel};
use crate::world::names;

/// Long enough for a user who is there.
const PATIENT: Duration = Duration::from_secs(60);

/// The questions, as the device's reference has them. A T takes PIN and passphrase on its own screen.
fn script(make: Make, job: Job) -> Vec<&'static str> {
    let opening: &[&str] = match make {
        Make::Ledger => &[],
        Make::One => &[
            "PIN on the host",
            "passphrase on the host",
            "Hidden wallet",
            "Use this passphrase?",
        ],
        Make::T => &[
            "PIN on the device",
            "passphrase on the host",
            "passphrase on the device",
        ],
    };
    let signing: &[&str] = match (make, job) {
        (Make::Ledger, Job::Register) => &["Sign message"],
        (Make::Ledger, Job::Send) => &["Review output #1", "Confirm transaction"],
        // The address, and three screens of text.
        (Make::One, Job::Register) => &["Sign message with", "Sign message", "Sign message", "Sign message"],
        (Make::T, Job::Register) => &["Sign message"],
        (Make::One | Make::T, Job::Send) => &["Confirm sending", "Really send?"],
    };
    [opening, signing].concat()
}

/// How a run ends.
#[derive(Debug, Clone, PartialEq)]
enum Ending {
    Error(Error),
    /// Nobody waits for it any more.
    Cancelled,
    /// It waits for the user for as long as it takes.
    Waits,
}

fn device(error: DeviceError) -> Option<Ending> {
    Some(Ending::Error(Error::Device(error)))
}

/// None where the event cannot happen.
fn expected(make: Make, event: Event, question: &str) -> Option<Ending> {
    let kind = match make {
        Make::Ledger => Kind::Ledger,
        Make::One | Make::T => Kind::Trezor,
    };
    let pin = question.starts_with("PIN");
    match event {
        Event::Decline if pin => device(DeviceError::PinCancelled),
        Event::Decline if question == "passphrase on the host" => device(DeviceError::PassphraseCancelled),
        Event::Decline => device(DeviceError::Declined),
        Event::Cancel => Some(Ending::Cancelled),
        Event::Leave if make == Make::Ledger => Some(Ending::Waits),
        Event::Leave => device(DeviceError::TimedOut { kind }),
        Event::Unplug => device(DeviceError::Gone { kind }),
        Event::WrongPin if question == "PIN on the host" => device(DeviceError::PinWrong),
        // The device itself asks again; the user gives up then.
        Event::WrongPin if pin => device(DeviceError::PinCancelled),
        Event::WrongPin | Event::OtherPassphrase => None,
    }
}

/// One question and what happens at it.
struct Scene {
    job: Job,
    at: usize,
    event: Event,
    ending: Ending,
    seat: Seat,
}

impl Scene {
    fn name(&self) -> String {
        format!("{:?}, question {} ({:?})", self.job, self.at, self.event)
    }

    /// Runs until it ends the way it does.
    async fn fail(&self, bench: &Bench) -> Ending {
        let run = bench.run(&self.seat, self.job);
        match self.event {
            Event::Cancel => tokio::select! {
                ended = run => panic!("{}: {ended:?}", self.name()),
                () = self.seat.user.stuck.notified() => Ending::Cancelled,
            },
            Event::Leave => match tokio::time::timeout(host_patience(bench.make), run).await {
                Ok(ended) => Ending::Error(ended.expect_err("nobody answered")),
                // Dropped, and with it the question that stays on the screen.
                Err(_) => Ending::Waits,
            },
            _ => Ending::Error(run.await.expect_err(&self.name())),
        }
    }

    /// What the journal says of a run that failed there: nothing before the plan is whole.
    fn journal(&self, make: Make) -> (Vec<&'static str>, Option<State>) {
        let opening =
            script(make, self.job).len() - script(make, self.job).iter().filter(|each| is_signing(each)).count();
        match (self.job, &self.ending) {
            _ if self.at < opening => (vec![], None),
            // It can go on.
            (Job::Register, _) => (vec!["planned"], Some(State::Planned)),
            (Job::Send, Ending::Error(_)) => (vec!["planned", "failed"], Some(State::Failed)),
            (Job::Send, _) => (vec!["planned", "cancelled"], Some(State::Cancelled)),
        }
    }

    fn check_journal(&self, make: Make) {
        let all = self.seat.ports.journal.list().unwrap();
        assert!(all.len() <= 1, "{}", self.name());
        let found = all
            .first()
            .map_or((vec![], None), |operation| (names(operation), Some(operation.state())));
        assert_eq!(found, self.journal(make), "{}", self.name());
    }

    /// The user comes back.
    async fn recover(&self, bench: &Bench) {
        if self.event == Event::Unplug {
            self.seat.plug_in().await;
        }
        // A Ledger's question cannot be taken back: the device is busy until it is answered, and the answer goes nowhere.
        if let Panel::Ledger(panel) = &self.seat.user.panel
            && matches!(self.ending, Ending::Cancelled | Ending::Waits)
        {
            let busy = self.seat.device().public_key(bench.first_path()).await;
            assert_eq!(busy, Err(DeviceError::Busy { kind: Kind::Ledger }), "{}", self.name());
            assert!(panel.approve(), "{}", self.name());
        }
    }

    /// The same device at once, and the same job to its end.
    async fn again(&self, bench: &Bench) {
        self.recover(bench).await;
        let name = self.name();
        let key = self.seat.device().public_key(bench.first_path()).await;
        assert_eq!(key.map(|key| KeyId::of(&key)), Ok(bench.first_key()), "{name}");
        assert_eq!(bench.run(&self.seat, self.job).await, Ok(()), "{name}");
        let all = self.seat.ports.journal.list().unwrap();
        let last = all.iter().max_by_key(|operation| operation.id).unwrap();
        assert_eq!(last.state(), State::Mined, "{name}");
        assert!(self.seat.is_idle(), "{name}");
    }
}

/// A Trezor's host gives up by itself.
fn host_patience(make: Make) -> Duration {
    match make {
        Make::Ledger => PATIENCE,
        Make::One | Make::T => PATIENT,
    }
}

fn is_signing(question: &str) -> bool {
    ["Sign message", "Review", "Confirm", "Really"]
        .iter()
        .any(|begin| question.starts_with(begin))
}

/// The table of one device.
async fn table(make: Make) {
    let bench = Bench::new(make).await;
    for job in [Job::Register, Job::Send] {
        let seat = bench.seat(None, PATIENT).await;
        bench.chain.mine(1);
        assert_eq!(bench.run(&seat, job).await, Ok(()), "{job:?}");
        assert_eq!(seat.user.seen(), script(make, job), "{job:?}");
    }
    let mut scenes = Vec::new();
    for job in [Job::Register, Job::Send] {
        for (at, question) in script(make, job).into_iter().enumerate() {
            for event in EVENTS {
                let Some(ending) = expected(make, event, question) else {
                    continue;
                };
                let patience = if event == Event::Leave { PATIENCE } else { PATIENT };
                let seat = bench.seat(Some((at, event)), patience).await;
                scenes.push(Scene {
                    job,
                    at,
                    event,
                    ending,
                    seat,
                });
            }
        }
    }
    bench.chain.mine(1);
    let before = bench.traces();
    let endings = join_all(scenes.iter().map(|scene| scene.fail(&bench))).await;
    for (scene, ending) in scenes.iter().zip(endings) {
        assert!(scene.seat.user.was_strange(), "{}", scene.name());
        assert_eq!(ending, scene.ending, "{}", scene.name());
        scene.check_journal(make);
    }
    assert_eq!(bench.traces(), before, "the node was sent nothing");
    for scene in &scenes {
        scene.again(&bench).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_can_happen_at_every_question_of_a_ledger() {
    table(Make::Ledger).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_can_happen_at_every_question_of_a_trezor_one() {
    table(Make::One).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_can_happen_at_every_question_of_a_trezor_t() {
    table(Make::T).await;
}

/// Question of the passphrase itself: on a T the one on the device.
fn passphrase_at(make: Make) -> usize {
    let all = script(make, Job::Send);
    all.iter()
        .rposition(|question| question.starts_with("passphrase"))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_passphrase_opens_another_wallet_which_has_no_coins_until_the_device_is_opened_anew() {
    for make in [Make::One, Make::T] {
        let bench = Bench::new(make).await;
        for job in [Job::Register, Job::Send] {
            let strange = (passphrase_at(make), Event::OtherPassphrase);
            let mut seat = bench.seat(Some(strange), PATIENT).await;
            bench.chain.mine(1);
            let before = bench.traces();
            let error = bench.run(&seat, job).await.expect_err("another wallet");
            match job {
                Job::Register => assert!(
                    matches!(error, Error::CollateralOfAnotherKey { .. }),
                    "{make:?}: {error:?}"
                ),
                Job::Send => assert!(matches!(error, Error::Short(_)), "{make:?}: {error:?}"),
            }
            assert_eq!((seat.ports.journal.list().unwrap(), bench.traces()), (vec![], before));
            bench.reopen(&mut seat).await;
            assert_eq!(bench.run(&seat, job).await, Ok(()), "{make:?} {job:?}");
            assert!(seat.is_idle());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_cable_was_out_another_passphrase_is_noticed_and_the_right_one_goes_on() {
    for make in [Make::One, Make::T] {
        let bench = Bench::new(make).await;
        // Open it once; then it is plugged in anew and asks for everything again.
        let opening = script(make, Job::Send).iter().filter(|each| !is_signing(each)).count();
        let strange = (opening + passphrase_at(make), Event::OtherPassphrase);
        let seat = bench.seat(Some(strange), PATIENT).await;
        bench.chain.mine(1);
        let key = seat.device().public_key(bench.first_path()).await;
        assert_eq!(key.map(|key| KeyId::of(&key)), Ok(bench.first_key()));
        seat.unplug().await;
        seat.plug_in().await;
        let before = bench.traces();
        let error = bench.run(&seat, Job::Send).await.expect_err("another wallet");
        assert!(
            matches!(error, Error::Device(DeviceError::OtherWallet { .. })),
            "{make:?}: {error:?}"
        );
        assert_eq!((seat.ports.journal.list().unwrap(), bench.traces()), (vec![], before));
        assert_eq!(bench.run(&seat, Job::Send).await, Ok(()), "{make:?}");
    }
}
