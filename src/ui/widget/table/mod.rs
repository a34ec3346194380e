//! A table of any number of rows: only the ones in sight are asked for and drawn, so 100,000 cost what 100 do.
//!
//! The header stays, a click on it sorts; a row is opened by a click or Enter, the arrow keys, Page, Home and End move. What is
//! sorted, ticked and scrolled is kept by who shows the table; it only says what was asked for.

mod draw;
mod fit;
mod geometry;
mod input;

use iced::advanced::widget::{Id, Operation, Tree, operation::Focusable, tree};
use iced::advanced::{Clipboard, Layout, Shell, Widget, layout, mouse, renderer};
use iced::{Element, Event, Length, Rectangle, Renderer, Size, Theme, Vector};

use crate::ui::theme::Tone;
use geometry::{Geometry, Hit};
pub use geometry::{HEADER, ROW};
use input::Drag;

/// A column; its cells come from [`Rows::cell`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Column {
    pub title: &'static str,
    /// In logical pixels; it is never narrower.
    pub width: f32,
    /// Its share of what is left; 0 keeps the width.
    pub grow: f32,
    pub align: Align,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    /// Numbers, so that their digits are below each other.
    Right,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

/// One place of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub text: String,
    pub look: Look,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Plain,
    Strong,
    Muted,
    /// Hashes, addresses, keys.
    Mono,
    Toned(Tone),
    /// A dot of the colour, and the word in it.
    State(Tone),
}

impl Cell {
    pub fn new(text: impl Into<String>, look: Look) -> Self {
        Self {
            text: text.into(),
            look,
        }
    }
}

/// What a table shows. Asked for the rows in sight only, in every frame: answers are to be at hand.
pub trait Rows {
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn cell(&self, row: usize, column: usize) -> Cell;

    /// Stands out among the others: one's own.
    fn is_marked(&self, _row: usize) -> bool {
        false
    }

    fn is_ticked(&self, _row: usize) -> bool {
        false
    }
}

/// What was done to the boxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tick {
    One(usize),
    /// From the row ticked before to this one.
    To(usize),
    /// The box in the header.
    All,
}

type On<'a, T, M> = Option<Box<dyn Fn(T) -> M + 'a>>;

/// The widget; make it with [`table`].
pub struct Table<'a, M> {
    id: Option<Id>,
    columns: Vec<Column>,
    rows: Box<dyn Rows + 'a>,
    sorted: Option<(usize, Direction)>,
    all_ticked: bool,
    current: Option<usize>,
    offset: Vector,
    on_sort: On<'a, usize, M>,
    on_open: On<'a, usize, M>,
    on_tick: On<'a, Tick, M>,
    on_move: On<'a, usize, M>,
    on_scroll: On<'a, Vector, M>,
    on_copy: Option<M>,
}

/// What a table remembers between two views.
#[derive(Debug, Default)]
struct State {
    focused: bool,
    /// As it is now; the owner hears of it and says it back in the next view.
    offset: Vector,
    /// The offset of the last view: another one means that the owner scrolled.
    given: Vector,
    hover: Option<Hit>,
    pressed: Option<Hit>,
    drag: Option<Drag>,
    modifiers: iced::keyboard::Modifiers,
    widths: fit::Widths,
}

impl Focusable for State {
    fn is_focused(&self) -> bool {
        self.focused
    }

    fn focus(&mut self) {
        self.focused = true;
    }

    fn unfocus(&mut self) {
        self.focused = false;
    }
}

/// Rows under columns. It fills its place.
pub fn table<'a, M>(columns: Vec<Column>, rows: impl Rows + 'a) -> Table<'a, M> {
    Table {
        id: None,
        columns,
        rows: Box::new(rows),
        sorted: None,
        all_ticked: false,
        current: None,
        offset: Vector::ZERO,
        on_sort: None,
        on_open: None,
        on_tick: None,
        on_move: None,
        on_scroll: None,
        on_copy: None,
    }
}

