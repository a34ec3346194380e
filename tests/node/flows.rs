//! The flows through a masternode's whole life on a real node: registered, changed in every way, banned, revived, revoked.

use castellan::flow::Error;
use castellan::flow::choice::{OperatorChoice, OperatorSecret, PlatformChoice, VotingChoice};
use castellan::flow::revive::{self, Finding};
use castellan::flow::update::{
    Change, Consequence, OperatorPayout, PlatformChange, Registrar, Revocation, ServiceChange, prepare,
};
use castellan::protocol::Address;
use castellan::protocol::masternode::Status;
use castellan::protocol::network::MnType;
use castellan::protocol::special_tx::Service;
use castellan::protocol::special_tx::pro_up_rev::Reason;

use crate::chain::{Chain, Options};
use crate::life::{Life, PLATFORM, REWARD, pasted, platform_as, platform_of};
use crate::masternode::Wanted;

const PAYOUT: Address = Address::ScriptHash([0x42; 20]);

/// Each masternode has its own.
fn service(life: &Life<'_>, n: u8) -> Service {
    Service::v4([5, 6, life.name.len() as u8, n].into(), 20_001)
}

fn says(consequences: &[Consequence], wanted: &Consequence) -> bool {
    consequences.contains(wanted)
}

/// Two others, so that there is a queue.
async fn with_neighbours(options: Options) -> Chain {
    let chain = Chain::start(options).await;
    let wanted = Wanted {
        kind: MnType::Regular,
        version: chain.version().await,
        operator_reward: 0,
    };
    chain.register(&[wanted, wanted]).await;
    // Whatever is left of the stock pays the fees of the flows.
    chain.coin().await;
    chain
}

async fn lives(chain: &Chain, kind: MnType, name: &'static str) {
    let mut life = Life::begin(chain, kind, name).await;
    changes_service(&life).await;
    if kind == MnType::Evo {
        changes_platform(&life).await;
    }
    changes_registrar(&mut life).await;
    changes_operator(&mut life).await;
    for reason in Reason::ALL {
        revokes(&mut life, reason).await;
    }
}

/// Address and operator payout; what is not named is kept.
async fn changes_service(life: &Life<'_>) {
    let review = life
        .apply(Change::Service(ServiceChange {
            service: Some(service(life, 1)),
            operator_payout: OperatorPayout::To(PAYOUT),
            ..ServiceChange::default()
        }))
        .await;
    assert!(says(&review.consequences, &Consequence::KeepsQueue));
    assert!(says(
        &review.consequences,
        &Consequence::OperatorPaidTo { address: PAYOUT }
    ));

    let review = life
        .apply(Change::Service(ServiceChange {
            service: Some(service(life, 2)),
            ..ServiceChange::default()
        }))
        .await;
    assert_eq!(review.consequences, [Consequence::KeepsQueue]);
    let state = life.entry().await.state;
    assert_eq!((state.service, state.operator_payout), (service(life, 2), Some(PAYOUT)));

    let review = life.apply(service_change(None, OperatorPayout::Erase)).await;
    assert!(says(
        &review.consequences,
        &Consequence::OperatorUnpaid { reward: REWARD }
    ));
    assert_eq!(life.entry().await.state.operator_payout, None);

    let review = life.apply(service_change(None, OperatorPayout::Keep)).await;
    assert_eq!(
        review.consequences,
        [Consequence::NothingChanges, Consequence::KeepsQueue]
    );

    life.apply(service_change(None, OperatorPayout::To(PAYOUT))).await;
    life.assert_roles().await;
}

fn service_change(service: Option<Service>, operator_payout: OperatorPayout) -> Change {
    Change::Service(ServiceChange {
        service,
        operator_payout,
        ..ServiceChange::default()
    })
}

/// One Platform field; the others are kept.
async fn changes_platform(life: &Life<'_>) {
    assert_eq!(platform_of(&life.entry().await), platform_as(&PLATFORM));
    let http = Change::Service(ServiceChange {
        platform: PlatformChange {
            http_port: Some(30_002),
            ..PlatformChange::default()
        },
        ..ServiceChange::default()
    });
    life.apply(http).await;
    let changed = PlatformChoice {
        http_port: 30_002,
        ..PLATFORM
    };
    let entry = life.entry().await;
    assert_eq!(platform_of(&entry), platform_as(&changed));
    assert_eq!(entry.state.operator_payout, Some(PAYOUT));
}

/// Voting key and payout: neither touches the other, nor the queue.
async fn changes_registrar(life: &mut Life<'_>) {
    let before = life.entry().await.state;
    let review = life
        .apply(Change::Registrar(Registrar {
            voting: Some(VotingChoice::New),
            ..Registrar::default()
        }))
        .await;
    assert!(says(&review.consequences, &Consequence::KeepsQueue));
    life.roles.voting = Some(format!("{}-voting-2", life.name));
    life.assert_roles().await;
    let state = life.entry().await.state;
    assert_eq!((state.payout, state.operator), (before.payout, before.operator));
    assert_ne!(state.voting, before.voting);

    let payout = Address::PubkeyHash([0xb0 + life.name.len() as u8; 20]);
    let review = life
        .apply(Change::Registrar(Registrar {
            payout: Some(payout),
            ..Registrar::default()
        }))
        .await;
    assert!(says(&review.consequences, &Consequence::PaidTo { address: payout }));
    assert_eq!(life.entry().await.state.voting, state.voting);
    life.assert_roles().await;
}

