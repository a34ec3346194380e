//! One masternode: what it is doing, what to mind, what can be done with it, what was, what would be if it failed, every field.

mod change;
mod clock;
mod details;
mod drawing;
mod events;
mod past;
mod simulator;
mod state;

use iced::widget::column;
use iced::{Element, Task};

use super::{Message as Outer, words};
use crate::flow::overview::{Masternode, Overview};
use crate::flow::warning::Warning;
use crate::flow::{self, Ports};
use crate::protocol::{ProTxHash, Profile};
use crate::ui::theme::Gap;
use crate::ui::widget::{copy_row, page, panel, secondary_button, warning};
use drawing::Drawing;
use past::Past;
use simulator::Simulator;

/// A page that is open.
pub(super) struct Own {
    pub hash: ProTxHash,
    /// Operations may be begun whose key is not in this vault.
    pub elsewhere: bool,
    past: Past,
    simulator: Simulator,
    /// Made anew when past, list, simulation or span change.
    drawing: Option<Drawing>,
    /// An unconfirmed transaction spends its collateral; false before that is known.
    collateral_goes: bool,
}

#[derive(Debug, Clone)]
pub enum Message {
    Past(past::Message),
    Simulator(simulator::Message),
    /// Whether its collateral is spent in the mempool.
    CollateralSeen(ProTxHash, bool),
}

/// What it shows.
pub(super) struct Shown<'a> {
    pub overview: &'a Overview,
    pub masternode: &'a Masternode,
    pub profile: &'a Profile,
    pub warnings: &'a [Warning],
}

impl Own {
    pub(super) fn new(hash: ProTxHash) -> Self {
        Self {
            hash,
            elsewhere: false,
            past: Past::new(hash),
            simulator: Simulator::default(),
            drawing: None,
            collateral_goes: false,
        }
    }

    /// A new list is there: what is known of the past is read anew, and whether the collateral is on its way.
    pub(super) fn listed(&mut self, ports: &Ports, found: Option<(&Overview, &Masternode)>) -> Task<Message> {
        let Some((overview, masternode)) = found else {
            return Task::none();
        };
        self.simulator.foretell(overview, masternode, &ports.profile);
        self.draw(ports, Some((overview, masternode)));
        let (node, hash, outpoint) = (ports.node.clone(), self.hash, masternode.entry.collateral);
        let look = async move {
            let coin = node.coin(outpoint).await;
            matches!(coin, Ok(Some(coin)) if coin.spent_in_mempool)
        };
        let look = Task::perform(look, move |goes| Message::CollateralSeen(hash, goes));
        Task::batch([self.past.read(ports).map(Message::Past), look])
    }

    pub(super) fn update(
        &mut self,
        ports: &Ports,
        found: Option<(&Overview, &Masternode)>,
        message: Message,
    ) -> Task<Message> {
        let task = match message {
            Message::Past(message) => self.past.update(ports, message).map(Message::Past),
            Message::Simulator(message) => {
                self.simulator.update(message);
                if let Some((overview, masternode)) = found {
                    self.simulator.foretell(overview, masternode, &ports.profile);
                }
                Task::none()
            }
            Message::CollateralSeen(hash, goes) => {
                self.collateral_goes = goes && hash == self.hash;
                return Task::none();
            }
        };
        self.draw(ports, found);
        task
    }

    /// The history has one block more; an error is what kept it from having it.
    pub(super) fn recorded(&mut self, ports: &Ports, error: Option<flow::Error>) -> Task<Message> {
        self.past.not_recorded(error);
        self.past.read(ports).map(Message::Past)
    }

    #[cfg(test)]
    pub(super) fn penalty_chart(&self) -> Option<&crate::ui::widget::Chart> {
        self.drawing.as_ref().map(|drawing| &drawing.penalty)
    }

    fn draw(&mut self, ports: &Ports, found: Option<(&Overview, &Masternode)>) {
        self.drawing = found.map(|(overview, masternode)| {
            Drawing::of(
                overview,
                masternode,
                &self.past,
                self.simulator.course(),
                &ports.profile,
            )
        });
    }

    pub(super) fn view<'a>(&'a self, shown: &Shown<'a>) -> Element<'a, Outer> {
        let masternode = shown.masternode;
        let mut parts = column![];
        if self.collateral_goes {
            parts = parts.push(state::one(&Warning::CollateralBeingSpent, shown.profile));
        }
        let parts = parts
            .extend(state::warnings(shown))
            .push(panel("State", state::view(shown)))
            .push(panel("Change it", change::view(masternode, self.elsewhere)))
            .push(panel("PoSe penalty over time", self.history(shown)))
            .push(panel(
                "Payments",
                self.past.payments(self.drawing.as_ref(), shown).map(over),
            ))
            .push(panel("Events", self.past.events(shown).map(over)))
            .push(panel("Roles held here", details::roles(masternode)))
            .push(panel("Keys and addresses", details::keys(masternode, shown.profile)))
            .push(panel("Registration", details::registration(masternode, shown.profile)));
        let back = back(if masternode.mine {
            "Back to the list"
        } else {
            "Back to the network"
        });
        page(title(masternode), back, parts.spacing(Gap::M))
    }

    fn history<'a>(&'a self, shown: &Shown<'a>) -> Element<'a, Outer> {
        let past = self
            .past
            .view(self.drawing.as_ref(), shown)
            .map(|message| over(Message::Past(message)));
        let simulator = self
            .simulator
            .view(shown)
            .map(|message| over(Message::Simulator(message)));
        column![past, crate::ui::widget::divider(), simulator]
            .spacing(Gap::M)
            .into()
    }

    /// It was asked for and the list does not have it (yet).
    pub(super) fn view_missing(&self, listed: bool) -> Element<'_, Outer> {
        let words = if listed {
            "The list does not have this masternode. If it was just registered, it appears with the next block."
        } else {
            "Reading the masternode list…"
        };
        let hash = copy_row("proTxHash", self.hash.to_string(), Outer::Copy);
        page(
            "Masternode",
            back("Back to the list"),
            column![warning(words), hash].spacing(Gap::M),
        )
    }
}

fn over(message: Message) -> Outer {
    Outer::Own(message)
}

fn back<'a>(words: &'a str) -> Element<'a, Outer> {
    secondary_button(words).on_press(Outer::Back).into()
}

/// Its name where it has one here, and its address.
fn title(masternode: &Masternode) -> String {
    let service = &masternode.entry.state.service;
    let address = if service.is_none() {
        "Masternode without address".to_owned()
    } else {
        service.to_string()
    };
    if masternode.roles.any() {
        format!("{} · {address}", words::short_name(&masternode.name))
    } else {
        address
    }
}
