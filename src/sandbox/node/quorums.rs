//! `quorum memberof` and `list` (Dash Core rpc/quorums.cpp).

use bitcoin::hashes::Hash;
use serde_json::{Value, json};

use super::call::{PARAMETER, Params, RpcError};
use super::control::unknown_command;
use crate::protocol::ProTxHash;
use crate::protocol::wire::to_hex;
use crate::sandbox::chain::Chain;
use crate::sandbox::handle::Shared;
use crate::sandbox::quorum::{ACTIVE, Quorum};

pub fn quorum(shared: &Shared, params: &Params<'_>) -> Result<Value, RpcError> {
    let rest = params.rest();
    let chain = shared.chain();
    match params.opt_text(0)? {
        Some("list") => {
            let hashes: Vec<String> = newest(&chain, count(&rest, 0)?)
                .map(|quorum| quorum.hash.to_string())
                .collect();
            Ok(json!({ chain.quorum_type(): hashes }))
        }
        Some("memberof") => member_of(&chain, &rest),
        _ => Err(unknown_command("quorum \"command\" ...", params.dialect)),
    }
}

fn count(rest: &Params<'_>, index: usize) -> Result<usize, RpcError> {
    match rest.opt_integer(index)? {
        None => Ok(ACTIVE),
        Some(count) => match usize::try_from(count) {
            Ok(0) | Err(_) => Err(RpcError::parameter("invalid scanQuorumsCount parameter")),
            Ok(count) => Ok(count),
        },
    }
}

fn newest(chain: &Chain, count: usize) -> impl Iterator<Item = &Quorum> {
    chain.quorums().iter().rev().take(count)
}

fn member_of(chain: &Chain, rest: &Params<'_>) -> Result<Value, RpcError> {
    let hash: ProTxHash = rest.hash(0, "proTxHash")?;
    let count = count(rest, 1)?;
    chain
        .list()
        .get(hash)
        .ok_or_else(|| RpcError::new(PARAMETER, "masternode not found"))?;
    let found = newest(chain, count).filter_map(|quorum| {
        let index = quorum.members.iter().position(|(member, _)| *member == hash)?;
        Some(described(chain, quorum, index))
    });
    Ok(found.collect())
}

fn described(chain: &Chain, quorum: &Quorum, index: usize) -> Value {
    let mined = chain.block(quorum.mined).map(|block| block.hash.to_string());
    // No key was made: bytes that look like one.
    let key = [quorum.hash.to_byte_array().as_slice(), &[0x15; 16]].concat();
    json!({
        "height": quorum.height,
        "type": chain.quorum_type(),
        "quorumHash": quorum.hash.to_string(),
        "quorumIndex": 0,
        "minedBlock": mined,
        "quorumPublicKey": to_hex(&key),
        "isValidMember": quorum.members[index].1,
        "memberIndex": index,
    })
}
