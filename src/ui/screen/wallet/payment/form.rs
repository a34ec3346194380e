//! What is to be paid: to whom or as which collateral, how much, from which coins, at which fee.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::bip32::DerivationPath;
use iced::Element;
use iced::widget::{column, row};
use thiserror::Error as ThisError;

use super::rate::{self, read_rate};
use crate::flow::Error;
use crate::flow::pay::{Draft, Purpose, Selection, Sum};
use crate::flow::wallet::Account;
use crate::protocol::amount::AmountError;
use crate::protocol::network::MnType;
use crate::protocol::rules::DUST_KEY;
use crate::protocol::{Address, Amount, OutPoint, Profile};
use crate::rpc::FeeRate;
use crate::ui::format::{amount, count};
use crate::ui::screen::part::group;
use crate::ui::theme::Gap;
use crate::ui::widget::{Field, body, error_notice, info, input, label, option, panel};

#[derive(Debug)]
pub struct Form {
    account: DerivationPath,
    /// What its coins that are ready and free come to.
    available: Amount,
    what: What,
    ticked: Ticked,
    from: From,
    rate: Field<Option<Amount>>,
    /// What the node advises, once it has said so.
    advice: Option<FeeRate>,
    /// What no field can say.
    error: Option<Error>,
}

#[derive(Debug)]
enum What {
    Send(Send),
    Collateral(MnType),
}

#[derive(Debug, Default)]
struct Send {
    to: Field<Address>,
    part: Part,
    sum: Field<Amount>,
    label: Field<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    #[default]
    Exactly,
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    Automatic,
    Ticked,
}

/// The coins chosen in the table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ticked {
    pub coins: BTreeSet<OutPoint>,
    /// Those among them that are locked and whose phrase was typed.
    /// With how grave what guards them was when their phrases were typed.
    pub unlocked: BTreeMap<OutPoint, u8>,
    pub sum: Amount,
}

#[derive(Debug, Clone)]
pub enum Message {
    ToEdited(String),
    PartChosen(Part),
    SumEdited(String),
    LabelEdited(String),
    KindChosen(MnType),
    FromChosen(From),
    RateEdited(String),
}

/// Why an amount cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
enum NoSum {
    #[error(transparent)]
    Unreadable(#[from] AmountError),
    #[error("more than the {most} that these coins come to")]
    TooMuch { most: String },
    #[error("at least {least}: nodes relay no smaller output")]
    Dust { least: String },
}

impl Form {
    pub fn send(account: &Account, ticked: Ticked) -> Self {
        Self::new(account, ticked, What::Send(Send::default()))
    }

    pub fn collateral(account: &Account, ticked: Ticked) -> Self {
        Self::new(account, ticked, What::Collateral(MnType::Regular))
    }

    fn new(account: &Account, ticked: Ticked, what: What) -> Self {
        let from = if ticked.coins.is_empty() {
            From::Automatic
        } else {
            From::Ticked
        };
        Self {
            account: account.path.clone(),
            available: account.balances().ready,
            what,
            ticked,
            from,
            rate: Field::with("", None),
            advice: None,
            error: None,
        }
    }

    pub fn title(&self) -> &'static str {
        match self.what {
            What::Send(_) => "Send",
            What::Collateral(_) => "Create a collateral",
        }
    }

