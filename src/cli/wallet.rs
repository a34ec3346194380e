//! `wallet` and `label`: the accounts of the device with their addresses and coins, and what the user calls them.

use std::process::ExitCode;

use bitcoin::Txid;
use serde_json::{Value, json};

use super::args::{LabelArgs, WalletArgs};
use super::output::Failure;
use super::register::outpoint;
use super::review::payment;
use super::session::{Need, Session};
use crate::flow::wallet::{self, Account, CoinState, WalletAddress, WalletCoin};
use crate::protocol::{Address, Profile, path};
use crate::store::labels::{Item, Labels};

pub async fn run(session: &Session, args: WalletArgs) -> Result<ExitCode, Failure> {
    let (_connection, ports) = session.ports_with_open_device(Need::IfOpen).await?;
    let paths = match args.account {
        Some(number) => vec![path::account(&ports.profile, number)],
        None => wallet::default_accounts(&ports),
    };
    let labels = wallet::labels(&ports)?;
    let accounts = wallet::accounts(&ports, &labels, &paths, args.further).await?;
    let profile = &ports.profile;
    let document = json!({
        "network": profile.name,
        "source": accounts.first().map(|account| account.source),
        "accounts": accounts.iter().map(|each| account(each, profile)).collect::<Value>(),
    });
    Ok(session.output.done(&document, || {
        let texts: Vec<String> = accounts.iter().map(|each| text(each, profile)).collect();
        texts.join("\n\n")
    }))
}

fn account(account: &Account, profile: &Profile) -> Value {
    let sums = account.balances();
    let place = |(at, key): &(_, crate::protocol::KeyId)| json!({ "path": path::to_text(at), "address": key.address().to_text(profile) });
    json!({
        "path": path::to_text(&account.path),
        "number": account.number,
        "balances": {
            "ready": sums.ready.to_string(),
            "immature": sums.immature.to_string(),
            "unconfirmed": sums.unconfirmed.to_string(),
            "locked": sums.locked.to_string(),
        },
        "nextReceive": place(&account.next_receive),
        "nextChange": place(&account.next_change),
        "addresses": account.addresses.iter().map(|each| address(each, profile)).collect::<Value>(),
        "coins": account.coins.iter().map(|each| payment::coin(each, profile)).collect::<Value>(),
    })
}

fn address(address: &WalletAddress, profile: &Profile) -> Value {
    json!({
        "address": address.key_id.address().to_text(profile),
        "path": path::to_text(&address.path),
        "change": address.change,
        "index": address.index,
        "holds": address.holds.to_string(),
        "coins": address.coins,
        "label": address.label,
        "backs": address.backs,
    })
}

fn text(account: &Account, profile: &Profile) -> String {
    let sums = account.balances();
    let mut lines = vec![format!(
        "account {} ({}): {} {} to spend, {} locked, {} immature, {} unconfirmed",
        account.number,
        path::to_text(&account.path),
        sums.ready.short(),
        profile.ticker,
        sums.locked.short(),
        sums.immature.short(),
        sums.unconfirmed.short()
    )];
    let (at, key) = &account.next_receive;
    let next = key.address().to_text(profile);
    lines.push(format!("  next address  {next}  {}", path::to_text(at)));
    lines.extend(
        account
            .addresses
            .iter()
            .filter(|each| each.coins > 0 || each.label.is_some())
            .map(|each| {
                let label = each.label.as_deref().unwrap_or_default();
                let text = each.key_id.address().to_text(profile);
                let line = format!(
                    "  address  {text}  {:<20} {:>16}  {label}",
                    path::to_text(&each.path),
                    each.holds.short()
                );
                line.trim_end().to_owned()
            }),
    );
    for coin in &account.coins {
        lines.push(coin_line(coin));
        let reasons = coin.guards.iter().map(|guard| guard.consequence(profile));
        lines.extend(reasons.map(|reason| format!("        locked: if it were spent, {reason}")));
    }
    lines.join("\n")
}

fn coin_line(coin: &WalletCoin) -> String {
    let state = match coin.state {
        CoinState::Immature { blocks_left } => format!("immature, {blocks_left} blocks left"),
        state => state.name().to_owned(),
    };
    let label = coin.label.as_deref().unwrap_or_default();
    let line = format!(
        "  coin  {}  {:>16}  {state}  {label}",
        coin.outpoint(),
        coin.value().short()
    );
    line.trim_end().to_owned()
}

/// Kept beside the journal; no node and no device is asked.
pub fn label(session: &Session, args: &LabelArgs) -> Result<ExitCode, Failure> {
    let profile = session.profile()?;
    let item = item(&args.item, &profile)?;
    let path = Labels::beside(&session.made_dirs()?.journal, &profile.name);
    let mut labels = Labels::open(&path).map_err(crate::flow::Error::from)?;
    if let Some(text) = &args.text {
        labels.set(&item, text).map_err(crate::flow::Error::from)?;
    }
    let document = json!({ "item": item.to_string(), "label": labels.get(&item) });
    Ok(session
        .output
        .done(&document, || labels.get(&item).unwrap_or("no label").to_owned()))
}

/// An address, a transaction or an output.
fn item(text: &str, profile: &Profile) -> Result<Item, Failure> {
    if let Ok(txid) = text.trim().parse::<Txid>() {
        return Ok(Item::Transaction(txid));
    }
    if let Ok(outpoint) = outpoint(text) {
        return Ok(Item::Output(outpoint));
    }
    let address = Address::parse(text, profile).map_err(Failure::usage)?;
    Ok(Item::Address(address.to_text(profile)))
}
