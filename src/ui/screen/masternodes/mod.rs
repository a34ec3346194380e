//! My masternodes: what each is doing, how near a ban is, when it is paid, what is not as it should be; one of them, whosever it is,
//! in every detail.

mod card;
mod dashboard;
mod own;
mod summary;
mod words;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use iced::{Element, Task, task};

use crate::flow::overview::{self, Masternode, Overview};
use crate::flow::warning::{self, Gone, Known, Warning};
use crate::flow::{self, Ports};
use crate::protocol::ProTxHash;
use crate::ui::screen::batch::{self, Batch, Subject};
use crate::ui::screen::update::{Asked, What};
use crate::ui::work::blocking;
use own::Own;
use summary::Summary;

/// Id of the scrolled list.
const LIST: &str = "masternodes";

pub struct Masternodes {
    state: State,
    /// Text that every shown line contains.
    filter: String,
    order: Order,
    /// Places in the list of the masternodes shown; counted when list, order or filter change, not in every view.
    lines: Vec<usize>,
    summary: Summary,
    found: Arc<Found>,
    /// Those that are gone are not told again before the program ends.
    gone_told: bool,
    /// How far the list is scrolled, in pixels.
    offset: f32,
    open: Option<Own>,
    /// Mine that are ticked, to be changed together.
    selected: HashSet<ProTxHash>,
    /// The reading under way; a newer one replaces it.
    reading: Option<task::Handle>,
}

enum State {
    Loading,
    Listed(Arc<Overview>),
    /// There may be an older list to go on with.
    Failed {
        error: flow::Error,
        before: Option<Arc<Overview>>,
    },
}

/// What does not fit, of a whole list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    warnings: HashMap<ProTxHash, Vec<Warning>>,
    gone: Vec<Gone>,
}

/// What comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// What needs its owner, then in the order of payment.
    Attention,
    Payment,
    Name,
}

#[derive(Debug, Clone)]
pub enum Message {
    Register,
    OpenVault,
    OpenJournal,
    OpenNetwork,
    Refresh,
    Read(Result<Arc<Overview>, flow::Error>),
    Compared(Result<Arc<Found>, flow::Error>),
    /// Of the page of one.
    Own(own::Message),
    ForgetGone,
    Sort(Order),
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
    /// Create or unlock it.
    Vault,
    Journal,
    /// All masternodes there are.
    Network,
    Update(Asked),
    Batch(Subject),
    ShowBatch,
}

impl Masternodes {
    /// Nothing is read before the first [`Masternodes::refresh`].
    pub fn new() -> Self {
        Self {
            state: State::Loading,
            filter: String::new(),
            order: Order::Attention,
            lines: Vec::new(),
            summary: Summary::default(),
            found: Arc::default(),
            gone_told: false,
            offset: 0.0,
            open: None,
            selected: HashSet::new(),
            reading: None,
        }
    }

    /// Reads the list anew; what is on screen stays until it is there.
    pub fn refresh(&mut self, ports: &Ports) -> Task<Message> {
        let ports = ports.clone();
        let read = async move { overview::overview(&ports).await };
        let (task, handle) = Task::perform(read, |result| Message::Read(result.map(Arc::new))).abortable();
        self.reading = Some(handle.abort_on_drop());
        task
    }

    /// Shows one masternode, as soon as the list has it.
    pub fn open(&mut self, hash: ProTxHash) {
        self.open = Some(Own::new(hash));
    }

