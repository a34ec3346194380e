//! All masternodes of the network: a table to sort, filter, copy and export, how penalties are spread, and who is paid next.

mod columns;
mod export;
mod model;
mod payees;
mod penalties;
#[cfg(test)]
mod tests;
mod view;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use iced::{Element, Task, Vector, task};

pub use columns::{Layout, OFFERED};
use export::Export;
pub use export::Form;
pub use model::{Bin, Model, Sort};

use crate::flow::overview::{Column, Overview};
use crate::protocol::{ProTxHash, Profile};
use crate::store::settings::MasternodeTable;
use crate::ui::format::count;
use crate::ui::widget::table::{ROW, Tick};
use crate::ui::work::blocking;

/// Ids of the table and of the filter.
pub const TABLE: &str = "network-table";
pub const FILTER: &str = "network-filter";

/// Up to so many rows are ordered at once, in a few milliseconds; more in the background.
const AT_ONCE: usize = 8_000;

pub struct Network {
    part: Part,
    layout: Layout,
    filter: String,
    list: Option<Arc<Listed>>,
    /// What is being worked out; only its own result is taken.
    work: Option<Work>,
    runs: u64,
    /// How far the table and the forecast are scrolled.
    offset: Vector,
    payees_offset: Vector,
    /// The row the keys move from.
    current: Option<ProTxHash>,
    ticked: HashSet<ProTxHash>,
    /// Every row shown is; counted when that changes, not in every view.
    all_ticked: bool,
    ticked_last: Option<ProTxHash>,
    dialog: Dialog,
    /// What was copied last.
    copied: Option<String>,
}

struct Work {
    run: u64,
    /// It makes a newer list, which is not given up for a filter.
    newer: bool,
    _task: task::Handle,
}

/// A list in an order.
#[derive(Debug)]
pub struct Listed {
    model: Arc<Model>,
    sort: Sort,
    filter: String,
    /// All rows in the order, kept for the next filter.
    order: Arc<Vec<u32>>,
    shown: Vec<u32>,
}

/// The three things to see here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Table,
    Payees,
    Penalties,
}

enum Dialog {
    None,
    Columns,
    Export(Export),
}

#[derive(Debug, Clone)]
pub enum Message {
    Refresh,
    Show(Part),
    FilterEdited(String),
    Sort(usize),
    Scrolled(Vector),
    Moved(usize),
    Open(usize),
    Tick(Tick),
    ClearTicks,
    ChooseColumns,
    ColumnChosen(Column, bool),
    UsualColumns,
    Copy,
    AskExport,
    Export(export::Message),
    Listed(u64, Arc<Listed>),
    PayeesScrolled(Vector),
    OpenPayee(usize),
    /// Esc.
    Back,
}

pub enum Action {
    None,
    Run(Task<Message>),
    /// The list is to be read anew.
    Refresh,
    Open(ProTxHash),
    /// The settings are to say this from now on.
    Keep(MasternodeTable, Task<Message>),
}

impl Network {
    pub fn new(kept: &MasternodeTable) -> Self {
        Self {
            part: Part::Table,
            layout: Layout::of(kept),
            filter: String::new(),
            list: None,
            work: None,
            runs: 0,
            offset: Vector::ZERO,
            payees_offset: Vector::ZERO,
            current: None,
            ticked: HashSet::new(),
            all_ticked: false,
            ticked_last: None,
            dialog: Dialog::None,
            copied: None,
        }
    }

    /// Takes a newer list; what is on screen stays until the new one is in order.
    pub fn listed(&mut self, overview: &Arc<Overview>, profile: &Arc<Profile>) -> Task<Message> {
        if self
            .list
            .as_ref()
            .is_some_and(|list| Arc::ptr_eq(list.model.overview(), overview))
        {
            return Task::none();
        }
        let before = self.list.as_ref().map(|list| Arc::clone(&list.model));
        let (overview, profile) = (Arc::clone(overview), Arc::clone(profile));
        let (sort, filter) = (self.layout.sort, self.filter.clone());
        self.begin(true, move || {
            let model = Arc::new(Model::new(overview, profile, before.as_deref()));
            Listed::new(model, sort, filter)
        })
    }

