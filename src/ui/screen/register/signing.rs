//! Step 8: the device is asked, everything is verified, sent and awaited. It can be stopped until it is being sent.

use iced::task::Handle;
use iced::widget::{column, row, text};
use iced::{Element, Length, Task};

use super::context::Look;
use crate::flow::register::{Plan, register};
use crate::flow::resume::resume;
use crate::flow::{Error, Ports, Step};
use crate::hw::{DeviceError, Kind};
use crate::protocol::ProTxHash;
use crate::store::journal::Event;
use crate::ui::theme::{Gap, MONO};
use crate::ui::widget::{
    Progress, body, card, error_notice, fact_copied, heading, info, mono, muted, panel, primary_button, progress_list,
    secondary_button, warning,
};
use crate::ui::work::blocking;

pub struct Signing {
    plan: Box<Plan>,
    steps: Vec<Step>,
    state: State,
    run: u64,
}

enum State {
    Running { _task: Handle },
    Stopped(Error),
}

#[derive(Debug, Clone)]
pub enum Message {
    Stepped(u64, Step),
    Registered(u64, Result<Finished, Error>),
    Retry,
    Stop,
    /// The journal has it.
    GivenUp,
    Copy(String),
}

/// A registration in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    pub pro_tx_hash: ProTxHash,
    /// Of its block.
    pub height: u32,
}

pub enum Action {
    None,
    Run(Task<Message>),
    /// Nothing was sent: back to the plan.
    Review(Box<Plan>, Task<Message>),
    Finished(Box<Plan>, Finished),
}

/// What happens, in its order. The device's part is second.
const STAGES: [&str; 6] = [
    "The plan is kept in the journal",
    "You confirm the message on the device, and its signature is checked",
    "The fee inputs are signed by a key of the vault",
    "Everything is read back from the final bytes and checked again",
    "The transaction is sent",
    "A block registers the masternode",
];

impl Signing {
    pub fn start(ports: &Ports, plan: Box<Plan>) -> (Self, Task<Message>) {
        let (task, handle) = begin(ports, &plan, 0);
        (
            Self {
                plan,
                steps: Vec::new(),
                state: State::Running { _task: handle },
                run: 0,
            },
            task,
        )
    }

    /// From here the window can be closed, but nothing can be called back.
    pub fn is_sent(&self) -> bool {
        is_sent(&self.steps)
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Action {
        match message {
            Message::Stepped(run, step) if run == self.run => record(&mut self.steps, step),
            Message::Registered(run, Ok(finished)) if run == self.run => {
                return Action::Finished(self.plan.clone(), finished);
            }
            Message::Registered(run, Err(error)) if run == self.run => self.state = State::Stopped(error),
            Message::Stepped(..) | Message::Registered(..) => {}
            Message::Retry => return self.retry(ports),
            Message::Stop => return self.stop(ports),
            Message::GivenUp => {}
            Message::Copy(text) => return Action::Run(iced::clipboard::write(text)),
        }
        Action::None
    }

    /// The journal knows how to go on; only what was never written down begins anew.
    fn retry(&mut self, ports: &Ports) -> Action {
        if !matches!(self.state, State::Stopped(_)) {
            return Action::None;
        }
        self.run += 1;
        let (task, handle) = match self.operation() {
            Some(id) => go_on(ports, id, self.run),
            None => begin(ports, &self.plan, self.run),
        };
        // What was sent once stays sent, however the next attempt ends; and it is still the same operation.
        self.steps
            .retain(|step| matches!(step, Step::Planned { .. } | Step::Broadcasting { .. }));
        self.state = State::Running { _task: handle };
        Action::Run(task)
    }

    /// Back to the plan; what was running or stopped is dropped, and the journal knows that it was given up.
    fn stop(&mut self, ports: &Ports) -> Action {
        if self.is_sent() {
            return Action::None;
        }
        let note = match self.operation() {
            Some(id) => given_up(ports, id),
            None => Task::none(),
        };
        Action::Review(self.plan.clone(), note)
    }

    fn operation(&self) -> Option<i64> {
        self.steps.iter().find_map(|step| match step {
            Step::Planned { id } => Some(*id),
            _ => None,
        })
    }

    pub fn view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let mut parts = column![].spacing(Gap::L);
        match &self.state {
            State::Running { .. } => parts = parts.push(self.now(look)),
            State::Stopped(error) => parts = parts.push(stopped(error, self.is_sent())),
        }
        if self.is_sent() {
            parts = parts.push(self.sent());
        }
        super::part::page_of(parts.push(panel("Progress", progress_list(self.lines()))))
    }

