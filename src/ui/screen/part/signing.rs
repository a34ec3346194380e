//! Signing, verifying, sending and awaiting whatever was reviewed. It can be stopped until it is being sent.

use iced::task::Handle;
use iced::widget::{column, text};
use iced::{Element, Length, Task};

use super::context::Look;
use super::run::{Run, abort_on_drop, is_declined};
use crate::flow::choice::OneUse;
use crate::flow::operation::{self, Kind, Operation};
use crate::flow::resume::resume;
use crate::flow::{Error, Ports, Step, register, update};
use crate::hw;
use crate::protocol::{ProTxHash, Txid};
use crate::store::journal::Event;
use crate::ui::theme::{Gap, MONO};
use crate::ui::widget::{
    body, card, error_notice, fact_copied, heading, info, mono, muted, panel, progress_list, warning,
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
    run: Run,
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
        let run = Run::new(handle);
        (Self { job, run }, task)
    }

    /// From here the window can be closed, but nothing can be called back.
    pub fn is_sent(&self) -> bool {
        self.run.is_sent()
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Action {
        match message {
            Message::Stepped(attempt, step) => self.run.record(attempt, step),
            Message::Ended(attempt, Ok(finished)) if self.run.is(attempt) => {
                return Action::Finished(self.job.clone(), finished);
            }
            Message::Ended(_, Ok(_)) => {}
            Message::Ended(attempt, Err(error)) => self.run.stop(attempt, error),
            Message::Retry => return self.retry(ports),
            Message::Stop => return self.stop(ports),
            Message::GivenUp => {}
            Message::Copy(text) => return Action::Run(iced::clipboard::write(text)),
        }
        Action::None
    }

    /// The journal knows how to go on; only what was never written down begins anew.
    fn retry(&mut self, ports: &Ports) -> Action {
        if self.run.stopped().is_none() {
            return Action::None;
        }
        let attempt = self.run.next_attempt();
        let (task, handle) = match self.run.operation() {
            Some(id) if self.is_signed() || !self.job.has_pasted_key() => go_on(ports, id, self.job.subject(), attempt),
            _ => begin(ports, self.job.clone(), attempt),
        };
        // What was sent once stays sent, however the next attempt ends; and it is still the same operation.
        self.run.again(handle, |step| {
            matches!(
                step,
                Step::Planned { .. } | Step::PayloadSigned { .. } | Step::Broadcasting { .. }
            )
        });
        Action::Run(task)
    }

    /// Back to the plan; what was running or stopped is dropped, and the journal knows that it was given up.
    fn stop(&mut self, ports: &Ports) -> Action {
        if self.is_sent() {
            return Action::None;
        }
        let note = match self.run.operation() {
            Some(id) => given_up(ports, id),
            None => Task::none(),
        };
        Action::Review(self.job.clone(), note)
    }

    /// The journal has the signature under the payload.
    fn is_signed(&self) -> bool {
        let signed = |step: &Step| matches!(step, Step::PayloadSigned { .. } | Step::Broadcasting { .. });
        self.run.steps().iter().any(signed)
    }

    pub fn view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let mut parts = column![].spacing(Gap::L);
        parts = match self.run.stopped() {
            None => parts.push(self.now(look)),
            Some(error) => parts.push(self.stopped(error)),
        };
        if let Some(txid) = self.run.txid().filter(|_| self.is_sent()) {
            parts = parts.push(card(fact_copied("Transaction", txid.to_string(), "", Message::Copy)));
        }
        let lines = self.run.lines(self.job.stages().into_iter().enumerate(), over);
        super::page_of(parts.push(panel("Progress", progress_list(lines))))
    }

    /// What the user has to do or to know now.
    fn now<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        match self.run.steps().last() {
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

    /// Left and right end of the bar.
    pub fn buttons<'a>(&self) -> (Element<'a, Message>, Element<'a, Message>) {
        self.run.buttons(Message::Stop, Message::Retry)
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

/// How many of the stages are over with a step.
fn over(step: &Step) -> usize {
    match step {
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
    }
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
}
