//! The whole operation before anybody signs: every field before and after, what follows, who signs, the fee, the verdict.

use iced::widget::{column, row, space};
use iced::{Element, Length, Task};

use super::handover::{self, HandOver};
use super::signer::Pasted;
use crate::flow::Ports;
use crate::flow::operation::{Kind, Missing, Operation, Role, Signer};
use crate::flow::overview;
use crate::flow::update::{Field, Review};
use crate::protocol::rules::{Check, OF_SIGNATURES};
use crate::protocol::special_tx::{Payload, ProRegTx};
use crate::protocol::wire::to_hex;
use crate::protocol::{Amount, Profile, script};
use crate::store::KeyInfo;
use crate::ui::advice::sentence;
use crate::ui::format::{amount, percent};
use crate::ui::screen::part::context::Look;
use crate::ui::screen::part::page_of;
use crate::ui::screen::part::signing::Job;
use crate::ui::theme::Gap;
use crate::ui::widget::{
    SecretText, body, divider, fact, fact_mono, help, info, input, mono, muted, panel, problem, strong, success,
    warning,
};

pub struct Reviewing {
    job: Job,
    review: Review,
    /// What the masternode is called here.
    name: String,
    /// A revocation asks to type it.
    typed: crate::ui::widget::Field<()>,
    /// The operator's secret, for an operation from a file.
    pasted: Pasted,
    /// What was missing before anything was pasted.
    missing: Vec<Missing>,
    handover: HandOver,
    /// It was tried once, so the journal has it and its keys stay.
    pub tried: bool,
}

#[derive(Debug, Clone)]
pub enum Message {
    NameEdited(String),
    SecretEdited(SecretText),
    HandOver(handover::Message),
    Submit,
}

impl Reviewing {
    /// A plan made here.
    pub fn plan(plan: crate::flow::update::Plan) -> Self {
        let (review, name) = (plan.review.clone(), plan.name.clone());
        Self::new(Job::Update(Box::new(plan)), review, name)
    }

    /// An operation from a file.
    pub fn operation(ports: &Ports, operation: Operation, review: Review) -> Self {
        let name = match &review.masternode {
            Some(entry) => overview::roles(ports.vault.as_deref(), entry).name(entry.pro_tx_hash),
            None => "new".to_owned(),
        };
        Self::new(Job::Operation(Box::new(operation), None), review, name)
    }

    fn new(job: Job, review: Review, name: String) -> Self {
        Self {
            handover: HandOver::new(&job, &name),
            missing: review.missing.clone(),
            job,
            review,
            name,
            typed: crate::ui::widget::Field::default(),
            pasted: Pasted::default(),
            tried: false,
        }
    }

    /// It came back from signing.
    pub fn again(job: Job, review: Review, name: String) -> Self {
        Self {
            tried: true,
            ..Self::new(job, review, name)
        }
    }

    pub fn update(&mut self, ports: &Ports, message: Message) -> Task<Message> {
        match message {
            Message::NameEdited(text) => {
                let name = &self.name;
                self.typed.edit(text, |text| {
                    (text.trim() == name).then_some(()).ok_or("this is not its name")
                });
            }
            Message::SecretEdited(text) => self.secret_edited(text),
            Message::HandOver(message) => {
                return self.handover.update(ports, &self.job, message).map(Message::HandOver);
            }
            Message::Submit => {}
        }
        Task::none()
    }

    /// The right key makes the operator's signature possible here.
    fn secret_edited(&mut self, text: SecretText) {
        let Job::Operation(operation, once) = &mut self.job else {
            return;
        };
        let Signer::Operator { key, .. } = operation.signer else {
            return;
        };
        self.pasted.edit(text, Some(key));
        *once = self.pasted.once().cloned();
        self.review.missing = self.missing.clone();
        if once.is_some() {
            self.review.missing.retain(|missing| missing.role != Role::Operator);
        }
    }

    pub fn job(&self) -> &Job {
        &self.job
    }

