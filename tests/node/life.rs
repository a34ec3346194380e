//! A masternode whose keys are the vault's, changed by the flows; after each change the node is asked whether all came as it was
//! said before anybody signed.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan::flow::choice::{FeeSource, KeyChoice, OperatorChoice, OperatorSecret, PlatformChoice, VotingChoice};
use castellan::flow::overview::{self, Masternode, Roles};
use castellan::flow::register::{self, CollateralChoice};
use castellan::flow::update::{self, Change, Consequence, Draft, FieldName, Review, ServiceChange};
use castellan::flow::{Error, Ports, operation};
use castellan::hw::Device;
use castellan::hw::fake::FakeDevice;
use castellan::protocol::bls::Scheme;
use castellan::protocol::masternode::queue::sort_height;
use castellan::protocol::masternode::{Entry, OperatorKey, Status, effect};
use castellan::protocol::network::MnType;
use castellan::protocol::special_tx::Service;
use castellan::protocol::special_tx::pro_reg::Platform;
use castellan::protocol::special_tx::pro_up_rev::Reason;
use castellan::protocol::{Address, KeyId, ProTxHash, path};
use serde_json::{Value, json};

use crate::chain::{Chain, FEES};

/// Hundredths of a percent.
pub const REWARD: u16 = 525;
const NO_ADDRESS: &str = "[::]:0";
pub const PLATFORM: PlatformChoice = PlatformChoice {
    node_id: [7; 20],
    p2p_port: 22_200,
    http_port: 22_201,
};

/// A masternode registered by the flow, on a device that is scripted.
pub struct Life<'a> {
    pub chain: &'a Chain,
    pub ports: Ports,
    pub name: &'static str,
    pub hash: ProTxHash,
    /// Labels of its keys as they should be now.
    pub roles: Roles,
}

impl<'a> Life<'a> {
    /// Registers with a collateral on the device, and everything else in the vault.
    pub async fn begin(chain: &'a Chain, kind: MnType, name: &'static str) -> Self {
        let device = FakeDevice::new(Arc::clone(&chain.ports.profile));
        let at = path::address(chain.profile(), 0, false, 0);
        let collateral_key = device.public_key(at).await.expect("a key");
        let ports = Ports {
            device: Some(Arc::new(device)),
            ..chain.ports.clone()
        };
        let collateral = chain.collateral_to(KeyId::of(&collateral_key).address(), kind).await;
        chain.node.mine(1).await;
        let draft = register::Draft {
            name: name.into(),
            kind,
            collateral: CollateralChoice::Named {
                outpoint: collateral,
                path: None,
            },
            service: Service::v4([1, 2, 4, name.len() as u8].into(), chain.profile().p2p_port),
            owner: KeyChoice::New,
            operator: OperatorChoice::New,
            voting: VotingChoice::New,
            payout: Address::PubkeyHash([0xa0 + name.len() as u8; 20]),
            operator_reward: REWARD,
            platform: (kind == MnType::Evo).then_some(PLATFORM),
            fee_from: FeeSource::Key(FEES.into()),
        };
        let plan = register::prepare(&ports, draft).await.expect("a plan");
        assert_eq!(plan.verdict.failure_before_signing(), None);
        let outcome = chain.run(register::register(ports.clone(), plan)).await.expect("mined");
        let label = |role: &str| Some(format!("{name}-{role}"));
        let life = Self {
            chain,
            ports,
            name,
            hash: outcome.pro_tx_hash,
            roles: Roles {
                owner: label("owner"),
                voting: label("voting"),
                operator: label("operator"),
            },
        };
        let listed = life.now().await;
        assert_eq!((&listed.roles, listed.entry.status()), (&life.roles, Status::Enabled));
        assert_eq!(listed.entry.state.registered_height, outcome.height);
        life
    }

    pub async fn now(&self) -> Masternode {
        self.chain.masternode(&self.ports, self.hash).await
    }

    pub async fn entry(&self) -> Entry {
        self.now().await.entry
    }

    /// Encoding of new keys.
    pub async fn scheme(&self) -> Scheme {
        self.ports.node.status().await.expect("a status").capabilities.scheme()
    }

    pub fn draft(&self, change: Change) -> Draft {
        Draft {
            pro_tx_hash: self.hash,
            change,
            fee_from: FeeSource::Key(FEES.into()),
        }
    }

    /// A plan that nothing speaks against.
    pub async fn plan(&self, change: Change) -> update::Plan {
        let plan = update::prepare(&self.ports, &self.draft(change)).await.expect("a plan");
        assert_eq!(plan.review.failure(), None);
        assert_eq!((&plan.review.missing, &*plan.name), (&vec![], self.name));
        plan
    }

    /// Why no plan can be made.
    pub async fn refused(&self, change: Change) -> Error {
        let plan = update::prepare(&self.ports, &self.draft(change)).await;
        plan.expect_err("refused")
    }

