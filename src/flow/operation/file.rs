//! An operation as JSON: what the journal keeps and what goes from machine to machine (`--export`, `import-operation`).
//!
//! Bytes are hexadecimal, hashes as shown, amounts in **duffs**. Unknown fields are refused: nothing in such a file is there by
//! accident.

use bitcoin::{OutPoint, ScriptBuf};
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error as ThisError;

use super::{Base, Flaw, Kind, Operation, Signer};
use crate::flow::fee::FeeInput;
use crate::protocol::bls::{self, Scheme};
use crate::protocol::key::KeyId;
use crate::protocol::wire::{from_hex, to_hex};
use crate::protocol::{Profile, Transaction};

/// What the file says it is.
const FORMAT: &str = "castellan-operation";
/// Layout written and the highest read.
const VERSION: u32 = 1;
/// Bytes; the largest operation (hundreds of fee coins) is far smaller.
pub const MAX_FILE: usize = 1 << 20;
/// Letters.
const LONGEST_QUOTE: usize = 200;

/// Why a text is not an operation.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum FileError {
    #[error("not an operation of this program: {reason}")]
    NotOne { reason: String },
    #[error("the operation is of version {version}, this program knows up to {VERSION}")]
    Newer { version: u32 },
    #[error("the field {field} is malformed")]
    Malformed { field: &'static str },
    #[error("the text is larger than {MAX_FILE} bytes")]
    TooLarge,
    #[error(transparent)]
    Flawed(#[from] Flaw),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: String,
    version: u32,
    kind: String,
    network: String,
    transaction: String,
    inputs: Vec<StoredInput>,
    #[serde(rename = "feeFrom")]
    fee_from: FeeFrom,
    signer: StoredSigner,
    #[serde(default, skip_serializing_if = "Base::is_empty")]
    base: Base,
    signatures: StoredSignatures,
    /// In the journal only: a file that says so is none of this program.
    #[serde(rename = "plannedHere", default, skip_serializing_if = "std::ops::Not::not")]
    planned_here: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredInput {
    outpoint: String,
    value: u64,
    script: String,
}

#[derive(Serialize, Deserialize, PartialEq, Eq, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum FeeFrom {
    Key,
    NodeWallet,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "role", deny_unknown_fields)]
enum StoredSigner {
    Collateral { key: String, path: String },
    Owner { key: String },
    Operator { key: String, scheme: Scheme },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSignatures {
    payload: Option<String>,
    inputs: Option<Vec<String>>,
}

/// Read before anything else, so that a newer file is named as such.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

impl Operation {
    /// The file's text.
    pub fn to_file(&self) -> String {
        let stored = Stored {
            planned_here: false,
            ..Stored::from(self)
        };
        let mut text = serde_json::to_string_pretty(&stored).expect("texts and numbers");
        text.push('\n');
        text
    }

    /// Reads a file and checks all that can be checked without a chain, every signature in it too.
    ///
    /// # Errors
    /// What it is instead, or its first flaw.
    pub fn from_file(text: &str, profile: &Profile) -> Result<Self, FileError> {
        let operation = Self::from_text(text)?;
        if operation.planned_here {
            return Err(FileError::Malformed { field: "plannedHere" });
        }
        operation.check(profile)?;
        Ok(operation)
    }

    /// Reads the text of a file or of the journal and believes it.
    pub(in crate::flow) fn from_text(text: &str) -> Result<Self, FileError> {
        if text.len() > MAX_FILE {
            return Err(FileError::TooLarge);
        }
        let not_one = |error: serde_json::Error| FileError::NotOne {
            reason: excerpt(&error.to_string()),
        };
        let head: Head = serde_json::from_str(text).map_err(not_one)?;
        if head.format != FORMAT {
            return Err(FileError::NotOne {
                reason: format!("its format is '{}'", excerpt(&head.format)),
            });
        }
        match head.version {
            VERSION => {}
            0 => return Err(FileError::Malformed { field: "version" }),
            version => return Err(FileError::Newer { version }),
        }
        serde_json::from_str::<Stored>(text).map_err(not_one)?.try_into()
    }
}

/// What a foreign text is quoted by: short, and nothing that a terminal would obey.
fn excerpt(text: &str) -> String {
    let plain = |letter: char| if letter.is_control() { '?' } else { letter };
    text.chars().take(LONGEST_QUOTE).map(plain).collect()
}

/// As in the journal.
impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Stored::from(self).serialize(serializer)
    }
}

