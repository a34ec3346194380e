//! Changes a masternode that is registered: its address and operator payout (ProUpServTx, signed by the operator), its operator
//! key, voting key and payout address (ProUpRegTx, by the owner), or gives its operator up (ProUpRevTx, by the operator).
//!
//! A payload restates everything, so a draft says only what changes; the rest is carried over from the masternode's state on
//! chain. What follows from it (a ban, a lost place in the queue) is said before anybody signs.

mod consequence;
mod draft;
mod field;
mod payload;
mod plan;
mod review;

pub use consequence::Consequence;
pub use draft::{Change, Draft, OperatorPayout, PlatformChange, Registrar, Revocation, ServiceChange};
pub use field::{Field, FieldName};
pub use plan::{Plan, discard, export, prepare, update};
pub use review::{Review, Warning, review};

pub(super) use plan::{prepare_from, same_payload};