impl<'a, M> Table<'a, M> {
    pub fn id(mut self, id: impl Into<Id>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The column whose header has an arrow.
    pub fn sorted(mut self, sorted: Option<(usize, Direction)>) -> Self {
        self.sorted = sorted;
        self
    }

    /// The row the keys move from.
    pub fn current(mut self, current: Option<usize>) -> Self {
        self.current = current;
        self
    }

    /// How far it is scrolled, as [`Table::on_scroll`] told last.
    pub fn offset(mut self, offset: Vector) -> Self {
        self.offset = offset;
        self
    }

    pub fn on_sort(mut self, message: impl Fn(usize) -> M + 'a) -> Self {
        self.on_sort = Some(Box::new(message));
        self
    }

    pub fn on_open(mut self, message: impl Fn(usize) -> M + 'a) -> Self {
        self.on_open = Some(Box::new(message));
        self
    }

    /// Gives every row a box to tick, and the header one for all.
    pub fn on_tick(mut self, all_ticked: bool, message: impl Fn(Tick) -> M + 'a) -> Self {
        self.all_ticked = all_ticked;
        self.on_tick = Some(Box::new(message));
        self
    }

    pub fn on_move(mut self, message: impl Fn(usize) -> M + 'a) -> Self {
        self.on_move = Some(Box::new(message));
        self
    }

    pub fn on_scroll(mut self, message: impl Fn(Vector) -> M + 'a) -> Self {
        self.on_scroll = Some(Box::new(message));
        self
    }

    /// Said at Ctrl+C.
    pub fn on_copy(mut self, message: M) -> Self {
        self.on_copy = Some(message);
        self
    }

    fn geometry(&self, bounds: Rectangle) -> Geometry {
        Geometry::new(bounds, &self.columns, self.on_tick.is_some(), self.rows.len())
    }
}

impl<M: Clone> Widget<M, Theme, Renderer> for Table<'_, M> {
    fn tag(&self) -> tree::Tag {
        tree::Tag::of::<State>()
    }

    fn state(&self) -> tree::State {
        tree::State::new(State {
            offset: self.offset,
            given: self.offset,
            ..State::default()
        })
    }

    fn diff(&self, tree: &mut Tree) {
        let state = tree.state.downcast_mut::<State>();
        if state.given != self.offset {
            (state.given, state.offset) = (self.offset, self.offset);
        }
    }

    fn size(&self) -> Size<Length> {
        Size::new(Length::Fill, Length::Fill)
    }

    fn layout(&mut self, _: &mut Tree, _: &Renderer, limits: &layout::Limits) -> layout::Node {
        layout::atomic(limits, Length::Fill, Length::Fill)
    }

    fn operate(&mut self, tree: &mut Tree, layout: Layout<'_>, _: &Renderer, operation: &mut dyn Operation) {
        let state = tree.state.downcast_mut::<State>();
        operation.focusable(self.id.as_ref(), layout.bounds(), state);
        operation.container(self.id.as_ref(), layout.bounds());
        let geometry = self.geometry(layout.bounds());
        let offset = geometry.clamp(state.offset);
        operation.traverse(&mut |operation| self.tell(&geometry, offset, operation));
    }

    fn update(
        &mut self,
        tree: &mut Tree,
        event: &Event,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        _: &Renderer,
        _: &mut dyn Clipboard,
        shell: &mut Shell<'_, M>,
        _: &Rectangle,
    ) {
        let state = tree.state.downcast_mut::<State>();
        self.heard(state, event, &self.geometry(layout.bounds()), cursor, shell);
    }

    fn mouse_interaction(
        &self,
        tree: &Tree,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        _: &Rectangle,
        _: &Renderer,
    ) -> mouse::Interaction {
        let geometry = self.geometry(layout.bounds());
        let offset = geometry.clamp(tree.state.downcast_ref::<State>().offset);
        let hit = cursor.position().and_then(|point| geometry.hit(point, offset));
        match hit {
            Some(Hit::Header(_)) if self.on_sort.is_some() => mouse::Interaction::Pointer,
            Some(Hit::Row(_)) if self.on_open.is_some() => mouse::Interaction::Pointer,
            Some(Hit::Box(_) | Hit::AllBox) => mouse::Interaction::Pointer,
            _ => mouse::Interaction::default(),
        }
    }

    fn draw(
        &self,
        tree: &Tree,
        renderer: &mut Renderer,
        theme: &Theme,
        _: &renderer::Style,
        layout: Layout<'_>,
        _: mouse::Cursor,
        viewport: &Rectangle,
    ) {
        let state = tree.state.downcast_ref::<State>();
        if layout.bounds().intersects(viewport) {
            self.paint(state, &self.geometry(layout.bounds()), renderer, theme);
        }
    }
}

impl<'a, M: Clone + 'a> From<Table<'a, M>> for Element<'a, M> {
    fn from(table: Table<'a, M>) -> Self {
        Element::new(table)
    }
}
