//! How far each masternode of a batch is.

use super::subject::Subject;
use crate::flow::batch::{Event, Failed, Failure, Left, Part, Plans, Progress, is_as_reviewed};
use crate::flow::operation::Outcome;
use crate::flow::update::Plan;
use crate::flow::{Error, Step};
use crate::protocol::{ProTxHash, Txid};
use crate::ui::format::count;

/// The plans and what became of them.
#[derive(Debug, Clone)]
pub(super) struct Table {
    plans: Plans,
    lines: Vec<Line>,
    /// Lines of the run under way, in its order.
    running: Vec<usize>,
}

#[derive(Debug, Clone)]
pub(super) struct Line {
    pub pro_tx_hash: ProTxHash,
    pub name: String,
    /// As it was on the review page.
    reviewed: Option<Box<Plan>>,
    pub state: LineState,
}

#[derive(Debug, Clone)]
pub(super) enum LineState {
    /// Not sent from here, as the review said.
    LeftOut(Error),
    Waiting,
    /// Until the next block: too many unconfirmed ones in a row.
    Held,
    Working,
    Signed,
    Sent {
        txid: Txid,
    },
    Done {
        txid: Txid,
        height: u32,
    },
    Failed(Failure),
}

impl Table {
    pub fn new(subject: &Subject, plans: Plans) -> Self {
        let line = |item: &crate::flow::batch::Item| {
            let obstacle = item.obstacle();
            Line {
                pro_tx_hash: item.pro_tx_hash(),
                name: subject.name(item.pro_tx_hash()),
                reviewed: item.plan.as_ref().ok().cloned().map(Box::new),
                state: obstacle.map_or(LineState::Waiting, LineState::LeftOut),
            }
        };
        Self {
            lines: plans.items.iter().map(line).collect(),
            plans,
            running: Vec::new(),
        }
    }

    pub fn plans(&self) -> &Plans {
        &self.plans
    }

    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// All that are not left out.
    pub fn every(&self) -> Vec<usize> {
        self.places(|state| matches!(state, LineState::Waiting))
    }

    pub fn failed(&self) -> Vec<usize> {
        self.places(|state| matches!(state, LineState::Failed(_)))
    }

    fn places(&self, is: impl Fn(&LineState) -> bool) -> Vec<usize> {
        let lines = self.lines.iter().enumerate();
        lines.filter(|(_, line)| is(&line.state)).map(|(at, _)| at).collect()
    }

    /// What has to be run for these lines.
    pub fn begin(&mut self, lines: Vec<usize>) -> Vec<Part> {
        self.running.clear();
        let mut parts = Vec::with_capacity(lines.len());
        for at in lines {
            let part = match (&self.lines[at].state, &self.plans.items[at].plan) {
                (
                    LineState::Failed(Failure {
                        left: Left::Sent { id },
                        ..
                    }),
                    _,
                ) => Part::GoOn(*id),
                (_, Ok(plan)) => Part::Send(Box::new(plan.clone())),
                (_, Err(_)) => continue,
            };
            self.lines[at].state = LineState::Waiting;
            self.running.push(at);
            parts.push(part);
        }
        parts
    }

    pub fn take(&mut self, progress: Progress) {
        let Some(line) = self.running.get(progress.at).and_then(|at| self.lines.get_mut(*at)) else {
            return;
        };
        match progress.event {
            Event::Step(step) => line.step(&step),
            Event::Held => line.state = LineState::Held,
            Event::Done(outcome) => line.done(&outcome),
            Event::Failed(failure) => line.state = LineState::Failed(failure),
        }
    }

    /// The results say the same as the progress did, for all.
    pub fn end(&mut self, results: Vec<Result<Outcome, Failure>>) {
        for (at, result) in self.running.iter().zip(results) {
            let Some(line) = self.lines.get_mut(*at) else { continue };
            match result {
                Ok(outcome) => line.done(&outcome),
                Err(failure) => line.state = LineState::Failed(failure),
            }
        }
    }

