//! Watching over the masternodes that are mine: looks at the list, finds what happened since the last look (in this run or before),
//! keeps it, and says what to tell whom.
//!
//! The window looks whenever it has a new list; [`follow`] looks by itself. What was seen last is on disk, for each network and each
//! [`Who`], so that what happened while nobody looked is told once.

mod chain;
mod follow;
mod learn;
mod notice;
mod own;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex as Lock, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::alert::{Alert, Rules, Seen, What, after_reorganisation, between};
use super::overview::{self, Overview};
use super::{Error, Ports, error};
use crate::protocol::masternode::queue::EvoPayments;
use crate::protocol::{ProTxHash, Profile};
use crate::store::alert_log::{AlertLog, Watcher};

pub use follow::{Heard, follow};
pub use notice::{Failure, document, notices, tell, test_notice};

use chain::Branch;

/// Who watches. Each has seen something else last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Window,
    /// `castellan watch`
    Command,
}

impl Who {
    fn name(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Command => "watch",
        }
    }
}

/// What one look brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// What happened, oldest masternode first.
    pub alerts: Vec<Alert>,
    /// Happened too, but of kinds that are switched off: not kept, not sent.
    pub muted: Vec<Alert>,
    /// These are quiet hours: the alerts are sent when they are over.
    pub waiting: bool,
    /// What happened in quiet hours that are over, to be sent now as one.
    pub summary: Vec<Alert>,
}

impl Told {
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty() && self.muted.is_empty() && self.summary.is_empty()
    }
}

/// An alert that was told, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lately {
    pub id: i64,
    /// **Unix seconds**, by this computer's clock.
    pub at: u64,
    pub alert: Alert,
}

/// What is kept between two runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    seen: Option<Seen>,
    silence: Option<Silence>,
}

/// The node does not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Silence {
    /// **Unix seconds**.
    since: u64,
    cause: String,
    told: bool,
}

/// One network's masternodes being watched.
pub struct Watch {
    log: AlertLog,
    who: Who,
    /// Of a chain, not of a name: forks and test chains that begin anew share names.
    network: String,
    rules: Lock<Rules>,
    named: BTreeSet<ProTxHash>,
    kept: Mutex<Kept>,
}

impl Watch {
    /// Opens the record beside a journal, which need not be there. Nothing is asked of a node.
    ///
    /// # Errors
    /// The record cannot be opened.
    pub fn open(profile: &Profile, journal: &Path, who: Who, rules: Rules) -> Result<Self, Error> {
        let network = format!("{} {}", profile.name, profile.genesis);
        let log = AlertLog::open(&AlertLog::beside(journal))?;
        let kept = log.seen(&network, who.name())?;
        // One written by another version is as good as none.
        let kept: Kept = kept
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        Ok(Self {
            log,
            who,
            network,
            rules: Lock::new(rules),
            named: BTreeSet::new(),
            kept: Mutex::new(kept),
        })
    }

    /// Watches these too, whosever they are.
    #[must_use]
    pub fn with(self, named: impl IntoIterator<Item = ProTxHash>) -> Self {
        Self {
            named: named.into_iter().collect(),
            ..self
        }
    }