    pub fn update(&mut self, message: Message) -> Action {
        match message {
            Message::Refresh => return Action::Refresh,
            Message::Show(part) => self.part = part,
            Message::FilterEdited(text) => {
                self.filter = text;
                return Action::Run(self.rearrange());
            }
            Message::Sort(column) => return self.sort(column),
            Message::Scrolled(offset) => self.offset = offset,
            Message::Moved(row) => self.current = self.hash(row),
            Message::Open(row) => return self.open(row),
            Message::Tick(tick) => self.tick(tick),
            Message::ClearTicks => {
                self.ticked.clear();
                self.all_ticked = false;
            }
            Message::ChooseColumns => self.toggle_columns(),
            Message::ColumnChosen(column, shown) => {
                self.layout.choose(column, shown);
                return Action::Keep(self.layout.kept(), Task::none());
            }
            Message::UsualColumns => return self.usual_columns(),
            Message::Copy => return self.copy(),
            Message::AskExport => self.ask_export(),
            Message::Export(message) => return self.export(message),
            Message::Listed(run, list) => return self.arranged(run, list),
            Message::PayeesScrolled(offset) => self.payees_offset = offset,
            Message::OpenPayee(row) => return self.open_payee(row),
            Message::Back => self.back(),
        }
        Action::None
    }

    /// True while Esc closes something here.
    pub fn has_open(&self) -> bool {
        !matches!(self.dialog, Dialog::None) || self.part != Part::Table
    }

    fn back(&mut self) {
        match self.dialog {
            Dialog::None if self.part != Part::Table => self.part = Part::Table,
            Dialog::None => {}
            Dialog::Columns | Dialog::Export(_) => self.dialog = Dialog::None,
        }
    }

    fn sort(&mut self, column: usize) -> Action {
        let Some(column) = self.layout.columns.get(column) else {
            return Action::None;
        };
        self.layout.press(*column);
        let task = self.rearrange();
        Action::Keep(self.layout.kept(), task)
    }

    fn usual_columns(&mut self) -> Action {
        self.layout = Layout::default();
        let task = self.rearrange();
        Action::Keep(self.layout.kept(), task)
    }

    /// Orders or filters the list there is as it is wanted now, and shows its beginning.
    fn rearrange(&mut self) -> Task<Message> {
        self.offset.y = 0.0;
        let Some(list) = self.list.clone() else {
            return Task::none();
        };
        let (sort, filter) = (self.layout.sort, self.filter.clone());
        // What a newer list brings is put into this order when it is there.
        let newer = self.work.as_ref().is_some_and(|work| work.newer);
        if list.model.len() <= AT_ONCE {
            if !newer {
                self.work = None;
            }
            self.show(Arc::new(list.arranged(sort, filter)));
            return Task::none();
        }
        if newer {
            return Task::none();
        }
        self.begin(false, move || list.arranged(sort, filter))
    }

    /// Works away from the window's thread.
    fn begin(&mut self, newer: bool, work: impl FnOnce() -> Listed + Send + 'static) -> Task<Message> {
        self.runs += 1;
        let run = self.runs;
        let done = move |list| Message::Listed(run, Arc::new(list));
        let (task, handle) = blocking(work, done).abortable();
        self.work = Some(Work {
            run,
            newer,
            _task: handle.abort_on_drop(),
        });
        task
    }

    fn arranged(&mut self, run: u64, list: Arc<Listed>) -> Action {
        if self.work.as_ref().is_none_or(|work| work.run != run) {
            return Action::None;
        }
        self.work = None;
        let same = self
            .list
            .as_ref()
            .is_some_and(|before| before.sort == list.sort && before.filter == list.filter);
        if same && self.offset.y > 0.0 {
            self.offset.y += self.moved(&list);
        }
        let outdated = list.sort != self.layout.sort || list.filter != self.filter;
        self.show(list);
        if outdated {
            Action::Run(self.rearrange())
        } else {
            Action::None
        }
    }

    fn show(&mut self, list: Arc<Listed>) {
        self.ticked.retain(|hash| list.model.place(*hash).is_some());
        self.all_ticked = list.all_ticked(&self.ticked);
        self.list = Some(list);
    }

    /// How far the row at the top of the window is elsewhere in a newer list, in pixels: it stays where it is for the eye.
    fn moved(&self, newer: &Listed) -> f32 {
        let top = (self.offset.y / ROW) as usize;
        let to = self.hash(top).and_then(|hash| newer.position(hash));
        to.map_or(0.0, |to| (to as f32 - top as f32) * ROW)
    }

    fn hash(&self, row: usize) -> Option<ProTxHash> {
        self.list.as_ref()?.hash(row)
    }

    fn open(&mut self, row: usize) -> Action {
        self.current = self.hash(row);
        self.current.map_or(Action::None, Action::Open)
    }

    fn open_payee(&mut self, row: usize) -> Action {
        let list = self.list.as_ref();
        let hash = list.and_then(|list| Some(list.model.row(list.model.payees().get(row)?.row).hash()));
        hash.map_or(Action::None, Action::Open)
    }

