//! Transactions as the node prints them (Dash Core src/core_write.cpp, evo/core_write.cpp); the key order is the node's.

use bitcoin::Txid;
use bitcoin::hex::DisplayHex;
use serde_json::{Map, Number, Value, json};

use super::update_json;
use crate::protocol::describe::coins;
use crate::protocol::network::Profile;
use crate::protocol::script;
use crate::protocol::special_tx::pro_reg::Platform;
use crate::protocol::special_tx::{Payload, ProRegTx, Service};
use crate::protocol::tx::{self, Transaction, TxIn};
use crate::protocol::wire::{Reader, hash_to_display, to_hex};
use crate::sandbox::asset_unlock::AssetUnlock;
use crate::sandbox::chain::Chain;
use crate::sandbox::dialect::Dialect;

/// As `decoderawtransaction` prints it.
pub fn decoded(chain: &Chain, tx: &Transaction) -> Map<String, Value> {
    fields(chain, tx, false)
}

/// As `getrawtransaction` prints it: with what its inputs spend, its bytes and its block.
pub fn verbose(chain: &Chain, tx: &Transaction, height: Option<u32>) -> Value {
    let mut out = fields(chain, tx, true);
    out.insert("hex".to_owned(), json!(tx.to_hex()));
    let block = height.and_then(|height| chain.block(height));
    if let Some(block) = block {
        out.insert("blockhash".to_owned(), json!(block.hash.to_string()));
        out.insert("height".to_owned(), json!(block.height));
        out.insert("confirmations".to_owned(), json!(chain.confirmations(height)));
        out.insert("time".to_owned(), json!(block.time));
        out.insert("blocktime".to_owned(), json!(block.time));
    }
    put_locks(&mut out);
    if block.is_some() {
        out.insert("chainlock".to_owned(), json!(false));
    }
    Value::Object(out)
}

/// As `getblock` prints it with verbosity 2.
pub fn in_block(chain: &Chain, txid: Txid) -> Value {
    let Some((tx, _)) = chain.transaction(txid) else {
        return Value::Null;
    };
    let mut out = fields(chain, &tx, false);
    let is_coinbase = tx.inputs.first().is_some_and(TxIn::is_coinbase);
    if chain.dialect() == Dialect::Core23 && !is_coinbase {
        out.insert("fee".to_owned(), coins(fee(chain, &tx)));
    }
    out.insert("hex".to_owned(), json!(tx.to_hex()));
    put_locks(&mut out);
    Value::Object(out)
}

fn put_locks(out: &mut Map<String, Value>) {
    out.insert("instantlock".to_owned(), json!(false));
    out.insert("instantlock_internal".to_owned(), json!(false));
}

fn fee(chain: &Chain, tx: &Transaction) -> i64 {
    if let Some(payload) = AssetUnlock::of(tx) {
        return i64::from(payload.fee);
    }
    let spent: i64 = tx
        .inputs
        .iter()
        .filter_map(|input| spent_output(chain, input))
        .map(|output| output.value)
        .sum();
    spent - tx.outputs.iter().map(|output| output.value).sum::<i64>()
}

fn spent_output(chain: &Chain, input: &TxIn) -> Option<tx::TxOut> {
    let (tx, _) = chain.transaction(input.previous.txid)?;
    tx.outputs.get(usize::try_from(input.previous.vout).ok()?).cloned()
}

fn fields(chain: &Chain, tx: &Transaction, with_spent: bool) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("txid".to_owned(), json!(tx.txid().to_string()));
    out.insert("version".to_owned(), json!(tx.version));
    out.insert("type".to_owned(), json!(tx.kind));
    out.insert("size".to_owned(), json!(tx.size()));
    out.insert("locktime".to_owned(), json!(tx.lock_time));
    let inputs = tx.inputs.iter().map(|each| input(chain, each, with_spent));
    out.insert("vin".to_owned(), inputs.collect());
    let outputs = tx.outputs.iter().enumerate().map(|(n, each)| {
        json!({
            "value": coins(each.value),
            "valueSat": each.value,
            "n": n,
            "scriptPubKey": script_pub_key(chain.profile(), chain.dialect(), each.script.as_bytes()),
        })
    });
    out.insert("vout".to_owned(), outputs.collect());
    if tx.has_payload() {
        out.insert("extraPayloadSize".to_owned(), json!(tx.payload.len()));
        out.insert("extraPayload".to_owned(), json!(to_hex(&tx.payload)));
        put_payload(&mut out, chain, tx);
    }
    out
}

