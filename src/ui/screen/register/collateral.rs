//! Step 1: which kind of masternode, and the output on the device that backs it.

use std::fmt;
use std::time::Duration;

use bitcoin::bip32::DerivationPath;
use iced::task::Handle;
use iced::widget::{column, row};
use iced::{Element, Task};

use super::candidates;
use super::sketch::Sketch;
use crate::flow::register::{CollateralChoice, look};
use crate::flow::wallet::{self, Candidate};
use crate::flow::{Error, Ports};
use crate::hw;
use crate::protocol::network::MnType;
use crate::protocol::rules::Check;
use crate::protocol::{OutPoint, Profile, path};
use crate::ui::format::amount;
use crate::ui::screen::part::context::{Context, Look};
use crate::ui::screen::part::page_of;
use crate::ui::theme::Gap;
use crate::ui::widget::{Field, body, error_notice, help, input, label, muted, option, secondary_button};

pub(super) const RULES: [&str; 5] = [
    "evo-version",
    "masternode-type",
    "collateral-amount",
    "collateral-destination",
    "collateral-is-key",
];

/// How long a typed outpoint must rest before the node is asked about it.
const REST: Duration = Duration::from_millis(400);

#[derive(Debug)]
pub struct Form {
    kind: MnType,
    source: Source,
    search: Search,
    outpoint: Field<OutPoint>,
    path: Field<Option<DerivationPath>>,
    lookup: Lookup,
    run: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Device,
    Typed,
}

#[derive(Debug)]
enum Search {
    Idle,
    Running {
        run: u64,
        _task: Handle,
    },
    Found {
        candidates: Vec<Candidate>,
        chosen: Option<OutPoint>,
    },
    Failed(Error),
}

/// What node and device say of a typed output.
#[derive(Debug)]
enum Lookup {
    Idle,
    Running { run: u64, _task: Handle },
    Good(Candidate),
    Bad(Error),
}

#[derive(Debug, Clone)]
pub enum Message {
    KindChosen(MnType),
    SourceChosen(Source),
    Search,
    Searched(u64, Result<Vec<Candidate>, Error>),
    Chosen(OutPoint),
    OutpointEdited(String),
    PathEdited(String),
    LookedUp(u64, Result<Candidate, Error>),
}

/// A text that names no output.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NoOutpoint;

impl fmt::Display for NoOutpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an output is written as TXID:N, 64 hexadecimal digits, a colon and the number of the output")
    }
}

impl Default for Form {
    fn default() -> Self {
        Self {
            kind: MnType::Regular,
            source: Source::Device,
            search: Search::Idle,
            outpoint: Field::default(),
            path: Field::with("", None),
            lookup: Lookup::Idle,
            run: 0,
        }
    }
}

impl Form {
    pub fn update(&mut self, cx: &Context<'_>, message: Message) -> Task<Message> {
        match message {
            Message::KindChosen(kind) => return self.kind_chosen(cx, kind),
            Message::SourceChosen(source) => self.source = source,
            Message::Search => return self.search(cx),
            Message::Searched(run, result) => self.searched(run, result),
            Message::Chosen(outpoint) => self.chosen(outpoint),
            Message::OutpointEdited(text) => {
                self.outpoint.edit(text, read_outpoint);
                return self.look_up(cx, REST);
            }
            Message::PathEdited(text) => {
                self.path.edit(text, read_path);
                return self.look_up(cx, REST);
            }
            Message::LookedUp(run, result) => self.looked_up(run, result),
        }
        Task::none()
    }

    fn kind_chosen(&mut self, cx: &Context<'_>, kind: MnType) -> Task<Message> {
        self.kind = kind;
        if let Search::Found { candidates, chosen } = &mut self.search {
            *chosen = only_one(candidates, kind);
        }
        self.look_up(cx, Duration::ZERO)
    }

    fn search(&mut self, cx: &Context<'_>) -> Task<Message> {
        self.run += 1;
        let (run, ports) = (self.run, cx.ports.clone());
        let search = async move {
            let accounts = wallet::default_accounts(&ports);
            wallet::candidates(&ports, &accounts).await
        };
        let (task, handle) = Task::perform(search, move |result| Message::Searched(run, result)).abortable();
        self.search = Search::Running {
            run,
            _task: handle.abort_on_drop(),
        };
        task
    }

