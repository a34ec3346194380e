//! Every kind of alert, on a chain that really does these things.

use std::sync::Arc;

use castellan::flow::alert::{Alert, Kind, Rules, Standing, What};
use castellan::flow::choice::{OperatorChoice, VotingChoice};
use castellan::flow::pay::{self, Draft, Purpose, Sum};
use castellan::flow::update::{Change, OperatorPayout, Registrar, Revocation, ServiceChange};
use castellan::flow::watch::{Told, Watch, Who};
use castellan::flow::{Ports, choice};
use castellan::protocol::network::MnType;
use castellan::protocol::special_tx::Service;
use castellan::protocol::special_tx::pro_up_rev::Reason;
use castellan::protocol::{Address, OutPoint, ProTxHash, path};
use castellan::sandbox::Sandbox;
use castellan::store::{Journal, Kind as Key};

use crate::payer::chosen;
use crate::sandbox::{mined, registered, start, updated};
use crate::world::World;

/// A masternode of mine on the sandbox, watched from now on.
struct Bench {
    world: World,
    ports: Ports,
    sandbox: Sandbox,
    hash: ProTxHash,
    watch: Watch,
}

impl Bench {
    async fn new(network: &str) -> Self {
        let (world, ports, sandbox) = start(network).await;
        let hash = registered(&world, &ports, &sandbox, MnType::Regular).await;
        let watch = open(&ports);
        let bench = Self {
            world,
            ports,
            sandbox,
            hash,
            watch,
        };
        assert_eq!(bench.look().await, Told::default(), "the first look tells nothing");
        bench
    }

    async fn look(&self) -> Told {
        self.watch.look(&self.ports).await.unwrap().unwrap().0
    }

    /// What happened since the last look.
    async fn alerts(&self) -> Vec<Alert> {
        let told = self.look().await;
        assert!(told.muted.is_empty() && told.summary.is_empty() && !told.waiting);
        for alert in &told.alerts {
            let of = alert.of.as_ref().unwrap();
            assert_eq!((of.pro_tx_hash, of.name.as_str()), (self.hash, "mn1"));
            assert_eq!(alert.height, self.sandbox.height());
        }
        told.alerts
    }

    /// The kinds of it, but payments, which come when it is its turn.
    async fn kinds(&self) -> Vec<(Kind, bool)> {
        let all = self.alerts().await.into_iter();
        all.map(|alert| (alert.kind(), alert.own))
            .filter(|(kind, _)| *kind != Kind::Payment)
            .collect()
    }

    /// The same masternode changed from another computer with the same keys.
    fn elsewhere(&self) -> Ports {
        let journal = Journal::open(&self.world.folder().join("elsewhere.sqlite")).unwrap();
        Ports {
            journal: Arc::new(journal),
            ..self.ports.clone()
        }
    }

    async fn update(&self, ports: &Ports, change: Change) {
        updated(ports, &self.sandbox, self.hash, change).await;
    }

    fn collateral(&self) -> OutPoint {
        self.sandbox.with_chain(|chain| {
            let listed = chain.list().get(self.hash).unwrap();
            listed.collateral
        })
    }

    /// Spends the collateral with the device.
    async fn spend(&self, ports: &Ports) {
        let draft = Draft {
            account: path::account(&ports.profile, 0),
            purpose: Purpose::Send {
                to: Address::PubkeyHash([0x77; 20]),
                sum: Sum::All,
            },
            coins: chosen(&[self.collateral()], &[self.collateral()]),
            rate: None,
        };
        let plan = pay::prepare(ports, draft).await.unwrap();
        mined(&self.sandbox, pay::pay(ports.clone(), plan)).await.unwrap();
    }
}

fn open(ports: &Ports) -> Watch {
    Watch::open(&ports.profile, ports.journal.path(), Who::Window, Rules::default()).unwrap()
}

fn payout(n: u8) -> Change {
    Change::Registrar(Registrar {
        payout: Some(Address::PubkeyHash([n; 20])),
        ..Registrar::default()
    })
}