impl From<&Operation> for Stored {
    fn from(operation: &Operation) -> Self {
        let input = |input: &FeeInput| StoredInput {
            outpoint: input.outpoint.to_string(),
            value: input.value,
            script: to_hex(input.script.as_bytes()),
        };
        let scripts = |scripts: &Vec<ScriptBuf>| scripts.iter().map(|script| to_hex(script.as_bytes())).collect();
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            kind: operation.kind.name().to_owned(),
            network: operation.network.clone(),
            transaction: operation.unsigned.to_hex(),
            inputs: operation.inputs.iter().map(input).collect(),
            fee_from: if operation.fee_from_wallet {
                FeeFrom::NodeWallet
            } else {
                FeeFrom::Key
            },
            signer: StoredSigner::from(&operation.signer),
            base: operation.base.clone(),
            planned_here: operation.planned_here,
            signatures: StoredSignatures {
                payload: operation.payload_signature.as_ref().map(|bytes| to_hex(bytes)),
                inputs: operation.input_scripts.as_ref().map(scripts),
            },
        }
    }
}

impl From<&Signer> for StoredSigner {
    fn from(signer: &Signer) -> Self {
        match signer {
            Signer::Collateral { key, path } => Self::Collateral {
                key: to_hex(&key.0),
                path: path.clone(),
            },
            Signer::Owner { key } => Self::Owner { key: to_hex(&key.0) },
            Signer::Operator { key, scheme } => Self::Operator {
                key: key.to_hex(*scheme),
                scheme: *scheme,
            },
        }
    }
}

impl TryFrom<Stored> for Operation {
    type Error = FileError;

    fn try_from(stored: Stored) -> Result<Self, FileError> {
        let malformed = |field| FileError::Malformed { field };
        let bytes = |text: &str, field| from_hex(text).map_err(|_| malformed(field));
        let input = |input: StoredInput| -> Result<FeeInput, FileError> {
            Ok(FeeInput {
                outpoint: input
                    .outpoint
                    .parse::<OutPoint>()
                    .map_err(|_| malformed("inputs.outpoint"))?,
                value: input.value,
                script: ScriptBuf::from_bytes(bytes(&input.script, "inputs.script")?),
            })
        };
        let script = |text: &String| bytes(text, "signatures.inputs").map(ScriptBuf::from_bytes);
        let scripts = |texts: Vec<String>| texts.iter().map(script).collect::<Result<Vec<_>, _>>();
        Ok(Self {
            kind: Kind::from_name(&stored.kind).ok_or(malformed("kind"))?,
            network: stored.network,
            unsigned: Transaction::from_hex(&stored.transaction).map_err(|_| malformed("transaction"))?,
            inputs: stored.inputs.into_iter().map(input).collect::<Result<_, _>>()?,
            fee_from_wallet: stored.fee_from == FeeFrom::NodeWallet,
            signer: stored.signer.try_into()?,
            payload_signature: stored
                .signatures
                .payload
                .map(|text| bytes(&text, "signatures.payload"))
                .transpose()?,
            input_scripts: stored.signatures.inputs.map(scripts).transpose()?,
            base: stored.base,
            planned_here: stored.planned_here,
        })
    }
}

impl TryFrom<StoredSigner> for Signer {
    type Error = FileError;

    fn try_from(stored: StoredSigner) -> Result<Self, FileError> {
        let malformed = || FileError::Malformed { field: "signer.key" };
        let key_id = |text: &str| {
            let bytes = from_hex(text).map_err(|_| malformed())?;
            bytes.try_into().map(KeyId).map_err(|_| malformed())
        };
        Ok(match stored {
            StoredSigner::Collateral { key, path } => Self::Collateral {
                key: key_id(&key)?,
                path,
            },
            StoredSigner::Owner { key } => Self::Owner { key: key_id(&key)? },
            StoredSigner::Operator { key, scheme } => Self::Operator {
                key: bls::PublicKey::from_hex(scheme, &key).map_err(|_| malformed())?,
                scheme,
            },
        })
    }
}
