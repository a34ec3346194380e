//! Looking again and again, for whoever has no list of its own.

use std::collections::VecDeque;

use futures::{Stream, stream};

use super::{Told, Watch};
use crate::flow::{Error, Ports};
use crate::rpc::Tip;

/// What following the chain brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A look is over; it may have brought nothing.
    Looked(Told),
    /// The node does not answer; it is asked again. Said when that begins.
    Silent(Error),
}

/// Looks at every new block, as often as the ports poll. It ends only with an error of the vault, the journal or the record.
pub fn follow(watch: &Watch, ports: Ports) -> impl Stream<Item = Result<Heard, Error>> + '_ {
    let start = Following {
        watch,
        ports,
        last: None,
        silent: false,
        queue: VecDeque::new(),
        begun: false,
    };
    stream::try_unfold(start, |mut following| async move {
        loop {
            if let Some(heard) = following.queue.pop_front() {
                return Ok(Some((heard, following)));
            }
            following.step().await?;
        }
    })
}

struct Following<'a> {
    watch: &'a Watch,
    ports: Ports,
    last: Option<Tip>,
    silent: bool,
    queue: VecDeque<Heard>,
    begun: bool,
}

impl Following<'_> {
    async fn step(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.begun, true) {
            tokio::time::sleep(self.ports.poll).await;
        }
        match self.ports.node.tip().await {
            Ok(tip) if Some(tip) == self.last => {}
            Ok(_) => self.look().await?,
            Err(error) => {
                let error = Error::from(error);
                self.watch.silent(self.ports.now(), &error.to_string()).await?;
                self.fell_silent(error);
            }
        }
        let due = self.watch.due(self.ports.now()).await?;
        if !due.is_empty() {
            self.queue.push_back(Heard::Looked(due));
        }
        Ok(())
    }

    async fn look(&mut self) -> Result<(), Error> {
        match self.watch.look(&self.ports).await? {
            Ok((told, overview)) => {
                self.last = Some(overview.tip);
                self.silent = false;
                self.queue.push_back(Heard::Looked(told));
            }
            Err(error) => self.fell_silent(error),
        }
        Ok(())
    }

    fn fell_silent(&mut self, error: Error) {
        // The block may be the same when the node is back, and that is to be told.
        self.last = None;
        if !std::mem::replace(&mut self.silent, true) {
            self.queue.push_back(Heard::Silent(error));
        }
    }
}
