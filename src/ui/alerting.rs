//! Watching while the window is open: every list that is read is compared with the one before, whatever page is on screen, and whoever
//! is to be told is told.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, stream};
use iced::{Subscription, Task};
use tokio::sync::OnceCell;

use super::screen::{alerts, masternodes};
use super::session::Session;
use super::{App, Link, Message, Page};
use crate::flow::alert::Rules;
use crate::flow::overview::Overview;
use crate::flow::watch::{self, Failure, Told, Watch, Who};
use crate::flow::{self, Ports};
use crate::rpc::{NodeStatus, RpcError};

/// How often it is looked whether quiet hours are over or the node has been silent for too long.
const PERIOD: Duration = Duration::from_secs(15);

/// The watch of a connection; its record is opened when it is first needed, away from the window's thread.
pub type Opened = Arc<OnceCell<Arc<Watch>>>;

/// What watching brought.
#[derive(Clone)]
pub enum Alerting {
    /// A list was compared, or time went by.
    Looked(u64, Result<(Arc<Watch>, Told), flow::Error>),
    Sent(u64, Vec<Failure>),
    /// There is something to say though no list was read.
    Due(u64),
}

impl App {
    pub(super) fn alerting(&mut self, message: Alerting) -> Task<Message> {
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        match message {
            Alerting::Looked(id, Ok((watch, told))) if id == session.id => self.looked(&watch, &told),
            Alerting::Looked(id, Err(error)) if id == session.id => {
                session.alerts.failed(error);
                Task::none()
            }
            Alerting::Sent(id, failures) if id == session.id => {
                session.alerts.sent(failures);
                Task::none()
            }
            Alerting::Due(id) if id == session.id => work(session, Rules::of(&self.settings.alerts), Job::Time),
            _ => Task::none(),
        }
    }

    /// As the node's answer says; that there is none is noted.
    pub(super) fn heard_of_node(&mut self, id: u64, answer: Result<NodeStatus, RpcError>) -> Task<Message> {
        let cause = answer.as_ref().err().map(ToString::to_string);
        let answered = self.node_answered(id, answer);
        let rules = Rules::of(&self.settings.alerts);
        let Link::Up(session) = &self.link else {
            return answered;
        };
        match cause.filter(|_| session.id == id) {
            Some(cause) => Task::batch([answered, work(session, rules, Job::Silence(cause))]),
            None => answered,
        }
    }

    /// Compares a list that was read for a page.
    pub(super) fn look(&mut self, message: &masternodes::Message) -> Task<Message> {
        let (Link::Up(session), masternodes::Message::Read(read)) = (&self.link, message) else {
            return Task::none();
        };
        let rules = Rules::of(&self.settings.alerts);
        let job = match read {
            Ok(overview) => Job::List(Arc::clone(overview)),
            Err(error) if error.class() == flow::error::Class::Unreachable => Job::Silence(error.to_string()),
            Err(_) => return Task::none(),
        };
        work(session, rules, job)
    }

    fn looked(&mut self, watch: &Arc<Watch>, told: &Told) -> Task<Message> {
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        let id = session.id;
        let shown = session.alerts.refresh(Arc::clone(watch)).map(Message::Alerts);
        if told.is_empty() && session.alerts.is_read() {
            return Task::none();
        }
        let notices = watch::notices(told, &session.ports().profile);
        if notices.is_empty() {
            return shown;
        }
        let settings = &self.settings.alerts;
        let (sinks, wrong) = (self.ways)(settings, settings.desktop);
        for error in wrong {
            tracing::warn!(%error, "an alert was not told");
        }
        let send = async move { watch::tell(&sinks, &notices).await };
        let send = Task::perform(send, move |failures| Message::Alerting(Alerting::Sent(id, failures)));
        Task::batch([shown, send])
    }

    pub(super) fn update_alerts(&mut self, message: alerts::Message) -> Task<Message> {
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        let ports = &session.connection.ports;
        match session.alerts.update(ports, &self.settings.alerts, self.ways, message) {
            alerts::Action::None => Task::none(),
            alerts::Action::Run(task) => task.map(Message::Alerts),
            alerts::Action::Open(hash) => {
                session.masternodes.open(hash);
                self.go(Page::Masternodes)
            }
            alerts::Action::Keep(kept) => {
                if let Some(watch) = session.watch.get() {
                    watch.set_rules(Rules::of(&kept));
                }
                self.settings.alerts = kept;
                self.save()
            }
        }
    }
}

/// What there is to do for the watch of a connection.
enum Job {
    List(Arc<Overview>),
    /// The node does not answer, for this reason.
    Silence(String),
    Time,
}

fn work(session: &Session, rules: Rules, job: Job) -> Task<Message> {
    let (id, watch, ports) = (session.id, Arc::clone(&session.watch), session.ports().clone());
    let done = async move {
        let watch = watch.get_or_try_init(|| open(ports.clone(), rules)).await?;
        let told = match job {
            Job::List(overview) => watch.compare(&ports, &overview).await?,
            Job::Silence(cause) => {
                watch.silent(flow::now(), &cause).await?;
                watch.due(flow::now()).await?
            }
            Job::Time => watch.due(flow::now()).await?,
        };
        Ok((Arc::clone(watch), told))
    };
    Task::perform(done, move |result| Message::Alerting(Alerting::Looked(id, result)))
}

async fn open(ports: Ports, rules: Rules) -> Result<Arc<Watch>, flow::Error> {
    let opened = tokio::task::spawn_blocking(move || {
        Watch::open(&ports.profile, ports.journal.path(), Who::Window, rules).map(Arc::new)
    });
    match opened.await {
        Ok(opened) => opened,
        Err(_) => Err(flow::Error::NoAlerts),
    }
}

impl Session {
    /// Says when there is something to tell though no block came.
    pub fn watch_time(&self) -> Subscription<Alerting> {
        let data = Time {
            id: self.id,
            watch: Arc::clone(&self.watch),
        };
        Subscription::run_with(data, passing)
    }
}

struct Time {
    id: u64,
    watch: Opened,
}

impl Hash for Time {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

/// Nothing comes of it while there is nothing to say: a program at rest redraws nothing.
fn passing(time: &Time) -> impl Stream<Item = Alerting> + use<> {
    let (id, watch) = (time.id, Arc::clone(&time.watch));
    stream::unfold((), move |()| {
        let watch = Arc::clone(&watch);
        async move {
            loop {
                tokio::time::sleep(PERIOD).await;
                if let Some(watch) = watch.get()
                    && watch.is_due(flow::now()).await.unwrap_or(false)
                {
                    return Some((Alerting::Due(id), ()));
                }
            }
        }
    })
}
