//! Something that signs and sends, as it runs on screen: which attempt it is, what it said, how it stopped. It can be stopped until it
//! is being sent.

use std::cmp::Ordering;

use iced::task::Handle;
use iced::widget::row;
use iced::{Element, Task};

use crate::flow::{Error, Step};
use crate::hw::DeviceError;
use crate::protocol::Txid;
use crate::rpc::RpcError;
use crate::ui::theme::Gap;
use crate::ui::widget::{Progress, primary_button, secondary_button};

#[derive(Debug)]
pub struct Run {
    steps: Vec<Step>,
    state: State,
    attempt: u64,
}

#[derive(Debug)]
enum State {
    Running { _task: Handle },
    Stopped(Error),
}

impl Run {
    /// The first attempt; its number is 0.
    pub fn new(task: Handle) -> Self {
        Self {
            steps: Vec::new(),
            state: State::Running { _task: task },
            attempt: 0,
        }
    }

    /// Tells attempts apart: what an older one says late is not taken.
    pub fn is(&self, attempt: u64) -> bool {
        self.attempt == attempt
    }

    pub fn next_attempt(&self) -> u64 {
        self.attempt + 1
    }

    /// Begins anew with what still holds of the steps.
    pub fn again(&mut self, task: Handle, keep: impl Fn(&Step) -> bool) {
        self.attempt += 1;
        self.steps.retain(keep);
        self.state = State::Running { _task: task };
    }

    /// Of a row of new heights, and of a device's progress, only the last one is kept.
    pub fn record(&mut self, attempt: u64, step: Step) {
        if !self.is(attempt) {
            return;
        }
        let of_a_row = matches!(
            (self.steps.last(), &step),
            (Some(Step::WaitingForBlock { .. }), Step::WaitingForBlock { .. })
                | (Some(Step::DeviceWorks(_)), Step::DeviceWorks(_))
        );
        if of_a_row {
            self.steps.pop();
        }
        self.steps.push(step);
    }

    pub fn stop(&mut self, attempt: u64, error: Error) {
        if self.is(attempt) {
            self.state = State::Stopped(error);
        }
    }

    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Why it stopped.
    pub fn stopped(&self) -> Option<&Error> {
        match &self.state {
            State::Running { .. } => None,
            State::Stopped(error) => Some(error),
        }
    }

    /// The point of no return lies behind. What the node refused was not sent.
    pub fn is_sent(&self) -> bool {
        let refused = matches!(self.stopped(), Some(Error::Node(RpcError::Rejected { .. })));
        self.txid().is_some() && !refused
    }

    /// Of what was sent, or tried to be.
    pub fn txid(&self) -> Option<Txid> {
        self.steps.iter().find_map(|step| match step {
            Step::Broadcasting { txid } => Some(*txid),
            _ => None,
        })
    }

    /// Its number in the journal.
    pub fn operation(&self) -> Option<i64> {
        self.steps.iter().find_map(|step| match step {
            Step::Planned { id } => Some(*id),
            _ => None,
        })
    }

    /// The stages, each with its number, as done, failed or to come; `over` says how many are with a step.
    pub fn lines(
        &self,
        stages: impl IntoIterator<Item = (usize, &'static str)>,
        over: impl Fn(&Step) -> usize,
    ) -> Vec<(Progress, String)> {
        let reached = self.steps.iter().map(over).max().unwrap_or(0);
        let failed = self.stopped().is_some_and(|error| !is_declined(error));
        let state = |at: usize| match at.cmp(&reached) {
            Ordering::Less => Progress::Done,
            Ordering::Equal if failed => Progress::Failed,
            Ordering::Equal => Progress::Now,
            Ordering::Greater => Progress::Next,
        };
        let stages = stages.into_iter();
        stages.map(|(at, words)| (state(at), words.to_owned())).collect()
    }

    /// Left and right end of the bar.
    pub fn buttons<'a, M: Clone + 'a>(&self, stop: M, retry: M) -> (Element<'a, M>, Element<'a, M>) {
        let stop = |name: &'a str| secondary_button(name).on_press_maybe((!self.is_sent()).then_some(stop.clone()));
        match &self.state {
            State::Running { .. } => (stop("Cancel").into(), row![].into()),
            State::Stopped(_) => {
                let again = primary_button("Try again").on_press(retry);
                (row![].into(), row![stop("Back"), again].spacing(Gap::S).into())
            }
        }
    }
}

pub fn is_declined(error: &Error) -> bool {
    matches!(error, Error::Device(DeviceError::Declined))
}

/// A task that ends when its handle is dropped.
pub fn abort_on_drop<M: 'static>(task: Task<M>) -> (Task<M>, Handle) {
    let (task, handle) = task.abortable();
    (task, handle.abort_on_drop())
}

#[cfg(test)]
mod tests {
    use bitcoin::hashes::Hash;

    use super::*;

    fn sent() -> Run {
        let (_, handle) = abort_on_drop(Task::<()>::none());
        let mut run = Run::new(handle);
        let txid = Txid::all_zeros();
        run.record(0, Step::Broadcasting { txid });
        run
    }

    #[test]
    fn of_many_new_heights_the_last_is_kept() {
        let (mut run, txid) = (sent(), Txid::all_zeros());
        run.record(0, Step::WaitingForBlock { txid, height: 7 });
        run.record(0, Step::WaitingForBlock { txid, height: 8 });
        assert_eq!(run.steps().len(), 2);
        assert!(run.is_sent());
    }

    #[test]
    fn what_the_node_refused_was_not_sent_and_an_older_attempt_says_nothing_more() {
        let mut run = sent();
        run.stop(1, Error::NoDevice);
        assert_eq!(run.stopped(), None);
        let (reason, detail) = ("bad-txns".to_owned(), String::new());
        run.stop(0, Error::Node(RpcError::Rejected { reason, detail }));
        assert!(!run.is_sent());
        let (_, handle) = abort_on_drop(Task::<()>::none());
        run.again(handle, |_| false);
        run.record(0, Step::DeviceSigned);
        assert!(run.is(1) && run.steps().is_empty() && run.stopped().is_none());
    }
}
