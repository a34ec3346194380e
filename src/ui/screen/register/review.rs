//! Step 7: the whole plan decoded, before anybody signs: every field, the text and the hash the device shows, who signs what, the
//! fee, and every rule with its verdict.

use iced::widget::{column, row, space};
use iced::{Element, Length};

use super::{Message, Page};
use crate::flow::Error;
use crate::flow::register::{FeeSource, Plan, Warning};
use crate::hw;
use crate::protocol::rules::{Check, OF_SIGNATURES};
use crate::protocol::special_tx::ProRegTx;
use crate::protocol::wire::{hash_to_display, to_hex};
use crate::protocol::{Address, Amount, Profile, funding, path, script};
use crate::ui::advice::sentence;
use crate::ui::format::{amount, percent};
use crate::ui::screen::part::context::Look;
use crate::ui::screen::part::page_of;
use crate::ui::screen::part::signing::hash_block;
use crate::ui::theme::{Gap, Tone};
use crate::ui::widget::{
    body, error_notice, fact, fact_copied, fact_mono, help, info, mono, muted, panel, problem, secondary_button,
    strong, success, toned, warning,
};

/// Of the collateral signature, in bytes.
const SIGNATURE: usize = 65;

/// Nothing but signatures is missing, and there is a device to ask.
pub(super) fn may_sign(plan: &Plan, device: bool) -> bool {
    plan.verdict.failure_before_signing().is_none() && device
}

/// A plan that could not be made: why, and what to do.
pub(super) fn refused<'a>(error: &'a Error) -> Element<'a, Message> {
    let line = "Nothing was signed and nothing was sent. What you have filled in is kept.";
    page_of(column![error_notice(error), muted(line)].spacing(Gap::M))
}

pub(super) fn view<'a>(plan: &'a Plan, look: &Look<'a>) -> Element<'a, Message> {
    let device = look.device_name();
    page_of(
        column![
            notices(plan, look),
            panel("What is registered", registered(plan, look.profile)),
            panel(format!("What the {device} signs"), message(plan, look)),
            panel("Who signs what", signers(plan, look)),
            panel("Fee", fee(plan, look.profile)),
            panel("Checks", checks(plan)),
        ]
        .spacing(Gap::M),
    )
}

fn notices<'a>(plan: &'a Plan, look: &Look<'a>) -> Element<'a, Message> {
    let mut parts = column![].spacing(Gap::S);
    let failed: Vec<&Check> = failures(plan).collect();
    for check in &failed {
        parts = parts.push(failure(check));
    }
    if failed.is_empty() {
        parts = parts.push(success(
            "Every rule that can be checked before signing holds. Nothing has been signed or sent yet.",
        ));
    }
    if look.device.is_none() {
        parts = parts.push(error_notice(&Error::NoDevice));
    }
    for each in &plan.warnings {
        parts = parts.push(remark(each));
    }
    parts.into()
}

fn failures(plan: &Plan) -> impl Iterator<Item = &Check> {
    plan.verdict
        .failures()
        .filter(|check| !OF_SIGNATURES.contains(&check.rule))
}

/// A broken rule and the step where it can be mended.
fn failure<'a>(check: &'a Check) -> Element<'a, Message> {
    let mut line = row![problem(sentence(&check.message)).width(Length::Fill)]
        .spacing(Gap::S)
        .align_y(iced::Center);
    if let Some(page) = Page::of_rule(check.rule) {
        line = line.push(secondary_button(format!("Go to {}", page.name())).on_press(Message::Jump(page)));
    }
    line.into()
}

fn remark<'a>(each: &Warning) -> Element<'a, Message> {
    let words = sentence(&each.sentence());
    match each {
        Warning::Replaces { .. } | Warning::NodeNotSynced | Warning::NoService | Warning::ForeignOperator => {
            warning(words).into()
        }
        Warning::FewConfirmations { .. } | Warning::OwnerIsVoting | Warning::PayoutIsCollateral => info(words).into(),
    }
}

