//! The masternode list: mine, or all of the network, with what each is doing and when it is paid; one of them in every detail.

mod details;
mod list;

use std::collections::{HashMap, HashSet};

use iced::{Element, Task, task};

use crate::flow::overview::{self, Masternode, Overview};
use crate::flow::{self, Ports};
use crate::protocol::masternode::Status;
use crate::protocol::{ProTxHash, Profile};
use crate::ui::format;
use crate::ui::screen::batch::{self, Batch, Subject};
use crate::ui::screen::update::{Asked, What};
use crate::ui::theme::Tone;

/// Id of the scrolled list.
const LIST: &str = "masternodes";

pub struct Masternodes {
    state: State,
    shown: Shown,
    /// Text that every shown line contains.
    filter: String,
    /// Places in the list of the masternodes shown; counted when list, choice or filter change, not in every view.
    lines: Vec<usize>,
    /// How far the list is scrolled, in pixels.
    offset: f32,
    open: Option<ProTxHash>,
    /// Operations may be begun whose key is not in this vault.
    elsewhere: bool,
    /// Mine that are ticked, to be changed together.
    selected: HashSet<ProTxHash>,
    /// The reading under way; a newer one replaces it.
    reading: Option<task::Handle>,
}

enum State {
    Loading,
    Listed(Box<Overview>),
    /// There may be an older list to go on with.
    Failed {
        error: flow::Error,
        before: Option<Box<Overview>>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    Mine,
    All,
}

#[derive(Debug, Clone)]
pub enum Message {
    Register,
    Refresh,
    Read(Result<Box<Overview>, flow::Error>),
    Show(Shown),
    FilterEdited(String),
    Scrolled(f32),
    Open(ProTxHash),
    Select(ProTxHash, bool),
    /// All lines shown, or none.
    SelectAll(bool),
    ClearSelection,
    /// Changes what is selected.
    Change(batch::What),
    ShowBatch,
    Back,
    Elsewhere(bool),
    Update(ProTxHash, What),
    Copy(String),
}

pub enum Action {
    None,
    Run(Task<Message>),
    Register,
    Update(Asked),
    Batch(Subject),
    ShowBatch,
}

impl Masternodes {
    /// Nothing is read before the first [`Masternodes::refresh`].
    pub fn new() -> Self {
        Self {
            state: State::Loading,
            shown: Shown::Mine,
            filter: String::new(),
            lines: Vec::new(),
            offset: 0.0,
            open: None,
            elsewhere: false,
            selected: HashSet::new(),
            reading: None,
        }
    }

    /// Reads the list anew; what is on screen stays until it is there.
    pub fn refresh(&mut self, ports: &Ports) -> Task<Message> {
        let ports = ports.clone();
        let read = async move { overview::overview(&ports).await };
        let (task, handle) = Task::perform(read, |result| Message::Read(result.map(Box::new))).abortable();
        self.reading = Some(handle.abort_on_drop());
        task
    }

    /// Shows one masternode, as soon as the list has it.
    pub fn open(&mut self, hash: ProTxHash) {
        self.open = Some(hash);
        self.elsewhere = false;
    }

