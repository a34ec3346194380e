//! What is wrong with an operation that came from elsewhere, as far as that can be told without a chain, and how the signatures of
//! two copies are put together.

use thiserror::Error as ThisError;

use super::{Operation, Role, Signer, address_text};
use crate::flow::fee::FeeInput;
use crate::protocol::funding::SCRIPT_SIG;
use crate::protocol::message::{CompactSignature, message_hash};
use crate::protocol::special_tx::{Payload, operator_signature};
use crate::protocol::{Amount, OutPoint, Profile, rules};

/// Bytes of the largest transaction (consensus since DIP-0001).
const MAX_SIZE: usize = 100_000;
/// **Duffs** per byte. A hundred times what nodes ask for in quiet times is no fee anybody meant.
const ABSURD_RATE: u64 = 100;
/// **Duffs** that are no absurd fee for anything, however small.
const NEVER_ABSURD: u64 = 100_000;

/// Why an operation that came from elsewhere is not used.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum Flaw {
    #[error("its transaction is not one of a {kind} operation")]
    OtherType { kind: &'static str },
    #[error("its transaction carries a signature where the file keeps none")]
    NotBare,
    #[error("its list of fee coins is not that of its transaction")]
    OtherInputs,
    #[error("its outputs hold more than its fee coins")]
    Overspent,
    #[error("its transaction of some {size} bytes is larger than any block takes")]
    TooLarge { size: usize },
    #[error("the signature of the {role} is not by that key")]
    BadSignature { role: Role },
    #[error("it has signatures of the fee coins but none under the payload")]
    InputsBeforePayload,
    #[error("its fee coins belong to several keys")]
    SeveralFeeKeys,
    #[error("an output pays {to}, not the fee key the money comes from")]
    PaysElsewhere { to: String },
    #[error("its fee of {fee} is out of all proportion")]
    AbsurdFee { fee: Amount },
    #[error("the coin {outpoint} holds {found}, not {stated}")]
    OtherAmount {
        outpoint: OutPoint,
        stated: Amount,
        found: Amount,
    },
    #[error("the coin {outpoint} does not belong to the fee key it names")]
    OtherOwner { outpoint: OutPoint },
    #[error("it would spend {outpoint}, which is a collateral or looks like one")]
    SpendsCollateral { outpoint: OutPoint },
    #[error("it belongs to {network}")]
    OtherNetwork { network: String },
    #[error("the key that is to sign it is not the {role} it needs now")]
    OtherSigner { role: Role },
    #[error("it is not the same operation")]
    NotTheSame,
    #[error("two different signatures of the {role} are given")]
    Conflict { role: Role },
}

impl Operation {
    /// Everything that can be said of it without a chain: form, coins, and every signature it has.
    ///
    /// # Errors
    /// The first flaw.
    pub fn check(&self, profile: &Profile) -> Result<(), Flaw> {
        let payload = self.check_form(profile)?;
        self.check_money(profile)?;
        self.check_signatures(profile, payload)
    }

    fn check_form(&self, profile: &Profile) -> Result<Payload, Flaw> {
        if self.network != profile.name {
            return Err(Flaw::OtherNetwork {
                network: self.network.clone(),
            });
        }
        let kind = self.kind.name();
        let payload = Payload::of(&self.unsigned).map_err(|_| Flaw::OtherType { kind })?;
        let is_known = !matches!(payload, Payload::None | Payload::Unknown { .. });
        if self.unsigned.kind != self.kind.tx_type() || !is_known {
            return Err(Flaw::OtherType { kind });
        }
        if payload.clone().unsigned() != payload || self.unsigned.without_scripts() != self.unsigned {
            return Err(Flaw::NotBare);
        }
        // Before anything that takes time for each input.
        let size = self.unsigned.size() + SCRIPT_SIG * self.unsigned.inputs.len();
        if size > MAX_SIZE {
            return Err(Flaw::TooLarge { size });
        }
        let spent = self.unsigned.inputs.iter().map(|input| input.previous);
        if self.inputs.is_empty() || !spent.eq(self.inputs.iter().map(|input| input.outpoint)) {
            return Err(Flaw::OtherInputs);
        }
        Ok(payload)
    }