    /// What failed and no node has: it can be planned anew.
    pub fn to_plan_anew(&self) -> Vec<Failed> {
        let lines = self.plans.items.iter().zip(&self.lines);
        lines
            .filter_map(|(item, line)| match &line.state {
                LineState::Failed(Failure {
                    left: Left::Sent { .. },
                    ..
                }) => None,
                LineState::Failed(Failure { left, .. }) => Some(Failed {
                    item: item.clone(),
                    left: *left,
                }),
                _ => None,
            })
            .collect()
    }

    /// Takes the new plans of what failed; the lines that can be run again. A plan that now means something else than was reviewed
    /// is not run.
    pub fn replan(&mut self, plans: Plans) -> Vec<usize> {
        for item in plans.items {
            let hash = item.pro_tx_hash();
            let Some(at) = self.lines.iter().position(|line| line.pro_tx_hash == hash) else {
                continue;
            };
            let line = &mut self.lines[at];
            let same = match (&line.reviewed, &item.plan) {
                (Some(reviewed), Ok(plan)) => is_as_reviewed(reviewed, plan),
                _ => true,
            };
            let changed = (!same).then_some(Error::NotAsReviewed {
                what: "the masternode was changed meanwhile",
            });
            line.state = match item.obstacle().or(changed) {
                None => LineState::Waiting,
                Some(error) => LineState::Failed(Failure {
                    error,
                    left: Left::Nothing,
                }),
            };
            self.plans.items[at] = item;
        }
        let sent = |state: &LineState| {
            matches!(
                state,
                LineState::Waiting
                    | LineState::Failed(Failure {
                        left: Left::Sent { .. },
                        ..
                    })
            )
        };
        self.places(sent)
    }

    /// Nothing could be planned anew.
    pub fn refuse(&mut self, error: &Error) {
        for line in &mut self.lines {
            if let LineState::Failed(failure) = &mut line.state {
                failure.error = error.clone();
            }
        }
    }

    /// Those whose operations the journal has: their keys stay.
    pub fn begun(&self) -> Vec<ProTxHash> {
        let begun = self.lines.iter().filter(|line| {
            !matches!(
                line.state,
                LineState::LeftOut(_)
                    | LineState::Waiting
                    | LineState::Failed(Failure {
                        left: Left::Nothing,
                        ..
                    })
            )
        });
        begun.map(|line| line.pro_tx_hash).collect()
    }

    fn count(&self, is: impl Fn(&LineState) -> bool) -> usize {
        self.places(is).len()
    }

    /// `3 of 5 are in a block, 1 failed.`
    pub fn summary(&self) -> String {
        let done = self.count(|state| matches!(state, LineState::Done { .. }));
        let out = self.count(|state| matches!(state, LineState::LeftOut(_)));
        let (failed, all) = (self.failed().len(), self.lines.len() - out);
        let verb = if done == 1 { "is" } else { "are" };
        let mut words = format!(
            "{done} of {} {verb} in a block",
            count(all, "masternode", "masternodes")
        );
        if failed > 0 {
            words += &format!(", {failed} failed");
        }
        if out > 0 {
            words += &format!(", {out} left out");
        }
        words + "."
    }
}

impl Line {
    fn step(&mut self, step: &Step) {
        self.state = match step {
            Step::Broadcasting { txid } | Step::WaitingForBlock { txid, .. } => LineState::Sent { txid: *txid },
            Step::Mined { txid, height } => LineState::Done {
                txid: *txid,
                height: *height,
            },
            Step::PayloadSigned { .. } | Step::InputsSigned { .. } | Step::Verified { .. } | Step::DeviceSigned => {
                LineState::Signed
            }
            Step::Planned { .. }
            | Step::ConfirmMessage { .. }
            | Step::ConfirmAddress { .. }
            | Step::ConfirmPayment { .. }
            | Step::DeviceWorks(_) => LineState::Working,
        };
    }

    fn done(&mut self, outcome: &Outcome) {
        self.state = LineState::Done {
            txid: outcome.txid,
            height: outcome.height,
        };
    }
}
