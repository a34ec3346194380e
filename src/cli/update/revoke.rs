//! `revoke`: the operator gives up. Its name has to be typed: nobody can revive it before the owner names another operator.

use std::process::ExitCode;

use super::{Payment, run};
use crate::cli::args::RevokeArgs;
use crate::cli::choices::{self, Fresh, option};
use crate::cli::output::Failure;
use crate::cli::session::Session;
use crate::flow::choice::OperatorSecret;
use crate::flow::update::{Change, Draft, Revocation};
use crate::protocol::special_tx::pro_up_rev::Reason;

pub async fn revoke(session: &Session, args: &RevokeArgs) -> Result<ExitCode, Failure> {
    let pro_tx_hash = choices::pro_tx_hash(&args.hash)?;
    let reason = Reason::from_number(args.reason).ok_or_else(|| option("reason", "a number from 0 to 3"))?;
    let payment = Payment::of(session, &args.fee)?;
    let operator = choices::operator_secret(args.operator.as_deref())?;
    let named = matches!(operator, OperatorSecret::Held(_));
    let need = payment.need(named, operator == OperatorSecret::OfTheVault);
    let (_connection, ports) = session.ports_without_device(need).await?;
    let draft = Draft {
        pro_tx_hash,
        change: Change::Revoke(Revocation { reason, operator }),
        fee_from: payment.source,
    };
    run(session, &ports, draft, payment.target, Fresh::new(&ports)).await
}