fn service(n: u8, ports: &Ports) -> Change {
    Change::Service(ServiceChange {
        service: Some(Service::v4([4, 4, 4, n].into(), ports.profile.p2p_port)),
        ..ServiceChange::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_dkg_is_named_and_the_danger_is_told_until_it_is_over() {
    let bench = Bench::new("dash-regtest").await;
    bench.sandbox.fail_dkg(bench.hash).unwrap();
    bench.sandbox.mine(1);
    let failed = bench.alerts().await;
    let dkg = failed.iter().find_map(|alert| match &alert.what {
        What::ScoreRose {
            from: 0, to: 66, dkg, ..
        } => dkg.clone(),
        _ => None,
    });
    let dkg = dkg.expect("the score rose, and the node says why");
    assert!(
        dkg.kind.starts_with("llmq_") && dkg.height <= bench.sandbox.height(),
        "{dkg:?}"
    );
    let into = failed
        .iter()
        .any(|alert| matches!(alert.what, What::DangerLine { into: true, .. }));
    assert!(into, "{failed:?}");
    // It fades by one in each block, and that is no news before the line is crossed.
    let mut safe = Vec::new();
    for _ in 0..34 {
        bench.sandbox.mine(1);
        safe.extend(bench.kinds().await);
    }
    assert_eq!(safe, [(Kind::Danger, false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_is_told_and_its_end_is_what_was_done_here() {
    for network in ["dash-regtest", "wei-regtest"] {
        let bench = Bench::new(network).await;
        bench.sandbox.ban(bench.hash).unwrap();
        bench.sandbox.mine(1);
        let banned = bench.alerts().await;
        let is_banned = |alert: &Alert| {
            alert.what
                == What::Status {
                    from: Standing::Enabled,
                    to: Standing::Misbehaved,
                }
        };
        assert!(banned.iter().any(is_banned), "{network}: {banned:?}");
        assert!(
            banned
                .iter()
                .all(|alert| is_banned(alert) || alert.kind() == Kind::Payment)
        );
        bench.update(&bench.ports, service(9, &bench.ports)).await;
        let revived = bench.kinds().await;
        assert_eq!(
            revived,
            [(Kind::AddressChanged, true), (Kind::Status, true)],
            "{network}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_payment_is_told_once_with_its_amount_and_none_is_missed() {
    let bench = Bench::new("dash-regtest").await;
    let mut paid = Vec::new();
    for _ in 0..70 {
        bench.sandbox.mine(1);
        for alert in bench.alerts().await {
            let What::Paid { block, amount } = alert.what else {
                panic!("{alert:?}");
            };
            assert!(amount.is_some_and(|duffs| duffs > 0), "block {block}");
            paid.push(block);
        }
    }
    // The queue has some forty masternodes.
    assert!(paid.len() >= 2 && paid.is_sorted_by(|a, b| a < b), "{paid:?}");
    // The same in blocks that nobody looked at: the last payment is told, and a missed one is not made up.
    bench.sandbox.mine(70);
    let kinds: Vec<Kind> = bench.alerts().await.iter().map(Alert::kind).collect();
    assert_eq!(kinds, [Kind::Payment]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_i_changed_and_what_somebody_else_changed_are_told_apart() {
    for network in ["dash-regtest", "wei-regtest"] {
        let bench = Bench::new(network).await;
        let elsewhere = bench.elsewhere();
        for (ports, own) in [(&bench.ports, true), (&elsewhere, false)] {
            let n = u8::from(own);
            bench.update(ports, payout(0x40 + n)).await;
            assert_eq!(bench.kinds().await, [(Kind::PayoutChanged, own)], "{network}");
            bench.update(ports, service(n, ports)).await;
            assert_eq!(bench.kinds().await, [(Kind::AddressChanged, own)], "{network}");
            let share = Change::Service(ServiceChange {
                operator_payout: OperatorPayout::To(Address::PubkeyHash([0x50 + n; 20])),
                ..ServiceChange::default()
            });
            bench.update(ports, share).await;
            assert_eq!(bench.kinds().await, [(Kind::PayoutChanged, own)], "{network}");
            let voting = Change::Registrar(Registrar {
                voting: Some(VotingChoice::New),
                ..Registrar::default()
            });
            bench.update(ports, voting).await;
            assert_eq!(bench.kinds().await, [(Kind::VotingChanged, own)], "{network}");
        }
        // An operation of long ago that did the same does not make it mine.
        bench.update(&elsewhere, payout(0x41)).await;
        assert_eq!(bench.kinds().await, [(Kind::PayoutChanged, false)], "{network}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_operator_and_a_revocation_are_told_with_what_they_do_to_the_masternode() {
    let bench = Bench::new("dash-regtest").await;
    bench.world.make(Key::Operator, "mn1-operator-9");
    let other = Change::Registrar(Registrar {
        operator: Some(OperatorChoice::Held("mn1-operator-9".into())),
        ..Registrar::default()
    });
    bench.update(&bench.elsewhere(), other).await;
    let changed = bench.kinds().await;
    assert_eq!(changed, [(Kind::OperatorChanged, false), (Kind::Status, false)]);
    bench.update(&bench.ports, service(8, &bench.ports)).await;
    let kinds = bench.kinds().await;
    assert_eq!(kinds, [(Kind::AddressChanged, true), (Kind::Status, true)]);
    let revoke = Change::Revoke(Revocation {
        reason: Reason::CompromisedKeys,
        operator: choice::OperatorSecret::OfTheVault,
    });
    let draft = castellan::flow::update::Draft {
        pro_tx_hash: bench.hash,
        change: revoke,
        fee_from: choice::FeeSource::Key("fees".into()),
    };
    let plan = castellan::flow::update::prepare(&bench.ports, &draft).await.unwrap();
    let update = castellan::flow::update::update(bench.ports.clone(), plan);
    mined(&bench.sandbox, update).await.unwrap();
    let revoked = bench.alerts().await;
    let status = revoked.iter().find(|alert| alert.kind() == Kind::Status).unwrap();
    assert!(
        matches!(
            status.what,
            What::Status {
                to: Standing::Revoked(2),
                ..
            }
        ) && status.own,
        "{status:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_collateral_is_told_and_whether_it_was_me() {
    for own in [true, false] {
        let bench = Bench::new("dash-regtest").await;
        let collateral = bench.collateral();
        let ports = if own { bench.ports.clone() } else { bench.elsewhere() };
        bench.spend(&ports).await;
        let removed: Vec<Alert> = bench.alerts().await;
        let alert = removed.iter().find(|alert| alert.kind() == Kind::Removed).unwrap();
        let spent = Some(true);
        assert_eq!((&alert.what, alert.own), (&What::Removed { collateral, spent }, own));
        bench.sandbox.mine(1);
        assert_eq!(bench.alerts().await, [], "told once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorganisation_does_not_tell_the_same_twice() {
    let bench = Bench::new("dash-regtest").await;
    // Looks at every block, so that the fork is known.
    for _ in 0..3 {
        bench.sandbox.mine(1);
        bench.look().await;
    }
    bench.update(&bench.ports, payout(0x61)).await;
    assert_eq!(bench.kinds().await, [(Kind::PayoutChanged, true)]);
    // The block goes; its transaction waits and is in the next one again. Meanwhile the chain is as long as it was.
    bench.sandbox.reorg(2, 2);
    assert_eq!(bench.kinds().await, []);
    bench.sandbox.mine(1);
    assert_eq!(bench.kinds().await, []);
    // What is new is told again.
    bench.update(&bench.elsewhere(), payout(0x62)).await;
    assert_eq!(bench.kinds().await, [(Kind::PayoutChanged, false)]);
    // And so after a restart in the middle of it.
    bench.sandbox.reorg(1, 3);
    let again = open(&bench.ports);
    let (told, _) = again.look(&bench.ports).await.unwrap().unwrap();
    assert!(
        told.alerts.iter().all(|alert| alert.kind() == Kind::Payment),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_nobody_looked_is_told_once_at_the_next_start() {
    let bench = Bench::new("dash-regtest").await;
    bench.update(&bench.elsewhere(), payout(0x61)).await;
    bench.sandbox.mine(5);
    for (start, times) in [("first", 1), ("second", 0)] {
        let watch = open(&bench.ports);
        let (told, _) = watch.look(&bench.ports).await.unwrap().unwrap();
        let count = told
            .alerts
            .iter()
            .filter(|alert| alert.kind() == Kind::PayoutChanged)
            .count();
        assert_eq!(count, times, "{start} start");
        let kept = watch.lately(100).unwrap();
        let count = kept
            .iter()
            .filter(|each| each.alert.kind() == Kind::PayoutChanged)
            .count();
        assert_eq!(count, 1, "it is kept");
    }
    // The command has seen nothing of it, as it has not looked yet: to it, this is how things are.
    let command = Watch::open(
        &bench.ports.profile,
        bench.ports.journal.path(),
        Who::Command,
        Rules::default(),
    );
    let (told, _) = command.unwrap().look(&bench.ports).await.unwrap().unwrap();
    assert!(told.is_empty(), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_vault_locked_it_is_watched_on_and_keeps_its_name() {
    let bench = Bench::new("dash-regtest").await;
    // A journal that knows nothing of the registration either.
    let locked = Ports {
        vault: None,
        ..bench.ports.clone()
    };
    bench.update(&bench.elsewhere(), payout(0x61)).await;
    let (told, _) = bench.watch.look(&locked).await.unwrap().unwrap();
    let changed: Vec<&Alert> = told
        .alerts
        .iter()
        .filter(|alert| alert.kind() == Kind::PayoutChanged)
        .collect();
    assert_eq!(changed[0].name(), Some("mn1"));
}