fn names_operator(choice: OperatorChoice) -> Change {
    Change::Registrar(Registrar {
        operator: Some(choice),
        ..Registrar::default()
    })
}

/// Bans at once; only the holder of the new key revives.
async fn changes_operator(life: &mut Life<'_>) {
    let old = life.roles.operator.clone().expect("held");
    let review = life.apply(names_operator(OperatorChoice::New)).await;
    assert!(says(
        &review.consequences,
        &Consequence::BannedAtOnce { revoked: false }
    ));
    assert!(says(
        &review.consequences,
        &Consequence::OperatorPayoutWiped { address: PAYOUT }
    ));
    life.roles.operator = Some(format!("{}-operator-2", life.name));
    life.assert_roles().await;

    let by_old = Change::Service(ServiceChange {
        service: Some(service(life, 3)),
        operator: OperatorSecret::Held(old),
        ..ServiceChange::default()
    });
    assert!(matches!(life.refused(by_old).await, Error::NotTheKey { .. }));
    assert_eq!(platform_of(&life.entry().await).0, None);
    revives(life, 3).await;
}

/// With the address, which was wiped; without it the plan breaks a rule.
async fn revives(life: &Life<'_>, n: u8) {
    let is_evo = life.entry().await.kind == MnType::Evo;
    let mut change = ServiceChange {
        operator_payout: OperatorPayout::To(PAYOUT),
        ..ServiceChange::default()
    };
    if is_evo {
        change.platform.node_id = Some(PLATFORM.node_id);
    }
    let without = prepare(&life.ports, &life.draft(Change::Service(change.clone()))).await;
    assert!(without.is_err() || without.is_ok_and(|plan| plan.review.failure().is_some()));
    change.service = Some(service(life, n));
    life.revive(change).await;
    life.assert_roles().await;
}

/// The operator gives up; nobody can do anything before the owner names one, the same or another.
async fn revokes(life: &mut Life<'_>, reason: Reason) {
    let label = life.roles.operator.clone().expect("held");
    let operator = match reason {
        Reason::CompromisedKeys => pasted(&life.ports, &label),
        _ => OperatorSecret::OfTheVault,
    };
    let again = Revocation { reason, operator };
    let review = life.apply(Change::Revoke(again.clone())).await;
    assert!(says(&review.consequences, &Consequence::BannedAtOnce { revoked: true }));
    let entry = life.entry().await;
    assert_eq!(
        (entry.status(), entry.state.revocation_reason),
        (Status::Revoked, reason.number())
    );
    life.roles.operator = None;
    life.assert_roles().await;

    for change in [
        Change::Revoke(again),
        service_change(Some(service(life, 4)), OperatorPayout::Keep),
        Change::Registrar(Registrar::default()),
    ] {
        assert!(matches!(life.refused(change).await, Error::OperatorRevoked { .. }));
    }
    let diagnosis = revive::look(&life.ports, life.hash, None).await.expect("looked at");
    assert!(diagnosis.findings.contains(&Finding::Revoked {
        reason: reason.number()
    }));
    assert!(!diagnosis.can_revive());

    let new = matches!(reason, Reason::CompromisedKeys | Reason::ChangeOfKeys);
    let choice = if new {
        OperatorChoice::New
    } else {
        OperatorChoice::Held(label.clone())
    };
    let review = life.apply(names_operator(choice)).await;
    assert!(says(&review.consequences, &Consequence::NotInQueue));
    assert!(says(&review.consequences, &Consequence::OperatorMustAnnounce));
    let roles = life.now().await.roles;
    assert_eq!(roles.operator.as_ref() == Some(&label), !new);
    life.roles.operator = roles.operator;
    assert!(life.roles.operator.is_some());
    revives(life, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn a_masternode_lives_through_all_flows_before_v19() {
    let chain = with_neighbours(Options::BEFORE_V19).await;
    assert_eq!(chain.version().await, 1);
    lives(&chain, MnType::Regular, "old").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn a_masternode_and_an_evonode_live_through_all_flows_after_v19() {
    let chain = with_neighbours(Options::AFTER_V19).await;
    assert_eq!(chain.version().await, 2);
    lives(&chain, MnType::Regular, "new").await;
    lives(&chain, MnType::Evo, "evonode").await;
}

/// Keys of the old scheme sign by the new one from the block on; the list keeps the old encoding until the key changes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn a_masternode_of_before_is_changed_by_the_flows_after_v19() {
    const V19: u32 = 320;
    let chain = with_neighbours(Options::v19_at(V19)).await;
    let mut life = Life::begin(&chain, MnType::Regular, "crossing").await;
    assert_eq!(life.entry().await.state.version, 1);
    chain.mine_to(V19).await;
    changes_service(&life).await;
    changes_registrar(&mut life).await;
    let state = life.entry().await.state;
    assert_eq!(state.version, 1, "the payload's version is not the state's");
    changes_operator(&mut life).await;
    assert_eq!(life.entry().await.state.version, 2);
    revokes(&mut life, Reason::ChangeOfKeys).await;
}