/// Every field of the payload.
fn registered<'a>(plan: &'a Plan, profile: &'a Profile) -> Element<'a, Message> {
    let payload = &plan.payload;
    let payout = script::address(payload.payout.as_bytes())
        .map_or_else(|| "none".to_owned(), |address| address.to_text(profile));
    let kind = payload
        .mn_type()
        .map_or_else(|| payload.kind.to_string(), |kind| format!("{kind} ({})", payload.kind));
    let mut lines = column![
        fact("Network", format!("{} ({})", profile.name, profile.coin)),
        fact(
            "Payload",
            format!("ProRegTx, version {}, mode {}", payload.version, payload.mode)
        ),
        fact("Type", kind),
        fact_copied(
            "Collateral",
            payload.collateral.to_string(),
            collateral_facts(plan, profile),
            Message::Copy
        ),
        fact("Service", service(payload)),
        key_row("Owner key", payload.owner.address(), role(plan, "owner"), profile),
        fact_copied(
            "Operator key",
            to_hex(&payload.operator),
            operator_facts(plan),
            Message::Copy
        ),
        key_row("Voting key", payload.voting.address(), voting_role(plan), profile),
        fact_copied("Payout address", payout, "", Message::Copy),
        fact("Operator reward", percent(payload.operator_reward)),
    ]
    .spacing(Gap::S);
    if let Some(platform) = &payload.platform {
        lines = lines
            .push(fact_copied(
                "Platform node id",
                platform.node_id_hex(),
                "",
                Message::Copy,
            ))
            .push(fact(
                "Platform ports",
                format!("{} (P2P), {} (HTTP)", platform.p2p_port, platform.http_port),
            ));
    }
    lines
        .push(fact_copied(
            "Inputs hash",
            hash_to_display(&payload.inputs_hash),
            "",
            Message::Copy,
        ))
        .push(fact("Signature", "to be made on the device (65 bytes)"))
        .into()
}

fn key_row<'a>(name: &'a str, address: Address, note: String, profile: &Profile) -> Element<'a, Message> {
    fact_copied(name, address.to_text(profile), note, Message::Copy)
}

fn collateral_facts(plan: &Plan, profile: &Profile) -> String {
    let held = amount(plan.collateral_amount, profile);
    let confirmations =
        crate::ui::format::count(plan.collateral_confirmations as usize, "confirmation", "confirmations");
    format!(
        "{held}, {confirmations}, key {} of the device; stays where it is",
        path::to_text(&plan.collateral_path)
    )
}

fn service(payload: &ProRegTx) -> String {
    if payload.service.is_none() {
        "none for now".to_owned()
    } else {
        payload.service.to_string()
    }
}

fn label_of<'a>(plan: &'a Plan, role: &str) -> Option<&'a str> {
    plan.keys
        .iter()
        .find(|(name, _)| *name == role)
        .map(|(_, label)| label.as_str())
}

fn role(plan: &Plan, name: &str) -> String {
    label_of(plan, name).map_or_else(
        || "not in the vault".to_owned(),
        |label| format!("{label}, in the vault"),
    )
}

fn voting_role(plan: &Plan) -> String {
    if plan.payload.voting == plan.payload.owner {
        "the same key as the owner's".to_owned()
    } else {
        role(plan, "voting")
    }
}

fn operator_facts(plan: &Plan) -> String {
    let encoding = plan.payload.key_encoding();
    let kept = label_of(plan, "operator").map_or_else(
        || "kept by the hosting provider".to_owned(),
        |label| format!("{label}, in the vault"),
    );
    format!("{kept}; written in the {encoding} encoding, as this payload version asks")
}

/// The text, and the hash of it where the device shows that instead.
fn message<'a>(plan: &'a Plan, look: &Look<'a>) -> Element<'a, Message> {
    let (shown, hash): (_, Element<'a, Message>) = match look.device {
        Some(hw::Kind::Trezor) => (
            "The Trezor shows the text itself, page by page. Compare it there letter by letter.".to_owned(),
            space().into(),
        ),
        _ => (
            format!(
                "The {} does not show the text but this hash of it. Compare it there digit by digit:",
                look.device_name()
            ),
            hash_block(&plan.message_hash()),
        ),
    };
    column![
        body("This text, with the key of the collateral. It names payout, reward, owner, voting key and the hash of the payload:"),
        mono(plan.message.as_str()),
        body(shown),
        hash,
        fact_mono("Key", path::to_text(&plan.collateral_path)),
        fact_copied("Its address", plan.collateral_address().to_text(look.profile), "", Message::Copy),
    ]
    .spacing(Gap::M)
    .into()
}

