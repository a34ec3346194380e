//! Who the blocks of a real node pay, and how much: foretold from one list, over a thousand blocks.

use castellan::protocol::masternode::queue::{EvoPayments, upcoming};
use castellan::protocol::masternode::reward;
use castellan::protocol::network::MnType;
use castellan::protocol::tx::PRO_UP_SERV;
use castellan::protocol::{Amount, script};
use serde_json::{Value, json};

use crate::case::Case;
use crate::chain::{Chain, Options};
use crate::masternode::Wanted;

/// From here the profile's rules hold (V20), whatever this node was told.
const FIRST: u32 = 432;
/// Past declines each 150 blocks and the treasury's beginning after block 1000.
const LAST: u32 = 1_210;

fn wanted(kind: MnType, operator_reward: u16) -> Wanted {
    Wanted {
        kind,
        version: 2,
        operator_reward,
    }
}

/// `masternode payments` of a block: who and what, as the coinbase has it.
async fn payment(chain: &Chain, height: u32) -> (String, Vec<u64>) {
    let hash = chain.node.call("getblockhash", json!([height])).await;
    let told = chain.node.call("masternode", json!(["payments", hash])).await;
    let paid = &told[0]["masternodes"][0];
    let payees = paid["payees"].as_array().expect("payees");
    let amount = |payee: &Value| payee["amount"].as_u64().expect("duffs");
    (
        paid["proTxHash"].as_str().expect("a hash").to_owned(),
        payees.iter().map(amount).collect(),
    )
}

async fn compare(options: Options) {
    let chain = Chain::start(options).await;
    let made = chain
        .register(&[
            wanted(MnType::Regular, 0),
            wanted(MnType::Evo, 1_234),
            wanted(MnType::Regular, 3_333),
            wanted(MnType::Evo, 10_000),
        ])
        .await;
    // One of the operators gets its part; the others have no address for it.
    let mut case = Case::new(&chain, &made[1], PRO_UP_SERV, 2).await;
    case.serv().operator_payout = script::pay_to_key(&[0x0e; 20]);
    chain.deliver(&case.finish()).await;
    chain.mine_to(FIRST).await;
    let status = chain.ports.node.status().await.expect("a status");
    let evo = status.capabilities.evo_payments();
    assert_eq!(evo == EvoPayments::Single, options.mn_rr < FIRST);
    let can = &status.capabilities;
    let rules = chain.profile().reward_from(FIRST + 1, can.v19_active, can.mn_rr_active);
    let rules = rules.expect("known");
    let list = chain.ports.node.masternodes().await.expect("a list");
    assert_eq!(list.tip.height, FIRST);
    chain.mine_to(LAST).await;
    let payees = upcoming(&list.entries, FIRST, evo, (LAST - FIRST) as usize);
    assert_eq!(payees.len(), (LAST - FIRST) as usize);
    let mut divided = 0;
    for (height, hash) in payees {
        let entry = list
            .entries
            .iter()
            .find(|entry| entry.pro_tx_hash == hash)
            .expect("listed");
        let foretold = reward::expected(entry, height, &rules, Amount::ZERO).expect("known");
        let parts = [foretold.platform, foretold.owner, foretold.operator].map(Amount::duffs);
        let parts: Vec<u64> = parts.into_iter().filter(|part| *part > 0).collect();
        divided += usize::from(foretold.operator > Amount::ZERO);
        assert_eq!(
            payment(&chain, height).await,
            (hash.to_string(), parts),
            "block {height}"
        );
    }
    assert!(divided > 100, "{divided}");
}

#[tokio::test]
#[ignore = "needs a dashd: set DASHD_EXE"]
async fn a_thousand_blocks_pay_whom_and_what_was_foretold() {
    compare(Options::AFTER_V19).await;
}

#[tokio::test]
#[ignore = "needs a dashd: set DASHD_EXE"]
async fn before_mn_rr_evonodes_are_paid_in_runs_and_all_of_it() {
    compare(Options::BEFORE_MN_RR).await;
}
