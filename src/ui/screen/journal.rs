//! What was begun here, how far it got, and going on with what is unfinished.

use iced::widget::{column, row, space};
use iced::{Element, Length, Task, task};

use crate::flow::{self, Ports, Step, resume};
use crate::store::journal::{Event, JournalError, Operation, State as Progressed};
use crate::ui::format;
use crate::ui::theme::{Gap, Tone};
use crate::ui::widget::{
    Progress, badge, body, card, copy_row, error_notice, heading, help, info, key_element, key_value, muted, page,
    panel, primary_button, progress_list, secondary_button, strong, success, table_header, table_row, text_button,
    warning,
};
use crate::ui::work::blocking;

const NUMBER: Length = Length::Fixed(48.0);
const STATE: Length = Length::Fixed(110.0);
const WHEN: Length = Length::Fixed(150.0);

pub struct Journal {
    state: State,
    open: Option<i64>,
    run: Option<Run>,
}

enum State {
    Loading,
    Listed(Vec<Operation>),
    Failed(JournalError),
}

/// An operation being resumed.
struct Run {
    id: i64,
    steps: Vec<Step>,
    end: End,
}

enum End {
    Running { _task: task::Handle },
    Done(Box<resume::Outcome>),
    Failed(flow::Error),
}

#[derive(Debug, Clone)]
pub enum Message {
    Refresh,
    Read(Result<Vec<Operation>, JournalError>),
    Open(i64),
    Back,
    Resume(i64),
    Stepped(i64, Step),
    Resumed(i64, Result<Box<resume::Outcome>, flow::Error>),
    /// Stops the run; possible before the point of no return only.
    Stop,
    Copy(String),
    /// An operation somebody else began.
    Complete,
}

pub enum Action {
    None,
    Run(Task<Message>),
    /// Opens what completes an operation from a file.
    Complete,
}

impl Journal {
    pub fn new(ports: &Ports) -> (Self, Task<Message>) {
        let screen = Self {
            state: State::Loading,
            open: None,
            run: None,
        };
        (screen, read(ports))
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Action {
        match message {
            Message::Refresh => return Action::Run(read(ports)),
            Message::Read(Ok(operations)) => self.state = State::Listed(operations),
            Message::Read(Err(error)) => self.state = State::Failed(error),
            Message::Open(id) => self.open = Some(id),
            Message::Back => self.open = None,
            Message::Resume(id) => return self.resume(ports, id),
            Message::Stepped(id, step) => {
                if let Some(run) = self.run.as_mut().filter(|run| run.id == id) {
                    run.steps.push(step);
                }
            }
            Message::Resumed(id, result) => return self.resumed(ports, id, result),
            Message::Stop => return self.stop(ports),
            Message::Copy(text) => return Action::Run(iced::clipboard::write(text)),
            Message::Complete => return Action::Complete,
        }
        Action::None
    }

    fn resume(&mut self, ports: &Ports, id: i64) -> Action {
        if self.is_running() {
            return Action::None;
        }
        let flow = resume::resume(ports.clone(), id);
        let done = move |result: Result<resume::Outcome, flow::Error>| Message::Resumed(id, result.map(Box::new));
        let (task, handle) = Task::sip(flow, move |step| Message::Stepped(id, step), done).abortable();
        self.run = Some(Run {
            id,
            steps: Vec::new(),
            end: End::Running {
                _task: handle.abort_on_drop(),
            },
        });
        Action::Run(task)
    }

    fn resumed(&mut self, ports: &Ports, id: i64, result: Result<Box<resume::Outcome>, flow::Error>) -> Action {
        if let Some(run) = self.run.as_mut().filter(|run| run.id == id) {
            run.end = match result {
                Ok(outcome) => End::Done(outcome),
                Err(error) => End::Failed(error),
            };
        }
        Action::Run(read(ports))
    }

    fn stop(&mut self, ports: &Ports) -> Action {
        if self.run.as_ref().is_some_and(Run::can_stop) {
            self.run = None;
        }
        Action::Run(read(ports))
    }

    pub fn is_running(&self) -> bool {
        self.run
            .as_ref()
            .is_some_and(|run| matches!(run.end, End::Running { .. }))
    }

    /// True while Esc goes back to the list.
    pub fn has_open(&self) -> bool {
        self.open.is_some()
    }

    pub fn view<'a>(&'a self, ports: &'a Ports) -> Element<'a, Message> {
        let operations = match &self.state {
            State::Listed(operations) => operations,
            State::Loading => return page("Journal", space(), card(muted("Reading the journal…"))),
            State::Failed(error) => return page("Journal", actions(), error_notice(error)),
        };
        match self
            .open
            .and_then(|id| operations.iter().find(|operation| operation.id == id))
        {
            Some(operation) => self.details(operation, ports),
            None => page("Journal", actions(), list(operations)),
        }
    }

    fn details<'a>(&'a self, operation: &'a Operation, ports: &'a Ports) -> Element<'a, Message> {
        let run = self.run.as_ref().filter(|run| run.id == operation.id);
        let mut parts = column![].spacing(Gap::M);
        parts = match run {
            Some(run) => parts.push(run.view()),
            None => parts.push(offer(operation, &ports.profile.name)),
        };
        parts = parts.push(panel("Operation", facts(operation)));
        parts = parts.push(panel("What happened", events(operation)));
        let name = format!("{} {}", kind_name(&operation.kind), operation.id);
        page(
            name,
            secondary_button("Back to the list").on_press(Message::Back),
            parts,
        )
    }
}

