//! What a block pays its masternode (Dash Core validation.cpp: GetBlockSubsidy, GetMasternodePayment; masternode/payments.cpp).
//!
//! Whole duffs, divided and rounded down where nodes do it: an amount is right to the last digit or it is not told.

use super::entry::Entry;
use crate::protocol::amount::Amount;
use crate::protocol::special_tx::pro_reg::FULL_REWARD;

/// How a network rewards blocks, from some height on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewardRules {
    /// First height these rules are right for; what was before is not told.
    pub from: u32,
    /// Subsidy of the first block.
    pub start: Amount,
    /// It becomes one part in so many less...
    pub decline: u32,
    /// ...each time so many **blocks** have passed.
    pub interval: u32,
    /// **Percent** of the subsidy that blocks leave to the treasury...
    pub treasury_percent: u32,
    /// ...when they follow a block after this height.
    pub treasury_after: u32,
    /// **Percent** of the rest, and of the fees, that is the masternode's.
    pub masternode_percent: u32,
    /// Of the masternode's part of the subsidy, in **thousandths**, what goes to Platform...
    pub platform_permille: u32,
    /// ...from this height on (MN_RR). None: never, or not yet decided.
    pub platform_from: Option<u32>,
}

/// The parts of one payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reward {
    /// To the payout address.
    pub owner: Amount,
    /// To the operator's payout address; zero where there is none, then the owner has it all.
    pub operator: Amount,
    /// To Platform's credit pool. Masternodes get it from there, by Platform's own rules.
    pub platform: Amount,
}

impl Reward {
    /// As `masternode payments` has it: Platform's part too.
    pub fn total(&self) -> Amount {
        [self.owner, self.operator, self.platform].into_iter().sum()
    }
}

impl RewardRules {
    /// What the block at a height makes anew, without the treasury's part.
    pub fn subsidy(&self, height: u32) -> Amount {
        let previous = height.saturating_sub(1);
        let mut left = self.start.duffs();
        for _ in 0..previous.checked_div(self.interval).unwrap_or(0) {
            match left.checked_div(u64::from(self.decline)) {
                // Nodes go on, but nothing changes any more.
                None | Some(0) => break,
                Some(part) => left -= part,
            }
        }
        let treasury = if previous > self.treasury_after {
            share(left, self.treasury_percent, 100)
        } else {
            0
        };
        Amount::from_duffs(left.saturating_sub(treasury))
    }
}

/// What the block at a height would pay a masternode, given the **fees** in it (0 when nobody knows). None below the heights that
/// the rules are for.
pub fn expected(entry: &Entry, height: u32, rules: &RewardRules, fees: Amount) -> Option<Reward> {
    if height < rules.from {
        return None;
    }
    let subsidy = rules.subsidy(height);
    let all = subsidy.checked_add(fees)?;
    let masternode = share(all.duffs(), rules.masternode_percent, 100);
    let platform = match rules.platform_from {
        Some(from) if height >= from => {
            let of_subsidy = share(subsidy.duffs(), rules.masternode_percent, 100);
            share(of_subsidy, rules.platform_permille, 1000)
        }
        _ => 0,
    };
    let paid = masternode.checked_sub(platform)?;
    let operator = match entry.state.operator_payout {
        Some(_) => share(paid, u32::from(entry.operator_reward), u32::from(FULL_REWARD)),
        None => 0,
    };
    Some(Reward {
        owner: Amount::from_duffs(paid.checked_sub(operator)?),
        operator: Amount::from_duffs(operator),
        platform: Amount::from_duffs(platform),
    })
}