    /// From now on these hold.
    pub fn set_rules(&self, rules: Rules) {
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    pub fn rules(&self) -> Rules {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the list and compares it with the last one.
    ///
    /// # Errors
    /// Of the vault, the journal or the record. A node that does not answer is none: see [`Watch::silent`].
    pub async fn look(&self, ports: &Ports) -> Result<Result<(Told, Overview), Error>, Error> {
        match overview::overview(ports).await {
            Ok(overview) => {
                let told = self.compare(ports, &overview).await?;
                Ok(Ok((told, overview)))
            }
            Err(error) if error.class() == error::Class::Unreachable => {
                self.silent(ports.now(), &error.to_string()).await?;
                Ok(Err(error))
            }
            Err(error) => Err(error),
        }
    }

    /// Compares a list with the last one and keeps it. The first list of all brings nothing.
    ///
    /// # Errors
    /// Of the journal or the record. What the node does not answer is left out.
    pub async fn compare(&self, ports: &Ports, overview: &Overview) -> Result<Told, Error> {
        let mut kept = self.kept.lock().await;
        let mut alerts = Vec::new();
        if kept.silence.as_ref().is_some_and(|silence| silence.told) {
            alerts.push(of_node(What::NodeUp, overview.tip.height, ports.now()));
        }
        let after = Seen::of(overview, &ports.profile, &self.named, kept.seen.as_ref());
        let found = match &kept.seen {
            Some(before) => found(ports, overview.evo, before, &after).await?,
            None => Some(Vec::new()),
        };
        // A chain that is only catching up again shows nothing new; the old look stays the one to compare with.
        let seen = match found {
            Some(found) => {
                alerts.extend(found);
                // Only the vault could tell that a masternode is no longer mine.
                Some(after.following(kept.seen.as_ref(), ports.vault.is_none()))
            }
            None => kept.seen.clone(),
        };
        self.keep(&mut kept, Kept { seen, silence: None }, alerts, ports.now())
    }

    /// Notes that the node does not answer. See [`Watch::due`] for when that is told.
    ///
    /// # Errors
    /// Of the record.
    pub async fn silent(&self, now: u64, cause: &str) -> Result<(), Error> {
        let mut kept = self.kept.lock().await;
        let cause = cause.to_owned();
        let silence = match &kept.silence {
            Some(before) => Silence {
                cause,
                ..before.clone()
            },
            None => Silence {
                since: now,
                cause,
                told: false,
            },
        };
        let next = Kept {
            silence: Some(silence),
            ..kept.clone()
        };
        self.keep(&mut kept, next, Vec::new(), now).map(|_| ())
    }

    /// What time alone has brought: the node has been silent for too long, or quiet hours are over.
    ///
    /// # Errors
    /// Of the record.
    pub async fn due(&self, now: u64) -> Result<Told, Error> {
        let rules = self.rules();
        let mut kept = self.kept.lock().await;
        let mut told = match overdue(&kept, &rules, now) {
            Some(alert) => {
                let silence = kept.silence.clone().map(|silence| Silence { told: true, ..silence });
                let next = Kept {
                    silence,
                    ..kept.clone()
                };
                self.keep(&mut kept, next, vec![alert], now)?
            }
            None => Told::default(),
        };
        if !rules.is_quiet(now) && self.log.has_waiting(self.watcher())? {
            told.summary = read(self.log.take_waiting(self.watcher())?)
                .map(|each| each.alert)
                .collect();
        }
        Ok(told)
    }

    /// Whether [`Watch::due`] has something to say. It costs little.
    ///
    /// # Errors
    /// Of the record.
    pub async fn is_due(&self, now: u64) -> Result<bool, Error> {
        let rules = self.rules();
        if overdue(&*self.kept.lock().await, &rules, now).is_some() {
            return Ok(true);
        }
        Ok(!rules.is_quiet(now) && self.log.has_waiting(self.watcher())?)
    }

    /// How many masternodes are watched, as of the last look.
    pub async fn watched(&self) -> usize {
        let kept = self.kept.lock().await;
        kept.seen.as_ref().map_or(0, |seen| seen.masternodes.len())
    }

    /// The last alerts, newest first.
    ///
    /// # Errors
    /// Of the record.
    pub fn lately(&self, count: u32) -> Result<Vec<Lately>, Error> {
        Ok(read(self.log.last(&self.network, count)?).collect())
    }

    /// Alerts and the look that showed them are kept together, so that they are told once whatever happens.
    fn keep(&self, kept: &mut Kept, next: Kept, alerts: Vec<Alert>, now: u64) -> Result<Told, Error> {
        let rules = self.rules();
        let (alerts, muted): (Vec<Alert>, Vec<Alert>) = alerts.into_iter().partition(|alert| rules.tells(alert));
        let waiting = rules.is_quiet(now);
        if next != *kept || !alerts.is_empty() {
            let texts: Vec<String> = alerts.iter().map(text).collect();
            self.log.note(self.watcher(), &text(&next), &texts, waiting, now)?;
            *kept = next;
        }
        Ok(Told {
            alerts,
            muted,
            waiting,
            summary: Vec::new(),
        })
    }

    fn watcher(&self) -> Watcher<'_> {
        Watcher {
            network: &self.network,
            name: self.who.name(),
        }
    }
}

/// What happened between two looks; none while the chain of the older one is not there again.
async fn found(ports: &Ports, evo: EvoPayments, before: &Seen, after: &Seen) -> Result<Option<Vec<Alert>>, Error> {
    if before.is_of_same_block(after) {
        return Ok(Some(Vec::new()));
    }
    let mut alerts = between(before, after);
    let suspicions = super::alert::suspicions(before, after);
    let grew = after.height > before.height;
    // In a quiet block the node is asked nothing more.
    if !grew || !alerts.is_empty() || !suspicions.is_empty() {
        match chain::branch(ports, before, after).await {
            Branch::Same => alerts.extend(chain::missed(ports, evo, after, suspicions).await),
            Branch::Forked { .. } | Branch::Behind if !grew => return Ok(None),
            Branch::Forked { at } => alerts = after_reorganisation(before, after, at),
            Branch::Behind => {}
            // Nothing that was seen before is of this chain: it begins anew.
            Branch::Other => alerts.clear(),
        }
    }
    if !alerts.is_empty() {
        learn::learn(ports, before, &mut alerts).await;
        own::mark(ports, before, after, &mut alerts)?;
    }
    Ok(Some(alerts))
}

fn overdue(kept: &Kept, rules: &Rules, now: u64) -> Option<Alert> {
    let silence = kept.silence.as_ref().filter(|silence| !silence.told)?;
    let silent = now.saturating_sub(silence.since);
    (silent >= rules.patience).then(|| {
        let what = What::NodeDown {
            minutes: silent / 60,
            cause: silence.cause.clone(),
        };
        of_node(what, kept.seen.as_ref().map_or(0, |seen| seen.height), now)
    })
}

fn of_node(what: What, height: u32, time: u64) -> Alert {
    Alert {
        of: None,
        what,
        height,
        time,
        own: false,
    }
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts, numbers and tables with text keys")
}

/// Alerts of a later version are left out.
fn read(rows: Vec<crate::store::alert_log::Row>) -> impl Iterator<Item = Lately> {
    rows.into_iter().filter_map(|row| {
        let alert = serde_json::from_str(&row.alert).ok()?;
        Some(Lately {
            id: row.id,
            at: row.at,
            alert,
        })
    })
}
