//! The wizard on screen: where one is, the step itself, and the buttons below it.

use iced::widget::{Row, column, row, space};
use iced::{Element, Length};

use super::{Chained, Message, PAGE, Page, Register, State, done, review};
use crate::ui::screen::part::context::Look;
use crate::ui::screen::part::page_of;
use crate::ui::theme::Gap;
use crate::ui::widget::{
    error_notice, muted, page_with_bar, primary_button, secondary_button, step_indicator, text_button, title, warning,
};

impl Register {
    pub fn view(&self) -> Element<'_, Message> {
        let head = column![title("Register a masternode"), self.steps()].spacing(Gap::M);
        page_with_bar(head, PAGE, self.content(), self.buttons())
    }

    fn steps(&self) -> Element<'_, Message> {
        let pages: Vec<Page> = Page::shown(&self.sketch).collect();
        let mut names: Vec<&str> = pages.iter().map(|page| page.name()).collect();
        names.extend(["Check", "Sign"]);
        let current = match &self.state {
            State::Editing { page, .. } => pages.iter().position(|each| each == page).unwrap_or(0),
            State::Preparing { .. } | State::Refused(_) | State::Reviewing { .. } => pages.len(),
            State::Signing(_) => pages.len() + 1,
            State::Done(_) => pages.len() + 2,
        };
        step_indicator(&names, current)
    }

    fn content(&self) -> Element<'_, Message> {
        let look = self.look();
        match &self.state {
            State::Editing { page, .. } => self.page(*page, &look),
            State::Preparing { .. } => muted("Building the registration and checking every rule.").into(),
            State::Refused(error) => review::refused(error),
            State::Reviewing { plan, .. } => review::view(plan, &look),
            State::Signing(signing) => signing.view(&look).map(Message::Signing),
            State::Done(done) => done.view(&look).map(Message::Done),
        }
    }

    fn look(&self) -> Look<'_> {
        let status = match &self.chain {
            Chained::Known(chain) => Some(&chain.status),
            _ => None,
        };
        Look {
            profile: &self.profile,
            keys: &self.keys,
            status,
            device: self.device,
            told: self.told,
            errand: "registration",
            hand_over: false,
            sandbox: self.sandbox,
        }
    }

    fn page<'a>(&'a self, page: Page, look: &Look<'a>) -> Element<'a, Message> {
        let form = match page {
            Page::Collateral => self.forms.collateral.view(look).map(Message::Collateral),
            Page::Service => self.forms.service.view(look).map(Message::Service),
            Page::Platform => self.forms.platform.view(look).map(Message::Platform),
            Page::Keys => self.forms.keys.view(look).map(Message::Keys),
            Page::Payout => self.forms.payout.view(look).map(Message::Payout),
            Page::Fee => page_of(column![self.forms.fee.view(look)]).map(Message::Fee),
        };
        let mut parts = column![].spacing(Gap::M);
        if let Chained::Unknown(error) = &self.chain {
            let again = secondary_button("Ask again").on_press(Message::ReadChain);
            parts = parts.push(error_notice(error)).push(again);
        }
        if !self.vault && matches!(page, Page::Keys | Page::Platform | Page::Fee) {
            parts = parts.push(warning(
                "The vault is locked. Unlock it on the Keys page; what you have filled in here is kept.",
            ));
        }
        parts.push(form).into()
    }

    fn buttons(&self) -> Element<'_, Message> {
        let cancel = text_button("Cancel").on_press(Message::Cancel);
        let back = secondary_button("Back").on_press(Message::Back);
        let bar = |left: Row<'static, Message>, right: Row<'static, Message>| {
            row![left, space().width(Length::Fill), right]
                .align_y(iced::Center)
                .into()
        };
        match &self.state {
            State::Editing { page, ready } => {
                let name = if page.after(&self.sketch).is_some() {
                    "Next"
                } else {
                    "Review"
                };
                let next = primary_button(name).on_press_maybe(ready.then_some(Message::Submit));
                let first = page.before(&self.sketch).is_none();
                let back = secondary_button("Back").on_press_maybe((!first).then_some(Message::Back));
                bar(row![cancel], row![back, next].spacing(Gap::S))
            }
            State::Preparing { .. } => bar(row![cancel], row![back]),
            State::Refused(error) => {
                let mend = Page::of_error(error)
                    .map(|page| primary_button(format!("Go to {}", page.name())).on_press(Message::Jump(page)));
                bar(row![cancel], row![back].push(mend).spacing(Gap::S))
            }
            State::Reviewing { plan, .. } => {
                let ready = review::may_sign(plan, self.device.is_some());
                let sign = primary_button("Sign on the device").on_press_maybe(ready.then_some(Message::Submit));
                bar(row![cancel], row![back, sign].spacing(Gap::S))
            }
            State::Signing(signing) => {
                let (left, right) = signing.buttons();
                row![
                    left.map(Message::Signing),
                    space().width(Length::Fill),
                    right.map(Message::Signing)
                ]
                .into()
            }
            State::Done(_) => {
                let open = secondary_button("Open masternode").on_press(Message::Done(done::Message::Open));
                let done = primary_button("Done").on_press(Message::Done(done::Message::Close));
                bar(row![], row![open, done].spacing(Gap::S))
            }
        }
    }
}
