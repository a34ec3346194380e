//! What is said to a Trezor and what it answers, without the wire: coins, models, failures, and the parts of a payment it asks for.

pub mod coin;
pub mod failure;
pub mod model;
pub mod payment;

use bitcoin::base58;
use bitcoin::bip32::{ChainCode, ChildNumber, DerivationPath, Fingerprint, Xpub};
use bitcoin::network::NetworkKind;
use bitcoin::secp256k1::PublicKey as Key;
use trezor_client::protos::PublicKey;

use super::bad;
use crate::hw::DeviceError;

/// The levels of a path as messages carry them.
pub fn levels(path: &DerivationPath) -> Vec<u32> {
    path.into_iter().map(|level| u32::from(*level)).collect()
}

/// The extended key of a path, as the node says it, and the wallet it is of.
///
/// # Errors
/// [`DeviceError::BadAnswer`]: parts are missing, of another path, or the text beside the node says otherwise.
pub fn extended_key(
    answer: &PublicKey,
    path: &DerivationPath,
    network: NetworkKind,
) -> Result<(Xpub, u32), DeviceError> {
    let node = answer
        .node
        .as_ref()
        .ok_or_else(|| bad("a public key without its node"))?;
    let last = path.into_iter().last().copied();
    let xpub = Xpub {
        network,
        depth: u8::try_from(node.depth()).map_err(|_| bad("a key deeper than any"))?,
        parent_fingerprint: Fingerprint::from(node.fingerprint().to_be_bytes()),
        child_number: ChildNumber::from(node.child_num()),
        public_key: Key::from_slice(node.public_key()).map_err(|_| bad("a public key on no curve"))?,
        chain_code: ChainCode::try_from(node.chain_code()).map_err(|_| bad("a chain code of another length"))?,
    };
    if usize::from(xpub.depth) != path.len() || last.is_some_and(|last| last != xpub.child_number) {
        return Err(bad("the key of another path"));
    }
    let written = base58::decode_check(answer.xpub()).map_err(|_| bad("an extended key with a wrong checksum"))?;
    // The first four bytes are the coin's own: `drkp` on mainnet.
    if written.get(4..) != Some(&xpub.encode()[4..]) {
        return Err(bad("an extended key that is not its node"));
    }
    let wallet = answer
        .root_fingerprint
        .ok_or_else(|| bad("a public key without the wallet's fingerprint"))?;
    Ok((xpub, wallet))
}
