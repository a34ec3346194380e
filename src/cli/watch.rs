//! `watch`: tells what happens to masternodes, as the window does, without one; for a terminal, a service or cron.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::task::JoinSet;

use super::args::WatchArgs;
use super::choices::pro_tx_hash;
use super::output::{Failure, Output, line};
use super::session::{Need, Session};
use crate::flow::alert::{Alert, Condition, Rules};
use crate::flow::watch::{self, Heard, Told, Watch, Who};
use crate::flow::words::{count, date_time};
use crate::flow::{Ports, now};
use crate::notify::Sink;
use crate::protocol::{ProTxHash, Profile};
use crate::setup;
use crate::store::Settings;
use crate::store::alerts::Alerts;
use crate::ui::advice::Advice;

/// A condition came true.
const MET: u8 = 10;
/// The node could not be reached.
const UNREACHABLE: u8 = 3;

pub async fn run(session: &Session, args: WatchArgs) -> Result<ExitCode, Failure> {
    let profile = session.profile()?;
    let alerts = settings(session, &args)?;
    let teller = Teller::new(session.output, Arc::clone(&profile), &alerts, &args)?;
    if args.test {
        return Ok(teller.test().await);
    }
    let hashes: Vec<ProTxHash> = args
        .hashes
        .iter()
        .map(|hash| pro_tx_hash(hash))
        .collect::<Result<_, _>>()?;
    let rules = Rules::of(&alerts);
    let connected = session.ports_without_device(Need::IfOpen).await;
    let journal = match &connected {
        Ok((_, ports)) => ports.journal.path().to_owned(),
        Err(_) => session.made_dirs()?.journal,
    };
    let open = || Watch::open(&profile, &journal, Who::Command, rules);
    let (_connection, ports) = match connected {
        Ok(connected) => connected,
        // The next run goes on counting for how long.
        Err(failure) if args.once && failure.code == UNREACHABLE => {
            return unreached(&open()?, teller, &failure).await;
        }
        Err(failure) => return Err(failure),
    };
    let watch = open()?.with(hashes);
    if args.once {
        once(&watch, &ports, teller).await
    } else {
        follow(&watch, ports, teller, args.seconds).await
    }
}

fn settings(session: &Session, args: &WatchArgs) -> Result<Alerts, Failure> {
    let settings = Settings::load(&session.dirs()?.settings).map_err(Failure::usage)?;
    let mut alerts = settings.unwrap_or_default().alerts;
    if let Some(webhook) = &args.webhook {
        alerts.webhook = webhook.clone();
    }
    if let Some(command) = &args.command {
        alerts.command = command.clone();
    }
    if args.print {
        (alerts.webhook, alerts.command) = Default::default();
    }
    Ok(alerts)
}

async fn once(watch: &Watch, ports: &Ports, mut teller: Teller) -> Result<ExitCode, Failure> {
    let looked = watch.look(ports).await?;
    if let Ok((told, _)) = &looked {
        teller.tell(told.clone());
        teller.hint(watch).await;
    }
    teller.tell(watch.due(now()).await?);
    let met = teller.finish().await;
    match looked {
        _ if met => Ok(ExitCode::from(MET)),
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error.into()),
    }
}

async fn unreached(watch: &Watch, mut teller: Teller, failure: &Failure) -> Result<ExitCode, Failure> {
    watch.silent(now(), &failure.message).await?;
    teller.tell(watch.due(now()).await?);
    if teller.finish().await {
        Ok(ExitCode::from(MET))
    } else {
        Err(failure.clone())
    }
}

