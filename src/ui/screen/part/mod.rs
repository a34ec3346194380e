//! Parts that registration and updates share: who pays the fee, whose key, where rewards go, signing and sending.

pub mod context;
pub mod fee;
pub mod funding;
pub mod new_file;
pub mod operator;
pub mod pasted_key;
pub mod paying;
pub mod payout;
pub mod platform;
pub mod run;
pub mod service;
pub mod signing;
pub mod voting;

use iced::widget::{Column, column, container};
use iced::{Element, Length};

use crate::flow::pay;
use crate::protocol::Address;
use crate::store::{KeyInfo, Kind};
use crate::ui::format::short_hash;
use crate::ui::theme::Gap;
use crate::ui::widget::{body, label, option, options, problem};
use context::Look;

/// Widest a form gets: longer lines are hard to read.
const WIDTH: f32 = 880.0;

/// A step's content, not wider than it is well read.
pub fn page_of<'a, M: 'a>(parts: Column<'a, M>) -> Element<'a, M> {
    container(parts.width(Length::Fill)).max_width(WIDTH).into()
}

/// The vault's keys of a kind as choices; the network's own only, without the one labelled `except`.
pub fn held<'a, M: Clone + 'a>(
    look: &Look<'a>,
    kind: Kind,
    chosen: Option<&'a str>,
    except: Option<&'a str>,
    on_press: impl Fn(String) -> M + 'a,
) -> impl Iterator<Item = Element<'a, M>> {
    let keys = look.keys_of(kind).filter(move |key| Some(key.label.as_str()) != except);
    keys.map(move |key| {
        let shown = short_hash(&key.public.to_string());
        option(
            key.label.clone(),
            shown,
            chosen == Some(key.label.as_str()),
            on_press(key.label.clone()),
        )
    })
}

/// An address as the open device writes it, where that is another text than the network's.
pub fn as_device_shows(address: Address, look: &Look<'_>) -> Option<String> {
    let shown = pay::as_shown(look.device?, address, look.profile);
    (shown != address.to_text(look.profile)).then_some(shown)
}

/// A key by label.
pub fn key_named<'a>(keys: &'a [KeyInfo], label: &str) -> Option<&'a KeyInfo> {
    keys.iter().find(|key| key.label == label)
}

/// Choices under a name, a line about them and, if there is one, what is wrong with the one chosen.
pub fn group<'a, M: 'a>(
    name: &'a str,
    line: &'a str,
    choices: impl Iterator<Item = Element<'a, M>>,
    error: Option<&'a str>,
) -> Element<'a, M> {
    let mut parts = column![label(name), body(line), options(choices)].spacing(Gap::S);
    if let Some(error) = error {
        parts = parts.push(problem(error));
    }
    parts.into()
}