    /// Reviews, sends and mines a change, and holds the node against the review.
    pub async fn apply(&self, change: Change) -> Review {
        let before = self.now().await;
        let tip = self.chain.height().await;
        let plan = self.plan(change).await;
        let review = plan.review.clone();
        assert_eq!(review.masternode.as_ref(), Some(&before.entry));
        let payload = plan.operation.payload().expect("its own payload");
        let flow = update::update(self.ports.clone(), plan);
        let outcome: operation::Outcome = self.chain.run(flow).await.expect("mined");
        assert_eq!((outcome.pro_tx_hash, outcome.height), (self.hash, tip + 1));
        assert_eq!(outcome.fee, review.fee);
        let after = self.now().await;
        let expected = effect::after(&before.entry, &payload, outcome.height).expect("an update");
        assert_eq!(
            but_payments(&after.entry),
            but_payments(&Entry {
                state: expected,
                ..before.entry.clone()
            })
        );
        let seen = Seen {
            life: self,
            tip,
            before,
            after,
        };
        seen.fields(&review).await;
        for consequence in &review.consequences {
            seen.holds(consequence).await;
        }
        self.queue_is_the_nodes().await;
        review
    }

    /// Enables it again: nothing but money and an address is needed.
    pub async fn revive(&self, change: ServiceChange) {
        let diagnosis = castellan::flow::revive::look(&self.ports, self.hash, Some(&FeeSource::Key(FEES.into())))
            .await
            .expect("looked at");
        assert!(diagnosis.can_revive() && diagnosis.entry.is_banned(), "{diagnosis:?}");
        let review = self.apply(Change::Service(change)).await;
        let revived = |each: &Consequence| matches!(each, Consequence::Revived { .. });
        assert!(review.consequences.iter().any(revived), "{:?}", review.consequences);
        assert_eq!(self.entry().await.status(), Status::Enabled);
    }

    /// The labels of its keys, as overview and screens have them.
    pub async fn assert_roles(&self) {
        assert_eq!(self.now().await.roles, self.roles);
    }

    /// Who is paid in the next blocks, here and there.
    async fn queue_is_the_nodes(&self) {
        let list = overview::overview(&self.ports).await.expect("a list");
        let told = self.chain.node.call("masternode", json!(["winners", "1"])).await;
        let told: BTreeMap<String, String> = serde_json::from_value(told).expect("heights and payees");
        let enabled = list
            .masternodes
            .iter()
            .filter_map(|each| Some((each.slot?.height, each)));
        let mut compared = 0;
        for (height, each) in enabled {
            let payout = each.entry.state.payout.expect("told").to_text(self.chain.profile());
            let payees = told.get(&height.to_string()).expect("projected");
            assert!(payees.starts_with(&payout), "{height}: {payees}, not {payout}");
            compared += 1;
        }
        let tip = list.tip.height;
        let future = told
            .keys()
            .filter(|height| height.parse::<u32>().is_ok_and(|at| at > tip));
        assert_eq!(future.count(), compared, "{told:?}");
    }
}

/// A list entry without what each block changes of the one it pays.
fn but_payments(entry: &Entry) -> Entry {
    let mut entry = entry.clone();
    (entry.state.last_paid_height, entry.state.consecutive_payments) = (0, 0);
    entry.confirmations = None;
    entry
}

/// A masternode before and after the block of an update.
struct Seen<'a> {
    life: &'a Life<'a>,
    tip: u32,
    before: Masternode,
    after: Masternode,
}

