//! Rules of a ProUpRevTx payload (Dash Core evo/providertx.cpp IsTriviallyValid, evo/specialtxman.cpp CheckProUpRevTx).

use super::update::{self, Signed};
use super::{Checks, Context};
use crate::protocol::special_tx::ProUpRevTx;
use crate::protocol::special_tx::pro_up_rev::Reason;
use crate::protocol::tx::Transaction;

pub(super) fn check(tx: &Transaction, payload: &ProUpRevTx, context: &Context<'_>, list: &mut Checks) {
    update::check_version(payload.version, context, list);
    let reason = Reason::from_number(payload.reason);
    list.judge("reason", "bad-protx-reason", reason.is_some(), || match reason {
        Some(reason) => format!("the reason is {} ({reason})", payload.reason),
        None => format!("the reason is {}; there are 0 to 3", payload.reason),
    });
    let entry = update::find(payload.pro_tx_hash, context, list);
    update::check_inputs_hash(payload.inputs_hash, tx.inputs_hash(), list);
    let signed = Signed {
        bytes: &payload.signature,
        encoding: payload.encoding(),
        digest: payload.payload_hash(),
    };
    update::check_operator_signature(&signed, entry, context, list);
}