fn signers<'a>(plan: &'a Plan, look: &Look<'a>) -> Element<'a, Message> {
    let device = look.device_name();
    let payer = match &plan.fee_from {
        FeeSource::Key(label) => in_vault(label),
        FeeSource::NodeWallet => "The node's own wallet".to_owned(),
        FeeSource::Elsewhere(_) => "A fee key of another computer".to_owned(),
    };
    let idle = |role: &str, elsewhere: &str| {
        let place = label_of(plan, role).map_or_else(|| elsewhere.to_owned(), in_vault);
        format!("{place}. Does not sign now.")
    };
    let voter = if plan.payload.voting == plan.payload.owner {
        "The same key as the owner's"
    } else {
        "Somebody else's"
    };
    column![
        fact(
            "Collateral key",
            format!(
                "On the {device}, at {}. Signs the text above, nothing else.",
                path::to_text(&plan.collateral_path)
            )
        ),
        fact("Fee key", format!("{payer}. Signs the inputs that pay the fee.")),
        fact("Owner key", idle("owner", "Not in the vault")),
        fact(
            "Operator key",
            idle("operator", "Kept by the hosting provider; its secret never comes here")
        ),
        fact("Voting key", idle("voting", voter)),
    ]
    .spacing(Gap::S)
    .into()
}

fn in_vault(label: &str) -> String {
    format!("In the vault, as “{label}”")
}

fn fee<'a>(plan: &'a Plan, profile: &'a Profile) -> Element<'a, Message> {
    let size = signed_size(plan);
    let mut lines = column![
        fact("Fee", amount(plan.fee, profile)),
        fact("Size", format!("at most {size} bytes once signed")),
    ]
    .spacing(Gap::S);
    for input in &plan.fee_inputs {
        let from = script::address(input.script.as_bytes())
            .map_or_else(String::new, |address| format!(" of {}", address.to_text(profile)));
        let note = format!("{}{from}", amount(Amount::from_duffs(input.value), profile));
        lines = lines.push(fact_copied("Spends", input.outpoint.to_string(), note, Message::Copy));
    }
    for output in &plan.unsigned.outputs {
        let to = script::address(output.script.as_bytes())
            .map_or_else(|| "a script".to_owned(), |address| address.to_text(profile));
        let value = output.amount().unwrap_or(Amount::ZERO);
        lines = lines.push(fact("Change", format!("{} back to {to}", amount(value, profile))));
    }
    let note = "The transaction has no final id yet: the id covers the signatures, and it becomes the ProTxHash of the masternode.";
    lines.push(help(note)).into()
}

/// Bytes of the transaction once everything is signed, if every input signature has its greatest length.
fn signed_size(plan: &Plan) -> usize {
    let (mut tx, mut payload) = (plan.unsigned.clone(), plan.payload.clone());
    payload.signature = vec![0; SIGNATURE];
    payload.attach(&mut tx);
    tx.size() + tx.inputs.len() * funding::SCRIPT_SIG
}

fn checks<'a>(plan: &'a Plan) -> Element<'a, Message> {
    let lines = plan.verdict.checks.iter().map(check_line);
    iced::widget::Column::with_children(lines).spacing(Gap::XS).into()
}

fn check_line<'a>(check: &'a Check) -> Element<'a, Message> {
    let pending = OF_SIGNATURES.contains(&check.rule) && check.passed != Some(true);
    let (sign, tone, state) = match check.passed {
        _ if pending => ("○", Tone::Neutral, "once signed"),
        Some(true) => ("✓", Tone::Good, ""),
        Some(false) if check.is_advice() => ("!", Tone::Warning, "worth a look"),
        Some(false) => ("✗", Tone::Bad, check.reject),
        None => ("○", Tone::Neutral, "needs the node"),
    };
    let words = sentence(&check.message);
    let words = if tone == Tone::Bad { strong(words) } else { body(words) };
    row![toned(sign, tone).width(16), words.width(Length::Fill), muted(state)]
        .spacing(Gap::S)
        .into()
}