    pub fn review(&self) -> &Review {
        &self.review
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn kind(&self) -> Kind {
        self.job.kind()
    }

    /// Keys made for it that nobody needs if it is left now.
    pub fn unneeded(&self) -> Option<&crate::flow::update::Plan> {
        match &self.job {
            Job::Update(plan) if !self.tried && !self.handover.is_begun() && !plan.made.is_empty() => Some(plan),
            _ => None,
        }
    }

    pub fn is_handed_over(&self) -> bool {
        self.handover.is_gone()
    }

    /// Every signature can be made here.
    pub fn is_complete(&self) -> bool {
        self.review.missing.is_empty()
    }

    /// No rule objects, every signature can be made here, and what is asked was typed.
    pub fn may_sign(&self) -> bool {
        let named = self.kind() != Kind::Revoke || self.typed.value().is_some();
        self.review.failure().is_none() && self.is_complete() && named
    }

    pub fn view<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let Some(operation) = self.job.operation() else {
            return space().into();
        };
        let mut parts = column![self.notices(look)].spacing(Gap::M);
        parts = parts.push(match Payload::of(&operation.unsigned) {
            Ok(Payload::ProReg(payload)) => panel("What is registered", registered(&payload, look.profile)),
            _ => panel("What changes", table(["Now", "Afterwards"], self.review.fields.iter())),
        });
        parts = parts.push(panel("Who signs", self.signers(operation, look)));
        parts = parts.push(panel("Fee", fee(&self.review, operation, look)));
        let wants_operator = self.missing.iter().any(|missing| missing.role == Role::Operator);
        if self.review.failure().is_none() && wants_operator && matches!(self.job, Job::Operation(..)) {
            let paste = self.pasted.view(Message::SecretEdited, Message::Submit);
            parts = parts.push(panel("Sign with the operator key", paste));
        }
        if self.review.failure().is_none() && !self.is_complete() {
            parts = parts.push(self.handover.view(&self.review.missing).map(Message::HandOver));
        }
        if self.kind() == Kind::Revoke && self.review.failure().is_none() && self.is_complete() {
            parts = parts.push(panel("Are you sure?", self.confirmation()));
        }
        page_of(parts)
    }

    fn confirmation(&self) -> Element<'_, Message> {
        let field = input("Name of the masternode", &self.typed, Message::NameEdited)
            .help(format!("Type {} to go on.", self.name))
            .id("name")
            .on_submit(Message::Submit);
        column![
            body(format!(
                "This revokes the operator of {}, which bans it at once.",
                self.name
            )),
            field
        ]
        .spacing(Gap::M)
        .into()
    }

    /// The grave things first, then the rest, then what the rules say.
    fn notices<'a>(&'a self, look: &Look<'a>) -> Element<'a, Message> {
        let mut parts = column![].spacing(Gap::S);
        let failed = self.review.verdict.failures();
        let failed: Vec<&Check> = failed.filter(|check| !OF_SIGNATURES.contains(&check.rule)).collect();
        for check in &failed {
            let reject = match check.reject {
                "" => String::new(),
                reject => format!(" Nodes answer: {reject}."),
            };
            parts = parts.push(problem(format!("{}{reject}", sentence(&check.message))));
        }
        let (grave, other): (Vec<_>, Vec<_>) = self
            .review
            .consequences
            .iter()
            .partition(|consequence| consequence.is_grave());
        if !grave.is_empty() {
            let lines = grave.iter().map(|each| each.sentence(look.profile)).collect::<Vec<_>>();
            parts = parts.push(warning(lines.join("\n")));
        }
        for each in &self.review.warnings {
            parts = parts.push(warning(sentence(&each.sentence())));
        }
        if !other.is_empty() {
            let lines = other.iter().map(|each| each.sentence(look.profile)).collect::<Vec<_>>();
            parts = parts.push(info(lines.join("\n")));
        }
        if failed.is_empty() {
            parts = parts.push(success(
                "Every rule that can be checked before signing holds. Nothing has been signed or sent yet.",
            ));
        }
        parts.into()
    }

    fn signers<'a>(&'a self, operation: &'a Operation, look: &Look<'a>) -> Element<'a, Message> {
        let role = operation.signer.role();
        let missing = |role: Role| self.review.missing.iter().any(|missing| missing.role == role);
        let once = match &self.job {
            Job::Update(plan) => plan.once.is_some(),
            Job::Operation(_, once) => once.is_some(),
            Job::Register(_) => false,
        };
        let by = if operation.payload_signature.is_some() {
            "signed already".to_owned()
        } else if missing(role) {
            "not on this computer".to_owned()
        } else if once {
            "pasted for this once".to_owned()
        } else {
            match label_of(&operation.signer, look.keys) {
                Some(label) => format!("{label}, in the vault"),
                None => format!("on the {}", look.device_name()),
            }
        };
        let payer = if operation.input_scripts.is_some() {
            "signed already".to_owned()
        } else if missing(Role::Fee) {
            "not on this computer".to_owned()
        } else {
            payer(operation, look)
        };
        let name = match role {
            Role::Collateral => "Collateral key",
            Role::Owner => "Owner key",
            _ => "Operator key",
        };
        column![
            fact(name, by),
            fact_mono("", operation.signer.key_text(look.profile)),
            fact("Fee key", payer)
        ]
        .spacing(Gap::S)
        .into()
    }
}

