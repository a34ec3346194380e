//! What was: payments of blocks and quorums a masternode was called into (Dash Core rpc/masternode.cpp, rpc/quorums.cpp).

use bitcoin::BlockHash;

use super::money;
use crate::protocol::{Address, Amount, ProTxHash, Profile};
use crate::rpc::RpcError;
use crate::rpc::json::Json;

/// What the masternode of a block got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub height: u32,
    pub block: BlockHash,
    /// None where the node cannot be believed (0.17 names the masternode of the block after it) or names nobody: then it is to
    /// be told by the addresses.
    pub pro_tx_hash: Option<ProTxHash>,
    /// In order of the coinbase. No address: what is no address's, like Platform's part.
    pub payees: Vec<(Option<Address>, Amount)>,
    /// Of all payees.
    pub total: Amount,
}

/// A quorum a masternode was called into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// `llmq_60_75`
    pub kind: String,
    pub quorum: BlockHash,
    /// Of the block the quorum is named after, at which its DKG began.
    pub height: u32,
    /// The block whose commitment said so, where the node tells.
    pub mined: Option<BlockHash>,
    /// False: it did not do its part in the DKG, which costs it a PoSe penalty.
    pub valid: bool,
}

impl Payment {
    /// One block of `masternode payments`; several masternodes of one block would be several payments.
    pub(in crate::rpc) fn read(json: &Json<'_>, profile: &Profile, named: bool) -> Result<Vec<Self>, RpcError> {
        let (height, block) = (json.get("height")?.u32()?, json.get("blockhash")?.parsed()?);
        let one = |json: Json<'_>| {
            let hash = json.get("proTxHash")?;
            // Nobody: an empty text.
            let pro_tx_hash = match hash.text()? {
                "" => None,
                _ => Some(hash.parsed()?),
            };
            Ok(Self {
                height,
                block,
                pro_tx_hash: pro_tx_hash.filter(|_| named),
                payees: json
                    .get("payees")?
                    .items()?
                    .map(|payee| read_payee(&payee, profile))
                    .collect::<Result<_, _>>()?,
                total: money(&json.get("amount")?, profile, |json| json.u64().map(Amount::from_duffs))?,
            })
        };
        json.get("masternodes")?.items()?.map(one).collect()
    }
}

fn read_payee(json: &Json<'_>, profile: &Profile) -> Result<(Option<Address>, Amount), RpcError> {
    let address = Address::parse(json.get("address")?.text()?, profile).ok();
    let amount = money(&json.get("amount")?, profile, |json| json.u64().map(Amount::from_duffs))?;
    Ok((address, amount))
}

impl Membership {
    /// An element of `quorum memberof`.
    pub(in crate::rpc) fn read(json: &Json<'_>) -> Result<Self, RpcError> {
        Ok(Self {
            kind: json.get("type")?.text_owned()?,
            quorum: json.get("quorumHash")?.parsed()?,
            height: json.get("height")?.u32()?,
            mined: json.optional("minedBlock", |json| json.parsed())?,
            valid: json.get("isValidMember")?.flag()?,
        })
    }
}