    /// True while Esc goes back to the list.
    pub fn has_open(&self) -> bool {
        self.open.is_some()
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Action {
        match message {
            Message::Register => return Action::Register,
            Message::OpenVault => return Action::Vault,
            Message::OpenJournal => return Action::Journal,
            Message::OpenNetwork => return Action::Network,
            Message::Refresh => return Action::Run(self.refresh(ports)),
            Message::Read(result) => return Action::Run(self.read(ports, result)),
            Message::Compared(Ok(found)) => self.found = found,
            // What cannot be read is said where it is read; here it only means that nothing is compared.
            Message::Compared(Err(_)) => self.found = Arc::default(),
            Message::Own(message) => return Action::Run(self.update_own(ports, message)),
            Message::ForgetGone => self.gone_told = true,
            Message::Sort(order) => {
                self.order = order;
                return self.relisted_from_the_top();
            }
            Message::FilterEdited(text) => {
                self.filter = text;
                return self.relisted_from_the_top();
            }
            Message::Scrolled(offset) => self.offset = offset,
            Message::Open(hash) => {
                self.open(hash);
                return Action::Run(self.listed(ports));
            }
            Message::Select(hash, true) => _ = self.selected.insert(hash),
            Message::Select(hash, false) => _ = self.selected.remove(&hash),
            Message::SelectAll(true) => self.select_all(),
            Message::SelectAll(false) | Message::ClearSelection => self.clear_selection(),
            Message::Change(what) => return self.change(what),
            Message::ShowBatch => return Action::ShowBatch,
            Message::Back => return self.back(),
            Message::Elsewhere(elsewhere) => {
                if let Some(own) = &mut self.open {
                    own.elsewhere = elsewhere;
                }
            }
            Message::Update(pro_tx_hash, what) => {
                let elsewhere = self.open.as_ref().is_some_and(|own| own.elsewhere);
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

    /// To the list that has it: mine, or that of the network.
    fn back(&mut self) -> Action {
        let open = self.open.take();
        let found = open.and_then(|own| self.find(own.hash));
        match found {
            Some((_, masternode)) if !masternode.mine => Action::Network,
            _ => Action::None,
        }
    }

    fn read(&mut self, ports: &Ports, result: Result<Arc<Overview>, flow::Error>) -> Task<Message> {
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
        Task::batch([self.compare(ports), self.listed(ports)])
    }

    /// Tells the open page of the list.
    fn listed(&mut self, ports: &Ports) -> Task<Message> {
        let Some(mut own) = self.open.take() else {
            return Task::none();
        };
        let task = own.listed(ports, self.find(own.hash));
        self.open = Some(own);
        task.map(Message::Own)
    }

    fn update_own(&mut self, ports: &Ports, message: own::Message) -> Task<Message> {
        let Some(mut own) = self.open.take() else {
            return Task::none();
        };
        let task = own.update(ports, self.find(own.hash), message);
        self.open = Some(own);
        task.map(Message::Own)
    }

    /// The history has the list: what is open shows it. An error is what kept it from having it.
    pub fn recorded(&mut self, ports: &Ports, error: Option<flow::Error>) -> Task<Message> {
        match &mut self.open {
            Some(own) => own.recorded(ports, error).map(Message::Own),
            None => Task::none(),
        }
    }

    /// Looks for what does not fit.
    fn compare(&self, ports: &Ports) -> Task<Message> {
        let State::Listed(overview) = &self.state else {
            return Task::none();
        };
        let (overview, ports) = (Arc::clone(overview), ports.clone());
        let work = move || {
            let known = Known::read(&ports)?;
            Ok(Arc::new(Found {
                warnings: warning::of_mine(&known, &overview),
                gone: warning::gone(&known, &overview),
            }))
        };
        blocking(work, Message::Compared)
    }

    /// The lines shown, each with its place.
    fn order(&self) -> HashMap<ProTxHash, usize> {
        let all = self.all();
        let lines = self.lines.iter().filter_map(|at| all.get(*at));
        lines.map(|each| each.entry.pro_tx_hash).zip(0..).collect()
    }

    /// While some are ticked no line moves away below the pointer, though every block changes the order of payment.
    fn keep_order(&mut self, before: &HashMap<ProTxHash, usize>) {
        let mut lines = std::mem::take(&mut self.lines);
        let all = self.all();
        lines.sort_by_key(|at| before.get(&all[*at].entry.pro_tx_hash).copied().unwrap_or(usize::MAX));
        self.lines = lines;
    }

    fn relist(&mut self) {
        let needle = self.filter.trim().to_lowercase();
        let all = self.all();
        let lines = all
            .iter()
            .enumerate()
            .filter(|(_, each)| each.mine && matches(each, &needle));
        let mut lines: Vec<usize> = lines.map(|(at, _)| at).collect();
        sort(&mut lines, all, self.order);
        let summary = Summary::of(all.iter().filter(|each| each.mine));
        self.lines = lines;
        self.summary = summary;
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
        let all = self.all();
        let lines = self.lines.iter().filter_map(|at| all.get(*at));
        let shown: Vec<ProTxHash> = lines.map(|each| each.entry.pro_tx_hash).collect();
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
        let all = self.all().iter();
        all.filter(|each| each.mine && self.selected.contains(&each.entry.pro_tx_hash))
    }

    /// The list as it was read last; pages that show it share it.
    pub fn overview(&self) -> Option<&Arc<Overview>> {
        match &self.state {
            State::Loading => None,
            State::Listed(overview) => Some(overview),
            State::Failed { before, .. } => before.as_ref(),
        }
    }

    fn all(&self) -> &[Masternode] {
        self.overview().map_or(&[][..], |overview| &overview.masternodes)
    }

    fn warnings(&self, hash: ProTxHash) -> &[Warning] {
        self.found.warnings.get(&hash).map_or(&[][..], Vec::as_slice)
    }

    /// `batch`: the change of several that is open.
    pub fn view<'a>(&'a self, ports: &'a Ports, batch: Option<&Batch>) -> Element<'a, Message> {
        let Some(own) = &self.open else {
            return dashboard::view(self, ports, batch);
        };
        match self.find(own.hash) {
            Some((overview, masternode)) => own.view(&own::Shown {
                overview,
                masternode,
                profile: &ports.profile,
                warnings: self.warnings(own.hash),
            }),
            None => own.view_missing(self.overview().is_some()),
        }
    }

    /// The chart of the open page, which has no text on it that a test could look for.
    #[cfg(test)]
    pub fn penalty_chart(&self) -> Option<&crate::ui::widget::Chart> {
        self.open.as_ref()?.penalty_chart()
    }

    /// Mine, with their names.
    pub fn mine(&self) -> impl Iterator<Item = (String, &Masternode)> {
        let mine = self.all().iter().filter(|each| each.mine);
        mine.map(|each| (each.name.clone(), each))
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

/// Those that are not paid come last in the order of payment.
fn sort(lines: &mut [usize], all: &[Masternode], order: Order) {
    let position = |at: usize| all[at].slot.map_or(u32::MAX, |slot| slot.position);
    match order {
        Order::Attention => lines.sort_by_key(|at| (words::urgency(&all[*at]), position(*at))),
        Order::Payment => lines.sort_by_key(|at| position(*at)),
        Order::Name => lines.sort_by_cached_key(|at| natural(&all[*at].name)),
    }
}

/// So that `mn10` comes after `mn9`: numbers within a name count as numbers.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let text = rest.find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(text);
        let digits = after
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(after.len());
        let (number, after) = after.split_at(digits);
        parts.push((word.to_lowercase(), number.parse().unwrap_or(u64::MAX)));
        rest = after;
    }
    parts
}

/// Whether a masternode has a text (lower case) in what identifies it.
fn matches(masternode: &Masternode, needle: &str) -> bool {
    let entry = &masternode.entry;
    needle.is_empty()
        || masternode.name.to_lowercase().contains(needle)
        || entry.pro_tx_hash.to_string().contains(needle)
        || entry.state.service.to_string().contains(needle)
        || entry.collateral.to_string().contains(needle)
        || words::chip(masternode).0.to_lowercase().contains(needle)
        || words::status_word(entry.status()).0.to_lowercase().contains(needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_as_people_count() {
        let mut names = ["mn10", "mn9", "Alpha", "mn9b", "5a5a"];
        names.sort_by_cached_key(|name| natural(name));
        assert_eq!(names, ["5a5a", "Alpha", "mn9", "mn9b", "mn10"]);
    }
}