fn label_of<'a>(signer: &Signer, keys: &'a [KeyInfo]) -> Option<&'a str> {
    let found = keys.iter().find(|key| match signer {
        Signer::Owner { key: id } => key.key_id() == Some(*id),
        Signer::Operator { key: point, .. } => key.operator() == Some(*point),
        Signer::Collateral { .. } => false,
    });
    found.map(|key| key.label.as_str())
}

fn payer(operation: &Operation, look: &Look<'_>) -> String {
    if operation.fee_from_wallet {
        return "the node's own wallet".to_owned();
    }
    let pays = |key: &&KeyInfo| {
        let own = key.key_id().map(|id| id.address().script());
        operation.inputs.iter().any(|input| Some(&input.script) == own.as_ref())
    };
    let labels: Vec<&str> = look.keys.iter().filter(pays).map(|key| key.label.as_str()).collect();
    format!("{}, in the vault", labels.join(", "))
}

const NAME: Length = Length::Fixed(130.0);

/// Fields before and after, with the names of these columns; what stays is muted.
pub(super) fn table<'a, M: 'a>(head: [&'static str; 2], fields: impl Iterator<Item = &'a Field>) -> Element<'a, M> {
    let head = row![
        help("").width(NAME),
        help(head[0]).width(Length::Fill),
        help(head[1]).width(Length::Fill)
    ];
    let lines = fields.map(|field| column![divider(), line(field)].spacing(Gap::S).into());
    column![head.spacing(Gap::M)].extend(lines).spacing(Gap::S).into()
}

fn line<'a, M: 'a>(field: &'a Field) -> Element<'a, M> {
    let text = |value: &'a Option<String>| value.as_deref().unwrap_or("none");
    let cells = if field.changes() {
        row![
            strong(field.name.label()).width(NAME),
            mono(text(&field.old)).width(Length::Fill),
            mono(text(&field.new)).width(Length::Fill)
        ]
    } else {
        let quiet = crate::ui::widget::text::colored(|colors| colors.muted);
        row![
            muted(field.name.label()).width(NAME),
            mono(text(&field.old)).style(quiet).width(Length::Fill),
            muted("stays").width(Length::Fill)
        ]
    };
    cells.spacing(Gap::M).into()
}

/// A registration from a file: every field.
fn registered<'a>(payload: &ProRegTx, profile: &Profile) -> Element<'a, Message> {
    let payout = script::address(payload.payout.as_bytes());
    let payout = payout.map_or_else(|| "none".to_owned(), |address| address.to_text(profile));
    let kind = payload
        .mn_type()
        .map_or_else(|| payload.kind.to_string(), |kind| kind.to_string());
    let service = if payload.service.is_none() {
        "none for now".to_owned()
    } else {
        payload.service.to_string()
    };
    let mut lines = column![
        fact("Type", kind),
        fact_mono("Collateral", payload.collateral.to_string()),
        fact_mono("Address", service),
        fact_mono("Owner address", payload.owner.address().to_text(profile)),
        fact_mono("Operator key", to_hex(&payload.operator)),
        fact_mono("Voting address", payload.voting.address().to_text(profile)),
        fact_mono("Payout address", payout),
        fact("Operator reward", percent(payload.operator_reward)),
    ]
    .spacing(Gap::S);
    if let Some(platform) = &payload.platform {
        lines = lines
            .push(fact_mono("Platform node id", platform.node_id_hex()))
            .push(fact(
                "Platform ports",
                format!("{} (P2P), {} (HTTP)", platform.p2p_port, platform.http_port),
            ));
    }
    lines.into()
}

fn fee<'a>(review: &'a Review, operation: &'a Operation, look: &Look<'a>) -> Element<'a, Message> {
    let mut lines = column![fact("Fee", amount(review.fee, look.profile))].spacing(Gap::S);
    for input in &operation.inputs {
        let from = script::address(input.script.as_bytes());
        let from = from.map_or_else(|| "a script".to_owned(), |address| address.to_text(look.profile));
        let held = amount(Amount::from_duffs(input.value), look.profile);
        lines = lines.push(fact("From", format!("{held} of {from}")));
    }
    for (to, value) in &review.change {
        lines = lines.push(fact("Change", format!("{} back to {to}", amount(*value, look.profile))));
    }
    lines.into()
}
