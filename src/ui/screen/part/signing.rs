//! Signing, verifying, sending and awaiting whatever was reviewed. It can be stopped until it is being sent.

use iced::task::Handle;
use iced::widget::{column, row, text};
use iced::{Element, Length, Task};

use super::context::Look;
use crate::flow::choice::OneUse;
use crate::flow::operation::{self, Kind, Operation};
use crate::flow::resume::resume;
use crate::flow::{Error, Ports, Step, register, update};
use crate::hw::{self, DeviceError};
use crate::protocol::{ProTxHash, Txid};
use crate::rpc::RpcError;
use crate::store::journal::Event;
use crate::ui::theme::{Gap, MONO};
use crate::ui::widget::{
    Progress, body, card, error_notice, fact_copied, heading, info, mono, muted, panel, primary_button, progress_list,
    secondary_button, warning,
};
use crate::ui::work::blocking;

/// What is signed.
#[derive(Debug, Clone)]
pub enum Job {
    Register(Box<register::Plan>),
    Update(Box<update::Plan>),
    /// It came from a file; it may bring signatures along.
    Operation(Box<Operation>, Option<OneUse>),
}

impl Job {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Register(_) => Kind::Register,
            Self::Update(plan) => plan.operation.kind,
            Self::Operation(operation, _) => operation.kind,
        }
    }

    /// What is signed, but for a registration planned here.
    pub fn operation(&self) -> Option<&Operation> {
        match self {
            Self::Register(_) => None,
            Self::Update(plan) => Some(&plan.operation),
            Self::Operation(operation, _) => Some(operation),
        }
    }

    /// The masternode it changes; a new one is named after its transaction.
    fn subject(&self) -> Option<ProTxHash> {
        match self {
            Self::Register(_) => None,
            Self::Update(plan) => Some(plan.pro_tx_hash),
            Self::Operation(operation, _) => operation.pro_tx_hash(),
        }
    }

    /// A key that the journal cannot ask for again takes part.
    fn has_pasted_key(&self) -> bool {
        match self {
            Self::Register(_) => false,
            Self::Update(plan) => plan.once.is_some(),
            Self::Operation(_, once) => once.is_some(),
        }
    }

    /// What happens, in its order. The signature of the role is second.
    fn stages(&self) -> [&'static str; 6] {
        let (signature, block) = match self.kind() {
            Kind::Register => (
                "You confirm the message on the device, and its signature is checked",
                "A block registers the masternode",
            ),
            Kind::UpdateRegistrar => ("The owner key signs the payload", "A block brings it into effect"),
            Kind::UpdateService | Kind::Revoke => {
                ("The operator key signs the payload", "A block brings it into effect")
            }
        };
        [
            "The plan is kept in the journal",
            signature,
            "The fee inputs are signed by a key of the vault",
            "Everything is read back from the final bytes and checked again",
            "The transaction is sent",
            block,
        ]
    }
}

pub struct Signing {
    job: Job,
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
    Ended(u64, Result<Finished, Error>),
    Retry,
    Stop,
    /// The journal has it.
    GivenUp,
    Copy(String),
}

/// A transaction in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The masternode it made or changed.
    pub pro_tx_hash: ProTxHash,
    pub txid: Txid,
    /// Of its block.
    pub height: u32,
}

pub enum Action {
    None,
    Run(Task<Message>),
    /// Nothing was sent: back to the plan.
    Review(Job, Task<Message>),
    Finished(Job, Finished),
}

impl Signing {
    pub fn start(ports: &Ports, job: Job) -> (Self, Task<Message>) {
        let (task, handle) = begin(ports, job.clone(), 0);
        (
            Self {
                job,
                steps: Vec::new(),
                state: State::Running { _task: handle },
                run: 0,
            },
            task,
        )
    }

    /// From here the window can be closed, but nothing can be called back. What the node refused was not sent.
    pub fn is_sent(&self) -> bool {
        let refused = matches!(&self.state, State::Stopped(Error::Node(RpcError::Rejected { .. })));
        is_sent(&self.steps) && !refused
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Action {
        match message {
            Message::Stepped(run, step) if run == self.run => record(&mut self.steps, step),
            Message::Ended(run, Ok(finished)) if run == self.run => {
                return Action::Finished(self.job.clone(), finished);
            }
            Message::Ended(run, Err(error)) if run == self.run => self.state = State::Stopped(error),
            Message::Stepped(..) | Message::Ended(..) => {}
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
            Some(id) if self.is_signed() || !self.job.has_pasted_key() => {
                go_on(ports, id, self.job.subject(), self.run)
            }
            _ => begin(ports, self.job.clone(), self.run),
        };
        // What was sent once stays sent, however the next attempt ends; and it is still the same operation.
        self.steps.retain(|step| {
            matches!(
                step,
                Step::Planned { .. } | Step::PayloadSigned { .. } | Step::Broadcasting { .. }
            )
        });
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
        Action::Review(self.job.clone(), note)
    }

    /// The journal has the signature under the payload.
    fn is_signed(&self) -> bool {
        let signed = |step: &Step| matches!(step, Step::PayloadSigned { .. } | Step::Broadcasting { .. });
        self.steps.iter().any(signed)
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
            State::Stopped(error) => parts = parts.push(self.stopped(error)),
        }
        if self.is_sent() {
            parts = parts.push(self.sent());
        }
        super::page_of(parts.push(panel("Progress", progress_list(self.lines()))))
    }

