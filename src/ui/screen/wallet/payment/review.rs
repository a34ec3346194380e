//! The whole payment before anything is asked of the device: what it will show, where the money comes from, what to mind.

use iced::widget::{column, row};
use iced::{Element, Length};

use super::Message;
use crate::flow::pay::Plan;
use crate::flow::wallet::WalletCoin;
use crate::protocol::{Amount, Profile, path};
use crate::ui::advice::sentence;
use crate::ui::format::{amount, count, short_hash};
use crate::ui::screen::part::context::Look;
use crate::ui::screen::part::paying;
use crate::ui::theme::Gap;
use crate::ui::widget::{
    body, divider, error_notice, fact, fact_mono, help, info, mono, muted, panel, problem, strong, warning,
};

pub(super) fn view<'a>(plan: &'a Plan, look: &Look<'a>) -> Element<'a, Message> {
    let device = look.device_name();
    let mut parts = column![].spacing(Gap::M);
    if look.device.is_none() {
        parts = parts.push(error_notice(&crate::flow::Error::NoDevice));
    }
    for found in &plan.warnings {
        let words = sentence(&found.sentence());
        parts = parts.push(if found.is_grave() {
            problem(words)
        } else {
            warning(words)
        });
    }
    parts
        .push(panel(
            format!("What the {device} will show"),
            on_screen(plan, look),
        ))
        .push(panel("In all", sums(plan, look.profile)))
        .push(panel(
            format!("Paid from {}", count(plan.inputs.len(), "coin", "coins")),
            inputs(plan, look.profile),
        ))
        .push(info(format!(
            "Nothing is sent before you confirm on the {device}, and it can be stopped until then. A payment that is sent \
             cannot be called back."
        )))
        .into()
}

fn on_screen<'a>(plan: &'a Plan, look: &Look<'a>) -> Element<'a, Message> {
    let mut parts = column![].spacing(Gap::M);
    if let Some(own) = &plan.to_path {
        parts = parts.push(body(format!(
            "First this address of yours, to be compared: {} at {}.",
            plan.to.to_text(look.profile),
            path::to_text(own)
        )));
    }
    parts.push(paying::shown(plan, look)).into()
}

fn sums<'a>(plan: &'a Plan, profile: &'a Profile) -> Element<'a, Message> {
    let spent: Amount = plan.inputs.iter().map(|coin| coin.own.coin.value).sum();
    let size = count(plan.unsigned.outputs.len(), "output", "outputs");
    let mut parts = column![fact("Coins spent", amount(spent, profile))].spacing(Gap::S);
    let leaving = plan.amount.checked_add(plan.fee).unwrap_or(plan.amount);
    parts = parts.push(fact(
        "Leaves the coins",
        format!("{} (amount and fee, {size})", amount(leaving, profile)),
    ));
    match &plan.change {
        Some(change) => {
            parts = parts
                .push(fact("Comes back", amount(change.amount, profile)))
                .push(fact_mono("To your own", change.address.to_text(profile)))
                .push(fact_mono("At", path::to_text(&change.path)));
        }
        None => parts = parts.push(fact("Comes back", "nothing")),
    }
    parts.into()
}

fn inputs<'a>(plan: &'a Plan, profile: &'a Profile) -> Element<'a, Message> {
    let mut list = column![].spacing(Gap::S);
    for (at, coin) in plan.inputs.iter().enumerate() {
        if at > 0 {
            list = list.push(divider());
        }
        list = list.push(input(coin, profile));
    }
    list.into()
}

fn input<'a>(coin: &'a WalletCoin, profile: &'a Profile) -> Element<'a, Message> {
    let outpoint = coin.own.coin.outpoint;
    let name = coin.label.clone().unwrap_or_default();
    let first = row![
        strong(amount(coin.own.coin.value, profile)).width(Length::Fill),
        muted(name)
    ];
    let second = row![
        mono(path::to_text(&coin.own.path)).width(Length::Fill),
        help(format!("{}:{}", short_hash(&outpoint.txid.to_string()), outpoint.vout))
    ];
    column![first.spacing(Gap::M), second.spacing(Gap::M)].spacing(2).into()
}