    /// What the user has to do or to know now.
    fn now<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        match self.steps.last() {
            None | Some(Step::Planned { .. }) => muted("Getting the device ready.").into(),
            Some(Step::ConfirmMessage {
                device,
                text,
                hash,
                address,
            }) => confirm(look, *device, text, hash, address),
            Some(step) => {
                let device = look.device.unwrap_or("device");
                let words = match step {
                    Step::WaitingForBlock { .. } => {
                        "It is sent. The next block registers the masternode; you can look at other pages meanwhile."
                            .to_owned()
                    }
                    Step::Broadcasting { .. } => "It is being sent to the node.".to_owned(),
                    _ => format!("The {device} is done. You can put it away."),
                };
                info(words).into()
            }
        }
    }

    fn sent(&self) -> Element<'_, Message> {
        let txid = self.steps.iter().find_map(|step| match step {
            Step::Broadcasting { txid } => Some(txid.to_string()),
            _ => None,
        });
        card(fact_copied("Transaction", txid.unwrap_or_default(), "", Message::Copy)).into()
    }

    fn lines(&self) -> impl Iterator<Item = (Progress, String)> {
        let reached = reached(&self.steps);
        let failed = matches!(&self.state, State::Stopped(error) if !is_declined(error));
        STAGES.iter().enumerate().map(move |(at, words)| {
            let state = match at.cmp(&reached) {
                std::cmp::Ordering::Less => Progress::Done,
                std::cmp::Ordering::Equal if failed => Progress::Failed,
                std::cmp::Ordering::Equal => Progress::Now,
                std::cmp::Ordering::Greater => Progress::Next,
            };
            (state, (*words).to_owned())
        })
    }

    /// Left and right end of the bar.
    pub fn buttons<'a>(&self) -> (Element<'a, Message>, Element<'a, Message>) {
        let stop = |name: &'a str| secondary_button(name).on_press_maybe((!self.is_sent()).then_some(Message::Stop));
        match &self.state {
            State::Running { .. } => (stop("Cancel").into(), row![].into()),
            State::Stopped(_) => {
                let again = primary_button("Try again").on_press(Message::Retry);
                (row![].into(), row![stop("Back"), again].spacing(Gap::S).into())
            }
        }
    }
}

/// Writes down that an operation was given up. If that fails it merely stays unfinished in the list.
fn given_up(ports: &Ports, id: i64) -> Task<Message> {
    let (journal, now) = (ports.journal.clone(), ports.now());
    blocking(move || journal.record(id, &Event::Cancelled, now), |_| Message::GivenUp)
}

/// Signs and sends a plan.
fn begin(ports: &Ports, plan: &Plan, run: u64) -> (Task<Message>, Handle) {
    let done = move |result: Result<crate::flow::register::Outcome, Error>| {
        let finished = result.map(|outcome| Finished {
            pro_tx_hash: outcome.pro_tx_hash,
            height: outcome.height,
        });
        Message::Registered(run, finished)
    };
    let flow = register(ports.clone(), plan.clone());
    abort_on_drop(Task::sip(flow, move |step| Message::Stepped(run, step), done))
}

/// Goes on with what the journal knows.
fn go_on(ports: &Ports, id: i64, run: u64) -> (Task<Message>, Handle) {
    let done = move |result: Result<crate::flow::resume::Outcome, Error>| {
        let finished = result.map(|outcome| Finished {
            pro_tx_hash: outcome.txid,
            height: outcome.height,
        });
        Message::Registered(run, finished)
    };
    abort_on_drop(Task::sip(
        resume(ports.clone(), id),
        move |step| Message::Stepped(run, step),
        done,
    ))
}

fn abort_on_drop(task: Task<Message>) -> (Task<Message>, Handle) {
    let (task, handle) = task.abortable();
    (task, handle.abort_on_drop())
}

