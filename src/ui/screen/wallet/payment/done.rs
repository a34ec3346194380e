//! The result: the transaction in its block, and what a new collateral is for.

use iced::Element;
use iced::widget::column;

use super::Message;
use crate::flow::pay::Plan;
use crate::ui::format::{amount, height};
use crate::ui::screen::part::context::Look;
use crate::ui::screen::part::paying::Finished;
use crate::ui::theme::Gap;
use crate::ui::widget::{fact, fact_copied, fact_mono, info, panel, success};

pub(super) fn view<'a>(plan: &'a Plan, finished: &'a Finished, look: &Look<'a>) -> Element<'a, Message> {
    let profile = look.profile;
    let words = match finished.made {
        Some(_) => "The collateral is made.",
        None => "The payment is in the chain.",
    };
    let mut facts = column![
        fact_copied("Transaction", finished.txid.to_string(), "", Message::Copy),
        fact("In block", height(finished.height)),
        fact("Amount", amount(plan.amount, profile)),
        fact("Fee", amount(plan.fee, profile)),
        fact_mono("To", plan.to.to_text(profile)),
    ]
    .spacing(Gap::S);
    if let Some(outpoint) = finished.made {
        facts = facts.push(fact_copied("Collateral", outpoint.to_string(), "", Message::Copy));
    }
    let mut parts = column![success(words), panel("Payment", facts)].spacing(Gap::M);
    if finished.made.is_some() {
        parts = parts.push(info(format!(
            "It is locked in this wallet from now on. The guides advise {} confirmations before a registration; one is \
             enough for the network.",
            profile.advised_confirmations
        )));
    }
    parts.into()
}