fn put_payload(out: &mut Map<String, Value>, chain: &Chain, tx: &Transaction) {
    let (profile, dialect) = (chain.profile(), chain.dialect());
    if tx.kind == tx::COINBASE {
        out.extend(cb_tx(tx).map(|object| ("cbTx".to_owned(), object)));
        return;
    }
    if let Some(payload) = AssetUnlock::of(tx) {
        out.insert("assetUnlockTx".to_owned(), asset_unlock(&payload));
        return;
    }
    let (name, object) = match Payload::of(tx) {
        Ok(Payload::ProReg(payload)) => ("proRegTx", pro_reg(&payload, profile, dialect)),
        Ok(Payload::ProUpServ(payload)) => ("proUpServTx", update_json::pro_up_serv(&payload, profile, dialect)),
        Ok(Payload::ProUpReg(payload)) => ("proUpRegTx", update_json::pro_up_reg(&payload, profile)),
        Ok(Payload::ProUpRev(payload)) => ("proUpRevTx", update_json::pro_up_rev(&payload)),
        Ok(Payload::None | Payload::Unknown { .. }) | Err(_) => return,
    };
    out.insert(name.to_owned(), object);
}

fn input(chain: &Chain, input: &TxIn, with_spent: bool) -> Value {
    let script = input.script_sig.as_bytes();
    if input.is_coinbase() {
        return json!({ "coinbase": to_hex(script), "sequence": input.sequence });
    }
    let mut out = Map::new();
    out.insert("txid".to_owned(), json!(input.previous.txid.to_string()));
    out.insert("vout".to_owned(), json!(input.previous.vout));
    let script_sig = json!({ "asm": disassemble(script, true), "hex": to_hex(script) });
    out.insert("scriptSig".to_owned(), script_sig);
    if let Some(spent) = spent_output(chain, input).filter(|_| with_spent) {
        out.insert("value".to_owned(), coins(spent.value));
        out.insert("valueSat".to_owned(), json!(spent.value));
        if let Some(address) = address_text(chain.profile(), spent.script.as_bytes()) {
            out.insert("address".to_owned(), json!(address));
        }
    }
    out.insert("sequence".to_owned(), json!(input.sequence));
    Value::Object(out)
}

/// A script with its address, as outputs are printed.
pub fn script_pub_key(profile: &Profile, dialect: Dialect, bytes: &[u8]) -> Value {
    let kind = kind(bytes);
    let mut out = Map::new();
    out.insert("asm".to_owned(), json!(disassemble(bytes, false)));
    // Later nodes name no address for a bare key.
    let address = address_text(profile, bytes).filter(|_| dialect.is_core17() || kind != "pubkey");
    match dialect {
        Dialect::Core23 => {
            out.insert("desc".to_owned(), json!(descriptor(profile, bytes)));
            out.insert("hex".to_owned(), json!(to_hex(bytes)));
            if let Some(address) = address {
                out.insert("address".to_owned(), json!(address));
            }
            out.insert("type".to_owned(), json!(kind));
        }
        Dialect::Core17 => {
            out.insert("hex".to_owned(), json!(to_hex(bytes)));
            if address.is_some() {
                out.insert("reqSigs".to_owned(), json!(1));
            }
            out.insert("type".to_owned(), json!(kind));
            if let Some(address) = address {
                out.insert("addresses".to_owned(), json!([address]));
            }
        }
    }
    Value::Object(out)
}

pub fn address_text(profile: &Profile, script: &[u8]) -> Option<String> {
    script::address(script).map(|address| address.to_text(profile))
}

fn kind(script: &[u8]) -> &'static str {
    match script {
        _ if script::is_pay_to_key(script) => "pubkeyhash",
        _ if script::is_pay_to_script(script) => "scripthash",
        _ if script::destination(script).is_some() => "pubkey",
        [0x6a, ..] => "nulldata",
        _ => "nonstandard",
    }
}

