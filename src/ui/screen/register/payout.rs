//! Step 5: where rewards go, and the operator's part of them.

use std::fmt;

use iced::widget::column;
use iced::{Element, Task};

use super::sketch::Sketch;
use crate::protocol::Profile;
use crate::protocol::rules::Check;
use crate::protocol::special_tx::pro_reg::FULL_REWARD;
use crate::ui::screen::part::context::{Context, Look};
use crate::ui::screen::part::page_of;
use crate::ui::screen::part::payout::{self, Payout};
use crate::ui::theme::Gap;
use crate::ui::widget::{Field, input};

pub(super) const RULES: [&str; 5] = [
    "payout-form",
    "payout-destination",
    "payout-not-owner",
    "payout-not-voting",
    "operator-reward",
];

#[derive(Debug)]
pub struct Form {
    payout: Payout,
    reward: Field<u16>,
}

#[derive(Debug, Clone)]
pub enum Message {
    Payout(payout::Message),
    RewardEdited(String),
    Submit,
}

/// A text that is no operator reward.
#[derive(Debug, Clone, PartialEq, Eq)]
enum NoReward {
    NotANumber,
    TooFine,
    TooLarge,
}

impl fmt::Display for NoReward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "the operator reward is a number from 0 to 100, like 5 or 12.5",
            Self::TooFine => "the operator reward has at most two decimals",
            Self::TooLarge => "the operator reward cannot be more than 100 %",
        })
    }
}

impl Default for Form {
    fn default() -> Self {
        Self {
            payout: Payout::default(),
            reward: Field::with("0", 0),
        }
    }
}

impl Form {
    pub fn update(&mut self, cx: &Context<'_>, message: Message) -> Task<Message> {
        match message {
            Message::Payout(message) => return self.payout.update(cx, message).map(from_payout),
            Message::RewardEdited(text) => self.reward.edit(text, read_reward),
            Message::Submit => {}
        }
        Task::none()
    }

    pub fn recheck(&mut self, profile: &Profile) {
        self.payout.recheck(profile);
        self.reward.recheck(read_reward);
    }

    pub fn apply(&self, sketch: &mut Sketch) -> bool {
        sketch.payout = self.payout.value();
        sketch.operator_reward = self.reward.value().copied().unwrap_or(0);
        sketch.payout.is_some() && self.reward.value().is_some()
    }

    pub fn revert(sketch: &mut Sketch) {
        sketch.payout = None;
        sketch.operator_reward = 0;
    }

    pub fn refuse(&mut self, failures: &[Check]) {
        for check in failures {
            match check.rule {
                "operator-reward" => self.reward.refuse(&check.message),
                _ => self.payout.refuse(&check.message),
            }
        }
    }

    pub fn view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let reward = input("Operator reward in percent", &self.reward, Message::RewardEdited)
            .help("The part of each reward that goes to the operator, with up to two decimals. 0 if you are the operator yourself.")
            .id("reward")
            .on_submit(Message::Submit);
        page_of(column![self.payout.view(look).map(from_payout), reward].spacing(Gap::L))
    }
}

fn from_payout(message: payout::Message) -> Message {
    match message {
        payout::Message::Submit => Message::Submit,
        message => Message::Payout(message),
    }
}

/// Percent with up to two decimals, as hundredths.
fn read_reward(text: &str) -> Result<u16, NoReward> {
    let text = text.trim().trim_end_matches('%').trim_end().replace(',', ".");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(rest) || text.ends_with('.') {
        return Err(NoReward::NotANumber);
    }
    if rest.trim_end_matches('0').len() > 2 {
        return Err(NoReward::TooFine);
    }
    let hundredths = format!("{whole}{:0<2.2}", rest).parse::<u32>().unwrap_or(u32::MAX);
    u16::try_from(hundredths)
        .ok()
        .filter(|reward| *reward <= FULL_REWARD)
        .ok_or(NoReward::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reward_is_read_to_the_hundredth_and_never_above_all() {
        for (text, value) in [
            ("0", 0),
            ("5", 500),
            ("12.5", 1250),
            ("0,07 %", 7),
            ("100.00", 10_000),
            ("1.230", 123),
        ] {
            assert_eq!(read_reward(text), Ok(value), "{text}");
        }
        for text in ["100.01", "101", "99999999999999"] {
            assert_eq!(read_reward(text), Err(NoReward::TooLarge), "{text}");
        }
        assert_eq!(read_reward("1.234"), Err(NoReward::TooFine));
        for text in ["", "-1", "five", "1e2", "5.", ".5", "1.2.3"] {
            assert_eq!(read_reward(text), Err(NoReward::NotANumber), "{text}");
        }
    }
}
