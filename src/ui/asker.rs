//! The window as the one a device asks: what its thread puts comes up on screen, and goes when nobody waits any more.
//!
//! The thread holds a future per question; the window holds the list of what is open, and answers by number. Secrets pass through
//! here once, from the window to the thread.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::channel::oneshot;
use futures::future::BoxFuture;
use futures::{Stream, stream};
use iced::Subscription;
use tokio::sync::watch;

use crate::hw::{Answer, Asker, DeviceSpec, Question};

/// The window's side and the devices' side of all questions; clones are the same one.
#[derive(Clone, Default)]
pub struct Window(Arc<Shared>);

#[derive(Default)]
struct Shared {
    replies: Mutex<Replies>,
    open: watch::Sender<Vec<Asked>>,
}

#[derive(Default)]
struct Replies {
    next: u64,
    waiting: Vec<(u64, oneshot::Sender<Option<Answer>>)>,
}

/// A question that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub id: u64,
    pub question: Question,
    /// The device that asks, as it was looked for; none: the one that was in use first.
    pub device: Option<DeviceSpec>,
}

/// The window as one device asks it: whose question it is stays known when another device comes into use.
struct OneDevice {
    window: Window,
    device: DeviceSpec,
}

impl Asked {
    /// Only told: nothing is typed here.
    pub fn is_told(&self) -> bool {
        matches!(self.question, Question::Button { .. })
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Window(..)")
    }
}

impl Window {
    /// For the thread of one device.
    pub fn of(&self, device: DeviceSpec) -> Arc<dyn Asker> {
        Arc::new(OneDevice {
            window: self.clone(),
            device,
        })
    }

    /// What is asked now, oldest first.
    pub fn open(&self) -> Vec<Asked> {
        self.0.open.borrow().clone()
    }

    /// Answers a question; none cancels it. One that nobody waits for any more is let be.
    pub fn answer(&self, id: u64, answer: Option<Answer>) {
        if let Some(reply) = self.0.close(id) {
            // Withdrawn in this moment: the answer is wiped with it.
            let _ = reply.send(answer);
        }
    }

    /// What is asked, now and whenever it changes.
    pub fn subscription(&self) -> Subscription<Vec<Asked>> {
        Subscription::run_with(self.clone(), Self::changes)
    }

    fn changes(&self) -> impl Stream<Item = Vec<Asked>> + use<> {
        let mut open = self.0.open.subscribe();
        open.mark_changed();
        stream::unfold(open, |mut open| async move {
            open.changed().await.ok()?;
            let asked = open.borrow_and_update().clone();
            Some((asked, open))
        })
    }

    /// Waits until something is asked that fits, for tests.
    #[cfg(test)]
    pub async fn until(&self, fits: impl FnMut(&Vec<Asked>) -> bool) -> Vec<Asked> {
        let mut open = self.0.open.subscribe();
        open.wait_for(fits).await.map(|open| open.clone()).unwrap_or_default()
    }
}

/// There is one window in a program; a subscription to it is always the same.
impl Hash for Window {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl Shared {
    fn replies(&self) -> MutexGuard<'_, Replies> {
        self.replies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, question: Question, device: Option<DeviceSpec>) -> BoxFuture<'_, Option<Answer>> {
        let (id, answered) = self.put(question, device);
        let withdraw = Withdraw { shared: self, id };
        Box::pin(async move {
            let _withdraw = withdraw;
            answered.await.ok().flatten()
        })
    }

    fn put(&self, question: Question, device: Option<DeviceSpec>) -> (u64, oneshot::Receiver<Option<Answer>>) {
        let (reply, answered) = oneshot::channel();
        let mut replies = self.replies();
        let id = replies.next;
        replies.next += 1;
        replies.waiting.push((id, reply));
        drop(replies);
        self.open.send_modify(|open| open.push(Asked { id, question, device }));
        (id, answered)
    }

    fn close(&self, id: u64) -> Option<oneshot::Sender<Option<Answer>>> {
        let mut replies = self.replies();
        let at = replies.waiting.iter().position(|(waiting, _)| *waiting == id)?;
        let (_, reply) = replies.waiting.swap_remove(at);
        drop(replies);
        self.open.send_modify(|open| open.retain(|asked| asked.id != id));
        Some(reply)
    }
}

impl Asker for Window {
    fn ask(&self, question: Question) -> BoxFuture<'_, Option<Answer>> {
        self.0.ask(question, None)
    }
}

impl Asker for OneDevice {
    fn ask(&self, question: Question) -> BoxFuture<'_, Option<Answer>> {
        self.window.0.ask(question, Some(self.device.clone()))
    }
}

/// Takes the question off the screen when nobody waits for its answer.
struct Withdraw<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for Withdraw<'_> {
    fn drop(&mut self) {
        drop(self.shared.close(self.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::{Kind, Look};
    use futures::{FutureExt, StreamExt};
    use zeroize::Zeroizing;

    const PIN: Question = Question::Pin { kind: Kind::Trezor };

    fn told(look: Look) -> Question {
        Question::Button {
            kind: Kind::Trezor,
            look,
        }
    }

    #[test]
    fn a_question_waits_until_it_is_answered_and_is_closed_then() {
        let window = Window::default();
        let mut asking = window.ask(PIN);
        assert!((&mut asking).now_or_never().is_none());
        let open = window.open();
        assert_eq!(open[0].question, PIN);
        window.answer(open[0].id, Some(Answer::Pin(Zeroizing::new("159".to_owned()))));
        assert!(window.open().is_empty());
        assert!(matches!(asking.now_or_never(), Some(Some(Answer::Pin(pin))) if *pin == "159"));
    }

    #[test]
    fn a_question_nobody_waits_for_is_withdrawn() {
        let window = Window::default();
        let asking = window.ask(PIN);
        let id = window.open()[0].id;
        drop(asking);
        assert!(window.open().is_empty());
        window.answer(id, None);
    }

    #[test]
    fn none_cancels_and_two_questions_are_told_apart() {
        let window = Window::default();
        let (first, second) = (window.ask(PIN), window.ask(told(Look::Address)));
        let open = window.open();
        assert!(!open[0].is_told() && open[1].is_told());
        window.answer(open[1].id, None);
        assert!(matches!(second.now_or_never(), Some(None)));
        assert!(first.now_or_never().is_none());
    }

    #[test]
    fn who_watches_hears_what_is_open_now_and_every_change() {
        let window = Window::default();
        let mut changes = Box::pin(window.changes());
        assert_eq!(changes.next().now_or_never(), Some(Some(Vec::new())));
        let asking = window.ask(PIN);
        assert_eq!(changes.next().now_or_never().flatten().map(|open| open.len()), Some(1));
        drop(asking);
        assert_eq!(changes.next().now_or_never(), Some(Some(Vec::new())));
    }
}
