//! The wallet of a device: what it finds, what it asks the node, what coins and addresses are called.

use std::collections::HashSet;

use castellan::flow::wallet::{self, Account, CoinState};
use castellan::hw::fake::Request as Asked;
use castellan::protocol::{Address, Amount, OutPoint, path};
use castellan::rpc::fake::{FakeNode, Request};
use castellan::rpc::{CoinSearch, CoinSource, FoundCoin};
use castellan::store::labels::{Item, Labels};

use crate::payer::Payer;
use crate::world::World;

async fn accounts(world: &World) -> (Vec<Account>, FakeNode) {
    let (ports, node) = world.ports();
    let paths = wallet::default_accounts(&ports);
    let labels = wallet::labels(&ports).unwrap();
    (wallet::accounts(&ports, &labels, &paths, 0).await.unwrap(), node)
}

/// How many addresses each question of a search asked for.
fn questions(node: &FakeNode) -> Vec<Vec<Address>> {
    let asked = |request| match request {
        Request::CoinsOf { addresses, .. } => Some(addresses),
        _ => None,
    };
    node.requests().into_iter().filter_map(asked).collect()
}

#[tokio::test]
async fn accounts_and_chains_are_asked_for_together_and_nothing_twice() {
    let mut world = World::new("dash-regtest");
    let near = world.chain.pay(world.device_key(1, true, 3), Amount::from_coins(1));
    let (found, node) = accounts(&world).await;
    let asked = questions(&node);
    assert_eq!(asked.len(), 1, "one round: nothing lies near the end of what was asked");
    assert_eq!(asked[0].len(), 3 * 2 * 40);
    assert_eq!(found[1].coins[0].outpoint(), near);
    // Within the gap behind the first question's end.
    let far = world.chain.pay(world.device_key(2, false, 39), Amount::from_coins(2));
    let hidden = world.chain.pay(world.device_key(2, false, 80), Amount::from_coins(3));
    let (found, node) = accounts(&world).await;
    let asked = questions(&node);
    assert_eq!(asked[1..].iter().map(Vec::len).collect::<Vec<_>>(), [20]);
    let all: Vec<&Address> = asked.iter().flatten().collect();
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    assert_eq!(
        found[2].coins.iter().map(|coin| coin.outpoint()).collect::<Vec<_>>(),
        [far]
    );
    // Who knows that he used more addresses can look further.
    let (ports, _) = world.ports();
    let third = [path::account(&world.profile, 2)];
    let found = wallet::accounts(&ports, &Labels::default(), &third, 30).await.unwrap();
    assert!(found[0].coins.iter().any(|coin| coin.outpoint() == hidden));
    assert_eq!(found[0].next_receive.0, path::address(&world.profile, 2, false, 81));
    let xpubs = world.device.requests();
    let xpubs = xpubs.iter().filter(|asked| matches!(asked, Asked::AccountXpub(_)));
    assert_eq!(xpubs.count(), 3 + 3 + 1, "one key of the device per account");
}

#[tokio::test]
async fn a_node_that_sees_coins_everywhere_ends_the_search_too() {
    let world = World::new("dash-regtest");
    let (mut ports, _) = world.ports();
    ports.node = std::sync::Arc::new(Everywhere(world.chain.node()));
    let one = [path::account(&world.profile, 0)];
    let found = wallet::accounts(&ports, &Labels::default(), &one, 1_000_000)
        .await
        .unwrap();
    assert_eq!(found[0].coins.len(), 2 * 2_000);
}

/// Claims a coin on every address it is asked for.
struct Everywhere(FakeNode);

mod everywhere {
    use castellan::protocol::rules::Pending;
    use castellan::protocol::special_tx::Service;
    use castellan::protocol::{Address, Amount, OutPoint, ProTxHash, Transaction, Txid, masternode::Entry};
    use castellan::rpc::{CoinSearch, CoinSource};
    use castellan::rpc::{
        FeeRate, FoundCoin, FoundTx, ListDiff, MasternodeList, Membership, Node, NodeStatus, Payment,
    };
    use castellan::rpc::{Reply, Tip, WalletCoins};