/// So many of so many parts, rounded down.
fn share(amount: u64, parts: u32, of: u32) -> u64 {
    let share = u128::from(amount) * u128::from(parts) / u128::from(of);
    u64::try_from(share).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use bitcoin::OutPoint;
    use bitcoin::hashes::Hash;
    use serde_json::Value;

    use super::*;
    use crate::protocol::masternode::OperatorKey;
    use crate::protocol::masternode::entry::State;
    use crate::protocol::network::{self, MnType, Profile};
    use crate::protocol::special_tx::Service;
    use crate::protocol::{Address, ProTxHash};

    const MODERN: &str = include_str!("../../../tests/data/dashd-23.1.2/modern-rpc.json");
    const WEI: &str = include_str!("../../../tests/data/weid-0.17.0.3/rpc.json");

    fn profile(name: &str) -> Profile {
        network::builtin(name).expect("embedded")
    }

    fn rules(name: &str) -> RewardRules {
        profile(name).reward.expect("known")
    }

    fn entry(operator_reward: u16, operator_payout: bool) -> Entry {
        Entry {
            pro_tx_hash: ProTxHash::from_byte_array([1; 32]),
            kind: MnType::Regular,
            collateral: OutPoint::null(),
            operator_reward,
            confirmations: None,
            state: State {
                version: 2,
                service: Service::NONE,
                registered_height: 5,
                last_paid_height: 0,
                consecutive_payments: 0,
                pose_penalty: 0,
                pose_revived_height: None,
                pose_ban_height: None,
                revocation_reason: 0,
                owner: None,
                voting: None,
                payout: Some(Address::PubkeyHash([3; 20])),
                operator_payout: operator_payout.then_some(Address::PubkeyHash([4; 20])),
                operator: OperatorKey::Revoked,
                platform_node_id: None,
                platform_p2p_port: None,
                platform_http_port: None,
            },
        }
    }

    fn duffs(reward: Option<Reward>) -> [u64; 3] {
        let reward = reward.expect("known");
        [reward.owner, reward.operator, reward.platform].map(Amount::duffs)
    }

    /// Each recorded `masternode payments` and the total of its block's coinbase, where that was recorded too.
    fn payments(recording: &str) -> Vec<(u32, Vec<u64>, Option<u64>)> {
        let calls: Vec<Value> = serde_json::from_str(recording).expect("JSON");
        let coinbase = |hash: &Value| {
            let block = calls.iter().find(|call| {
                call["method"] == "getblock" && call["params"][0] == *hash && call["result"].is_object()
            })?;
            let outputs = block["result"]["tx"][0]["vout"].as_array().expect("outputs");
            let value = |output: &Value| output["value"].to_string().parse::<Amount>().expect("coins");
            Some(outputs.iter().map(value).sum::<Amount>().duffs())
        };
        let asked = |call: &&Value| call["method"] == "masternode" && call["params"][0] == "payments";
        let blocks = calls.iter().filter(asked).filter_map(|call| call["result"].as_array());
        let payment = |block: &Value| {
            let height = block["height"].as_u64().expect("a height") as u32;
            let payees = block["masternodes"][0]["payees"].as_array().expect("payees");
            let amount = |payee: &Value| payee["amount"].as_u64().expect("duffs");
            (
                height,
                payees.iter().map(amount).collect(),
                coinbase(&block["blockhash"]),
            )
        };
        blocks.flatten().map(payment).collect()
    }

    #[test]
    fn a_dash_block_with_platform_pays_what_was_recorded() {
        let recorded = payments(MODERN);
        assert_eq!(recorded.len(), 1);
        let (height, amounts, coinbase) = &recorded[0];
        let rules = rules("dash-regtest");
        // The payee of that block asks for 10 % for its operator.
        let expected = duffs(expected(&entry(1_000, true), *height, &rules, Amount::ZERO));
        assert_eq!([expected[2], expected[0], expected[1]], amounts[..]);
        assert_eq!(*coinbase, Some(rules.subsidy(*height).duffs()));
    }

    #[test]
    fn wei_blocks_pay_45_percent_of_all_there_is() {
        let rules = rules("wei-regtest");
        let (mut exact, mut with_fees) = (0, 0);
        for (height, amounts, coinbase) in payments(WEI) {
            let all: u64 = amounts.iter().sum();
            let subsidy = rules.subsidy(height).duffs();
            let fees = coinbase.map_or(0, |coinbase| coinbase - subsidy);
            let reward = expected(&entry(0, false), height, &rules, Amount::from_duffs(fees)).expect("known");
            if coinbase.is_some() || all == reward.total().duffs() {
                assert_eq!((reward.owner.duffs(), reward.platform), (all, Amount::ZERO), "{height}");
                exact += 1;
            } else {
                // Fees that nobody recorded: more than expected, and not by much.
                assert!(
                    all > reward.owner.duffs() && all < reward.owner.duffs() + 1_000_000,
                    "{height}"
                );
                with_fees += 1;
            }
        }
        assert!(exact >= 4 && with_fees <= 2, "{exact} {with_fees}");
    }

    #[test]
    fn the_example_of_the_reference_is_exact_with_and_without_platform() {
        // Dash Core 23.1.2 on regtest at height 460, MN_RR active: 112592247 to a burnt output and 187653745 to the owner.
        let with = rules("dash-regtest");
        assert_eq!(
            duffs(expected(&entry(0, false), 460, &with, Amount::ZERO)),
            [187_653_745, 0, 112_592_247]
        );
        let without = profile("dash-regtest").reward_from(460, true, false).expect("known");
        assert_eq!(without.platform_from, None);
        assert_eq!(
            duffs(expected(&entry(0, false), 460, &without, Amount::ZERO)),
            [300_245_992, 0, 0]
        );
    }

    #[test]
    fn the_main_networks_subsidy_declines_by_a_fourteenth_a_year() {
        let rules = rules("dash");
        // Ten declines, nine of them by whole duffs as nodes round, less the treasury's fifth.
        let mut left = 500_000_000_u64;
        for _ in 0..10 {
            left -= left / 14;
        }
        assert_eq!(rules.subsidy(2_102_401).duffs(), left - left / 5);
        // The decline looks at the block before.
        assert_ne!(rules.subsidy(2_102_400), rules.subsidy(2_102_401));
        assert_eq!(rules.subsidy(2_102_401), rules.subsidy(2_312_640));
        let at = 2_300_000;
        let [owner, operator, platform] = duffs(expected(&entry(525, true), at, &rules, Amount::ZERO));
        let masternode = rules.subsidy(at).duffs() * 3 / 4;
        assert_eq!(platform, masternode * 375 / 1000);
        assert_eq!(operator, (masternode - platform) * 525 / 10_000);
        assert_eq!(owner + operator + platform, masternode);
    }

    #[test]
    fn fees_are_shared_with_the_miner_and_not_with_platform() {
        let rules = rules("dash");
        let of = |fees| expected(&entry(0, false), 2_300_000, &rules, Amount::from_duffs(fees)).expect("known");
        let (without, with) = (of(0), of(10_000));
        assert_eq!(with.platform, without.platform);
        assert_eq!(with.owner.duffs() - without.owner.duffs(), 7_500);
    }

    #[test]
    fn an_operator_without_an_address_leaves_all_to_the_owner() {
        let rules = rules("dash");
        for reward in [0, 1, 10_000] {
            let [owner, operator, _] = duffs(expected(&entry(reward, false), 2_300_000, &rules, Amount::ZERO));
            assert!(owner > 0 && operator == 0);
        }
        let [owner, operator, _] = duffs(expected(&entry(10_000, true), 2_300_000, &rules, Amount::ZERO));
        assert!(owner == 0 && operator > 0);
    }

    #[test]
    fn before_its_rules_nothing_is_foretold() {
        let dash = profile("dash");
        let rules = rules("dash");
        assert_eq!(expected(&entry(0, false), rules.from - 1, &rules, Amount::ZERO), None);
        let before = expected(&entry(0, false), 2_128_895, &rules, Amount::ZERO).expect("known");
        let after = expected(&entry(0, false), 2_128_896, &rules, Amount::ZERO).expect("known");
        assert_eq!((before.platform, before.total()), (Amount::ZERO, after.total()));
        assert!(after.platform > Amount::ZERO);
        assert_eq!(dash.reward_from(2_300_000, false, false), None);
        // What the node says comes before what the profile has.
        let told = |next, active| dash.reward_from(next, true, active).expect("known").platform_from;
        assert_eq!(
            (told(5, true), told(5, false), told(3_000_000, false)),
            (Some(0), Some(2_128_896), None)
        );
        let wei = profile("wei").reward_from(5, false, false).expect("known");
        assert_eq!(wei, self::rules("wei"));
    }

    #[test]
    fn the_last_heights_and_the_largest_amounts_do_no_harm() {
        for name in network::builtin_names() {
            let rules = rules(name);
            let last = expected(&entry(10_000, true), u32::MAX, &rules, Amount::ZERO).expect("known");
            assert!(last.total() < Amount::from_coins(1), "{name}");
            assert_eq!(
                expected(&entry(0, false), u32::MAX, &rules, Amount::from_duffs(u64::MAX)),
                None
            );
            assert!(rules.subsidy(0) >= rules.subsidy(u32::MAX));
        }
        let odd = RewardRules {
            from: 0,
            start: Amount::from_duffs(u64::MAX),
            decline: 0,
            interval: 0,
            treasury_percent: u32::MAX,
            treasury_after: 0,
            masternode_percent: u32::MAX,
            platform_permille: u32::MAX,
            platform_from: Some(0),
        };
        for height in [0, 1, u32::MAX] {
            let _ = expected(&entry(10_000, true), height, &odd, Amount::ZERO);
        }
    }
}