async fn follow(watch: &Watch, ports: Ports, mut teller: Teller, seconds: Option<u64>) -> Result<ExitCode, Failure> {
    let over = async {
        match seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    let mut over = std::pin::pin!(over);
    let mut heard = std::pin::pin!(watch::follow(watch, ports));
    let mut first = true;
    loop {
        let next = tokio::select! {
            next = heard.next() => next,
            () = &mut over => None,
        };
        match next {
            Some(Ok(Heard::Looked(told))) => teller.tell(told),
            Some(Ok(Heard::Silent(error))) => teller.output.progress(&crate::ui::advice::explain(&error)),
            Some(Err(error)) => return Err(error.into()),
            None => break,
        }
        if std::mem::take(&mut first) {
            teller.hint(watch).await;
        }
        if teller.met {
            break;
        }
    }
    let met = teller.finish().await;
    Ok(if met { ExitCode::from(MET) } else { ExitCode::SUCCESS })
}

/// Prints alerts and sends them, and looks whether what was waited for is among them.
struct Teller {
    output: Output,
    profile: Arc<Profile>,
    until: Vec<Condition>,
    sinks: Vec<Arc<dyn Sink>>,
    /// Whoever is slow holds nobody up.
    sending: JoinSet<()>,
    met: bool,
}

impl Teller {
    fn new(output: Output, profile: Arc<Profile>, alerts: &Alerts, args: &WatchArgs) -> Result<Self, Failure> {
        let (sinks, wrong) = setup::sinks(alerts, args.desktop);
        if let Some(error) = wrong.into_iter().next() {
            return Err(Failure {
                advice: error.advice(),
                ..Failure::usage(error)
            });
        }
        Ok(Self {
            output,
            profile,
            until: args.until.clone(),
            sinks,
            sending: JoinSet::new(),
            met: false,
        })
    }

    fn tell(&mut self, told: Told) {
        let is_met = |alert: &Alert| self.until.iter().any(|condition| condition.is_met_by(alert));
        for alert in &told.alerts {
            self.print(alert);
        }
        // Switched off, but asked for here.
        for alert in told.muted.iter().filter(|alert| is_met(alert)) {
            self.print(alert);
        }
        self.met |= told.alerts.iter().chain(&told.muted).any(is_met);
        let notices = watch::notices(&told, &self.profile);
        if notices.is_empty() || self.sinks.is_empty() {
            return;
        }
        let (sinks, output) = (self.sinks.clone(), self.output);
        self.sending.spawn(async move {
            report(output, &watch::tell(&sinks, &notices).await);
        });
    }

    fn print(&self, alert: &Alert) {
        if self.output.json {
            line(&watch::document(alert, &self.profile).to_string());
        } else {
            line(&format!("{}  {}", date_time(alert.time), alert.sentence(&self.profile)));
        }
    }

    /// Who watches nothing should know.
    async fn hint(&self, watch: &Watch) {
        match watch.watched().await {
            0 => self.output.progress(
                "no masternode is watched: none of the list is known to be yours. Give --passphrase-file, so that the vault tells \
                 which are, or name them by their PROTXHASH",
            ),
            all => self
                .output
                .progress(&format!("watching {}", count(all, "masternode", "masternodes"))),
        }
    }

    /// Waits until everybody was told; whether what was waited for came true.
    async fn finish(mut self) -> bool {
        while self.sending.join_next().await.is_some() {}
        self.met
    }

    async fn test(&self) -> ExitCode {
        if self.sinks.is_empty() {
            self.output.progress(
                "nobody would be told: there is neither a webhook nor a command, and --desktop was not given",
            );
            return ExitCode::FAILURE;
        }
        let notice = watch::test_notice(&self.profile, now());
        let failures = watch::tell(&self.sinks, &[notice]).await;
        report(self.output, &failures);
        for sink in &self.sinks {
            let failed = failures.iter().any(|failure| failure.sink == sink.name());
            if !failed {
                self.output.progress(&format!("{}: told", sink.name()));
            }
        }
        if failures.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

fn report(output: Output, failures: &[watch::Failure]) {
    for failure in failures {
        let sentence = crate::ui::advice::explain(&failure.error);
        output.progress(&format!("{}: not told. {sentence}", failure.sink));
    }
}
