//! Parts the steps share.

use iced::widget::{Column, container};
use iced::{Element, Length};

use super::context::Look;
use crate::store::{KeyInfo, Kind};
use crate::ui::format::short_hash;
use crate::ui::widget::option;

/// Widest a form gets: longer lines are hard to read.
const WIDTH: f32 = 880.0;

/// A step's content, not wider than it is well read.
pub(super) fn page_of<'a, M: 'a>(parts: Column<'a, M>) -> Element<'a, M> {
    container(parts.width(Length::Fill)).max_width(WIDTH).into()
}

/// The vault's keys of a kind as choices; the network's own only.
pub(super) fn held<'a, M: Clone + 'a>(
    look: &Look<'a>,
    kind: Kind,
    chosen: Option<&'a str>,
    on_press: impl Fn(String) -> M + 'a,
) -> impl Iterator<Item = Element<'a, M>> {
    look.keys_of(kind).map(move |key| {
        let shown = short_hash(&key.public.to_string());
        option(
            key.label.clone(),
            shown,
            chosen == Some(key.label.as_str()),
            on_press(key.label.clone()),
        )
    })
}

/// A key by label.
pub(super) fn key_named<'a>(keys: &'a [KeyInfo], label: &str) -> Option<&'a KeyInfo> {
    keys.iter().find(|key| key.label == label)
}
