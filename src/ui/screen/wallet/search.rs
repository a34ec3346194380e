//! Reading the accounts: in the background, told how long it takes, and stopped when nobody wants it any more.

use std::time::{Duration, Instant};

use iced::task::Handle;
use iced::{Subscription, Task};

use super::Message;
use crate::flow::wallet::{self, Account};
use crate::flow::{Error, Ports};
use crate::protocol::path;

/// How many more accounts one look further takes in.
const MORE_ACCOUNTS: u32 = 3;
/// And how many more addresses of each chain.
const MORE_ADDRESSES: u32 = 20;

#[derive(Debug, Default)]
pub struct Search {
    /// How often it was asked to look further.
    depth: u32,
    run: u64,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Running {
        since: Instant,
        _task: Handle,
    },
    Stopped,
    Failed(Error),
}

impl Search {
    /// Begins anew; one that runs is dropped.
    pub fn begin(&mut self, ports: &Ports) -> Task<Message> {
        self.run += 1;
        let (run, ports, depth) = (self.run, ports.clone(), self.depth);
        let work = read(ports, depth);
        let (task, handle) = Task::perform(work, move |result| Message::Read(run, result)).abortable();
        self.state = State::Running {
            since: Instant::now(),
            _task: handle.abort_on_drop(),
        };
        task
    }

    pub fn further(&mut self, ports: &Ports) -> Task<Message> {
        self.depth += 1;
        self.begin(ports)
    }

    pub fn stop(&mut self) {
        if self.is_running() {
            self.state = State::Stopped;
        }
    }

    /// Another device: what was looked for on the one before counts no more.
    pub fn forget(&mut self) {
        *self = Self {
            run: self.run + 1,
            ..Self::default()
        };
    }

    /// What an answer brought, if it is the one that is waited for.
    pub fn ended(&mut self, run: u64, result: Result<Vec<Account>, Error>) -> Option<Vec<Account>> {
        if run != self.run || !self.is_running() {
            return None;
        }
        match result {
            Ok(accounts) => {
                self.state = State::Idle;
                Some(accounts)
            }
            Err(error) => {
                self.state = State::Failed(error);
                None
            }
        }
    }

    pub fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    pub fn was_stopped(&self) -> bool {
        matches!(self.state, State::Stopped)
    }

    pub fn error(&self) -> Option<&Error> {
        match &self.state {
            State::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// How long it has taken so far.
    pub fn elapsed(&self) -> Option<Duration> {
        match &self.state {
            State::Running { since, .. } => Some(since.elapsed()),
            _ => None,
        }
    }

    /// Accounts it reads.
    pub fn accounts(&self) -> u32 {
        wallet::ACCOUNTS + self.depth * MORE_ACCOUNTS
    }

    /// The seconds, while they are counted on screen.
    pub fn subscription(&self) -> Subscription<Message> {
        if self.is_running() {
            iced::time::every(Duration::from_secs(1)).map(|_| Message::Tick)
        } else {
            Subscription::none()
        }
    }
}

async fn read(ports: Ports, depth: u32) -> Result<Vec<Account>, Error> {
    let number = wallet::ACCOUNTS + depth * MORE_ACCOUNTS;
    let paths: Vec<_> = (0..number)
        .map(|number| path::account(&ports.profile, number))
        .collect();
    let of = ports.clone();
    // A task that never returns has panicked; then there are no labels, and the next line says why.
    let labels = tokio::task::spawn_blocking(move || wallet::labels(&of)).await;
    let labels = labels.unwrap_or_else(|_| wallet::labels(&ports))?;
    wallet::accounts(&ports, &labels, &paths, depth * MORE_ADDRESSES).await
}