    fn searched(&mut self, run: u64, result: Result<Vec<Candidate>, Error>) {
        if !matches!(self.search, Search::Running { run: asked, .. } if asked == run) {
            return;
        }
        self.search = match result {
            Ok(candidates) => Search::Found {
                chosen: only_one(&candidates, self.kind),
                candidates,
            },
            Err(error) => Search::Failed(error),
        };
    }

    fn chosen(&mut self, outpoint: OutPoint) {
        if let Search::Found { chosen, .. } = &mut self.search {
            *chosen = Some(outpoint);
        }
    }

    /// Asks node and device about the typed output, once it rests.
    fn look_up(&mut self, cx: &Context<'_>, rest: Duration) -> Task<Message> {
        self.lookup = Lookup::Idle;
        let (Some(outpoint), Some(path)) = (self.outpoint.value(), self.path.value()) else {
            return Task::none();
        };
        let choice = CollateralChoice::Named {
            outpoint: *outpoint,
            path: path.clone(),
        };
        self.run += 1;
        let (run, ports, kind) = (self.run, cx.ports.clone(), self.kind);
        let (task, handle) = Task::perform(asked(ports, kind, choice, rest), move |result| {
            Message::LookedUp(run, result)
        })
        .abortable();
        self.lookup = Lookup::Running {
            run,
            _task: handle.abort_on_drop(),
        };
        task
    }

    fn looked_up(&mut self, run: u64, result: Result<Candidate, Error>) {
        if matches!(self.lookup, Lookup::Running { run: asked, .. } if asked == run) {
            self.lookup = match result {
                Ok(found) => Lookup::Good(found),
                Err(error) => Lookup::Bad(error),
            };
        }
    }

    fn candidate(&self) -> Option<&Candidate> {
        match self.source {
            Source::Device => match &self.search {
                Search::Found { candidates, chosen } => candidates
                    .iter()
                    .find(|found| Some(found.outpoint) == *chosen && usable(found, self.kind)),
                _ => None,
            },
            Source::Typed => match &self.lookup {
                Lookup::Good(found) => Some(found),
                _ => None,
            },
        }
    }

    pub fn apply(&self, sketch: &mut Sketch) -> bool {
        sketch.kind = self.kind;
        sketch.collateral = self.candidate().cloned();
        sketch.collateral.is_some()
    }

    pub fn revert(sketch: &mut Sketch) {
        sketch.collateral = None;
    }

    pub fn recheck(&mut self) {
        if self.outpoint.is_touched() {
            self.outpoint.recheck(read_outpoint);
        }
    }

    pub fn refuse(&mut self, failures: &[Check]) {
        if let (Source::Typed, Some(check)) = (self.source, failures.first()) {
            self.outpoint.refuse(&check.message);
        }
    }

