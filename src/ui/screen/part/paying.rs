//! A payment that was reviewed: signed on the device, verified, sent, awaited. It can be stopped until it is being sent.

use iced::task::Handle;
use iced::widget::column;
use iced::{Element, Task};

use super::context::Look;
use super::run::{Run, abort_on_drop, is_declined};
use crate::flow::pay::{self, Plan, Purpose};
use crate::flow::resume::{self, resume};
use crate::flow::{Error, Ports, Step};
use crate::hw;
use crate::protocol::{OutPoint, Txid};
use crate::ui::format::amount;
use crate::ui::screen::part::as_device_shows;
use crate::ui::theme::Gap;
use crate::ui::widget::{
    body, card, error_notice, fact, fact_copied, fact_mono, gauge, heading, help, info, mono, muted, panel,
    progress_list, warning,
};

#[derive(Debug)]
pub struct Paying {
    plan: Box<Plan>,
    run: Run,
}

#[derive(Debug, Clone)]
pub enum Message {
    Stepped(u64, Step),
    Ended(u64, Result<Finished, Error>),
    Retry,
    Stop,
    Copy(String),
}

/// A payment in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    pub txid: Txid,
    /// Of its block.
    pub height: u32,
    /// The collateral it made.
    pub made: Option<OutPoint>,
}

pub enum Action {
    None,
    Run(Task<Message>),
    /// Nothing was sent: back to the plan.
    Review(Box<Plan>),
    Finished(Finished),
}

impl Paying {
    pub fn start(ports: &Ports, plan: Box<Plan>) -> (Self, Task<Message>) {
        let (task, handle) = begin(ports, &plan, 0);
        let run = Run::new(handle);
        (Self { plan, run }, task)
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// From here it cannot be called back.
    pub fn is_sent(&self) -> bool {
        self.run.is_sent()
    }

    /// It is with the node, and only a block is missing: nothing here needs the user.
    pub fn is_waiting(&self) -> bool {
        let last = self.run.steps().last();
        self.is_running() && matches!(last, Some(Step::WaitingForBlock { .. } | Step::Mined { .. }))
    }

    pub fn is_running(&self) -> bool {
        self.run.stopped().is_none()
    }

    pub fn txid(&self) -> Option<Txid> {
        self.run.txid()
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Action {
        match message {
            Message::Stepped(attempt, step) => self.run.record(attempt, step),
            Message::Ended(attempt, Ok(finished)) if self.run.is(attempt) => return Action::Finished(finished),
            Message::Ended(_, Ok(_)) => {}
            Message::Ended(attempt, Err(error)) => self.run.stop(attempt, error),
            Message::Retry => return self.retry(ports),
            Message::Stop => return self.stop(),
            Message::Copy(text) => return Action::Run(iced::clipboard::write(text)),
        }
        Action::None
    }

    /// What may have been sent is sent again as it is; anything before begins anew.
    fn retry(&mut self, ports: &Ports) -> Action {
        if self.is_running() {
            return Action::None;
        }
        let (attempt, sent) = (self.run.next_attempt(), self.is_sent());
        let (task, handle) = match self.run.operation().filter(|_| sent) {
            Some(id) => go_on(ports, id, &self.plan, attempt),
            None => begin(ports, &self.plan, attempt),
        };
        self.run.again(handle, |step| {
            sent && matches!(step, Step::Planned { .. } | Step::Broadcasting { .. })
        });
        Action::Run(task)
    }

    /// Back to the plan; what was running is dropped with this, and the flow notes that it was given up.
    fn stop(&mut self) -> Action {
        if self.is_sent() {
            return Action::None;
        }
        Action::Review(self.plan.clone())
    }

    pub fn view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let mut parts = column![].spacing(Gap::L);
        parts = match self.run.stopped() {
            None => parts.push(self.now(look)),
            Some(error) => parts.push(self.stopped(error)),
        };
        if let Some(txid) = self.txid().filter(|_| self.is_sent()) {
            parts = parts.push(card(fact_copied("Transaction", txid.to_string(), "", Message::Copy)));
        }
        let lines = self.run.lines(stages(&self.plan), over);
        super::page_of(parts.push(panel("Progress", progress_list(lines))))
    }

    /// What the user has to do or to know now.
    fn now<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let asked = self
            .run
            .steps()
            .iter()
            .rev()
            .find(|step| !matches!(step, Step::DeviceWorks(_)));
        match asked {
            None | Some(Step::Planned { .. }) => muted("Getting the device ready.").into(),
            Some(Step::ConfirmAddress { device, path, address }) => self.confirm_address(look, *device, path, address),
            Some(Step::ConfirmPayment { .. }) => self.confirm_payment(look),
            Some(Step::Broadcasting { .. }) => info("It is being sent to the node.").into(),
            Some(Step::WaitingForBlock { .. }) => {
                info("It is sent. The next block confirms it; you need not wait here.").into()
            }
            Some(_) => {
                let device = look.device_name();
                info(format!("The {device} is done. You can put it away.")).into()
            }
        }
    }

