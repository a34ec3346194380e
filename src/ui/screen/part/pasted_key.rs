//! A hosting provider's operator key, pasted as a public key: which encoding it is in is found out or asked, never guessed.

use std::fmt;

use iced::Element;
use iced::widget::column;

use super::context::Look;
use crate::protocol::bls::{self, BlsError, PublicKey, Readings, Scheme};
use crate::ui::theme::Gap;
use crate::ui::widget::{Field, info, input, option, success, warning};

/// The text, and what the bytes mean.
#[derive(Debug, Default)]
pub struct PastedKey {
    field: Field<Readings>,
    /// The encoding the user says an ambiguous key is in.
    scheme: Option<Scheme>,
}

#[derive(Debug, Clone)]
pub enum Message {
    Edited(String),
    SchemeChosen(Scheme),
    Submit,
}

/// A text that is no operator's public key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum NoPublicKey {
    Hex(BlsError),
    Neither(BlsError),
}

impl fmt::Display for NoPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hex(error) => write!(f, "an operator's public key has 96 hexadecimal digits: {error}"),
            Self::Neither(error) => write!(f, "this is no operator's public key in either encoding: {error}"),
        }
    }
}

impl PastedKey {
    pub fn update(&mut self, message: Message) {
        match message {
            Message::Edited(text) => {
                self.scheme = None;
                self.field.edit(text, read);
            }
            Message::SchemeChosen(scheme) => self.scheme = Some(scheme),
            Message::Submit => {}
        }
    }

    pub fn recheck(&mut self) {
        if self.field.is_touched() {
            self.field.recheck(read);
        }
    }

    pub fn refuse(&mut self, reason: &str) {
        self.field.refuse(reason);
    }

    /// The key, once its encoding is beyond doubt.
    pub fn key(&self) -> Option<PublicKey> {
        match (self.field.value()?, self.scheme) {
            (Readings::One { key, .. }, _) => Some(*key),
            (Readings::Both { legacy, .. }, Some(Scheme::Legacy)) => Some(*legacy),
            (Readings::Both { basic, .. }, Some(Scheme::Basic)) => Some(*basic),
            _ => None,
        }
    }

    pub fn view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let field = input("Public key of the operator", &self.field, Message::Edited)
            .help("96 hexadecimal digits.")
            .mono()
            .id("operator-public-key")
            .on_submit(Message::Submit);
        let mut parts = column![field].spacing(Gap::S);
        match self.field.value() {
            Some(Readings::One { scheme, .. }) => {
                parts = parts.push(success(format!(
                    "Read in the {scheme} encoding; it is no key in the other one."
                )));
            }
            Some(Readings::Both { .. }) => parts = parts.push(self.ask_scheme(look)),
            _ => {}
        }
        parts.into()
    }

    /// Both readings are valid keys, and nobody can sign for the wrong one.
    fn ask_scheme<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let choice = |scheme, name: &'static str, line: &'static str| {
            option(name, line, self.scheme == Some(scheme), Message::SchemeChosen(scheme))
        };
        let now = look.scheme();
        let question = "This key can be read in two ways, and the wrong one would leave the masternode without an operator. \
                        Ask the provider which encoding it is.";
        column![
            warning(question),
            choice(
                Scheme::Basic,
                "It is in the basic encoding",
                "Printed by Dash Core 19 and later."
            ),
            choice(
                Scheme::Legacy,
                "It is in the legacy encoding",
                "Printed by older nodes, by networks without the V19 upgrade, and by bls generate 1."
            ),
            info(format!("This network uses the {now} encoding now.")),
        ]
        .spacing(Gap::S)
        .into()
    }
}

fn read(text: &str) -> Result<Readings, NoPublicKey> {
    let text = text.trim();
    if let Err(error @ (BlsError::HexLength { .. } | BlsError::NotHex { .. })) =
        PublicKey::from_hex(Scheme::Basic, text)
    {
        return Err(NoPublicKey::Hex(error));
    }
    let bytes = crate::protocol::wire::from_hex(text)
        .ok()
        .and_then(|bytes| <[u8; bls::PublicKey::LENGTH]>::try_from(bytes).ok());
    match PublicKey::readings(&bytes.expect("96 hexadecimal digits")) {
        Readings::Neither { basic, .. } => Err(NoPublicKey::Neither(basic)),
        readings => Ok(readings),
    }
}