    pub fn view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let mut parts = column![].spacing(Gap::L);
        if look.profile.collateral_evo.is_some() {
            parts = parts.push(kinds(look.profile, self.kind));
        }
        parts = parts.push(self.sources(look));
        page_of(parts.push(match self.source {
            Source::Device => self.device_view(look),
            Source::Typed => self.typed_view(look),
        }))
    }

    fn sources<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let wanted = amount(look.profile.collateral(self.kind).unwrap_or_default(), look.profile);
        let line = format!(
            "An unspent output of exactly {wanted} on your device. It stays there: registering does not move it."
        );
        let choices = [
            option(
                "Find it on the device",
                "",
                self.source == Source::Device,
                Message::SourceChosen(Source::Device),
            ),
            option(
                "Type the output",
                "",
                self.source == Source::Typed,
                Message::SourceChosen(Source::Typed),
            ),
        ];
        column![label("Collateral"), body(line), row(choices).spacing(Gap::M)]
            .spacing(Gap::S)
            .into()
    }

    fn device_view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        // The embedded Ledger is made for its network; a real one knows one coin.
        let trezor = look.device == Some(hw::Kind::Trezor);
        let asks = look.profile.ledger_asks_for_keys() && !look.sandbox && !trezor;
        let ready = look.device.is_some() && !matches!(self.search, Search::Running { .. });
        let button = secondary_button("Search the device").on_press_maybe(ready.then_some(Message::Search));
        let mut parts = column![button].spacing(Gap::M);
        if look.device.is_none() {
            parts = parts.push(error_notice(&Error::NoDevice));
        }
        parts = match &self.search {
            Search::Idle => parts.push(muted(if trezor {
                "The first three accounts of the device are searched. It may ask for its PIN and for a passphrase first."
            } else if asks {
                "The first three accounts of the device are searched. A Ledger asks before it tells keys of this coin: approve \
                 each one."
            } else {
                "The first three accounts of the device are searched; nothing has to be confirmed on it."
            })),
            Search::Running { .. } if asks => {
                parts.push(muted("Searching. Look at the device: it may ask for a confirmation."))
            }
            Search::Running { .. } => parts.push(muted("Searching. This takes a few seconds.")),
            Search::Failed(error) => parts.push(error_notice(error)),
            Search::Found { candidates, chosen } => {
                parts.push(candidates::found_list(candidates, *chosen, self.kind, look.profile))
            }
        };
        parts.into()
    }

    fn typed_view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let outpoint = input("Output", &self.outpoint, Message::OutpointEdited)
            .placeholder("TXID:N")
            .help("Transaction id, a colon, and the number of the output in it.")
            .mono()
            .id("outpoint");
        let example = path::to_text(&path::address(look.profile, 0, false, 0));
        let path = input("Path of its key on the device", &self.path, Message::PathEdited)
            .help(format!(
                "Leave it empty to have the first three accounts searched, or write it like {example}."
            ))
            .mono()
            .id("collateral-path");
        let state: Element<'a, Message> = match &self.lookup {
            Lookup::Idle => help("").into(),
            Lookup::Running { .. } => muted("Asking the node and the device about it.").into(),
            Lookup::Bad(error) => error_notice(error).into(),
            Lookup::Good(found) => candidates::facts(found, look.profile),
        };
        column![outpoint, path, state].spacing(Gap::M).into()
    }
}

async fn asked(ports: Ports, kind: MnType, choice: CollateralChoice, rest: Duration) -> Result<Candidate, Error> {
    tokio::time::sleep(rest).await;
    look::collateral(&ports, kind, &choice).await
}

fn read_outpoint(text: &str) -> Result<OutPoint, NoOutpoint> {
    // Core's masternode list writes a dash where everybody else writes a colon.
    text.trim().replace('-', ":").parse().map_err(|_| NoOutpoint)
}

fn read_path(text: &str) -> Result<Option<DerivationPath>, path::PathError> {
    if text.trim().is_empty() {
        Ok(None)
    } else {
        path::parse(text).map(Some)
    }
}

/// Confirmed, and of the amount this kind needs. One that backs a masternode already may be used: it replaces that one.
pub(super) fn usable(found: &Candidate, kind: MnType) -> bool {
    found.kind == kind && found.confirmations > 0
}

/// Nothing to choose where only one output will do.
fn only_one(candidates: &[Candidate], kind: MnType) -> Option<OutPoint> {
    let mut free = candidates
        .iter()
        .filter(|found| usable(found, kind) && found.used_by.is_none());
    match (free.next(), free.next()) {
        (Some(one), None) => Some(one.outpoint),
        _ => None,
    }
}

fn kinds<'a>(profile: &Profile, chosen: MnType) -> Element<'a, Message> {
    let sentence = |kind| amount(profile.collateral(kind).unwrap_or_default(), profile);
    let choices = [
        option(
            "Masternode",
            format!("{} collateral", sentence(MnType::Regular)),
            chosen == MnType::Regular,
            Message::KindChosen(MnType::Regular),
        ),
        option(
            "Evonode",
            format!("{} collateral, Platform too", sentence(MnType::Evo)),
            chosen == MnType::Evo,
            Message::KindChosen(MnType::Evo),
        ),
    ];
    column![label("Type"), row(choices).spacing(Gap::M)]
        .spacing(Gap::S)
        .into()
}
