//! All of mine in one line.

use iced::Element;
use iced::widget::{Row, column};

use super::Message;
use super::words::{self, When};
use crate::flow::overview::Masternode;
use crate::protocol::masternode::Status;
use crate::ui::format;
use crate::ui::theme::{Gap, Size, Tone};
use crate::ui::widget::{card, help, strong, toned};

/// Counted when the list changes.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Summary {
    pub all: usize,
    /// Neither banned nor in danger.
    well: usize,
    danger: usize,
    banned: usize,
    /// Wait for their operator or owner.
    waiting: usize,
    /// Who is paid next.
    next: Option<(String, When)>,
}

impl Summary {
    pub(super) fn of<'a>(mine: impl Iterator<Item = &'a Masternode>) -> Self {
        let mut summary = Self::default();
        let mut next: Option<(&Masternode, When)> = None;
        for each in mine {
            summary.all += 1;
            *match each.entry.status() {
                Status::PoseBanned => &mut summary.banned,
                Status::WaitingForService | Status::Revoked => &mut summary.waiting,
                _ if words::is_in_danger(each) => &mut summary.danger,
                _ => &mut summary.well,
            } += 1;
            if let Some(when) = When::of(each)
                && next.as_ref().is_none_or(|(_, before)| when.height < before.height)
            {
                next = Some((each, when));
            }
        }
        summary.next = next.map(|(each, when)| (each.name.clone(), when));
        summary
    }

    pub(super) fn view<'a>(&self, now: u64) -> Element<'a, Message> {
        let number = |count: usize| format::grouped(count as u64);
        let mut figures = vec![
            figure("Masternodes", number(self.all), Tone::Neutral),
            figure("Enabled", number(self.well), Tone::Good),
        ];
        for (name, count, tone) in [
            ("In danger", self.danger, Tone::Bad),
            ("Banned", self.banned, Tone::Bad),
            ("Waiting", self.waiting, Tone::Warning),
        ] {
            if count > 0 {
                figures.push(figure(name, number(count), tone));
            }
        }
        if let Some((name, when)) = &self.next {
            let value = format!("{} · {}", words::capital(&when.wait(now)), words::short_name(name));
            figures.push(figure("Next payment", value, Tone::Neutral));
        }
        let figures = Row::with_children(figures)
            .spacing(Gap::XL)
            .wrap()
            .vertical_spacing(Gap::S);
        card(figures).into()
    }
}

fn figure<'a>(name: &'static str, value: String, tone: Tone) -> Element<'a, Message> {
    let value = match tone {
        Tone::Neutral => strong(value),
        tone => toned(value, tone).font(crate::ui::theme::STRONG),
    };
    column![help(name), value.size(Size::HEADING)].spacing(2).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::tests::support::overview;

    #[test]
    fn each_of_mine_is_counted_once_and_the_earliest_payment_named() {
        let overview = overview(20);
        let summary = Summary::of(overview.masternodes.iter().filter(|each| each.mine));
        let counts = (
            summary.all,
            summary.well,
            summary.danger,
            summary.banned,
            summary.waiting,
        );
        assert_eq!(counts, (5, 1, 1, 1, 2));
        let earliest = overview
            .masternodes
            .iter()
            .filter(|each| each.mine && each.slot.is_some());
        let earliest = earliest.min_by_key(|each| each.slot.map(|slot| slot.position));
        let (name, when) = summary.next.expect("some are paid");
        assert_eq!(Some(name), earliest.map(|each| each.name.clone()));
        assert_eq!(
            Some(when.height),
            earliest.and_then(|each| each.slot).map(|slot| slot.height)
        );
    }
}