    /// All that is not fee returns to the one key it came from. Were there several, one of them could get what another pays.
    fn check_money(&self, profile: &Profile) -> Result<(), Flaw> {
        let fee = self.fee().ok_or(Flaw::Overspent)?;
        let most = ABSURD_RATE * self.unsigned.size() as u64 + NEVER_ABSURD;
        if fee.duffs() > most {
            return Err(Flaw::AbsurdFee { fee });
        }
        if self.fee_from_wallet {
            return Ok(()); // The wallet's own addresses are not known here; it signs only what was planned beside it.
        }
        let from = self.inputs.first().map(|input| &input.script);
        if self.inputs.iter().any(|input| Some(&input.script) != from) {
            return Err(Flaw::SeveralFeeKeys);
        }
        let mut outputs = self.unsigned.outputs.iter();
        match outputs.find(|output| Some(&output.script) != from) {
            None => Ok(()),
            Some(output) => {
                let to = address_text(output.script.as_bytes(), profile);
                Err(Flaw::PaysElsewhere { to })
            }
        }
    }

    fn check_signatures(&self, profile: &Profile, payload: Payload) -> Result<(), Flaw> {
        let Some(signature) = &self.payload_signature else {
            return match self.input_scripts {
                Some(_) => Err(Flaw::InputsBeforePayload),
                None => Ok(()),
            };
        };
        let role = self.signer.role();
        if !is_signature(&self.signer, payload, signature, profile) {
            return Err(Flaw::BadSignature { role });
        }
        let Some(scripts) = &self.input_scripts else {
            return Ok(());
        };
        let fee = Flaw::BadSignature { role: Role::Fee };
        let tx = self.assembled().map_err(|_| fee.clone())?;
        let signed = |(at, input): (usize, &FeeInput)| rules::is_signed(&tx, at, input.script.as_bytes()) == Some(true);
        if scripts.len() == self.inputs.len() && self.inputs.iter().enumerate().all(signed) {
            Ok(())
        } else {
            Err(fee)
        }
    }

    /// Puts the signatures of two copies of one operation together.
    ///
    /// # Errors
    /// They are of different operations, or signed differently.
    pub fn merge(self, other: Self) -> Result<Self, Flaw> {
        let same = self.bare();
        if same != other.bare() {
            return Err(Flaw::NotTheSame);
        }
        let role = self.signer.role();
        Ok(Self {
            payload_signature: either(self.payload_signature, other.payload_signature, role)?,
            input_scripts: either(self.input_scripts, other.input_scripts, Role::Fee)?,
            planned_here: self.planned_here || other.planned_here,
            ..same
        })
    }

    /// Without signatures, and as if it came from elsewhere.
    pub(super) fn bare(&self) -> Self {
        Self {
            payload_signature: None,
            input_scripts: None,
            planned_here: false,
            ..self.clone()
        }
    }
}

fn either<T: PartialEq>(one: Option<T>, other: Option<T>, role: Role) -> Result<Option<T>, Flaw> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => Err(Flaw::Conflict { role }),
        (one, other) => Ok(one.or(other)),
    }
}

/// Bytes of another length than the payload's signature has are left out.
pub(super) fn put_signature(payload: &mut Payload, signature: &[u8]) {
    match payload {
        Payload::ProReg(payload) => payload.signature = signature.to_vec(),
        Payload::ProUpReg(payload) => payload.signature = signature.to_vec(),
        Payload::ProUpServ(payload) => payload.signature = signature.try_into().unwrap_or(operator_signature::UNSIGNED),
        Payload::ProUpRev(payload) => payload.signature = signature.try_into().unwrap_or(operator_signature::UNSIGNED),
        Payload::None | Payload::Unknown { .. } => {}
    }
}

/// Whether the bytes are the signer's under this payload.
pub(super) fn is_signature(signer: &Signer, mut payload: Payload, signature: &[u8], profile: &Profile) -> bool {
    put_signature(&mut payload, signature);
    let recovered = |digest: [u8; 32]| {
        let signature = CompactSignature::from_slice(signature).ok()?;
        signature.recover_key_id(&digest).ok()
    };
    match (signer, &payload) {
        (Signer::Collateral { key, .. }, Payload::ProReg(payload)) => {
            let text = payload.sign_message(profile);
            recovered(message_hash(&profile.message_magic, text.as_bytes())) == Some(*key)
        }
        (Signer::Owner { key }, Payload::ProUpReg(payload)) => recovered(payload.payload_hash()) == Some(*key),
        (Signer::Operator { key, scheme }, Payload::ProUpServ(payload)) => {
            payload.is_signed_by(key, *scheme, payload.encoding())
        }
        (Signer::Operator { key, scheme }, Payload::ProUpRev(payload)) => {
            payload.is_signed_by(key, *scheme, payload.encoding())
        }
        _ => false,
    }
}
