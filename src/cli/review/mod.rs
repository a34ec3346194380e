//! An operation as it is shown before anybody signs: every field before and after, what follows, who signs, what it costs.

pub mod payment;

use serde_json::{Map, Value, json};

use crate::flow::choice::OneUse;
use crate::flow::operation::{self, Missing, Operation, Outcome, Role, Signer};
use crate::flow::revive::{CAUSES, Finding, Mood};
use crate::flow::update::{Consequence, Field, Review};
use crate::flow::{Label, Ports, overview};
use crate::protocol::{Profile, Transaction, describe};

use super::output::missing_document;

/// Above this many letters a field's old and new value stand on two lines.
const WIDE: usize = 72;

/// What there is to show.
pub struct Shown<'a> {
    pub ports: &'a Ports,
    pub operation: &'a Operation,
    pub review: &'a Review,
    pub keys: &'a [Label],
    pub once: Option<&'a OneUse>,
    /// Of a banned masternode.
    pub findings: &'a [Finding],
}

/// How far a signature is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    Signed,
    Here,
    Elsewhere,
}

impl Made {
    fn name(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Here => "here",
            Self::Elsewhere => "missing",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Signed => "has signed",
            Self::Here => "signs here",
            Self::Elsewhere => "is not here",
        }
    }
}

impl Shown<'_> {
    /// What the masternode is called here; none for a registration.
    pub fn name(&self) -> Option<String> {
        let entry = self.review.masternode.as_ref()?;
        let roles = overview::roles(self.ports.vault.as_deref(), entry);
        Some(roles.name(entry.pro_tx_hash))
    }

    /// `the operation of mn1`, for a question.
    pub fn title(&self) -> String {
        let kind = self.operation.kind.name();
        match self.name() {
            Some(name) => format!("{kind} of {name}"),
            None => kind.to_owned(),
        }
    }

    pub fn fee(&self) -> String {
        format!("{} {}", self.review.fee.short(), self.ports.profile.ticker)
    }

    /// The document, as of something not sent.
    pub fn document(&self) -> Value {
        let review = self.review;
        let assembled = self.operation.assembled();
        let assembled = assembled.as_ref().unwrap_or(&self.operation.unsigned);
        let mut out = json!({
            "txid": null,
            "hex": assembled.to_hex(),
            "proTxHash": self.operation.pro_tx_hash().map(|hash| hash.to_string()),
            "fee": review.fee.to_string(),
            "payload": payload(assembled, &self.ports.profile),
            "fields": review.fields.iter().map(field).collect::<Value>(),
            "consequences": self.consequences().map(|each| each.sentence(&self.ports.profile)).collect::<Value>(),
            "warnings": self.warnings(),
            "keys": self.keys.iter().map(|(role, label)| ((*role).to_owned(), json!(label))).collect::<Map<_, _>>(),
            "change": self.review.change.iter().map(|(to, amount)| json!({ "address": to, "amount": amount.to_string() })).collect::<Value>(),
            "signatures": self.signatures().iter().map(|(signature, made)| {
                let mut document = missing_document(signature);
                document["state"] = json!(made.name());
                document
            }).collect::<Value>(),
            "missing": review.missing.iter().map(missing_document).collect::<Value>(),
            "steps": [],
        });
        if !self.findings.is_empty() {
            out["findings"] = self.findings.iter().map(|each| self.finding(each)).collect();
        }
        out
    }

    /// The document of something in the chain.
    pub fn sent(&self, outcome: &Outcome, steps: Vec<String>) -> Value {
        let mut out = self.document();
        out["txid"] = json!(outcome.txid.to_string());
        out["hex"] = json!(outcome.tx.to_hex());
        out["proTxHash"] = json!(outcome.pro_tx_hash.to_string());
        out["fee"] = json!(outcome.fee.to_string());
        out["height"] = json!(outcome.height);
        out["payload"] = payload(&outcome.tx, &self.ports.profile);
        out["steps"] = json!(steps);
        if let Some(map) = out.as_object_mut() {
            // All there by now.
            map.remove("missing");
            map.remove("signatures");
        }
        out
    }

    fn finding(&self, finding: &Finding) -> Value {
        let mood = match finding.mood() {
            Mood::Good => "good",
            Mood::Open => "open",
            Mood::Bad => "bad",
        };
        let mut sentence = finding.sentence(&self.ports.profile.ticker);
        if *finding == Finding::Causes {
            sentence = format!("{sentence} {}", CAUSES.join(" "));
        }
        json!({ "mood": mood, "sentence": sentence })
    }

    /// The grave ones first.
    fn consequences(&self) -> impl Iterator<Item = &Consequence> {
        let all = &self.review.consequences;
        let grave = all.iter().filter(|each| each.is_grave());
        grave.chain(all.iter().filter(|each| !each.is_grave()))
    }

    fn warnings(&self) -> Vec<String> {
        let advised = self.review.verdict.warnings().map(|check| check.message.clone());
        let warned = self.review.warnings.iter().map(|warning| warning.sentence());
        warned.chain(advised).collect()
    }

    /// Every signature it needs, in the order they are made.
    fn signatures(&self) -> Vec<(Missing, Made)> {
        let waiting = self.operation.unsigned_roles();
        let absent = operation::missing(self.ports, self.operation, self.once);
        let made = |role| match (waiting.contains(&role), absent.iter().any(|each| each.role == role)) {
            (false, _) => Made::Signed,
            (true, true) => Made::Elsewhere,
            (true, false) => Made::Here,
        };
        all_signatures(self.operation, &self.ports.profile)
            .into_iter()
            .map(|each| {
                let made = made(each.role);
                (each, made)
            })
            .collect()
    }

    /// One line each, to be read before anything else.
    pub fn notes(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for finding in self.findings {
            lines.push(format!("note: {}", finding.sentence(&self.ports.profile.ticker)));
            if *finding == Finding::Causes {
                lines.extend(CAUSES.iter().map(|cause| format!("  - {cause}")));
            }
        }
        lines.extend(self.warnings().iter().map(|warning| format!("note: {warning}")));
        lines
    }

    /// All of it, for people.
    pub fn text(&self) -> String {
        let mut lines = vec![match self.operation.pro_tx_hash() {
            Some(hash) => format!("{} ({hash})", self.title()),
            None => self.title(),
        }];
        let profile = &self.ports.profile;
        lines.extend(self.consequences().map(|each| {
            let mark = if each.is_grave() { "!" } else { "-" };
            format!("  {mark} {}", each.sentence(profile))
        }));
        if self.review.fields.is_empty() {
            let payload = payload(&self.operation.unsigned, profile);
            lines.push(serde_json::to_string_pretty(&payload).unwrap_or_default());
        }
        lines.extend(table(&self.review.fields));
        lines.push(format!("  {:<18} {}", "Fee", self.fee()));
        for (to, amount) in &self.review.change {
            lines.push(format!(
                "  {:<18} {} {} to {to}",
                "Change",
                amount.short(),
                profile.ticker
            ));
        }
        for (signature, made) in self.signatures() {
            let label = self
                .label(signature.role)
                .map_or_else(String::new, |label| format!(" ({label})"));
            let Missing { role, key } = signature;
            lines.push(format!("  {:<18} {role} {key}{label} {}", "Signature", made.sentence()));
        }
        lines.join("\n")
    }

    /// The same with the transaction as it is: what a dry run prints.
    pub fn dry(&self) -> String {
        let assembled = self.operation.assembled();
        let assembled = assembled.as_ref().unwrap_or(&self.operation.unsigned);
        format!("{}\n  {:<18} {}", self.text(), "Transaction", assembled.to_hex())
    }

    /// What the vault calls the key under the payload.
    fn label(&self, role: Role) -> Option<String> {
        let (vault, profile) = (self.ports.vault.as_ref()?, &self.ports.profile);
        let found = match &self.operation.signer {
            signer if signer.role() != role => None,
            Signer::Owner { key } => vault.find_key_id(profile, *key),
            Signer::Operator { key, .. } => vault.find_operator(profile, key),
            Signer::Collateral { .. } => None,
        };
        found.map(|key| key.label)
    }
}