    impl Node for super::Everywhere {
        fn status(&self) -> Reply<'_, NodeStatus> {
            self.0.status()
        }
        fn tip(&self) -> Reply<'_, Tip> {
            self.0.tip()
        }
        fn masternodes(&self) -> Reply<'_, MasternodeList> {
            self.0.masternodes()
        }
        fn masternodes_at(&self, height: u32) -> Reply<'_, Vec<Entry>> {
            self.0.masternodes_at(height)
        }
        fn list_diff(&self, base: u32, height: u32) -> Reply<'_, Option<ListDiff>> {
            self.0.list_diff(base, height)
        }
        fn block_at(&self, height: u32) -> Reply<'_, Option<Tip>> {
            self.0.block_at(height)
        }
        fn payments(&self, last: u32, count: u32) -> Reply<'_, Vec<Payment>> {
            self.0.payments(last, count)
        }
        fn memberships(&self, hash: ProTxHash, count: u32) -> Reply<'_, Option<Vec<Membership>>> {
            self.0.memberships(hash, count)
        }
        fn peer_version(&self, service: Service) -> Reply<'_, Option<u32>> {
            self.0.peer_version(service)
        }
        fn masternode(&self, hash: ProTxHash) -> Reply<'_, Option<Entry>> {
            self.0.masternode(hash)
        }
        fn coin(&self, outpoint: OutPoint) -> Reply<'_, Option<FoundCoin>> {
            self.0.coin(outpoint)
        }
        fn transaction(&self, txid: Txid) -> Reply<'_, Option<FoundTx>> {
            self.0.transaction(txid)
        }
        fn coins_of(&self, addresses: Vec<Address>, _: Vec<OutPoint>) -> Reply<'_, CoinSearch> {
            let coins = addresses.iter().map(|address| {
                let mut txid = [0x55; 32];
                if let Address::PubkeyHash(hash) = address {
                    txid[..20].copy_from_slice(hash);
                }
                FoundCoin {
                    outpoint: OutPoint {
                        txid: bitcoin::hashes::Hash::from_byte_array(txid),
                        vout: 0,
                    },
                    value: Amount::from_duffs(1),
                    script: address.script(),
                    confirmations: 9,
                    coinbase: false,
                    spent_in_mempool: false,
                }
            });
            let coins = coins.collect();
            let source = CoinSource::AddressIndex;
            Box::pin(async move { Ok(CoinSearch { coins, source }) })
        }
        fn fee_rate(&self) -> Reply<'_, FeeRate> {
            self.0.fee_rate()
        }
        fn pending(&self) -> Reply<'_, Option<Vec<Pending>>> {
            self.0.pending()
        }
        fn wallet_coins(&self) -> Reply<'_, WalletCoins> {
            self.0.wallet_coins()
        }
        fn wallet_sign(&self, tx: Transaction) -> Reply<'_, Transaction> {
            self.0.wallet_sign(tx)
        }
        fn broadcast(&self, tx: Transaction) -> Reply<'_, Txid> {
            self.0.broadcast(tx)
        }
    }
}

#[tokio::test]
async fn coins_are_told_apart_by_what_may_become_of_them_and_counted_once() {
    let mut payer = Payer::new("dash-regtest");
    let world = &mut payer.world;
    let key = world.device_key(0, false, 1);
    let [reward, young, leaving] = [10, 20, 40].map(|coins| world.chain.pay(key, Amount::from_coins(coins)));
    world.chain.coin(reward).coinbase = true;
    world.chain.coin(young).confirmations = 0;
    world.chain.coin(leaving).spent_in_mempool = true;
    let (found, _) = accounts(world).await;
    let account = &found[0];
    let state = |outpoint| {
        let coin = account.coins.iter().find(|coin| coin.outpoint() == outpoint);
        coin.unwrap().state
    };
    assert_eq!(state(reward), CoinState::Immature { blocks_left: 70 });
    assert_eq!(state(young), CoinState::Unconfirmed);
    assert_eq!(state(leaving), CoinState::BeingSpent);
    let sums = account.balances();
    assert_eq!(sums.ready, Amount::from_coins(5));
    assert_eq!(sums.immature, Amount::from_coins(10));
    assert_eq!(sums.unconfirmed, Amount::from_coins(20));
    assert_eq!(sums.locked, world.profile.collateral_regular);
    assert_eq!(sums.total(), Amount::from_coins(1_035));
    let address = account.addresses.iter().find(|address| address.key_id == key).unwrap();
    assert_eq!((address.coins, address.holds), (3, Amount::from_coins(70)));
    assert_eq!(account.next_receive.0, path::address(&world.profile, 0, false, 3));
    assert_eq!(account.next_change.0, path::address(&world.profile, 0, true, 1));
    assert_eq!((account.number, found.len()), (0, 3));
}

#[tokio::test]
async fn labels_are_the_users_else_what_is_known() {
    let mut payer = Payer::new("dash-regtest");
    let world = &mut payer.world;
    let [two, three] = payer.coins;
    world.chain.entries[0].collateral = world.collateral;
    let paid = world.device_key(0, false, 2);
    world.chain.entries[1].state.payout = Some(paid.address());
    let (ports, _) = world.ports();
    let names: Vec<String> = world.chain.entries[..2]
        .iter()
        .map(|entry| entry.pro_tx_hash.to_string()[..8].to_owned())
        .collect();
    let label = async |world: &World, outpoint: OutPoint| {
        let (found, _) = accounts(world).await;
        let mut coins = found.into_iter().flat_map(|account| account.coins);
        coins.find(|coin| coin.outpoint() == outpoint).unwrap().label
    };
    assert_eq!(label(world, two).await, None);
    assert_eq!(label(world, three).await, Some(format!("payout of {}", names[1])));
    let known = format!("collateral of {}", names[0]);
    assert_eq!(label(world, world.collateral).await, Some(known));
    let mut labels = wallet::labels(&ports).unwrap();
    let text = paid.address().to_text(&world.profile);
    labels.set(&Item::Address(text), "rewards").unwrap();
    assert_eq!(label(world, three).await.as_deref(), Some("rewards"));
    labels.set(&Item::Transaction(three.txid), "a gift").unwrap();
    labels.set(&Item::Output(two), "change of the gift").unwrap();
    assert_eq!(label(world, three).await.as_deref(), Some("a gift"));
    assert_eq!(label(world, two).await.as_deref(), Some("change of the gift"));
}

