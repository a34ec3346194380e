//! Step 4: the keys of owner, operator and voter: made here, taken from the vault, or somebody else's.

use iced::Element;
use iced::widget::column;

use super::sketch::{self, Sketch};
use crate::flow::register::KeyChoice;
use crate::protocol::Profile;
use crate::protocol::rules::Check;
use crate::store::keys::{LabelError, check_label};
use crate::store::{KeyInfo, Kind};
use crate::ui::advice::sentence;
use crate::ui::screen::part::context::{Context, Look};
use crate::ui::screen::part::operator::{self, Operator};
use crate::ui::screen::part::voting::{self, Voting};
use crate::ui::screen::part::{group, held, key_named, page_of};
use crate::ui::theme::Gap;
use crate::ui::widget::{Field, input, option};

pub(super) const RULES: [&str; 8] = [
    "owner-key",
    "operator-key",
    "voting-key",
    "collateral-key-apart",
    "owner-key-unique",
    "operator-key-unique",
    "operator-key-elsewhere",
    "owner-is-voting",
];

#[derive(Debug)]
pub struct Form {
    name: Field<String>,
    owner: KeyChoice,
    operator: Operator,
    voting: Voting,
    owner_error: Option<String>,
}

#[derive(Debug, Clone)]
pub enum Message {
    NameEdited(String),
    OwnerChosen(KeyChoice),
    Operator(operator::Message),
    Voting(voting::Message),
    Submit,
}

impl Form {
    /// Proposes the first free name of the form `mn1`.
    pub fn new(keys: &[KeyInfo]) -> Self {
        let taken = |name: &str| keys.iter().any(|key| key.label.starts_with(&format!("{name}-")));
        let name = (1..)
            .map(|n| format!("mn{n}"))
            .find(|name| !taken(name))
            .expect("numbers are endless");
        Self {
            name: Field::with(name.clone(), name),
            owner: KeyChoice::New,
            operator: Operator::default(),
            voting: Voting::default(),
            owner_error: None,
        }
    }

    /// What new keys are named after.
    pub fn name(&self) -> &str {
        self.name.value().map_or("mn", String::as_str)
    }

    pub fn update(&mut self, cx: &Context<'_>, message: Message) {
        match message {
            Message::NameEdited(text) => self.name.edit(text, read_name),
            Message::OwnerChosen(choice) => self.owner = choice,
            Message::Operator(message) => self.operator.update(message),
            Message::Voting(message) => self.voting.update(cx, message),
            Message::Submit => {}
        }
    }

    /// The keys of a plan the device was asked about: they are used from now on, no new ones are made. Role and label.
    pub fn settled(&mut self, keys: &[(&'static str, String)]) {
        for (role, label) in keys {
            match *role {
                "owner" => self.owner = KeyChoice::Held(label.clone()),
                "operator" => self.operator.settle(label),
                "voting" => self.voting.settle(label),
                _ => {}
            }
        }
    }

    pub fn recheck(&mut self, profile: &Profile) {
        self.owner_error = None;
        self.operator.recheck();
        self.voting.recheck(profile);
    }

    pub fn apply(&self, keys: &[KeyInfo], sketch: &mut Sketch) -> bool {
        let secp = |label: &str| key_named(keys, label).and_then(KeyInfo::key_id);
        let owner = match &self.owner {
            KeyChoice::New => None,
            KeyChoice::Held(label) => secp(label),
        };
        sketch.name = self.name().to_owned();
        sketch.owner = Some(sketch::Owner {
            choice: self.owner.clone(),
            key: owner,
        });
        sketch.operator = self
            .operator
            .value(keys)
            .map(|(choice, key)| sketch::Operator { choice, key });
        sketch.voting = self
            .voting
            .value(keys, owner)
            .map(|(choice, key)| sketch::Voting { choice, key });
        self.name.value().is_some() && sketch.operator.is_some() && sketch.voting.is_some()
    }

    pub fn revert(sketch: &mut Sketch) {
        (sketch.owner, sketch.operator, sketch.voting) = (None, None, None);
    }

    pub fn refuse(&mut self, failures: &[Check], sketch: &Sketch) {
        for check in failures {
            match check.rule {
                rule if rule.starts_with("operator") => self.operator.refuse(&check.message),
                "voting-key" => self.voting.refuse(&check.message),
                "collateral-key-apart" if voting_holds_collateral(sketch) => self.voting.refuse(&check.message),
                _ => self.owner_error = Some(sentence(&check.message)),
            }
        }
    }

    pub fn view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let name = input("Name", &self.name, Message::NameEdited)
            .help(format!(
                "New keys are kept in the vault under this name: {}-owner, {0}-operator, {0}-voting.",
                self.name()
            ))
            .id("name")
            .on_submit(Message::Submit);
        let operator = self.operator.view(look, None).map(|message| match message {
            operator::Message::Submit => Message::Submit,
            message => Message::Operator(message),
        });
        let voting = self.voting.view(look, None).map(|message| match message {
            voting::Message::Submit => Message::Submit,
            message => Message::Voting(message),
        });
        page_of(column![name, self.owner_view(look), operator, voting].spacing(Gap::L))
    }

    fn owner_view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let chosen = match &self.owner {
            KeyChoice::Held(label) => Some(label.as_str()),
            KeyChoice::New => None,
        };
        let new = option(
            "A new owner key",
            "Made when you go on to the review.",
            chosen.is_none(),
            Message::OwnerChosen(KeyChoice::New),
        );
        let held = held(look, Kind::Owner, chosen, None, |label| {
            Message::OwnerChosen(KeyChoice::Held(label))
        });
        let line = "Changes operator, voting key and payout address later. It stays in this program's vault.";
        group(
            "Owner key",
            line,
            [new].into_iter().chain(held),
            self.owner_error.as_deref(),
        )
    }
}

fn voting_holds_collateral(sketch: &Sketch) -> bool {
    let collateral = sketch.collateral.as_ref().map(|found| found.key_id);
    let owner = sketch.owner.as_ref().and_then(|owner| owner.key);
    let voting = sketch.voting.as_ref().and_then(|voting| voting.key);
    collateral.is_some() && voting == collateral && owner != collateral
}

fn read_name(text: &str) -> Result<String, LabelError> {
    // The longest suffix is `-operator-99`.
    check_label(&format!("{}-operator-99", text.trim()))?;
    check_label(text)
}
