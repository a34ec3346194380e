//! Step 4: the keys of owner, operator and voter: made here, taken from the vault, or somebody else's.

use iced::Element;
use iced::widget::column;

use super::context::{Context, Look};
use super::part::{held, key_named, page_of};
use super::pasted_key::PastedKey;
use super::sketch::{self, Sketch};
use crate::flow::register::{KeyChoice, OperatorChoice, VotingChoice};
use crate::protocol::address::AddressError;
use crate::protocol::bls::Scheme;
use crate::protocol::key::KeyId;
use crate::protocol::rules::Check;
use crate::protocol::{Address, Profile};
use crate::store::keys::{LabelError, check_label};
use crate::store::{KeyInfo, Kind};
use crate::ui::advice::sentence;
use crate::ui::theme::Gap;
use crate::ui::widget::{Field, body, input, label, option, options, problem};

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
    pasted: PastedKey,
    voting_address: Field<KeyId>,
    owner_error: Option<String>,
    operator_error: Option<String>,
    voting_error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operator {
    New,
    Held(String),
    /// A hosting provider's public key.
    Pasted,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Voting {
    SameAsOwner,
    New,
    Held(String),
    /// Somebody else's address.
    Pasted,
}

#[derive(Debug, Clone)]
pub enum Message {
    NameEdited(String),
    OwnerChosen(KeyChoice),
    OperatorChosen(Operator),
    PublicKeyEdited(String),
    SchemeChosen(Scheme),
    VotingChosen(Voting),
    VotingAddressEdited(String),
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
            operator: Operator::New,
            voting: Voting::New,
            pasted: PastedKey::default(),
            voting_address: Field::default(),
            owner_error: None,
            operator_error: None,
            voting_error: None,
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
            Message::OperatorChosen(choice) => self.operator = choice,
            Message::PublicKeyEdited(text) => self.pasted.edit(text),
            Message::SchemeChosen(scheme) => self.pasted.choose(scheme),
            Message::VotingChosen(choice) => self.voting = choice,
            Message::VotingAddressEdited(text) => {
                self.voting_address.edit(text, |text| read_voting(text, cx.profile()))
            }
            Message::Submit => {}
        }
    }

    /// The keys of a plan the device was asked about: they are used from now on, no new ones are made. Role and label.
    pub fn settled(&mut self, keys: &[(&'static str, String)]) {
        for (role, label) in keys {
            match *role {
                "owner" => self.owner = KeyChoice::Held(label.clone()),
                "operator" => self.operator = Operator::Held(label.clone()),
                "voting" => self.voting = Voting::Held(label.clone()),
                _ => {}
            }
        }
    }

    pub fn recheck(&mut self, profile: &Profile) {
        (self.owner_error, self.operator_error, self.voting_error) = (None, None, None);
        self.pasted.recheck();
        if self.voting_address.is_touched() {
            self.voting_address.recheck(|text| read_voting(text, profile));
        }
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
        sketch.operator = self.operator_choice(keys);
        sketch.voting = self.voting_choice(owner, secp);
        self.name.value().is_some() && sketch.operator.is_some() && sketch.voting.is_some()
    }

    fn operator_choice(&self, keys: &[KeyInfo]) -> Option<sketch::Operator> {
        let (choice, key) = match &self.operator {
            Operator::New => (OperatorChoice::New, None),
            Operator::Held(label) => (
                OperatorChoice::Held(label.clone()),
                key_named(keys, label).and_then(KeyInfo::operator),
            ),
            Operator::Pasted => {
                let key = self.pasted.key()?;
                (OperatorChoice::Foreign(key), Some(key))
            }
        };
        Some(sketch::Operator { choice, key })
    }

    fn voting_choice(&self, owner: Option<KeyId>, secp: impl Fn(&str) -> Option<KeyId>) -> Option<sketch::Voting> {
        let (choice, key) = match &self.voting {
            Voting::SameAsOwner => (VotingChoice::SameAsOwner, owner),
            Voting::New => (VotingChoice::New, None),
            Voting::Held(label) => (VotingChoice::Held(label.clone()), secp(label)),
            Voting::Pasted => {
                let key = *self.voting_address.value()?;
                (VotingChoice::Foreign(key), Some(key))
            }
        };
        Some(sketch::Voting { choice, key })
    }

    pub fn revert(sketch: &mut Sketch) {
        (sketch.owner, sketch.operator, sketch.voting) = (None, None, None);
    }

    pub fn refuse(&mut self, failures: &[Check], sketch: &Sketch) {
        for check in failures {
            match check.rule {
                rule if rule.starts_with("operator") => self.refuse_operator(check),
                "voting-key" => self.refuse_voting(check),
                "collateral-key-apart" if voting_holds_collateral(sketch) => self.refuse_voting(check),
                _ => self.owner_error = Some(sentence(&check.message)),
            }
        }
    }

    fn refuse_operator(&mut self, check: &Check) {
        match self.operator {
            Operator::Pasted => self.pasted.refuse(&check.message),
            _ => self.operator_error = Some(sentence(&check.message)),
        }
    }

    fn refuse_voting(&mut self, check: &Check) {
        match self.voting {
            Voting::Pasted => self.voting_address.refuse(&check.message),
            _ => self.voting_error = Some(sentence(&check.message)),
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
        page_of(
            column![
                name,
                self.owner_view(look),
                self.operator_view(look),
                self.voting_view(look)
            ]
            .spacing(Gap::L),
        )
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
        let held = held(look, Kind::Owner, chosen, |label| {
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

    fn operator_view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let chosen = match &self.operator {
            Operator::Held(label) => Some(label.as_str()),
            _ => None,
        };
        let new = option(
            "A new operator key",
            "You run the server yourself.",
            self.operator == Operator::New,
            Message::OperatorChosen(Operator::New),
        );
        let pasted = option(
            "A hosting provider's public key",
            "The provider runs the server and keeps the private key.",
            self.operator == Operator::Pasted,
            Message::OperatorChosen(Operator::Pasted),
        );
        let held = held(look, Kind::Operator, chosen, |label| {
            Message::OperatorChosen(Operator::Held(label))
        });
        let line = "Runs the server: announces its address and takes part in quorums.";
        let choices = [new].into_iter().chain(held).chain([pasted]);
        let mut parts = column![group("Operator key", line, choices, self.operator_error.as_deref())].spacing(Gap::S);
        if self.operator == Operator::Pasted {
            parts = parts.push(self.pasted.view(look));
        }
        parts.into()
    }

    fn voting_view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let chosen = match &self.voting {
            Voting::Held(label) => Some(label.as_str()),
            _ => None,
        };
        let pick = |name: &'static str, line: &'static str, to: Voting| {
            option(name, line, self.voting == to, Message::VotingChosen(to))
        };
        let new = pick(
            "A new voting key",
            "Can be handed to somebody who votes for you.",
            Voting::New,
        );
        let same = pick(
            "Same as the owner key",
            "One key fewer, but it cannot be handed out.",
            Voting::SameAsOwner,
        );
        let pasted = pick(
            "Somebody else's address",
            "They vote with the key of this address.",
            Voting::Pasted,
        );
        let held = held(look, Kind::Voting, chosen, |label| {
            Message::VotingChosen(Voting::Held(label))
        });
        let choices = [new, same].into_iter().chain(held).chain([pasted]);
        let mut parts = column![group(
            "Voting key",
            "Votes on proposals.",
            choices,
            self.voting_error.as_deref()
        )]
        .spacing(Gap::S);
        if self.voting == Voting::Pasted {
            let field = input("Voting address", &self.voting_address, Message::VotingAddressEdited)
                .help("An address of a key (not of a script) on this network.")
                .mono()
                .id("voting-address")
                .on_submit(Message::Submit);
            parts = parts.push(field);
        }
        parts.into()
    }
}

fn group<'a>(
    name: &'a str,
    line: &'a str,
    choices: impl Iterator<Item = Element<'a, Message>>,
    error: Option<&'a str>,
) -> Element<'a, Message> {
    let mut parts = column![label(name), body(line), options(choices)].spacing(Gap::S);
    if let Some(error) = error {
        parts = parts.push(problem(error));
    }
    parts.into()
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

fn read_voting(text: &str, profile: &Profile) -> Result<KeyId, AddressError> {
    Address::parse_key(text, profile).map(KeyId)
}