/// `addr(..)#checksum`, or `raw(..)` where there is no address.
pub fn descriptor(profile: &Profile, script: &[u8]) -> String {
    let body = match address_text(profile, script).filter(|_| kind(script) != "pubkey") {
        Some(address) => format!("addr({address})"),
        None => format!("raw({})", to_hex(script)),
    };
    let checksum = descriptor_checksum(&body);
    format!("{body}#{checksum}")
}

/// The eight letters behind a descriptor (BIP-0380).
pub fn descriptor_checksum(body: &str) -> String {
    const INPUT: &str =
        "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
    const OUTPUT: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const GENERATOR: [u64; 5] = [
        0xf5_dee5_1989,
        0xa9_fdca_3312,
        0x1b_ab10_e32d,
        0x37_06b1_677a,
        0x64_4d62_6ffd,
    ];
    fn step(checksum: u64, value: u64) -> u64 {
        let mixed = ((checksum & 0x7_ffff_ffff) << 5) ^ value;
        (0..5)
            .filter(|bit| (checksum >> 35) >> bit & 1 == 1)
            .fold(mixed, |mixed, bit| mixed ^ GENERATOR[bit])
    }
    let mut checksum = 1;
    let (mut class, mut count) = (0, 0);
    for letter in body.chars() {
        let Some(position) = INPUT.find(letter) else { continue };
        let position = position as u64;
        checksum = step(checksum, position & 31);
        class = class * 3 + (position >> 5);
        count += 1;
        if count == 3 {
            checksum = step(checksum, class);
            (class, count) = (0, 0);
        }
    }
    if count > 0 {
        checksum = step(checksum, class);
    }
    checksum = (0..8).fold(checksum, |checksum, _| step(checksum, 0)) ^ 1;
    (0..8)
        .map(|letter| char::from(OUTPUT[(checksum >> (5 * (7 - letter)) & 31) as usize]))
        .collect()
}

fn disassemble(script: &[u8], signatures: bool) -> String {
    let mut words = Vec::new();
    let mut rest = script;
    while let [opcode, after @ ..] = rest {
        let (len, after) = match (*opcode, after) {
            (len @ 1..=75, after) => (usize::from(len), after),
            (76, [len, after @ ..]) => (usize::from(*len), after),
            _ => {
                words.push(opcode_name(*opcode));
                rest = after;
                continue;
            }
        };
        let Some((data, after)) = after.split_at_checked(len) else {
            words.push("[error]".to_owned());
            break;
        };
        words.push(data_word(data, signatures));
        rest = after;
    }
    words.join(" ")
}

fn data_word(data: &[u8], signatures: bool) -> String {
    match data {
        [0x30, .., 1] if signatures && data.len() > 60 => format!("{}[ALL]", to_hex(&data[..data.len() - 1])),
        _ if data.len() <= 4 => number_word(data).to_string(),
        _ => data.to_lower_hex_string(),
    }
}

/// Short data is printed as the number it stands for: little-endian, sign in the top bit.
fn number_word(data: &[u8]) -> i64 {
    let magnitude = data.iter().rev().enumerate().fold(0i64, |number, (at, byte)| {
        let byte = if at == 0 { byte & 0x7f } else { *byte };
        number << 8 | i64::from(byte)
    });
    match data.last() {
        Some(top) if top & 0x80 != 0 => -magnitude,
        _ => magnitude,
    }
}

fn opcode_name(opcode: u8) -> String {
    match opcode {
        0x00 => "0".to_owned(),
        0x4f => "-1".to_owned(),
        0x51..=0x60 => (opcode - 0x50).to_string(),
        0x6a => "OP_RETURN".to_owned(),
        0x75 => "OP_DROP".to_owned(),
        0x76 => "OP_DUP".to_owned(),
        0x87 => "OP_EQUAL".to_owned(),
        0x88 => "OP_EQUALVERIFY".to_owned(),
        0xa9 => "OP_HASH160".to_owned(),
        0xac => "OP_CHECKSIG".to_owned(),
        0xae => "OP_CHECKMULTISIG".to_owned(),
        _ => "OP_UNKNOWN".to_owned(),
    }
}

