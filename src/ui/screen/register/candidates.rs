//! Outputs that may be the collateral, and what to know of each.

use iced::widget::{Container, column, row, space};
use iced::{Element, Length};

use super::collateral::{Message, usable};
use crate::flow::wallet::Candidate;
use crate::protocol::network::MnType;
use crate::protocol::{OutPoint, Profile, path};
use crate::ui::format::{amount, short_hash};
use crate::ui::theme::{Gap, Tone};
use crate::ui::widget::{badge, fact, fact_mono, help, info, mono, muted, option_of, options, strong, warning};

pub(super) fn found_list<'a>(
    candidates: &'a [Candidate],
    chosen: Option<OutPoint>,
    kind: MnType,
    profile: &'a Profile,
) -> Element<'a, Message> {
    let fit: Vec<&Candidate> = candidates.iter().filter(|found| found.kind == kind).collect();
    let others = candidates.len() - fit.len();
    let mut parts = column![].spacing(Gap::S);
    if fit.is_empty() {
        let wanted = amount(profile.collateral(kind).unwrap_or_default(), profile);
        let advice = "Send exactly this amount to an address of the device, wait for a block, and search again.";
        parts = parts.push(info(format!(
            "No output of exactly {wanted} was found on the device. {advice}"
        )));
    }
    parts = parts
        .push(options(fit.into_iter().map(|found| {
            candidate_row(found, chosen == Some(found.outpoint), kind, profile)
        })));
    if let Some(found) = candidates.iter().find(|found| Some(found.outpoint) == chosen) {
        parts = parts.push(remarks(found, profile));
    }
    if others > 0 {
        parts = parts.push(help(format!("{others} more of the amount for the other type.")));
    }
    parts.into()
}

fn candidate_row<'a>(found: &'a Candidate, chosen: bool, kind: MnType, profile: &'a Profile) -> Element<'a, Message> {
    let outpoint = format!(
        "{}:{}",
        short_hash(&found.outpoint.txid.to_string()),
        found.outpoint.vout
    );
    let first = row![
        strong(amount(found.amount, profile)),
        muted(confirmations(found.confirmations)),
        space().width(Length::Fill),
        state(found, profile)
    ];
    let second = row![
        mono(outpoint).width(Length::FillPortion(3)),
        mono(path::to_text(&found.path)).width(Length::FillPortion(2))
    ];
    let mut lines = column![first.spacing(Gap::M).align_y(iced::Center), second.spacing(Gap::M)].spacing(Gap::XS);
    if let Some(used_by) = found.used_by {
        lines = lines.push(muted(format!(
            "already backs masternode {}",
            short_hash(&used_by.to_string())
        )));
    }
    let message = usable(found, kind).then_some(Message::Chosen(found.outpoint));
    option_of(lines, chosen, message).into()
}

fn state<'a>(found: &Candidate, profile: &Profile) -> Container<'a, Message> {
    match (found.used_by, found.confirmations) {
        (Some(_), _) => badge("in use", Tone::Warning),
        (None, 0) => badge("unconfirmed", Tone::Neutral),
        (None, count) if count < profile.advised_confirmations => badge("young", Tone::Info),
        _ => badge("ready", Tone::Good),
    }
}

fn confirmations(count: u32) -> String {
    match count {
        0 => "not confirmed yet".to_owned(),
        1 => "1 confirmation".to_owned(),
        count => format!("{count} confirmations"),
    }
}

/// What to know of a chosen output before going on.
fn remarks<'a>(found: &Candidate, profile: &Profile) -> Element<'a, Message> {
    let mut parts = column![].spacing(Gap::S);
    if let Some(used_by) = found.used_by {
        let words = format!(
            "This output already backs masternode {used_by}. Registering it again removes that one from the list, and its place in the payment queue is lost."
        );
        parts = parts.push(warning(words));
    }
    if found.confirmations < profile.advised_confirmations {
        let words = format!(
            "One confirmation is enough to register; the guides advise {}.",
            profile.advised_confirmations
        );
        parts = parts.push(info(words));
    }
    parts.into()
}

pub(super) fn facts<'a>(found: &'a Candidate, profile: &'a Profile) -> Element<'a, Message> {
    column![
        fact("Amount", amount(found.amount, profile)),
        fact("Confirmations", found.confirmations.to_string()),
        fact_mono("Key on device", path::to_text(&found.path)),
        fact_mono("Address", found.key_id.address().to_text(profile)),
        remarks(found, profile),
    ]
    .spacing(Gap::S)
    .into()
}