impl Seen<'_> {
    /// Every new value of the review is what the node prints.
    async fn fields(&self, review: &Review) {
        let info = self.life.chain.info(self.life.hash).await;
        let scheme = self.life.scheme().await;
        for field in &review.fields {
            let listed = self.listed(field.name, &info["state"], scheme);
            assert_eq!(field.new, listed, "{}", field.name.key());
        }
        let params = json!(["status", self.after.entry.collateral.txid.to_string()]);
        let status = self.life.chain.node.call("masternodelist", params).await;
        let expected = if self.after.entry.is_banned() {
            "POSE_BANNED"
        } else {
            "ENABLED"
        };
        let told: Vec<&str> = status
            .as_object()
            .expect("by collateral")
            .values()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(told, [expected]);
    }

    fn listed(&self, name: FieldName, state: &Value, scheme: Scheme) -> Option<String> {
        let value = &state[name.key()];
        let text = || value.as_str().map(str::to_owned);
        let entry = &self.after.entry;
        match name {
            FieldName::Status => Some(entry.status().as_text().to_owned()),
            FieldName::Service => text().filter(|text| text != NO_ADDRESS),
            FieldName::OperatorPayout | FieldName::Voting | FieldName::Payout => text(),
            FieldName::PlatformNodeId => text().filter(|text| text.bytes().any(|digit| digit != b'0')),
            FieldName::PlatformP2pPort | FieldName::PlatformHttpPort => Some(value.to_string()),
            FieldName::OperatorKey => {
                let printed = entry.state.operator.to_hex(entry.key_encoding());
                assert_eq!(text().as_ref(), Some(&printed));
                (entry.state.operator != OperatorKey::Revoked).then(|| entry.state.operator.to_hex(scheme))
            }
            FieldName::RevocationReason => {
                let number: u16 = value.to_string().parse().expect("a number");
                let revoked = entry.state.operator == OperatorKey::Revoked;
                assert!(revoked || number == 0);
                revoked.then(|| Reason::from_number(number).expect("known").to_string())
            }
        }
    }

    /// What was said would follow did.
    async fn holds(&self, consequence: &Consequence) {
        let (old, new) = (&self.before.entry.state, &self.after.entry.state);
        let slots = (self.before.slot, self.after.slot);
        match consequence {
            Consequence::BannedAtOnce { revoked } => {
                assert_eq!((old.pose_ban_height, new.pose_ban_height), (None, Some(self.tip + 1)));
                assert_eq!(*revoked, new.operator == OperatorKey::Revoked);
            }
            Consequence::AddressWiped { service } => {
                assert_eq!(
                    (old.service.to_string(), new.service.is_none()),
                    (service.clone(), true)
                );
            }
            Consequence::OperatorPayoutWiped { address } => {
                assert_eq!((old.operator_payout, new.operator_payout), (Some(*address), None));
            }
            Consequence::PlaceInQueueLost {
                position, of, blocks, ..
            } => {
                let slot = slots.0.expect("a place");
                assert_eq!((slot.position, self.before.queue_length), (*position, *of));
                assert_eq!((slot.height, slots.1), (self.tip + blocks, None));
            }
            Consequence::NotInQueue => assert_eq!(slots, (None, None)),
            Consequence::KeepsQueue => {
                assert!(slots.0.is_some() && slots.1.is_some());
                let paid = new.last_paid_height == self.tip + 1;
                assert!(paid || sort_height(&self.before.entry) == sort_height(&self.after.entry));
            }
            Consequence::Revived { behind } => self.revived(*behind),
            Consequence::OperatorMustAnnounce => assert_eq!(self.after.entry.status(), Status::WaitingForService),
            Consequence::OwnerMustNameOperator => {
                assert_eq!(self.after.entry.status(), Status::Revoked);
                let error = self.life.refused(Change::Service(ServiceChange::default())).await;
                assert!(matches!(error, Error::OperatorRevoked { .. }), "{error}");
            }
            Consequence::OperatorUnpaid { reward } => {
                assert_eq!((self.after.entry.operator_reward, new.operator_payout), (*reward, None));
            }
            Consequence::OperatorPaidTo { address } => assert_eq!(new.operator_payout, Some(*address)),
            Consequence::PaidTo { address } => assert_eq!(new.payout, Some(*address)),
            Consequence::VotesBy { address } => assert_eq!(new.voting.map(KeyId::address), Some(*address)),
            Consequence::NothingChanges => {
                assert_eq!(but_payments(&self.before.entry), but_payments(&self.after.entry));
            }
            Consequence::PlatformIdWiped { node_id } => {
                assert_eq!(
                    (old.platform_node_id.as_ref(), &new.platform_node_id),
                    (Some(node_id), &None)
                );
            }
        }
    }

    /// At the end of the queue; of those that the same block put there, the hash decides.
    fn revived(&self, behind: u32) {
        assert_eq!(sort_height(&self.after.entry), self.tip + 1);
        assert_eq!(self.after.queue_length, behind + 1);
        let position = self.after.slot.expect("a place").position;
        assert!(
            position == behind + 1 || position == behind,
            "{position} behind {behind}"
        );
    }
}

/// An operator secret of the vault, as it would be pasted.
pub fn pasted(ports: &Ports, label: &str) -> OperatorSecret {
    let text = ports.vault().expect("open").export(label).expect("held");
    OperatorSecret::Pasted(castellan::flow::choice::OneUse::parse(&text).expect("64 digits"))
}

/// As the list has it.
pub fn platform_of(entry: &Entry) -> (Option<String>, Option<u16>, Option<u16>) {
    let state = &entry.state;
    (
        state.platform_node_id.clone(),
        state.platform_p2p_port,
        state.platform_http_port,
    )
}

/// As the list should have it.
pub fn platform_as(platform: &PlatformChoice) -> (Option<String>, Option<u16>, Option<u16>) {
    let wire = Platform {
        node_id: platform.node_id,
        p2p_port: platform.p2p_port,
        http_port: platform.http_port,
    };
    (Some(wire.node_id_hex()), Some(wire.p2p_port), Some(wire.http_port))
}