/// Keeps the steps; of a row of new heights only the last one.
pub(super) fn record(steps: &mut Vec<Step>, step: Step) {
    if let (Some(Step::WaitingForBlock { .. }), Step::WaitingForBlock { .. }) = (steps.last(), &step) {
        steps.pop();
    }
    steps.push(step);
}

/// The point of no return lies behind.
pub(super) fn is_sent(steps: &[Step]) -> bool {
    steps.iter().any(|step| matches!(step, Step::Broadcasting { .. }))
}

/// How many of the stages are over.
fn reached(steps: &[Step]) -> usize {
    let over = |step: &Step| match step {
        Step::Planned { .. } | Step::ConfirmMessage { .. } | Step::ConfirmPayment { .. } => 1,
        Step::DeviceSigned | Step::PayloadSigned { .. } => 2,
        Step::InputsSigned { .. } => 3,
        Step::Verified { .. } | Step::Broadcasting { .. } => 4,
        Step::WaitingForBlock { .. } => 5,
        Step::Mined { .. } => 6,
    };
    steps.iter().map(over).max().unwrap_or(0)
}

fn is_declined(error: &Error) -> bool {
    matches!(error, Error::Device(DeviceError::Declined))
}

fn confirm<'a>(look: &Look<'a>, device: Kind, text: &'a str, hash: &'a str, address: &'a str) -> Element<'a, Message> {
    let (line, shown, otherwise) = match device {
        Kind::Ledger => (
            "The Ledger shows “Sign message” and this message hash. Compare every digit; then choose “Sign message” there.",
            hash_block(hash),
            "If the hash on the screen is another one, choose “Cancel signature”.",
        ),
        Kind::Trezor => (
            "The Trezor shows this text, page by page. Compare every letter; then confirm it there.",
            mono(text).into(),
            "If the text on the screen is another one, cancel it there.",
        ),
    };
    let mut parts = column![
        heading(format!("Look at the {device}")),
        body(line),
        shown,
        muted(format!(
            "Signed by the key of {address}, which holds the collateral. Nothing is spent by this signature."
        )),
        muted(otherwise),
    ]
    .spacing(Gap::M);
    if look.sandbox && device == Kind::Ledger {
        parts = parts.push(info(
            "This is the sandbox: its Ledger is drawn at the right of the window. Approve or reject there.",
        ));
    }
    card(parts).into()
}

/// A hash in groups that can be compared by eye, as many to a line as are read without losing the place.
pub(super) fn hash_block<'a, M: 'a>(hash: &str) -> Element<'a, M> {
    let lines = groups(hash)
        .into_iter()
        .map(|line| text(line).font(MONO).size(24).into());
    iced::widget::Column::with_children(lines)
        .spacing(Gap::XS)
        .width(Length::Fill)
        .into()
}

/// Four groups of four digits to a line.
fn groups(hash: &str) -> Vec<String> {
    let letters: Vec<char> = hash.chars().collect();
    let group = |letters: &[char]| letters.iter().collect::<String>();
    letters
        .chunks(16)
        .map(|line| line.chunks(4).map(group).collect::<Vec<_>>().join(" "))
        .collect()
}

fn stopped<'a>(error: &'a Error, sent: bool) -> Element<'a, Message> {
    if is_declined(error) {
        return info(
            "You declined on the device. Nothing was signed and nothing was sent; you can try again whenever you like.",
        )
        .into();
    }
    let mut parts = column![error_notice(error)].spacing(Gap::M);
    if sent {
        parts = parts.push(warning("The transaction may have reached the node. It is kept in the journal; trying again sends the same one and cannot register twice."));
    }
    parts.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_shown_in_groups_of_four() {
        let hash = "0123456789ABCDEF".repeat(4);
        assert_eq!(groups(&hash), vec!["0123 4567 89AB CDEF"; 4]);
    }

    #[test]
    fn of_many_new_heights_the_last_is_kept() {
        use bitcoin::hashes::Hash;
        let txid = bitcoin::Txid::all_zeros();
        let mut steps = vec![Step::Broadcasting { txid }];
        record(&mut steps, Step::WaitingForBlock { txid, height: 7 });
        record(&mut steps, Step::WaitingForBlock { txid, height: 8 });
        assert_eq!(steps.len(), 2);
        assert!(is_sent(&steps) && reached(&steps) == 5);
    }
}