    /// True while Esc goes back to the list.
    pub fn has_open(&self) -> bool {
        self.open.is_some()
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Action {
        match message {
            Message::Register => return Action::Register,
            Message::Refresh => return Action::Run(self.refresh(ports)),
            Message::Read(result) => self.read(result),
            Message::Show(shown) => {
                self.shown = shown;
                return self.relisted_from_the_top();
            }
            Message::FilterEdited(text) => {
                self.filter = text;
                return self.relisted_from_the_top();
            }
            Message::Scrolled(offset) => self.offset = offset,
            Message::Open(hash) => self.open(hash),
            Message::Select(hash, true) => _ = self.selected.insert(hash),
            Message::Select(hash, false) => _ = self.selected.remove(&hash),
            Message::SelectAll(true) => self.select_all(),
            Message::SelectAll(false) | Message::ClearSelection => self.clear_selection(),
            Message::Change(what) => return self.change(what),
            Message::ShowBatch => return Action::ShowBatch,
            Message::Back => self.open = None,
            Message::Elsewhere(elsewhere) => self.elsewhere = elsewhere,
            Message::Update(pro_tx_hash, what) => {
                let elsewhere = self.elsewhere;
                return Action::Update(Asked {
                    what,
                    pro_tx_hash,
                    elsewhere,
                });
            }
            Message::Copy(text) => return Action::Run(iced::clipboard::write(text)),
        }
        Action::None
    }

    fn read(&mut self, result: Result<Box<Overview>, flow::Error>) {
        self.reading = None;
        let before = self.order();
        self.state = match (result, std::mem::replace(&mut self.state, State::Loading)) {
            (Ok(overview), _) => State::Listed(overview),
            (Err(error), State::Listed(before)) => State::Failed {
                error,
                before: Some(before),
            },
            (Err(error), State::Failed { before, .. }) => State::Failed { error, before },
            (Err(error), State::Loading) => State::Failed { error, before: None },
        };
        self.relist();
        if !self.selected.is_empty() {
            self.keep_order(&before);
        }
    }

    /// The lines shown, each with its place.
    fn order(&self) -> HashMap<ProTxHash, usize> {
        let all = self.overview().map_or(&[][..], |overview| &overview.masternodes);
        let lines = self.lines.iter().filter_map(|at| all.get(*at));
        lines.map(|each| each.entry.pro_tx_hash).zip(0..).collect()
    }

    /// While some are ticked no line moves away below the pointer, though every block changes the order of payment.
    fn keep_order(&mut self, before: &HashMap<ProTxHash, usize>) {
        let mut lines = std::mem::take(&mut self.lines);
        let all = self.overview().map_or(&[][..], |overview| &overview.masternodes);
        lines.sort_by_key(|at| before.get(&all[*at].entry.pro_tx_hash).copied().unwrap_or(usize::MAX));
        self.lines = lines;
    }

    fn relist(&mut self) {
        let needle = self.filter.trim().to_lowercase();
        let (shown, all) = (
            self.shown,
            self.overview().map_or(&[][..], |overview| &overview.masternodes),
        );
        let lines = all
            .iter()
            .enumerate()
            .filter(|(_, each)| (shown == Shown::All || each.mine) && matches(each, &needle));
        let mut lines: Vec<usize> = lines.map(|(at, _)| at).collect();
        // In the order of payment; those that are not paid come last.
        lines.sort_by_key(|at| all[*at].slot.map_or(u32::MAX, |slot| slot.position));
        self.lines = lines;
        let mine: HashSet<ProTxHash> = self.selection().map(|each| each.entry.pro_tx_hash).collect();
        self.selected = mine;
    }

    fn relisted_from_the_top(&mut self) -> Action {
        self.relist();
        self.offset = 0.0;
        Action::Run(iced::widget::operation::snap_to(
            LIST,
            iced::widget::scrollable::RelativeOffset::START,
        ))
    }

    fn select_all(&mut self) {
        let shown: Vec<ProTxHash> = self.overview().map_or_else(Vec::new, |overview| {
            let lines = self.lines.iter().filter_map(|at| overview.masternodes.get(*at));
            lines.map(|each| each.entry.pro_tx_hash).collect()
        });
        self.selected.extend(shown);
    }

    pub fn clear_selection(&mut self) {
        self.selected.clear();
    }

    fn change(&self, what: batch::What) -> Action {
        match self.overview() {
            Some(overview) if !self.selected.is_empty() => {
                Action::Batch(Subject::new(what, overview, |hash| self.selected.contains(&hash)))
            }
            _ => Action::None,
        }
    }

    /// What is selected and still mine.
    fn selection(&self) -> impl Iterator<Item = &Masternode> {
        let all = self.overview().map_or(&[][..], |overview| &overview.masternodes);
        all.iter()
            .filter(|each| each.mine && self.selected.contains(&each.entry.pro_tx_hash))
    }

    fn overview(&self) -> Option<&Overview> {
        match &self.state {
            State::Loading => None,
            State::Listed(overview) => Some(overview),
            State::Failed { before, .. } => before.as_deref(),
        }
    }

    /// `batch`: the change of several that is open.
    pub fn view<'a>(&'a self, profile: &'a Profile, batch: Option<&Batch>) -> Element<'a, Message> {
        let Some(hash) = self.open else {
            return list::view(self, batch);
        };
        match self.find(hash) {
            Some((overview, masternode)) => details::view(overview, masternode, profile, self.elsewhere),
            None => details::missing(hash, self.overview().is_some()),
        }
    }

    /// Mine, with their names.
    pub fn mine(&self) -> impl Iterator<Item = (String, &Masternode)> {
        let all = self.overview().map_or(&[][..], |overview| &overview.masternodes);
        let mine = all.iter().filter(|each| each.mine);
        mine.map(|each| (each.roles.name(each.entry.pro_tx_hash), each))
    }

    fn find(&self, hash: ProTxHash) -> Option<(&Overview, &Masternode)> {
        let overview = self.overview()?;
        let found = overview
            .masternodes
            .iter()
            .find(|each| each.entry.pro_tx_hash == hash)?;
        Some((overview, found))
    }
}

impl Default for Masternodes {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether a masternode has a text (lower case) in what identifies it.
fn matches(masternode: &Masternode, needle: &str) -> bool {
    let entry = &masternode.entry;
    needle.is_empty()
        || entry.pro_tx_hash.to_string().contains(needle)
        || entry.state.service.to_string().contains(needle)
        || entry.collateral.to_string().contains(needle)
        || status_word(entry.status()).0.to_lowercase().contains(needle)
}

/// The chip of a status.
fn status_word(status: Status) -> (&'static str, Tone) {
    match status {
        Status::Enabled => ("Enabled", Tone::Good),
        Status::Penalised => ("Penalised", Tone::Warning),
        Status::PoseBanned => ("Banned", Tone::Bad),
        Status::WaitingForService => ("Waiting", Tone::Warning),
        Status::Revoked => ("Revoked", Tone::Bad),
    }
}

/// Why it is in its status, in few words.
fn reason(masternode: &Masternode) -> String {
    let state = &masternode.entry.state;
    match masternode.entry.status() {
        Status::Enabled => String::new(),
        Status::Penalised => match masternode.outlook.failures_survivable {
            0 => "next failure bans".to_owned(),
            _ => "missed a DKG".to_owned(),
        },
        Status::PoseBanned => format!("since {}", format::height(state.pose_ban_height.unwrap_or_default())),
        Status::WaitingForService => "no address yet".to_owned(),
        Status::Revoked => "needs an operator".to_owned(),
    }
}