    fn tick(&mut self, tick: Tick) {
        let Some(list) = self.list.clone() else {
            return;
        };
        self.copied = None;
        match tick {
            Tick::One(row) => {
                let Some(hash) = list.hash(row) else {
                    return;
                };
                if !self.ticked.remove(&hash) {
                    self.ticked.insert(hash);
                }
                self.ticked_last = Some(hash);
            }
            Tick::To(row) => {
                let from = self.ticked_last.and_then(|hash| list.position(hash)).unwrap_or(row);
                let rows = from.min(row)..=from.max(row);
                self.ticked.extend(rows.filter_map(|row| list.hash(row)));
            }
            Tick::All if self.all_ticked => {
                list.hashes().for_each(|hash| _ = self.ticked.remove(&hash));
            }
            Tick::All => self.ticked.extend(list.hashes()),
        }
        self.all_ticked = list.all_ticked(&self.ticked);
    }

    fn toggle_columns(&mut self) {
        self.dialog = match self.dialog {
            Dialog::Columns => Dialog::None,
            _ => Dialog::Columns,
        };
    }

    fn ask_export(&mut self) {
        if let Some(list) = &self.list {
            let network = &list.model.profile().name;
            self.dialog = Dialog::Export(Export::new(network, list.model.overview().tip.height));
        }
    }

    /// What is ticked, whether the filter shows it or not; without any, all rows shown.
    fn chosen(&self) -> Option<(Arc<Listed>, Vec<usize>)> {
        let list = self.list.clone()?;
        let ticked = |row: &usize| self.ticked.contains(&list.model.row(*row).hash());
        let place = |row: &u32| *row as usize;
        let rows = match self.ticked.is_empty() {
            true => list.shown.iter().map(place).collect(),
            false => list.order.iter().map(place).filter(ticked).collect(),
        };
        Some((list, rows))
    }

    fn copy(&mut self) -> Action {
        let Some((list, rows)) = self.chosen() else {
            return Action::None;
        };
        self.copied = Some(format!("Copied {}", count(rows.len(), "row", "rows")));
        let table = list.model.table(rows, &self.layout.columns);
        Action::Run(iced::clipboard::write(table.tsv()))
    }

    fn export(&mut self, message: export::Message) -> Action {
        let Dialog::Export(export) = &mut self.dialog else {
            return Action::None;
        };
        match export.update(message) {
            export::Action::None => Action::None,
            export::Action::Close => {
                self.dialog = Dialog::None;
                Action::None
            }
            export::Action::Write(form, path) => self.write(form, path),
        }
    }

    fn write(&self, form: Form, path: PathBuf) -> Action {
        let Some((list, rows)) = self.chosen() else {
            return Action::None;
        };
        let columns = self.layout.columns.clone();
        let table = move || list.model.table(rows, &columns);
        Action::Run(export::write(form, path, table).map(Message::Export))
    }

    pub fn view(&self) -> Element<'_, Message> {
        view::view(self)
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new(&MasternodeTable::default())
    }
}

impl Listed {
    pub fn new(model: Arc<Model>, sort: Sort, filter: String) -> Self {
        let order = Arc::new(model.sorted(sort));
        Self {
            shown: model.filtered(&order, &filter),
            order,
            model,
            sort,
            filter,
        }
    }

    /// The same list otherwise. An order that stays is not made again, and a longer filter looks only where the shorter one found.
    fn arranged(&self, sort: Sort, filter: String) -> Self {
        let order = if sort == self.sort {
            Arc::clone(&self.order)
        } else {
            Arc::new(self.model.sorted(sort))
        };
        let narrower = sort == self.sort && filter.starts_with(&self.filter);
        let among = if narrower { &self.shown } else { &*order };
        Self {
            shown: self.model.filtered(among, &filter),
            model: Arc::clone(&self.model),
            order,
            sort,
            filter,
        }
    }

    fn hash(&self, row: usize) -> Option<ProTxHash> {
        Some(self.model.row(*self.shown.get(row)? as usize).hash())
    }

    fn hashes(&self) -> impl Iterator<Item = ProTxHash> {
        self.shown.iter().map(|row| self.model.row(*row as usize).hash())
    }

    fn position(&self, hash: ProTxHash) -> Option<usize> {
        let place = self.model.place(hash)? as u32;
        self.shown.iter().position(|row| *row == place)
    }

    fn all_ticked(&self, ticked: &HashSet<ProTxHash>) -> bool {
        ticked.len() >= self.shown.len() && !self.shown.is_empty() && self.hashes().all(|hash| ticked.contains(&hash))
    }
}
