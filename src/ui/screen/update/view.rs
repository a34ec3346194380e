//! The page of an operation: which masternode it is about, what is on screen, and the buttons below it.

use iced::widget::{Row, column, row, space};
use iced::{Element, Length};

use super::{Message, PAGE, State, Update, What, Wish};
use crate::flow::operation::Kind;
use crate::protocol::masternode::Entry;
use crate::ui::format::short_hash;
use crate::ui::screen::part::context::Look;
use crate::ui::screen::part::page_of;
use crate::ui::theme::Gap;
use crate::ui::widget::{
    danger_button, error_notice, mono, muted, page_with_bar, primary_button, secondary_button, strong, text_button,
    title, warning,
};

impl Update {
    pub fn view(&self) -> Element<'_, Message> {
        let mut head = column![title(self.name())].spacing(Gap::S);
        if let Some((name, entry)) = self.masternode() {
            head = head.push(who(name, entry));
        }
        page_with_bar(head, PAGE, self.content(), self.buttons())
    }

    fn name(&self) -> &'static str {
        match (&self.task, &self.state) {
            (Wish::Change { asked, .. }, _) if asked.what == What::Revive => "Revive a masternode",
            (Wish::Change { asked, .. }, _) => asked.what.name(),
            (Wish::Complete(_), State::Reviewing(reviewing)) => name_of(reviewing.kind()),
            (Wish::Complete(_), _) => "Complete an operation from a file",
        }
    }

    fn masternode(&self) -> Option<(&str, &Entry)> {
        match (&self.task, &self.state) {
            (Wish::Change { filled, .. }, _) => {
                let subject = &filled.as_ref()?.subject;
                Some((subject.name.as_str(), &subject.entry))
            }
            (Wish::Complete(_), State::Reviewing(reviewing)) => {
                Some((reviewing.name(), reviewing.review().masternode.as_ref()?))
            }
            (Wish::Complete(_), _) => None,
        }
    }

    fn look(&self) -> Look<'_> {
        let (status, hand_over) = match &self.task {
            Wish::Change { filled, asked } => (filled.as_ref().map(|filled| &filled.subject.status), asked.elsewhere),
            Wish::Complete(_) => (None, false),
        };
        Look {
            profile: &self.profile,
            keys: &self.keys,
            status,
            device: self.device,
            told: None,
            errand: "update",
            hand_over,
            sandbox: self.sandbox,
        }
    }

    fn content(&self) -> Element<'_, Message> {
        let look = self.look();
        match &self.state {
            State::Reading { .. } => muted("Reading the masternode.").into(),
            State::Unreadable(error) => {
                let again = secondary_button("Ask again").on_press(Message::ReadAgain);
                column![error_notice(error), again].spacing(Gap::M).into()
            }
            State::Looking(checkup) => page_of(column![checkup.view(&look).map(Message::Checkup)]),
            State::Editing { .. } => self.form_view(&look),
            State::Importing => match &self.task {
                Wish::Complete(form) => page_of(column![form.view().map(Message::Import)]),
                Wish::Change { .. } => space().into(),
            },
            State::Preparing { .. } => muted("Building the transaction and checking every rule.").into(),
            State::Refused(error) => {
                let line = "Nothing was signed and nothing was sent. What you have filled in is kept.";
                page_of(column![error_notice(error), muted(line)].spacing(Gap::M))
            }
            State::Reviewing(reviewing) => reviewing.view(&look).map(Message::Review),
            State::Signing { signing, .. } => signing.view(&look).map(Message::Signing),
            State::Done(done) => done.view().map(Message::Done),
        }
    }

    fn form_view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let Wish::Change {
            filled: Some(filled), ..
        } = &self.task
        else {
            return space().into();
        };
        let fee = filled.fee.view(look).map(Message::Fee);
        let mut parts = column![].spacing(Gap::L);
        if !self.vault {
            parts = parts.push(warning(
                "The vault is locked. Unlock it on the Keys page, then open this again.",
            ));
        }
        if filled.fee.is_funding() {
            return page_of(parts.push(fee));
        }
        page_of(
            parts
                .push(filled.form.view(look, &filled.subject).map(Message::Form))
                .push(fee),
        )
    }

    fn buttons(&self) -> Element<'_, Message> {
        let cancel = || row![text_button("Cancel").on_press(Message::Cancel)];
        let back = || secondary_button("Back").on_press(Message::Back);
        let submit = |ready: bool| ready.then_some(Message::Submit);
        let bar = |left: Row<'static, Message>, right: Row<'static, Message>| {
            row![left, space().width(Length::Fill), right.spacing(Gap::S)]
                .align_y(iced::Center)
                .into()
        };
        match &self.state {
            State::Reading { .. } | State::Unreadable(_) => bar(cancel(), row![back()]),
            State::Looking(checkup) => {
                let verdict = checkup.verdict();
                let go_on = primary_button(verdict.unwrap_or("Revive")).on_press_maybe(submit(verdict.is_some()));
                bar(cancel(), row![back(), go_on])
            }
            State::Editing { ready } => {
                let review = primary_button("Review").on_press_maybe(submit(*ready));
                bar(cancel(), row![back(), review])
            }
            State::Importing => {
                let ready = matches!(&self.task, Wish::Complete(form) if form.source().is_some());
                let review = primary_button("Review").on_press_maybe(submit(ready));
                bar(cancel(), row![back(), review])
            }
            State::Preparing { .. } | State::Refused(_) => bar(cancel(), row![back()]),
            State::Reviewing(reviewing) if reviewing.is_handed_over() => {
                bar(row![], row![back(), primary_button("Done").on_press(Message::Submit)])
            }
            State::Reviewing(reviewing) if !reviewing.is_complete() => bar(cancel(), row![back()]),
            State::Reviewing(reviewing) => {
                let press = submit(reviewing.may_sign());
                let sign = match reviewing.kind() {
                    Kind::Revoke => danger_button("Revoke"),
                    _ => primary_button("Sign and send"),
                };
                bar(cancel(), row![back(), sign.on_press_maybe(press)])
            }
            State::Signing { signing, .. } => {
                let (left, right) = signing.buttons();
                row![
                    left.map(Message::Signing),
                    space().width(Length::Fill),
                    right.map(Message::Signing)
                ]
                .into()
            }
            State::Done(done) => {
                let open = secondary_button("Open masternode").on_press(Message::Open);
                // Where something has to follow, that is the primary button.
                let close = match done.next() {
                    Some(_) => secondary_button("Done"),
                    None => primary_button("Done"),
                };
                bar(row![], row![open, close.on_press(Message::Submit)])
            }
        }
    }
}

/// Which masternode it is about.
fn who<'a>(name: &'a str, entry: &'a Entry) -> Element<'a, Message> {
    let hash = entry.pro_tx_hash.to_string();
    let service = if entry.state.service.is_none() {
        "no address".to_owned()
    } else {
        entry.state.service.to_string()
    };
    row![strong(name), muted(service), mono(short_hash(&hash))]
        .spacing(Gap::M)
        .align_y(iced::Center)
        .wrap()
        .into()
}

fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Register => "Complete a registration",
        Kind::UpdateService => What::Service.name(),
        Kind::UpdateRegistrar => "Complete an update by the owner",
        Kind::Revoke => What::Revoke.name(),
    }
}
