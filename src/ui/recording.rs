//! The history while the window is open: every list that is read is recorded, whatever page is on screen, away from the window's
//! thread.

use std::sync::Arc;

use iced::Task;

use super::screen::masternodes;
use super::{App, Link, Message};
use crate::flow;

impl App {
    /// Records a list that was read for a page.
    pub(super) fn record(&self, message: &masternodes::Message) -> Task<Message> {
        let (Link::Up(session), masternodes::Message::Read(Ok(overview))) = (&self.link, message) else {
            return Task::none();
        };
        let (ports, overview) = (session.ports().clone(), overview.clone());
        let recorder = Arc::clone(&session.recorder);
        let record = async move { recorder.record_overview(&ports, &overview).await };
        Task::perform(record, |result| Message::Recorded(result.map(|_| ())))
    }

    /// A list that was not recorded leaves a gap, which the next one closes.
    pub(super) fn recorded(&mut self, result: Result<(), flow::Error>) -> Task<Message> {
        if let Err(error) = &result {
            tracing::warn!(%error, "the history was not recorded");
        }
        let Link::Up(session) = &mut self.link else {
            return Task::none();
        };
        let task = session.masternodes.recorded(&session.connection.ports, result.err());
        task.map(Message::Masternodes)
    }
}