    /// What the user has to do or to know now.
    fn now<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        match self.steps.last() {
            None | Some(Step::Planned { .. }) if self.job.kind() == Kind::Register => {
                muted("Getting the device ready.").into()
            }
            None => muted("Beginning.").into(),
            Some(Step::ConfirmMessage {
                device,
                text,
                hash,
                address,
            }) => confirm(look, *device, text, hash, address),
            Some(step) => {
                let device = look.device_name();
                let words = match (step, self.job.kind()) {
                    (Step::WaitingForBlock { .. }, Kind::Register) => {
                        "It is sent. The next block registers the masternode; you can look at other pages meanwhile."
                            .to_owned()
                    }
                    (Step::WaitingForBlock { .. }, _) => {
                        "It is sent; the next block brings it into effect. The journal has it, so you can also leave \
                         this page."
                            .to_owned()
                    }
                    (Step::Broadcasting { .. }, _) => "It is being sent to the node.".to_owned(),
                    (_, Kind::Register) => format!("The {device} is done. You can put it away."),
                    _ => "The keys of the vault sign it.".to_owned(),
                };
                info(words).into()
            }
        }
    }

    fn stopped<'a>(&'a self, error: &'a Error) -> Element<'a, Message> {
        if is_declined(error) {
            return info(
                "You declined on the device. Nothing was signed and nothing was sent; you can try again whenever you like.",
            )
            .into();
        }
        let mut parts = column![error_notice(error)].spacing(Gap::M);
        if self.is_sent() {
            let twice = match self.job.kind() {
                Kind::Register => "register twice",
                _ => "change anything twice",
            };
            parts = parts.push(warning(format!(
                "The transaction may have reached the node. It is kept in the journal; trying again sends the same one and cannot {twice}."
            )));
        }
        parts.into()
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
        self.job.stages().into_iter().enumerate().map(move |(at, words)| {
            let state = match at.cmp(&reached) {
                std::cmp::Ordering::Less => Progress::Done,
                std::cmp::Ordering::Equal if failed => Progress::Failed,
                std::cmp::Ordering::Equal => Progress::Now,
                std::cmp::Ordering::Greater => Progress::Next,
            };
            (state, words.to_owned())
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

/// Signs and sends.
fn begin(ports: &Ports, job: Job, run: u64) -> (Task<Message>, Handle) {
    let done = move |result: Result<operation::Outcome, Error>| {
        let finished = result.map(|outcome| Finished {
            pro_tx_hash: outcome.pro_tx_hash,
            txid: outcome.txid,
            height: outcome.height,
        });
        Message::Ended(run, finished)
    };
    let (ports, stepped) = (ports.clone(), move |step| Message::Stepped(run, step));
    abort_on_drop(match job {
        Job::Register(plan) => Task::sip(register::register(ports, *plan), stepped, done),
        Job::Update(plan) => Task::sip(update::update(ports, *plan), stepped, done),
        Job::Operation(operation, once) => Task::sip(operation::run(ports, *operation, once), stepped, done),
    })
}

/// Goes on with what the journal knows.
fn go_on(ports: &Ports, id: i64, subject: Option<ProTxHash>, run: u64) -> (Task<Message>, Handle) {
    let done = move |result: Result<crate::flow::resume::Outcome, Error>| {
        let finished = result.map(|outcome| Finished {
            pro_tx_hash: subject.unwrap_or(outcome.txid),
            txid: outcome.txid,
            height: outcome.height,
        });
        Message::Ended(run, finished)
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

/// Keeps the steps; of a row of new heights, or of how far a device is, only the last one.
pub fn record(steps: &mut Vec<Step>, step: Step) {
    if let (Some(Step::WaitingForBlock { .. }), Step::WaitingForBlock { .. })
    | (Some(Step::DeviceWorks(_)), Step::DeviceWorks(_)) = (steps.last(), &step)
    {
        steps.pop();
    }
    steps.push(step);
}

/// The point of no return lies behind.
pub fn is_sent(steps: &[Step]) -> bool {
    steps.iter().any(|step| matches!(step, Step::Broadcasting { .. }))
}

/// How many of the stages are over.
fn reached(steps: &[Step]) -> usize {
    let over = |step: &Step| match step {
        Step::Planned { .. }
        | Step::ConfirmMessage { .. }
        | Step::ConfirmAddress { .. }
        | Step::ConfirmPayment { .. }
        | Step::DeviceWorks(_) => 1,
        Step::DeviceSigned | Step::PayloadSigned { .. } => 2,
        Step::InputsSigned { .. } => 3,
        Step::Verified { .. } | Step::Broadcasting { .. } => 4,
        Step::WaitingForBlock { .. } => 5,
        Step::Mined { .. } => 6,
    };
    steps.iter().map(over).max().unwrap_or(0)
}

pub fn is_declined(error: &Error) -> bool {
    matches!(error, Error::Device(DeviceError::Declined))
}

fn confirm<'a>(
    look: &Look<'a>,
    device: hw::Kind,
    text: &'a str,
    hash: &'a str,
    address: &'a str,
) -> Element<'a, Message> {
    let (line, shown, otherwise) = match device {
        hw::Kind::Ledger => (
            "The Ledger shows “Sign message” and this message hash. Compare every digit; then choose “Sign message” there.",
            hash_block(hash),
            "If the hash on the screen is another one, choose “Cancel signature”.",
        ),
        hw::Kind::Trezor => (
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
    if let Some(told) = look.told {
        parts = parts.push(info(format!("It waits for you now: {}.", told.sentence())));
    }
    if look.sandbox {
        parts = parts.push(info(format!(
            "This is the sandbox: its {device} is drawn at the right of the window. Approve or reject there."
        )));
    }
    card(parts).into()
}

/// A hash in groups that can be compared by eye, as many to a line as are read without losing the place.
pub fn hash_block<'a, M: 'a>(hash: &str) -> Element<'a, M> {
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
