//! The result: what was sent, in which block, and what somebody has to do next.

use iced::Element;
use iced::widget::{column, row};

use super::review::table;
use super::what::What;
use crate::flow::operation::Kind;
use crate::flow::update::{FieldName, Review};
use crate::ui::format;
use crate::ui::screen::part::page_of;
use crate::ui::screen::part::signing::Finished;
use crate::ui::theme::Gap;
use crate::ui::widget::{body, fact, fact_copied, panel, primary_button, success};

pub struct Done {
    pub finished: Finished,
    kind: Kind,
    review: Review,
    /// What this vault can do next.
    next: Option<What>,
}

#[derive(Debug, Clone)]
pub enum Message {
    Copy(String),
    Next(What),
}

impl Done {
    /// `operator_here`: the vault holds the operator key from now on; `owner_here`: the owner key.
    pub fn new(kind: Kind, review: Review, finished: Finished, operator_here: bool, owner_here: bool) -> Self {
        let next = match kind {
            Kind::UpdateRegistrar if changes_operator(&review) && operator_here => Some(What::Service),
            Kind::Revoke if owner_here => Some(What::OperatorKey),
            _ => None,
        };
        Self {
            finished,
            kind,
            review,
            next,
        }
    }

    pub fn next(&self) -> Option<What> {
        self.next
    }

    pub fn view(&self) -> Element<'_, Message> {
        let finished = &self.finished;
        let facts = column![
            fact_copied("Transaction", finished.txid.to_string(), "", Message::Copy),
            fact("In block", format::height(finished.height)),
            fact_copied("ProTxHash", finished.pro_tx_hash.to_string(), "", Message::Copy),
        ]
        .spacing(Gap::S);
        let mut next = column![body(self.what_next())].spacing(Gap::M);
        if let Some(what) = self.next {
            next = next.push(row![primary_button(what.name()).on_press(Message::Next(what))]);
        }
        let changed = self.review.fields.iter().filter(|field| field.changes());
        page_of(
            column![
                success(self.headline()),
                panel("What was sent", facts),
                panel("What is next", next),
                panel("What has changed", table(["Before", "Now"], changed)),
            ]
            .spacing(Gap::M),
        )
    }

    fn headline(&self) -> &'static str {
        match self.kind {
            Kind::Register => "The masternode is registered.",
            Kind::UpdateService => "The service is updated.",
            Kind::UpdateRegistrar => "The masternode is updated.",
            Kind::Revoke => "The operator is revoked.",
        }
    }

    fn what_next(&self) -> &'static str {
        match (self.kind, self.next) {
            (Kind::UpdateRegistrar, Some(_)) => {
                "Put the new operator key into the server's configuration (Export on the Keys page) and restart the node. Then announce \
                 the address: only that ends the ban."
            }
            (Kind::UpdateRegistrar, None) if changes_operator(&self.review) => {
                "The holder of the new operator key puts it into the server's configuration and sends a service update; only that ends the ban."
            }
            (Kind::Revoke, Some(_)) => {
                "Name a new operator key with the owner key; then its holder announces the address."
            }
            (Kind::Revoke, None) => "The owner names a new operator key; then its holder announces the address.",
            (Kind::Register, _) => "Its operator starts the server with the operator key.",
            _ => "Nothing; it is in effect.",
        }
    }
}

fn changes_operator(review: &Review) -> bool {
    let mut fields = review.fields.iter();
    fields.any(|field| field.name == FieldName::OperatorKey && field.changes())
}