    fn confirm_address<'a>(
        &'a self,
        look: &Look<'a>,
        device: hw::Kind,
        path: &'a str,
        address: &'a str,
    ) -> Element<'a, Message> {
        let parts = column![
            heading(format!("Look at the {device}")),
            body("It shows the address of yours that is paid to. Compare every letter; then approve it there."),
            mono(address).size(20),
            muted(format!(
                "Its key is {path} on this device. The payment itself is asked for next."
            )),
        ]
        .spacing(Gap::M);
        card(sandbox_line(look, parts)).into()
    }

    fn confirm_payment<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let device = look.device_name();
        let mut parts = column![heading(format!("Look at the {device}"))].spacing(Gap::M);
        if let Some(work) = self.work() {
            parts = parts.push(work);
        }
        parts = parts
            .push(body(
                "It shows this payment, page by page. Compare amount, address and fee before you confirm there.",
            ))
            .push(shown(&self.plan, look))
            .push(muted("If anything on its screen is different, decline there."));
        card(sandbox_line(look, parts)).into()
    }

    /// How far the device is with a payment of many coins.
    fn work<'a>(&'a self) -> Option<Element<'a, Message>> {
        let Some(Step::DeviceWorks(work)) = self.run.steps().last() else {
            return None;
        };
        let (done, of) = (work.done, work.of);
        let words = match work.part {
            hw::Part::Reading => format!("It reads the transactions the coins come from: {done} of {of}."),
            hw::Part::Signing => format!("It signs: {done} of {of}."),
        };
        Some(column![gauge(done, of), help(words)].spacing(Gap::XS).into())
    }

    fn stopped<'a>(&'a self, error: &'a Error) -> Element<'a, Message> {
        if is_declined(error) {
            let words = "You declined on the device. Nothing was sent; you can try again whenever you like.";
            return info(words).into();
        }
        let mut parts = column![error_notice(error)].spacing(Gap::M);
        if self.is_sent() {
            parts = parts.push(warning(
                "The payment may have reached the node. It is kept in the journal; trying again sends the same one and \
                 cannot pay twice.",
            ));
        }
        parts.into()
    }

    /// Left and right end of the bar.
    pub fn buttons<'a>(&self) -> (Element<'a, Message>, Element<'a, Message>) {
        self.run.buttons(Message::Stop, Message::Retry)
    }
}

/// What happens, in its order, with the number of each stage.
fn stages(plan: &Plan) -> Vec<(usize, &'static str)> {
    let mut all = vec![(0, "The plan is kept in the journal")];
    if plan.to_path.is_some() {
        all.push((1, "You compare your own address on the device"));
    }
    all.extend([
        (2, "You confirm the payment on the device, and it signs"),
        (
            3,
            "Every signature is verified, and the payment compared with what you reviewed",
        ),
        (4, "It is sent"),
        (5, "A block confirms it"),
    ]);
    all
}

/// How many of the stages are over with a step.
fn over(step: &Step) -> usize {
    match step {
        Step::ConfirmAddress { .. } => 1,
        Step::ConfirmPayment { .. } | Step::DeviceWorks(_) => 2,
        Step::DeviceSigned => 3,
        Step::Verified { .. } | Step::Broadcasting { .. } => 4,
        Step::WaitingForBlock { .. } => 5,
        Step::Mined { .. } => 6,
        Step::Planned { .. } => 1,
        _ => 0,
    }
}

/// What the device shows of a payment: its output and the fee. Change it keeps to itself.
pub fn shown<'a, M: Clone + 'a>(plan: &Plan, look: &Look<'a>) -> Element<'a, M> {
    let profile = look.profile;
    let mut parts = column![
        fact("Amount", amount(plan.amount, profile)),
        fact_mono("To", plan.to.to_text(profile)),
    ]
    .spacing(Gap::S);
    if let Some(other) = as_device_shows(plan.to, look) {
        parts = parts.push(fact_mono("Shown there as", other));
    }
    parts.push(fact("Fee", amount(plan.fee, profile))).into()
}

fn sandbox_line<'a>(look: &Look<'a>, parts: iced::widget::Column<'a, Message>) -> iced::widget::Column<'a, Message> {
    if !look.sandbox {
        return parts;
    }
    let device = look.device_name();
    parts.push(info(format!(
        "This is the sandbox: its {device} is drawn at the right of the window. Approve or reject there."
    )))
}

/// Signs and sends.
fn begin(ports: &Ports, plan: &Plan, run: u64) -> (Task<Message>, Handle) {
    let done = move |result: Result<pay::Outcome, Error>| {
        let finished = result.map(|outcome| Finished {
            txid: outcome.txid,
            height: outcome.height,
            made: outcome.made,
        });
        Message::Ended(run, finished)
    };
    let flow = pay::pay(ports.clone(), plan.clone());
    abort_on_drop(Task::sip(flow, move |step| Message::Stepped(run, step), done))
}

/// Goes on with what the journal knows.
fn go_on(ports: &Ports, id: i64, plan: &Plan, run: u64) -> (Task<Message>, Handle) {
    let output = collateral_output(plan);
    let done = move |result: Result<resume::Outcome, Error>| {
        let finished = result.map(|outcome| Finished {
            txid: outcome.txid,
            height: outcome.height,
            made: output.map(|vout| OutPoint::new(outcome.txid, vout)),
        });
        Message::Ended(run, finished)
    };
    let flow = resume(ports.clone(), id);
    abort_on_drop(Task::sip(flow, move |step| Message::Stepped(run, step), done))
}

/// Number of the output that is to be a collateral.
fn collateral_output(plan: &Plan) -> Option<u32> {
    let makes = matches!(plan.purpose, Purpose::Collateral { .. });
    makes.then(|| plan.payment_output() as u32)
}