    /// Id of the field that takes the focus.
    pub fn first_field(&self) -> Option<&'static str> {
        matches!(self.what, What::Send(_)).then_some("pay-to")
    }

    /// What the payment is to be remembered by.
    pub fn label(&self) -> Option<&str> {
        match &self.what {
            What::Send(send) => Some(send.label.text().trim()).filter(|label| !label.is_empty()),
            What::Collateral(_) => None,
        }
    }

    pub fn advised(&mut self, advice: FeeRate) {
        self.advice = Some(advice);
        let relay = Some(advice.relay);
        self.rate.recheck(|text| read_rate(text, relay));
    }

    pub fn update(&mut self, profile: &Profile, message: Message) {
        self.error = None;
        let most = self.most();
        match (message, &mut self.what) {
            (Message::ToEdited(text), What::Send(send)) => send.to.edit(text, |text| Address::parse(text, profile)),
            (Message::PartChosen(part), What::Send(send)) => send.part = part,
            (Message::SumEdited(text), What::Send(send)) => send.sum.edit(text, |text| read_sum(text, most, profile)),
            (Message::LabelEdited(text), What::Send(send)) => {
                send.label.edit(text, |text| Ok::<_, AmountError>(text.to_owned()));
            }
            (Message::KindChosen(kind), What::Collateral(chosen)) => *chosen = kind,
            (Message::FromChosen(from), _) => self.choose(from, profile),
            (Message::RateEdited(text), _) => {
                let relay = self.advice.map(|advice| advice.relay);
                self.rate.edit(text, |text| read_rate(text, relay));
            }
            _ => {}
        }
    }

    fn choose(&mut self, from: From, profile: &Profile) {
        self.from = from;
        let most = self.most();
        if let What::Send(send) = &mut self.what
            && send.sum.is_touched()
        {
            send.sum.recheck(|text| read_sum(text, most, profile));
        }
    }

    /// What the coins it is paid from come to.
    fn most(&self) -> Amount {
        match self.from {
            From::Automatic => self.available,
            From::Ticked => self.ticked.sum,
        }
    }

    /// Complete and readable.
    pub fn draft(&self) -> Option<Draft> {
        let purpose = match &self.what {
            What::Send(send) => Purpose::Send {
                to: *send.to.value()?,
                sum: match send.part {
                    Part::All => Sum::All,
                    Part::Exactly => Sum::Exactly(*send.sum.value()?),
                },
            },
            What::Collateral(kind) => Purpose::Collateral { kind: *kind },
        };
        let coins = match self.from {
            From::Automatic => Selection::Automatic,
            From::Ticked => Selection::Chosen {
                coins: self.ticked.coins.clone(),
                unlocked: self.ticked.unlocked.clone(),
            },
        };
        Some(Draft {
            account: self.account.clone(),
            purpose,
            coins,
            rate: *self.rate.value()?,
        })
    }

    /// Why it came to no plan, at the field that can mend it.
    pub fn refuse(&mut self, error: Error) {
        match (&error, &mut self.what) {
            (Error::Short(_), What::Send(send)) if send.part == Part::Exactly => send.sum.refuse(&error),
            _ => {}
        }
        self.error = Some(error);
    }

    pub fn view<'a>(&'a self, profile: &'a Profile, submit: Option<super::Message>) -> Element<'a, super::Message> {
        let form = match &self.what {
            What::Send(send) => self.send_view(send, profile, submit),
            What::Collateral(kind) => self.collateral_view(*kind, profile),
        };
        let mut parts = column![].spacing(Gap::M);
        if let Some(error) = &self.error {
            parts = parts.push(error_notice(error));
        }
        parts.push(form).push(panel("Paid from", self.sources(profile))).into()
    }

    fn send_view<'a>(
        &'a self,
        send: &'a Send,
        profile: &'a Profile,
        submit: Option<super::Message>,
    ) -> Element<'a, super::Message> {
        let to = input("To", &send.to, edit(Message::ToEdited))
            .placeholder("Address")
            .help(format!("An address of {}.", profile.name))
            .mono()
            .id("pay-to")
            .on_submit_maybe(submit.clone());
        let parts = [
            option(
                "An amount",
                "",
                send.part == Part::Exactly,
                super::Message::Form(Message::PartChosen(Part::Exactly)),
            ),
            option(
                "Everything",
                "",
                send.part == Part::All,
                super::Message::Form(Message::PartChosen(Part::All)),
            ),
        ];
        let mut content = column![to, label("How much"), row(parts).spacing(Gap::M)].spacing(Gap::S);
        content = match send.part {
            Part::Exactly => content.push(
                input("Amount", &send.sum, edit(Message::SumEdited))
                    .help(format!("In {}. The fee comes on top.", profile.ticker))
                    .id("pay-amount")
                    .on_submit_maybe(submit.clone()),
            ),
            Part::All => content.push(body(format!(
                "All of {}, less the fee. Nothing comes back; locked coins stay where they are.",
                amount(self.most(), profile)
            ))),
        };
        let label = input("Label", &send.label, edit(Message::LabelEdited))
            .placeholder("What it is for")
            .help("Kept on this computer only.")
            .id("pay-label")
            .on_submit_maybe(submit);
        panel("Payment", content.push(label)).into()
    }

    fn collateral_view<'a>(&'a self, chosen: MnType, profile: &'a Profile) -> Element<'a, super::Message> {
        let choice = |name: &'static str, kind: MnType| {
            let sum = amount(profile.collateral(kind).unwrap_or_default(), profile);
            let message = super::Message::Form(Message::KindChosen(kind));
            option(name, format!("exactly {sum}"), chosen == kind, message)
        };
        let mut choices = vec![choice("For a masternode", MnType::Regular)];
        if profile.collateral_evo.is_some() {
            choices.push(choice("For an evonode", MnType::Evo));
        }
        let words = "A payment of exactly this amount to the next unused address of this account. The device shows that \
                     address first; then it shows the payment as any other. The coin stays on the device and is locked \
                     here from then on.";
        panel(
            "Collateral",
            column![body(words), row(choices).spacing(Gap::M)].spacing(Gap::M),
        )
        .into()
    }

    fn sources<'a>(&'a self, profile: &'a Profile) -> Element<'a, super::Message> {
        let ticked = self.ticked.coins.len();
        let automatic = option(
            "Coins chosen automatically",
            format!("of {} available; locked ones never", amount(self.available, profile)),
            self.from == From::Automatic,
            super::Message::Form(Message::FromChosen(From::Automatic)),
        );
        let mut choices = vec![automatic];
        if ticked > 0 {
            choices.push(option(
                format!("The {}", count(ticked, "coin ticked", "coins ticked")),
                format!("{} in all", amount(self.ticked.sum, profile)),
                self.from == From::Ticked,
                super::Message::Form(Message::FromChosen(From::Ticked)),
            ));
        }
        let line = match ticked {
            0 => "To choose them yourself, go back and tick coins in the table.",
            _ => "Exactly those ticked are spent, no others.",
        };
        let rate = input("Fee rate", &self.rate, edit(Message::RateEdited))
            .placeholder("As the node advises")
            .help(rate::help(self.advice))
            .id("pay-rate");
        let mut parts = column![group("Coins", line, choices.into_iter(), None)].spacing(Gap::M);
        if self.from == From::Ticked && !self.ticked.unlocked.is_empty() {
            let words = format!(
                "{} unlocked: this payment spends what was locked.",
                count(self.ticked.unlocked.len(), "coin among them is", "coins among them are")
            );
            parts = parts.push(crate::ui::widget::warning(words));
        }
        if self.available == Amount::ZERO && ticked == 0 {
            parts = parts.push(info("No coin of this account can pay now."));
        }
        parts.push(rate).into()
    }
}

fn edit<'a>(message: impl Fn(String) -> Message + 'a) -> impl Fn(String) -> super::Message + 'a {
    move |text| super::Message::Form(message(text))
}

fn read_sum(text: &str, most: Amount, profile: &Profile) -> Result<Amount, NoSum> {
    let sum: Amount = text.parse()?;
    let least = Amount::from_duffs(DUST_KEY);
    if sum > most {
        return Err(NoSum::TooMuch {
            most: amount(most, profile),
        });
    }
    if sum < least {
        return Err(NoSum::Dust {
            least: amount(least, profile),
        });
    }
    Ok(sum)
}
