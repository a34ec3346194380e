//! What changes by itself: the devices' screens, the chain's height.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use futures::{Stream, StreamExt, stream};
use iced::Subscription;
use tokio::sync::{broadcast, watch};

use super::Message;
use crate::sandbox::Event;
use crate::setup::SandboxRun;

/// What is watched; a run has one identity. The streams hold receivers only, so that they keep no run alive.
struct Watch {
    id: u64,
    run: Arc<SandboxRun>,
}

impl Hash for Watch {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

pub fn subscription(run: &Arc<SandboxRun>, id: u64) -> Subscription<Message> {
    let run = Arc::clone(run);
    Subscription::run_with(Watch { id, run }, changes)
}

fn changes(watch: &Watch) -> impl Stream<Item = Message> + use<> {
    let (id, run) = (watch.id, &watch.run);
    let ledger = values(run.panel.watch()).map(move |screen| Message::ScreenChanged(id, screen));
    let trezor = match &run.trezor {
        Some(trezor) => values(trezor.panel().watch())
            .map(move |screen| Message::TrezorChanged(id, screen))
            .boxed(),
        None => stream::pending().boxed(),
    };
    let heights = heights(run.chain.subscribe()).map(move |height| Message::HeightChanged(id, height));
    stream::select(stream::select(ledger, trezor), heights)
}

/// The value now and whenever it changes.
fn values<T: Clone>(mut receiver: watch::Receiver<T>) -> impl Stream<Item = T> {
    receiver.mark_changed();
    stream::unfold(receiver, |mut receiver| async move {
        receiver.changed().await.ok()?;
        let value = receiver.borrow_and_update().clone();
        Some((value, receiver))
    })
}

/// The height of each new block.
fn heights(events: broadcast::Receiver<Event>) -> impl Stream<Item = u32> {
    stream::unfold(events, |mut events| async move {
        loop {
            match events.recv().await {
                Ok(Event::BlockMined { height, .. }) => return Some((height, events)),
                Ok(Event::TransactionAccepted { .. }) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    })
}