/// Every signature of an operation, whoever makes it.
fn all_signatures(operation: &Operation, profile: &Profile) -> [Missing; 2] {
    let payload = Missing {
        role: operation.signer.role(),
        key: operation.signer.key_text(profile),
    };
    let fee = Missing {
        role: Role::Fee,
        key: operation.fee_addresses(profile).join(", "),
    };
    [payload, fee]
}

/// Those it still has to get, here or elsewhere.
pub fn outstanding(operation: &Operation, profile: &Profile) -> Vec<Missing> {
    let waiting = operation.unsigned_roles();
    let all = all_signatures(operation, profile);
    all.into_iter().filter(|each| waiting.contains(&each.role)).collect()
}

/// The payload as `tx decode` shows it: exactly Core's object of its type.
pub fn payload(tx: &Transaction, profile: &Profile) -> Value {
    let names = ["proRegTx", "proUpServTx", "proUpRegTx", "proUpRevTx"];
    let decoded = describe::transaction(tx, profile).unwrap_or(Value::Null);
    let found = names.iter().find_map(|name| decoded.get(*name));
    found.cloned().unwrap_or(Value::Null)
}

fn field(field: &Field) -> Value {
    json!({ "name": field.name.key(), "old": field.old, "new": field.new, "changed": field.changes() })
}

/// `Name  old -> new`, what stays marked as kept.
fn table(fields: &[Field]) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let pairs = fields.iter().map(|field| (text(&field.old), text(&field.new)));
    let narrow = |(old, new): &(String, String)| old.len() + new.len() <= WIDE;
    let changed = pairs.clone().filter(|(old, new)| old != new);
    let width = changed.filter(narrow).map(|(old, _)| old.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for (field, pair) in fields.iter().zip(pairs) {
        let name = field.name.label();
        let (old, new) = &pair;
        if !field.changes() {
            lines.push(format!("  {name:<18} {old:<width$}    (kept)"));
        } else if narrow(&pair) {
            lines.push(format!("  {name:<18} {old:<width$} -> {new}"));
        } else {
            lines.push(format!("  {name:<18} {old}"));
            lines.push(format!("  {:>18} {new}", "->"));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::update::FieldName;

    #[test]
    fn a_table_aligns_old_and_new_and_marks_what_is_kept() {
        let field = |name, old: &str, new: &str| Field {
            name,
            old: (!old.is_empty()).then(|| old.to_owned()),
            new: (!new.is_empty()).then(|| new.to_owned()),
        };
        let wide = "ab".repeat(48);
        let lines = table(&[
            field(FieldName::Status, "ENABLED", "ENABLED"),
            field(FieldName::Service, "1.2.3.4:19999", "1.2.3.5:19999"),
            field(FieldName::OperatorPayout, "", "yAddress"),
            field(FieldName::OperatorKey, &wide, &wide.replace('a', "c")),
        ]);
        assert_eq!(lines[0], "  Status             ENABLED          (kept)");
        assert_eq!(lines[1], "  Address            1.2.3.4:19999 -> 1.2.3.5:19999");
        assert_eq!(lines[2], "  Operator payout    none          -> yAddress");
        assert_eq!(lines[3], format!("  Operator key       {wide}"));
        assert_eq!(lines[4], format!("                  -> {}", wide.replace('a', "c")));
    }
}
