//! The table of methods: name, usage, which nodes have it, what runs it.

use serde_json::Value;

use super::call::{Call, METHOD_NOT_FOUND, MISC, NO_WALLET, Params, RpcError};
use super::{addresses, blockchain, coins, control, masternodes, protx, quorums, sandbox, transactions};
use crate::sandbox::dialect::Dialect;
use crate::sandbox::handle::Shared;

type Run = fn(&Shared, &Params<'_>) -> Result<Value, RpcError>;

/// One method.
pub struct Method {
    pub name: &'static str,
    pub usage: &'static str,
    /// Nodes of the 0.17 line lack it.
    pub core23_only: bool,
    run: Run,
    /// How many parameters are right.
    arguments: std::ops::RangeInclusive<usize>,
}

const fn method(name: &'static str, usage: &'static str, least: usize, most: usize, run: Run) -> Method {
    Method {
        name,
        usage,
        core23_only: false,
        run,
        arguments: least..=most,
    }
}

const fn core23(name: &'static str, usage: &'static str, least: usize, most: usize, run: Run) -> Method {
    Method {
        core23_only: true,
        ..method(name, usage, least, most, run)
    }
}

/// Everything the node answers, by name.
pub static METHODS: &[Method] = &[
    method("bls", "bls \"command\" ...", 0, 3, control::bls),
    method(
        "decoderawtransaction",
        "decoderawtransaction \"hexstring\"",
        1,
        2,
        transactions::decode,
    ),
    method(
        "estimatesmartfee",
        "estimatesmartfee conf_target ( \"estimate_mode\" )",
        1,
        2,
        transactions::estimate_fee,
    ),
    method(
        "getaddressbalance",
        "getaddressbalance {\"addresses\":[...]}",
        1,
        1,
        addresses::balance,
    ),
    method(
        "getaddressmempool",
        "getaddressmempool {\"addresses\":[...]}",
        1,
        1,
        addresses::mempool,
    ),
    method(
        "getaddressutxos",
        "getaddressutxos {\"addresses\":[...]}",
        1,
        1,
        addresses::utxos,
    ),
    method(
        "getbestblockhash",
        "getbestblockhash",
        0,
        0,
        blockchain::best_block_hash,
    ),
    method(
        "getblock",
        "getblock \"blockhash\" ( verbosity )",
        1,
        2,
        blockchain::block,
    ),
    method("getblockchaininfo", "getblockchaininfo", 0, 0, blockchain::info),
    method("getblockcount", "getblockcount", 0, 0, blockchain::count),
    method("getblockhash", "getblockhash height", 1, 1, blockchain::hash),
    method(
        "getblockheader",
        "getblockheader \"blockhash\" ( verbose )",
        1,
        2,
        blockchain::header,
    ),
    method(
        "getconnectioncount",
        "getconnectioncount",
        0,
        0,
        control::connection_count,
    ),
    core23(
        "getindexinfo",
        "getindexinfo ( \"index_name\" )",
        0,
        1,
        control::index_info,
    ),
    method("getmempoolinfo", "getmempoolinfo", 0, 0, transactions::mempool_info),
    method("getnetworkinfo", "getnetworkinfo", 0, 0, control::network_info),
    method(
        "getrawmempool",
        "getrawmempool ( verbose )",
        0,
        2,
        transactions::raw_mempool,
    ),
    method(
        "getrawtransaction",
        "getrawtransaction \"txid\" ( verbose \"blockhash\" )",
        1,
        3,
        transactions::raw,
    ),
    method(
        "gettxout",
        "gettxout \"txid\" n ( include_mempool )",
        2,
        3,
        coins::tx_out,
    ),
    method("help", "help ( \"command\" )", 0, 2, control::help),
    core23("listwallets", "listwallets", 0, 0, control::list_wallets),
    method(
        "masternode",
        "masternode \"command\" ...",
        0,
        3,
        masternodes::masternode,
    ),
    method(
        "masternodelist",
        "masternodelist ( \"mode\" \"filter\" )",
        0,
        2,
        masternodes::list,
    ),
    method("mnsync", "mnsync [status|next|reset]", 1, 1, control::mn_sync),
    method("protx", "protx \"command\" ...", 0, 5, protx::protx),
    method("quorum", "quorum \"command\" ...", 0, 3, quorums::quorum),
    method(
        "sandbox_asset_unlock",
        "sandbox_asset_unlock \"address\" amount",
        2,
        2,
        sandbox::asset_unlock,
    ),
    method("sandbox_ban", "sandbox_ban \"proTxHash\"", 1, 1, sandbox::ban),
    method(
        "sandbox_fail_dkg",
        "sandbox_fail_dkg \"proTxHash\"",
        1,
        1,
        sandbox::fail_dkg,
    ),
    method("sandbox_fund", "sandbox_fund \"address\" amount", 2, 2, sandbox::fund),
    method("sandbox_reward", "sandbox_reward \"address\"", 1, 1, sandbox::reward),
    method("sandbox_reorg", "sandbox_reorg n ( blocks )", 1, 2, sandbox::reorg),
    method("sandbox_mine", "sandbox_mine ( n )", 0, 1, sandbox::mine),
    core23(
        "scantxoutset",
        "scantxoutset \"action\" ( [scanobjects,...] )",
        1,
        2,
        coins::scan,
    ),
    method(
        "sendrawtransaction",
        "sendrawtransaction \"hexstring\" ( ... )",
        1,
        4,
        transactions::send,
    ),
    core23(
        "testmempoolaccept",
        "testmempoolaccept [\"rawtx\"] ( maxfeerate )",
        1,
        2,
        transactions::test_accept,
    ),
    method("uptime", "uptime", 0, 0, control::uptime),
    method(
        "validateaddress",
        "validateaddress \"address\"",
        1,
        1,
        addresses::validate,
    ),
    method(
        "verifymessage",
        "verifymessage \"address\" \"signature\" \"message\"",
        3,
        3,
        addresses::verify_message,
    ),
];

/// Calls that need a wallet, which this node has not.
const WALLET: [&str; 12] = [
    "dumpprivkey",
    "getaddressinfo",
    "getbalance",
    "getnewaddress",
    "getwalletinfo",
    "importaddress",
    "listtransactions",
    "listunspent",
    "lockunspent",
    "sendtoaddress",
    "signmessage",
    "signrawtransactionwithwallet",
];

pub fn find(name: &str, dialect: Dialect) -> Option<&'static Method> {
    METHODS
        .iter()
        .find(|method| method.name == name && !(method.core23_only && dialect.is_core17()))
}

pub fn run(shared: &Shared, call: &Call<'_>) -> Result<Value, RpcError> {
    let dialect = shared.chain().dialect();
    let Some(method) = find(call.method, dialect) else {
        return Err(unknown(call.method, dialect));
    };
    if !method.arguments.contains(&call.params.len()) {
        return Err(RpcError::new(MISC, method.usage));
    }
    let params = Params {
        values: call.params,
        dialect,
    };
    (method.run)(shared, &params)
}

fn unknown(name: &str, dialect: Dialect) -> RpcError {
    if WALLET.contains(&name) && !dialect.is_core17() {
        return no_wallet(dialect);
    }
    RpcError::method_not_found()
}

/// What a call that needs a wallet is told.
pub fn no_wallet(dialect: Dialect) -> RpcError {
    match dialect {
        Dialect::Core23 => RpcError::new(
            NO_WALLET,
            "No wallet is loaded. Load a wallet using loadwallet or create a new one with createwallet. \
             (Note: A default wallet is no longer automatically created)",
        ),
        Dialect::Core17 => RpcError::new(
            METHOD_NOT_FOUND,
            "Method not found (wallet method is disabled because no wallet is loaded)",
        ),
    }
}