impl Run {
    /// Before the transaction may have left this computer.
    fn can_stop(&self) -> bool {
        let sent = |step: &Step| {
            matches!(
                step,
                Step::Broadcasting { .. } | Step::WaitingForBlock { .. } | Step::Mined { .. }
            )
        };
        matches!(self.end, End::Running { .. }) && !self.steps.iter().any(sent)
    }

    fn view(&self) -> Element<'_, Message> {
        let running = matches!(self.end, End::Running { .. });
        let last = self.steps.len().saturating_sub(1);
        let lines = self.steps.iter().enumerate().map(|(at, step)| {
            let state = if running && at == last {
                Progress::Now
            } else {
                Progress::Done
            };
            (state, crate::ui::advice::sentence(&step.sentence()))
        });
        let mut content = column![progress_list(lines)].spacing(Gap::M);
        content = match &self.end {
            End::Running { .. } if self.can_stop() => content.push(secondary_button("Stop").on_press(Message::Stop)),
            End::Running { .. } => content.push(help("It is sent and cannot be called back.")),
            End::Done(outcome) => content
                .push(success(format!("Done in block {}.", format::height(outcome.height))))
                .push(copy_row("Transaction", outcome.txid.to_string(), Message::Copy)),
            End::Failed(error) => content
                .push(error_notice(error))
                .push(primary_button("Resume").on_press(Message::Resume(self.id))),
        };
        panel("Going on", content).into()
    }
}

fn read(ports: &Ports) -> Task<Message> {
    let journal = std::sync::Arc::clone(&ports.journal);
    blocking(move || journal.list(), Message::Read)
}

fn actions<'a>() -> Element<'a, Message> {
    row![
        secondary_button("Refresh").on_press(Message::Refresh),
        secondary_button("Complete an operation from a file").on_press(Message::Complete)
    ]
    .spacing(Gap::S)
    .into()
}

fn list(operations: &[Operation]) -> Element<'_, Message> {
    if operations.is_empty() {
        let words = "Every registration and payment is written down here before anything is sent, so that nothing is lost \
                     when the program, the device or the node stops in between.";
        return card(column![heading("Nothing was begun yet"), muted(words)].spacing(Gap::S)).into();
    }
    let header = table_header([
        ("No.", NUMBER),
        ("Operation", Length::Fill),
        ("State", STATE),
        ("Begun", WHEN),
    ]);
    let rows = operations.iter().map(line);
    card(column![header].extend(rows)).padding(0).into()
}

