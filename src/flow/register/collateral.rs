//! Which output is the collateral, and which key of the device owns it.

use bitcoin::bip32::DerivationPath;

use super::draft::CollateralChoice;
use crate::flow::{Error, Ports, wallet};
use crate::protocol::key::KeyId;
use crate::protocol::network::MnType;
use crate::protocol::{Amount, path, script};
use crate::rpc::FoundCoin;

/// The collateral output and the device key that owns it.
pub(super) struct Collateral {
    pub(super) coin: FoundCoin,
    pub(super) path: DerivationPath,
    pub(super) key_id: KeyId,
}

pub(super) async fn choose_collateral(
    ports: &Ports,
    kind: MnType,
    choice: &CollateralChoice,
    amount: Amount,
) -> Result<Collateral, Error> {
    match choice {
        CollateralChoice::Find => find_collateral(ports, kind, amount).await,
        CollateralChoice::Named { outpoint, path } => {
            let coin = ports
                .node
                .coin(*outpoint)
                .await?
                .ok_or(Error::CollateralMissing { outpoint: *outpoint })?;
            let (path, key_id) = match path {
                Some(path) => (path.clone(), check_path(ports, &coin, path).await?),
                None => search_path(ports, &coin).await?,
            };
            Ok(Collateral { coin, path, key_id })
        }
    }
}

async fn find_collateral(ports: &Ports, kind: MnType, amount: Amount) -> Result<Collateral, Error> {
    let all = wallet::candidates(ports, &wallet::default_accounts(ports)).await?;
    let fit: Vec<_> = all
        .into_iter()
        .filter(|found| found.kind == kind && found.used_by.is_none() && found.confirmations > 0)
        .collect();
    match fit.as_slice() {
        [] => Err(Error::NoCollateral { amount }),
        [one] => {
            let missing = Error::CollateralMissing { outpoint: one.outpoint };
            let coin = ports.node.coin(one.outpoint).await?.ok_or(missing)?;
            Ok(Collateral {
                coin,
                path: one.path.clone(),
                key_id: one.key_id,
            })
        }
        several => Err(Error::SeveralCollaterals {
            count: several.len(),
            outpoints: several.iter().map(|found| found.outpoint).collect(),
        }),
    }
}

/// The path's key must be the one the collateral pays to. Without a device that is found out where it signs.
async fn check_path(ports: &Ports, coin: &FoundCoin, at: &DerivationPath) -> Result<KeyId, Error> {
    path::check(at).map_err(crate::hw::DeviceError::from)?;
    if ports.device.is_none()
        && let Some(script::Destination::Key(hash)) = script::destination(coin.script.as_bytes())
    {
        return Ok(KeyId(hash));
    }
    let derived = KeyId::of(&ports.device()?.public_key(at.clone()).await?);
    if script::address(coin.script.as_bytes()) == Some(derived.address()) {
        return Ok(derived);
    }
    let owner = script::address(coin.script.as_bytes());
    Err(Error::CollateralOfAnotherKey {
        outpoint: coin.outpoint,
        owner: owner.map_or_else(|| "a script".to_owned(), |address| address.to_text(&ports.profile)),
        path: path::to_text(at),
        derived: derived.address().to_text(&ports.profile),
    })
}

async fn search_path(ports: &Ports, coin: &FoundCoin) -> Result<(DerivationPath, KeyId), Error> {
    let outpoint = coin.outpoint;
    let coins = wallet::coins(ports, &wallet::default_accounts(ports), &[outpoint]).await?;
    let found = coins.into_iter().find(|found| found.coin.outpoint == outpoint);
    found
        .map(|found| (found.path, found.key_id))
        .ok_or(Error::CollateralPathUnknown { outpoint })
}