/// The `proRegTx` object.
fn pro_reg(payload: &ProRegTx, profile: &Profile, dialect: Dialect) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("version", json!(payload.version));
    if dialect == Dialect::Core23 {
        put("type", json!(payload.kind));
    }
    put("collateralHash", json!(payload.collateral.txid.to_string()));
    put("collateralIndex", json!(payload.collateral.vout));
    put("service", json!(service(&payload.service, dialect)));
    if dialect == Dialect::Core23 {
        put("addresses", addresses(&payload.service, payload.platform.as_ref()));
    }
    put("ownerAddress", json!(payload.owner.address().to_text(profile)));
    put("votingAddress", json!(payload.voting.address().to_text(profile)));
    if let Some(payout) = address_text(profile, payload.payout.as_bytes()) {
        put("payoutAddress", json!(payout));
    }
    put("pubKeyOperator", json!(to_hex(&payload.operator)));
    put("operatorReward", percent(payload.operator_reward));
    if let Some(platform) = payload.platform {
        put("platformNodeID", json!(platform.node_id_hex()));
        put("platformP2PPort", json!(platform.p2p_port));
        put("platformHTTPPort", json!(platform.http_port));
    }
    put("inputsHash", json!(hash_to_display(&payload.inputs_hash)));
    Value::Object(out)
}

/// The `assetUnlockTx` object.
fn asset_unlock(payload: &AssetUnlock) -> Value {
    json!({
        "version": payload.version,
        "index": payload.index,
        "fee": payload.fee,
        "requestedHeight": payload.requested_height,
        "quorumHash": hash_to_display(&payload.quorum_hash),
        "quorumSig": to_hex(&payload.signature),
    })
}

/// `1.2.3.4:9999`; "none" as the dialect's `protx` spells it.
pub fn service(service: &Service, dialect: Dialect) -> String {
    if service.is_none() && dialect.is_core17() {
        "[0:0:0:0:0:0:0:0]:0".to_owned()
    } else {
        service.to_string()
    }
}

/// The `addresses` object of 23.
pub fn addresses(service: &Service, platform: Option<&Platform>) -> Value {
    let mut out = Map::new();
    if service.is_none() {
        return Value::Object(out);
    }
    out.insert("core_p2p".to_owned(), json!([service.to_string()]));
    if let Some(platform) = platform {
        let at = |port| Service { port, ..*service }.to_string();
        out.insert("platform_https".to_owned(), json!([at(platform.http_port)]));
        out.insert("platform_p2p".to_owned(), json!([at(platform.p2p_port)]));
    }
    Value::Object(out)
}

/// Hundredths of a percent as a percentage without zeros at its end: 550 is 5.5.
pub fn percent(hundredths: u16) -> Value {
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let number: Number = text.parse().expect("digits and a point are a number");
    Value::Number(number)
}

/// The `cbTx` object of a coinbase, versions 2 and 3.
pub fn cb_tx(tx: &Transaction) -> Option<Value> {
    if tx.kind != tx::COINBASE {
        return None;
    }
    let mut reader = Reader::new(&tx.payload);
    let version = reader.u16().ok()?;
    let height = reader.u32().ok()?;
    let list_root: [u8; 32] = reader.array().ok()?;
    let quorum_root: [u8; 32] = reader.array().ok()?;
    let mut out = json!({
        "version": version,
        "height": height,
        "merkleRootMNList": hash_to_display(&list_root),
        "merkleRootQuorums": hash_to_display(&quorum_root),
    });
    if version >= 3 {
        out["bestCLHeightDiff"] = json!(reader.length().ok()?);
        out["bestCLSignature"] = json!(to_hex(reader.take(96).ok()?));
        out["creditPoolBalance"] = coins(i64::try_from(reader.u64().ok()?).unwrap_or(i64::MAX));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_a_node_printed() {
        // From recorded replies of Dash Core 23.1.2.
        assert_eq!(descriptor_checksum("raw(6a)"), "4mhr9ur5");
        assert_eq!(
            descriptor_checksum("addr(yUCcvWvtpuk5dhavVPjbaaVLcjQ7qgWHDC)"),
            "t67pgg99"
        );
        assert_eq!(
            descriptor_checksum("addr(yM8NEc292xj2e4EXKe5JDnBVEASkJFSdP3)"),
            "myszvma8"
        );
    }

    #[test]
    fn percentages_end_without_zeros() {
        let printed: Vec<String> = [0, 550, 1000, 3333, 10_000, 5]
            .map(percent)
            .iter()
            .map(Value::to_string)
            .collect();
        assert_eq!(printed, ["0", "5.5", "10", "33.33", "100", "0.05"]);
    }
}