#[tokio::test]
async fn an_address_that_was_named_or_is_somebodys_payout_is_not_given_out_again() {
    let mut payer = Payer::new("dash-regtest");
    let world = &mut payer.world;
    let (third, fourth) = (world.device_key(0, false, 3), world.device_key(0, false, 4));
    world.chain.entries[2].state.operator_payout = Some(fourth.address());
    let (ports, _) = world.ports();
    let mut labels = wallet::labels(&ports).unwrap();
    let text = third.address().to_text(&world.profile);
    labels.set(&Item::Address(text), "for a friend").unwrap();
    let (found, _) = accounts(world).await;
    assert_eq!(found[0].next_receive.0, path::address(&world.profile, 0, false, 5));
    let listed: Vec<_> = found[0]
        .addresses
        .iter()
        .filter_map(|each| each.label.clone())
        .collect();
    let hash = world.chain.entries[2].pro_tx_hash.to_string();
    assert_eq!(
        listed,
        ["for a friend".to_owned(), format!("operator payout of {}", &hash[..8])]
    );
}

#[tokio::test]
async fn the_change_of_a_payment_on_its_way_is_there_unconfirmed() {
    use castellan::flow::{Step, pay};
    use sipper::Sipper;
    let payer = Payer::new("dash-regtest");
    let (plan, ports, node) = payer.prepare(Amount::from_coins(1)).await;
    let mut flow = pay::pay(ports.clone(), plan.unwrap()).pin();
    while let Some(step) = flow.sip().await {
        if matches!(step, Step::WaitingForBlock { .. }) {
            break;
        }
    }
    drop(flow);
    let tx = node.broadcasts().remove(0);
    let change = FoundCoin {
        outpoint: OutPoint {
            txid: tx.txid(),
            vout: 1,
        },
        value: tx.outputs[1].amount().unwrap(),
        script: tx.outputs[1].script.clone(),
        confirmations: 0,
        coinbase: false,
        spent_in_mempool: false,
    };
    let (mut ports, node) = payer.world.ports();
    let node = node.with_coin(change.outpoint, Ok(Some(change.clone())));
    ports.node = std::sync::Arc::new(node);
    let one = [path::account(&payer.world.profile, 0)];
    let found = wallet::accounts(&ports, &Labels::default(), &one, 0).await.unwrap();
    assert_eq!(found[0].balances().unconfirmed, change.value);
    assert_eq!(found[0].next_change.0, path::address(&payer.world.profile, 0, true, 2));
    // A node that tells another amount is not believed.
    let lie = FoundCoin {
        value: Amount::from_coins(500),
        ..change.clone()
    };
    let (mut ports, node) = payer.world.ports();
    ports.node = std::sync::Arc::new(node.with_coin(change.outpoint, Ok(Some(lie))));
    let found = wallet::accounts(&ports, &Labels::default(), &one, 0).await.unwrap();
    assert_eq!(found[0].balances().unconfirmed, Amount::ZERO);
}

#[tokio::test]
async fn a_coin_to_the_bare_key_of_an_address_is_not_taken_for_one_of_it() {
    let world = World::new("dash-regtest");
    let (mut ports, node) = world.ports();
    let account = path::account(&world.profile, 0);
    let xpub = castellan::hw::Device::account_xpub(&*world.device, account.clone())
        .await
        .unwrap();
    let key = castellan::hw::derive(&xpub, false, 0);
    let mut script = vec![33];
    script.extend(key.serialize());
    script.push(0xac);
    let bare = FoundCoin {
        outpoint: OutPoint::null(),
        value: Amount::from_coins(5),
        script: bitcoin::ScriptBuf::from_bytes(script),
        confirmations: 9,
        coinbase: false,
        spent_in_mempool: false,
    };
    let answer = CoinSearch {
        coins: vec![bare],
        source: CoinSource::UtxoScan,
    };
    drop(node);
    ports.node = std::sync::Arc::new(FakeNode::new().with_coins_of(Ok(answer)).with_masternodes(Ok(
        castellan::rpc::MasternodeList::saved(crate::world::tip(1), vec![], &ports.profile),
    )));
    let found = wallet::accounts(&ports, &Labels::default(), &[account], 0)
        .await
        .unwrap();
    assert_eq!((found[0].coins.len(), found[0].source), (0, CoinSource::UtxoScan));
}