fn line(operation: &Operation) -> Element<'_, Message> {
    let (word, tone) = state_word(operation.state());
    let what = column![strong(kind_name(&operation.kind)), help(operation.network.as_str())].spacing(2);
    table_row([
        (body(operation.id.to_string()).into(), NUMBER),
        (what.into(), Length::Fill),
        (badge(word, tone).into(), STATE),
        (help(format::date_time(operation.created)).into(), WHEN),
    ])
    .on_press(Message::Open(operation.id))
    .into()
}

/// What can be done with it now.
fn offer<'a>(operation: &'a Operation, network: &str) -> Element<'a, Message> {
    let resume = || primary_button("Resume").on_press(Message::Resume(operation.id));
    match operation.state() {
        Progressed::Mined => success("It is in the chain; nothing is left to do.").into(),
        Progressed::Cancelled => info("It was cancelled before anything was sent.").into(),
        _ if operation.network != network => warning(format!(
            "It belongs to {}: connect to that network to go on.",
            operation.network
        ))
        .into(),
        Progressed::Failed => column![
            warning("It failed; it can be tried again from where it stopped."),
            resume()
        ]
        .spacing(Gap::S)
        .into(),
        _ if operation.is_past_no_return() => {
            let words = "Its transaction may have been sent. Going on asks the node for it, sends it again if it is unknown, and waits for the block.";
            column![warning(words), resume()].spacing(Gap::S).into()
        }
        _ => column![warning("It is unfinished. Nothing was sent yet."), resume()]
            .spacing(Gap::S)
            .into(),
    }
}

fn facts(operation: &Operation) -> Element<'_, Message> {
    let (word, tone) = state_word(operation.state());
    let mut lines = column![
        key_element("State", row![badge(word, tone)]),
        key_value("Network", operation.network.as_str()),
        key_value("Begun", format::date_time(operation.created)),
    ]
    .spacing(Gap::S);
    if let Some((txid, hex)) = operation.finished() {
        let size = format!("{} bytes", hex.len() / 2);
        lines = lines.push(copy_row("Transaction", txid.to_string(), Message::Copy));
        let copy = text_button("Copy").on_press(Message::Copy(hex.to_owned()));
        lines = lines.push(key_element(
            "Signed transaction",
            row![body(size).width(Length::Fill), copy],
        ));
    }
    lines.into()
}

fn events(operation: &Operation) -> Element<'_, Message> {
    let lines = operation.events.iter().map(|entry| {
        row![
            help(format::date_time(entry.at)).width(WHEN),
            body(event_sentence(&entry.event)).width(Length::Fill)
        ]
        .spacing(Gap::M)
        .into()
    });
    column(lines).spacing(Gap::S).into()
}

fn event_sentence(event: &Event) -> String {
    match event {
        Event::Planned { .. } => "Planned and checked.".to_owned(),
        Event::Signed { what, .. } => format!("Signed: {what}."),
        Event::Finished { txid, .. } => format!("Finished as {}.", format::short_hash(&txid.to_string())),
        Event::Broadcasting => "Sending began.".to_owned(),
        Event::Sent { .. } => "The node took it.".to_owned(),
        Event::Mined { height, .. } => format!("Mined in block {}.", format::height(*height)),
        Event::Failed { reason } => crate::ui::advice::sentence(&format!("failed: {reason}")),
        Event::Cancelled => "Cancelled.".to_owned(),
    }
}

fn state_word(state: Progressed) -> (&'static str, Tone) {
    match state {
        Progressed::Planned => ("Planned", Tone::Info),
        Progressed::Signing => ("Signing", Tone::Info),
        Progressed::Finished => ("Not sent", Tone::Warning),
        Progressed::Broadcasting => ("Maybe sent", Tone::Warning),
        Progressed::Sent => ("Sent", Tone::Info),
        Progressed::Mined => ("Done", Tone::Good),
        Progressed::Failed => ("Failed", Tone::Bad),
        Progressed::Cancelled => ("Cancelled", Tone::Neutral),
    }
}

fn kind_name(kind: &str) -> &str {
    match kind {
        "register" => "Registration",
        "update-service" => "Service update",
        "update-registrar" => "Update by the owner",
        "revoke" => "Revocation",
        "fund" | "send" => "Payment",
        "collateral" => "Collateral",
        other => other,
    }
}
