//! A node made up for a list of any length: what each block changes is worked out from its height.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use super::*;

/// The first height there is a list of.
pub const START: u32 = 5_000;

/// Answers as a node of 23.1 whose tip is `height`.
pub struct Mock {
    count: u32,
    /// So many decay by one every block.
    penalised: u32,
    pub height: AtomicU32,
    /// Of the block hashes.
    pub branch: AtomicU32,
    /// Bytes answered.
    pub bytes: AtomicUsize,
    /// What is done to a diff before it is answered.
    pub spoil: std::sync::Mutex<Option<fn(&mut Value)>>,
    pub no_diffs: AtomicBool,
    template: Value,
    info: Value,
}

impl Mock {
    pub fn new(count: u32, penalised: u32) -> Arc<Self> {
        let recording = Recording::new(MODERN);
        let listed = recording.result("protx", json!(["list", "registered", true]));
        let mut listed = listed.as_array().unwrap().iter();
        let mut template = listed
            .find(|entry| entry["state"]["PoSeBanHeight"] == -1)
            .unwrap()
            .clone();
        template["state"]["version"] = json!(1);
        Arc::new(Self {
            count,
            penalised,
            height: AtomicU32::new(START),
            branch: AtomicU32::new(0),
            bytes: AtomicUsize::new(0),
            spoil: std::sync::Mutex::new(None),
            no_diffs: AtomicBool::new(false),
            template,
            info: recording.result("getblockchaininfo", json!([])),
        })
    }

    pub async fn serve(self: &Arc<Self>) -> Server {
        let genesis = profile("dash-regtest").genesis.to_string();
        let mock = Arc::clone(self);
        Server::start(move |incoming| {
            let out = rpc(&incoming.body, &|method, params| match method {
                "getblockhash" if params[0] == json!(0) => Some(Ok(json!(genesis))),
                _ => mock.answer(method, params),
            });
            if let server::Outgoing::Answer(_, body) = &out {
                mock.bytes.fetch_add(body.len(), Ordering::Relaxed);
            }
            out
        })
        .await
    }

    pub fn mine(&self, blocks: u32) {
        self.height.fetch_add(blocks, Ordering::Relaxed);
    }

    fn tip(&self) -> u32 {
        self.height.load(Ordering::Relaxed)
    }

    fn hash(&self, height: u32) -> String {
        format!("{:032x}{height:032x}", self.branch.load(Ordering::Relaxed))
    }

    fn height_of(&self, hash: &Value) -> Option<u32> {
        let text = hash.as_str()?;
        let height = u32::from_str_radix(&text[32..], 16).ok()?;
        (text == self.hash(height)).then_some(height)
    }

    fn answer(&self, method: &str, params: &Value) -> Option<Outcome> {
        let tip = self.tip();
        let header =
            |height: u32| json!({"hash": self.hash(height), "height": height, "time": 1_000_000 + height * 150});
        let unknown = || Err((-5, "Block not found".to_owned()));
        Some(match (method, params[0].as_str()) {
            ("getnetworkinfo", _) => Ok(json!({"version": 230_102})),
            ("getblockchaininfo", _) => {
                let mut info = self.info.clone();
                info["blocks"] = json!(tip);
                info["headers"] = json!(tip);
                info["bestblockhash"] = json!(self.hash(tip));
                info["time"] = json!(1_000_000 + tip * 150);
                Ok(info)
            }
            ("getbestblockhash", _) => Ok(json!(self.hash(tip))),
            ("getblockhash", _) => Ok(json!(self.hash(params[0].as_u64().unwrap() as u32))),
            ("getblockheader", _) => self.height_of(&params[0]).map(header).ok_or(()).or_else(|()| unknown()),
            ("protx", Some("list")) => Ok((0..self.count).map(|index| self.entry(index, tip)).collect()),
            ("protx", Some("listdiff")) if self.no_diffs.load(Ordering::Relaxed) => {
                Err((-8, "Must be a valid command".to_owned()))
            }
            ("protx", Some("listdiff")) => match (self.height_of(&params[1]), self.height_of(&params[2])) {
                (Some(base), Some(height)) => Ok(self.diff(base, height)),
                _ => unknown(),
            },
            _ => return None,
        })
    }

    /// One is paid per block, by turns; every tenth has an operator payout.
    fn entry(&self, index: u32, height: u32) -> Value {
        let mut entry = self.template.clone();
        entry["proTxHash"] = json!(format!("{:064x}", u64::from(index) * 7919 + 1));
        entry["collateralHash"] = entry["proTxHash"].clone();
        entry["confirmations"] = json!(68 + height - START);
        let state = &mut entry["state"];
        let since = (height - START + self.count - index) % self.count;
        let paid = height.checked_sub(since).filter(|paid| *paid > START);
        state["lastPaidHeight"] = json!(paid.unwrap_or(START - self.count + index));
        state["PoSePenalty"] = json!(if index < self.penalised {
            2_000 - (height - START)
        } else {
            0
        });
        if index % 10 == 3 {
            state["operatorPayoutAddress"] = state["payoutAddress"].clone();
        }
        entry
    }

    fn diff(&self, base: u32, height: u32) -> Value {
        let change = |index: u32| {
            let (before, after) = (self.entry(index, base), self.entry(index, height));
            let mut changes = serde_json::Map::new();
            for (key, value) in after["state"].as_object().unwrap() {
                if before["state"].get(key) != Some(value) {
                    changes.insert(key.clone(), value.clone());
                }
            }
            (!changes.is_empty()).then(|| json!({ after["proTxHash"].as_str().unwrap(): changes }))
        };
        let mut diff = json!({
            "baseHeight": base,
            "blockHeight": height,
            "addedMNs": [],
            "removedMNs": [],
            "updatedMNs": (0..self.count).filter_map(change).collect::<Vec<_>>(),
        });
        if let Some(spoil) = *self.spoil.lock().unwrap() {
            spoil(&mut diff);
        }
        diff
    }
}
