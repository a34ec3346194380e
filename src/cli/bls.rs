//! `bls`: operator keys and signatures, offline, in both schemes.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::args::{BlsArgs, BlsCommand};
use super::output::{Failure, listing};
use super::session::{Session, argument};
use crate::protocol::bls::{BlsError, PublicKey, Scheme, SecretKey, Signature};
use crate::protocol::wire::{from_hex, to_hex};

pub fn run(session: &Session, args: BlsArgs) -> Result<ExitCode, Failure> {
    let scheme = match &args.scheme {
        Some(name) => name.parse::<Scheme>().map_err(Failure::usage)?,
        None if session.profile()?.activation.v19.is_some() => Scheme::Basic,
        None => Scheme::Legacy,
    };
    let document = match args.command {
        BlsCommand::Generate => pair(&generate()?, scheme),
        BlsCommand::Fromsecret { secret } => pair(&secret_key(&secret)?, scheme),
        BlsCommand::Convert { hex } => convert(scheme, &hex)?,
        BlsCommand::Sign { secret, hash } => {
            let signature = secret_key(&secret)?.sign(scheme, &digest(&hash)?);
            json!({ "signature": to_hex(&signature.encode(scheme)), "scheme": scheme })
        }
        BlsCommand::Verify { parts } => {
            let [hash, public, signature] = by_length(parts)?;
            let valid = verify(scheme, &public, &hash, &signature)?;
            let document = json!({ "valid": valid });
            let sentence = || if valid { "valid" } else { "not valid" }.to_owned();
            return Ok(if valid {
                session.output.done(&document, sentence)
            } else {
                session.output.refused(&document, sentence)
            });
        }
    };
    Ok(session.output.done(&document, || listing(&document)))
}

fn generate() -> Result<SecretKey, Failure> {
    SecretKey::generate(|bytes| getrandom::fill(bytes))
        .map_err(|_| Failure::refused("system", "this computer gave no randomness"))
}

fn pair(key: &SecretKey, scheme: Scheme) -> Value {
    json!({ "secret": key.to_hex().as_str(), "public": key.public_key().to_hex(scheme), "scheme": scheme })
}

fn secret_key(text: &str) -> Result<SecretKey, Failure> {
    SecretKey::from_hex(&argument(text)?).map_err(wrong)
}

fn digest(text: &str) -> Result<[u8; 32], Failure> {
    let bytes = from_hex(text).map_err(Failure::usage)?;
    bytes
        .try_into()
        .map_err(|_| Failure::usage("the hash must have 64 hexadecimal digits"))
}

/// Hash, public key and signature: 64, 96 and 192 hexadecimal digits.
fn by_length(mut parts: Vec<String>) -> Result<[String; 3], Failure> {
    parts.sort_by_key(String::len);
    parts
        .try_into()
        .map_err(|_| Failure::usage("a public key, a hash and a signature are needed"))
}

fn verify(scheme: Scheme, public: &str, hash: &str, signature: &str) -> Result<bool, Failure> {
    let public = PublicKey::from_hex(scheme, public).map_err(wrong)?;
    let hash = digest(hash)?;
    let bytes = from_hex(signature).map_err(Failure::usage)?;
    // A signature that does not decode is simply not valid; a key that does not is the caller's mistake.
    Ok(Signature::decode(scheme, &bytes).is_ok_and(|signature| public.verify(scheme, &hash, &signature)))
}

fn convert(scheme: Scheme, hex: &str) -> Result<Value, Failure> {
    let bytes = from_hex(hex).map_err(Failure::usage)?;
    let (what, legacy, basic) = match bytes.len() {
        PublicKey::LENGTH => {
            let key = PublicKey::decode(scheme, &bytes).map_err(wrong)?;
            ("public", key.to_hex(Scheme::Legacy), key.to_hex(Scheme::Basic))
        }
        Signature::LENGTH => {
            let signature = Signature::decode(scheme, &bytes).map_err(wrong)?;
            (
                "signature",
                to_hex(&signature.encode(Scheme::Legacy)),
                to_hex(&signature.encode(Scheme::Basic)),
            )
        }
        len => {
            return Err(Failure::usage(format!(
                "{len} bytes are neither a public key (48) nor a signature (96)"
            )));
        }
    };
    Ok(json!({ "type": what, "from": scheme, "legacy": legacy, "basic": basic }))
}

fn wrong(error: BlsError) -> Failure {
    Failure::refused("bls", error)
}
