//! Updates broken in one way each: what our rules say of them, and what the node says.

use castellan::protocol::network::MnType;
use castellan::protocol::special_tx::pro_reg::encoding_of;
use castellan::protocol::tx::{PRO_UP_REG, PRO_UP_REV, PRO_UP_SERV};

use crate::case::Case;
use crate::chain::{Chain, Options};
use crate::judgement::Tally;
use crate::masternode::{Masternode, Wanted, operator};
use crate::mutations::{ALL, EVO, Mutation, NEW, REG, REV, SERV};

/// Who is on the chain while updates are judged.
pub struct Cast {
    /// Gets the updates; earns an operator reward.
    pub mine: Masternode,
    /// Earns none.
    pub unrewarded: Masternode,
    /// Its operator gave up.
    pub revoked: Masternode,
    /// Its operator key was replaced.
    pub banned: Masternode,
    /// Two of them, after V19.
    pub evos: Vec<Masternode>,
}

impl Cast {
    async fn of(chain: &Chain) -> Self {
        let version = chain.version().await;
        let regular = |operator_reward| Wanted {
            kind: MnType::Regular,
            version,
            operator_reward,
        };
        let evo = Wanted {
            kind: MnType::Evo,
            ..regular(100)
        };
        let mut wanted = vec![regular(500), regular(0), regular(100), regular(100)];
        wanted.extend((version >= 2).then_some([evo, evo]).into_iter().flatten());
        let mut all = chain.register(&wanted).await;
        let evos = all.split_off(4);
        let [mine, unrewarded, revoked, banned] = <[_; 4]>::try_from(all).ok().expect("four");
        chain
            .deliver(&Case::new(chain, &revoked, PRO_UP_REV, version).await.finish())
            .await;
        let mut case = Case::new(chain, &banned, PRO_UP_REG, version).await;
        case.reg().operator = operator(NEW).public_key().encode(encoding_of(version));
        chain.deliver(&case.finish()).await;
        Self {
            mine,
            unrewarded,
            revoked,
            banned,
            evos,
        }
    }
}

/// Whom the updates are for, their type and payload version, and how they are broken.
type Table<'a> = (&'a Masternode, u16, u16, &'a [Mutation]);

async fn compare_all(chain: &Chain, tally: &mut Tally, cast: &Cast, tables: &[Table<'_>]) {
    let coin = chain.coin().await;
    for (of, kind, version, table) in tables {
        for (what, change) in *table {
            let mut case = Case::with(chain, of, *kind, *version, coin.clone()).await;
            change(&mut case, cast);
            let what = format!("type {kind} version {version}, {what}");
            tally.compare(&chain.node, &chain.ports, &what, &case.finish()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn the_verdict_on_broken_updates_is_the_nodes_before_v19() {
    let chain = Chain::start(Options::BEFORE_V19).await;
    let cast = Cast::of(&chain).await;
    let mut tally = Tally::default();
    let (mine, revoked, banned, poor) = (&cast.mine, &cast.revoked, &cast.banned, &cast.unrewarded);
    let tables: &[Table<'_>] = &[
        (mine, PRO_UP_SERV, 1, ALL),
        (mine, PRO_UP_REG, 1, ALL),
        (mine, PRO_UP_REV, 1, ALL),
        (mine, PRO_UP_SERV, 1, SERV),
        (mine, PRO_UP_REG, 1, REG),
        (mine, PRO_UP_REV, 1, REV),
        (poor, PRO_UP_SERV, 1, &SERV[..5]),
        (revoked, PRO_UP_SERV, 1, SERV),
        (revoked, PRO_UP_REV, 1, REV),
        (banned, PRO_UP_SERV, 1, SERV),
        (banned, PRO_UP_REG, 1, REG),
    ];
    compare_all(&chain, &mut tally, &cast, tables).await;
    tally.finish("updates before V19", 80);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs DASHD_EXE: a real dashd"]
async fn the_verdict_on_broken_updates_is_the_nodes_after_v19() {
    let chain = Chain::start(Options::AFTER_V19).await;
    let cast = Cast::of(&chain).await;
    let mut tally = Tally::default();
    let (mine, revoked, banned, poor) = (&cast.mine, &cast.revoked, &cast.banned, &cast.unrewarded);
    let evo = &cast.evos[0];
    let mut tables: Vec<Table<'_>> = vec![];
    for version in [1, 2] {
        tables.extend([
            (mine, PRO_UP_SERV, version, ALL),
            (mine, PRO_UP_REG, version, ALL),
            (mine, PRO_UP_REV, version, ALL),
            (mine, PRO_UP_SERV, version, SERV),
            (mine, PRO_UP_REG, version, REG),
            (mine, PRO_UP_REV, version, REV),
            (poor, PRO_UP_SERV, version, &SERV[..5]),
            (revoked, PRO_UP_SERV, version, SERV),
            (revoked, PRO_UP_REV, version, REV),
            (banned, PRO_UP_SERV, version, SERV),
            (banned, PRO_UP_REG, version, REG),
        ]);
    }
    tables.push((evo, PRO_UP_SERV, 2, EVO));
    tables.push((evo, PRO_UP_SERV, 2, SERV));
    tables.push((evo, PRO_UP_REG, 2, REG));
    compare_all(&chain, &mut tally, &cast, &tables).await;
    tally.finish("updates after V19", 80);
}
