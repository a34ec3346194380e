//! The ways in which updates are broken, one at a time.

use bitcoin::hashes::Hash;
use castellan::protocol::bls::Scheme;
use castellan::protocol::key::KeyId;
use castellan::protocol::script;
use castellan::protocol::special_tx::Service;
use castellan::protocol::special_tx::pro_reg::{Platform, encoding_of};
use castellan::protocol::tx::PRO_UP_REG;
use castellan::protocol::wire::sha256d;
use castellan::protocol::{Amount, ProTxHash, ScriptBuf, Transaction, TxIn, TxOut};

use crate::case::{Case, Update};
use crate::chain::fee_key;
use crate::masternode::{collateral_key, operator, stranger};
use crate::verdicts::Cast;

/// Numbers of operator keys: the banned masternode's present one, and one nobody has.
pub const NEW: u8 = 0x60;
const UNUSED: u8 = 0x61;

type Change = fn(&mut Case, &Cast);

/// What is broken, in words and in deed.
pub type Mutation = (&'static str, Change);

/// Broken in what all three types have.
pub const ALL: &[Mutation] = &[
    ("nothing", |_, _| {}),
    ("version 0", |c, _| *c.version() = 0),
    ("version 1", |c, _| to_version(c, 1)),
    ("version 2", |c, _| to_version(c, 2)),
    ("version 3", |c, _| to_version(c, 3)),
    ("version 4", |c, _| to_version(c, 4)),
    ("version 65535", |c, _| to_version(c, 0xffff)),
    ("no such masternode", |c, _| {
        *c.pro_tx_hash() = ProTxHash::from_byte_array([7; 32])
    }),
    ("the hash as it is shown", |c, _| {
        let mut bytes = c.pro_tx_hash().to_byte_array();
        bytes.reverse();
        *c.pro_tx_hash() = ProTxHash::from_byte_array(bytes);
    }),
    ("another masternode", |c, cast| {
        *c.pro_tx_hash() = cast.unrewarded.pro_tx_hash
    }),
    ("a revoked masternode", |c, cast| {
        *c.pro_tx_hash() = cast.revoked.pro_tx_hash
    }),
    ("inputs hash", |c, _| c.inputs_hash = Some([1; 32])),
    ("unsigned", |c, _| c.signed = false),
    ("signed by strangers", |c, _| {
        (c.operator, c.owner) = (operator(UNUSED), stranger(1))
    }),
    ("signed in the other scheme", |c, _| c.scheme = other(c.scheme)),
    ("changed after signing", |c, _| c.after = |bytes| bytes[40] ^= 1),
    ("trailing byte", |c, _| c.after = |bytes| bytes.push(0)),
    ("cut by a byte", |c, _| {
        c.after = |bytes| bytes.truncate(bytes.len() - 1)
    }),
    ("cut to the version", |c, _| c.after = |bytes| bytes.truncate(2)),
    ("cut to half a version", |c, _| c.after = |bytes| bytes.truncate(1)),
    ("no payload", |c, _| c.after = Vec::clear),
    ("a payload too large", |c, _| c.after = |bytes| bytes.resize(10_001, 0)),
    ("the largest payload", |c, _| c.after = |bytes| bytes.resize(10_000, 0)),
    ("last byte of the signature", |c, _| {
        c.after = |bytes| *bytes.last_mut().expect("some") ^= 1
    }),
    ("type 1", |c, _| c.tx.kind = 1),
    ("type 2", |c, _| c.tx.kind = 2),
    ("type 3", |c, _| c.tx.kind = 3),
    ("type 4", |c, _| c.tx.kind = 4),
    ("type 5", |c, _| c.tx.kind = 5),
    ("type 10", |c, _| c.tx.kind = 10),
    ("transaction version 1", |c, _| c.tx.version = 1),
    ("transaction version 2", |c, _| c.tx.version = 2),
    ("transaction version 4", |c, _| c.tx.version = 4),
    ("transaction version 0", |c, _| c.tx.version = 0),
    ("transaction version -1", |c, _| c.tx.version = -1),
    ("no inputs", |c, _| c.tx.inputs.clear()),
    ("no outputs", |c, _| c.tx.outputs.clear()),
    ("an input twice", |c, _| c.tx.inputs.push(c.tx.inputs[0].clone())),
    ("an input that is not there", |c, _| c.tx.inputs[0].previous.vout = 999),
    ("the collateral as input", |c, cast| {
        c.tx.inputs.push(TxIn::unsigned(cast.mine.collateral))
    }),
    ("no fee", |c, _| c.tx.outputs[0].value = 10_000_000),
    ("a fee just too small", |c, _| {
        c.tx.outputs[0].value = 10_000_000 - c.tx.size() as i64 / 2
    }),
    ("more out than in", |c, _| c.tx.outputs[0].value = 10_000_001),
    ("negative output", |c, _| c.tx.outputs[0].value = -1),
    ("output above all money", |c, _| {
        c.tx.outputs[0].value = 2_100_000_000_000_001
    }),
    ("outputs above all money", |c, _| {
        let most = TxOut::new(Amount::from_duffs(2_100_000_000_000_000), script::pay_to_key(&[1; 20]));
        c.tx.outputs.push(most);
    }),
    ("dust", |c, _| c.tx.outputs[0].value = 545),
    ("not quite dust", |c, _| c.tx.outputs[0].value = 9_000_000),
    ("dust for a bare key", |c, _| add(c, 575, bare_key())),
    ("enough for a bare key", |c, _| add(c, 576, bare_key())),
    ("dust for a script", |c, _| add(c, 539, script::pay_to_script(&[1; 20]))),
    ("enough for a script", |c, _| {
        add(c, 540, script::pay_to_script(&[1; 20]))
    }),
    ("an output for anybody", |c, _| {
        add(c, 1_000, ScriptBuf::from_bytes(vec![0x51]))
    }),
    ("bare multisig", |c, _| add(c, 1_000, multisig(1))),
    ("bare multisig of four", |c, _| add(c, 2_000, multisig(4))),
    ("dust for bare multisig", |c, _| add(c, 500, multisig(1))),
    ("data", |c, _| add(c, 0, data(80))),
    ("too much data", |c, _| add(c, 0, data(81))),
    ("data that is no push", |c, _| {
        add(c, 0, ScriptBuf::from_bytes(vec![0x6a, 0xac]))
    }),
    ("data twice", |c, _| {
        add(c, 0, data(1));
        add(c, 0, data(2));
    }),
    ("not final by height", |c, _| {
        (c.tx.lock_time, c.tx.inputs[0].sequence) = (100_000, 0xffff_fffe)
    }),
    ("a lock time that nothing heeds", |c, _| c.tx.lock_time = 100_000),
    ("a lock time that passed", |c, _| {
        (c.tx.lock_time, c.tx.inputs[0].sequence) = (100, 0xffff_fffe)
    }),
    ("a lock time long ago", |c, _| {
        (c.tx.lock_time, c.tx.inputs[0].sequence) = (1_400_000_000, 0xffff_fffe)
    }),
    ("locked for blocks after the coin", |c, _| {
        c.tx.inputs[0].sequence = 5_000
    }),
    ("locked for time after the coin", |c, _| {
        c.tx.inputs[0].sequence = 0x0040_0000 | 60_000
    }),
    ("locked for no blocks", |c, _| c.tx.inputs[0].sequence = 0),
    ("paid by a stranger", |c, _| c.payer = stranger(2)),
    ("dust before an output for anybody", |c, _| {
        add(c, 500, script::pay_to_key(&[1; 20]));
        add(c, 500, ScriptBuf::from_bytes(vec![0x51]));
    }),
    ("dust after an output for anybody", |c, _| {
        add(c, 500, ScriptBuf::from_bytes(vec![0x51]));
        add(c, 500, script::pay_to_key(&[1; 20]));
    }),
    ("signed for no outputs", |c, _| c.last = sign_for_no_outputs),
    ("inputs not signed", |c, _| c.last = |tx| set_script(tx, vec![])),
    ("an input script that is no data", |c, _| {
        c.last = |tx| set_script(tx, vec![0x51, 0x69])
    }),
    ("an input script too long", |c, _| {
        c.last = |tx| set_script(tx, vec![0; 1_651])
    }),
    ("an input script of the longest form", |c, _| {
        c.last = |tx| set_script(tx, vec![0; 1_650])
    }),
    ("another output after signing", |c, _| {
        c.last = |tx| tx.outputs[0].value -= 1
    }),
    ("a broken signature of the input", |c, _| {
        c.last = |tx| {
            let mut script = tx.inputs[0].script_sig.to_bytes();
            script[40] ^= 1;
            set_script(tx, script);
        }
    }),
];

pub const SERV: &[Mutation] = &[
    ("an operator payout", |c, _| {
        c.serv().operator_payout = script::pay_to_key(&[1; 20])
    }),
    ("an operator payout to a script", |c, _| {
        c.serv().operator_payout = script::pay_to_script(&[1; 20])
    }),
    ("an operator payout to the owner", |c, cast| {
        c.serv().operator_payout = cast.mine.owner().key_id().address().script()
    }),
    ("an operator payout to nobody", |c, _| {
        c.serv().operator_payout = ScriptBuf::from_bytes(vec![0x6a])
    }),
    ("an operator payout to a bare key", |c, _| {
        c.serv().operator_payout = bare_key()
    }),
    ("an operator payout of 300 bytes", |c, _| {
        c.serv().operator_payout = ScriptBuf::from_bytes(vec![0x51; 300])
    }),
    ("a length that is too long", |c, _| {
        // An empty script, its length written in three bytes.
        c.after = |bytes| {
            let at = bytes.len() - 96 - 32 - 1;
            bytes.splice(at..=at, [0xfd, 0, 0]);
        }
    }),
    ("no address", |c, _| c.serv().service = Service::NONE),
    ("no address but a port", |c, _| ip(c, "::")),
    ("0.0.0.0", |c, _| ip(c, "::ffff:0.0.0.0")),
    ("broadcast", |c, _| ip(c, "::ffff:255.255.255.255")),
    ("ipv6 of the documentation", |c, _| ip(c, "2001:db8::1")),
    ("an onion of old", |c, _| ip(c, "fd87:d87e:eb43::1")),
    ("an internal name", |c, _| ip(c, "fd6b:88c0:8724::1")),
    ("cjdns", |c, _| ip(c, "fc00::1")),
    ("ipv6", |c, _| ip(c, "2a00:1450::1")),
    ("ipv6 loopback", |c, _| ip(c, "::1")),
    ("ipv4 written as ipv6 compatible", |c, _| ip(c, "::1.2.3.4")),
    ("6to4", |c, _| ip(c, "2002:102:304::1")),
    ("private", |c, _| ip(c, "::ffff:10.0.0.1")),
    ("loopback", |c, _| ip(c, "::ffff:127.0.0.1")),
    ("0.1.2.3", |c, _| ip(c, "::ffff:0.1.2.3")),
    ("documentation", |c, _| ip(c, "::ffff:192.0.2.1")),
    ("multicast", |c, _| ip(c, "::ffff:224.0.0.1")),
    ("port 0", |c, _| c.serv().service.port = 0),
    ("mainnet's port", |c, _| c.serv().service.port = 9999),
    ("invalid with mainnet's port", |c, _| {
        ip(c, "::ffff:0.0.0.0");
        c.serv().service.port = 9999;
    }),
    ("ipv6 with mainnet's port", |c, _| {
        ip(c, "2a00:1450::1");
        c.serv().service.port = 9999;
    }),
    ("invalid, of no masternode", |c, _| {
        ip(c, "::ffff:0.0.0.0");
        *c.pro_tx_hash() = ProTxHash::from_byte_array([7; 32]);
    }),
    ("address of another", |c, cast| {
        c.serv().service.ip = std::net::Ipv4Addr::from([1, 2, 3, cast.unrewarded.number]).to_ipv6_mapped()
    }),
    ("address of another with another port", |c, cast| {
        c.serv().service.ip = std::net::Ipv4Addr::from([1, 2, 3, cast.unrewarded.number]).to_ipv6_mapped();
        c.serv().service.port = 1;
    }),
    ("address a banned one had", |c, cast| {
        c.serv().service.ip = std::net::Ipv4Addr::from([1, 2, 3, cast.banned.number]).to_ipv6_mapped()
    }),
    ("a signature in the other encoding", |c, _| {
        c.encoding = Some(other(c.serv().encoding()))
    }),
    ("another scheme in the other encoding", |c, _| {
        c.encoding = Some(other(c.serv().encoding()));
        c.scheme = other(c.scheme);
    }),
    ("a signature of no form", |c, _| {
        set_signature(c, |bytes| bytes.fill(0x55))
    }),
    ("a signature of ones", |c, _| set_signature(c, |bytes| bytes.fill(0xff))),
    ("infinity as signature", |c, _| {
        set_signature(c, |bytes| {
            bytes.fill(0);
            bytes[0] = 0xc0;
        })
    }),
    ("a signature off the curve", |c, _| {
        set_signature(c, |bytes| {
            bytes.fill(0);
            bytes[95] = 1;
        })
    }),
    ("a signature off the curve, sign set", |c, _| {
        set_signature(c, |bytes| {
            bytes.fill(0);
            (bytes[0], bytes[95]) = (0x80, 1);
        })
    }),
    ("signed by another masternode's operator", |c, cast| {
        c.operator = cast.unrewarded.operator()
    }),
];

pub const REG: &[Mutation] = &[
    ("mode 1", |c, _| c.reg().mode = 1),
    ("no operator key", |c, _| c.reg().operator = [0; 48]),
    ("an operator key of ones", |c, _| c.reg().operator = [0xff; 48]),
    ("infinity as operator key", |c, _| {
        c.reg().operator = [0; 48];
        c.reg().operator[0] = 0xc0;
    }),
    ("an operator key off the curve", |c, _| {
        c.reg().operator = [0; 48];
        c.reg().operator[47] = 1;
    }),
    ("an operator key outside the subgroup", |c, _| {
        c.reg().operator = [0; 48];
        (c.reg().operator[0], c.reg().operator[47]) = (0x80, 4);
    }),
    ("an operator key off the curve, sign set", |c, _| {
        c.reg().operator = [0; 48];
        (c.reg().operator[0], c.reg().operator[47]) = (0x80, 1);
    }),
    ("the operator key negated", |c, _| {
        let encoding = c.reg().key_encoding();
        c.reg().operator[0] ^= if encoding == Scheme::Basic { 0x20 } else { 0x80 };
    }),
    ("a new operator key", |c, _| set_operator(c, UNUSED)),
    ("another's operator key", |c, cast| {
        set_operator(c, cast.unrewarded.number)
    }),
    ("the key of a banned one", |c, _| set_operator(c, NEW)),
    ("the key a banned one had", |c, cast| {
        set_operator(c, cast.banned.number)
    }),
    ("the key a revoked one had", |c, cast| {
        set_operator(c, cast.revoked.number)
    }),
    ("no voting key", |c, _| c.reg().voting = KeyId([0; 20])),
    ("the owner votes", |c, cast| c.reg().voting = cast.mine.owner().key_id()),
    ("another's voting key", |c, cast| {
        c.reg().voting = cast.unrewarded.voting()
    }),
    ("no payout", |c, _| c.reg().payout = ScriptBuf::new()),
    ("a payout to nobody", |c, _| {
        c.reg().payout = ScriptBuf::from_bytes(vec![0x6a])
    }),
    ("a payout to a bare key", |c, _| c.reg().payout = bare_key()),
    ("a payout to a script", |c, _| {
        c.reg().payout = script::pay_to_script(&[1; 20])
    }),
    ("a payout to the owner", |c, cast| {
        c.reg().payout = cast.mine.owner().key_id().address().script()
    }),
    ("a payout to the listed voter", |c, cast| {
        c.reg().payout = cast.mine.voting().address().script();
    }),
    ("a payout to who was the voter", |c, cast| {
        c.reg().payout = cast.mine.voting().address().script();
        c.reg().voting = stranger(3).key_id();
    }),
    ("a payout to the collateral", |c, cast| {
        c.reg().payout = collateral_key(cast.mine.number).key_id().address().script()
    }),
    ("the collateral's key votes", |c, cast| {
        c.reg().voting = collateral_key(cast.mine.number).key_id()
    }),
    ("the collateral's key is paid and votes", |c, cast| {
        c.reg().voting = collateral_key(cast.mine.number).key_id();
        c.reg().payout = collateral_key(cast.mine.number).key_id().address().script();
    }),
    ("signed by the operator's voter", |c, cast| {
        c.owner = collateral_key(cast.mine.number)
    }),
    ("an uncompressed owner's header", |c, _| header(c, |byte| byte - 4)),
    ("a header of segwit", |c, _| header(c, |byte| byte + 8)),
    ("a header below all", |c, _| header(c, |byte| byte - 24)),
    ("a header of another recovery", |c, _| header(c, |byte| byte ^ 1)),
    ("a header of a recovery nobody has", |c, _| header(c, |byte| byte ^ 2)),
    ("a signature of 64 bytes", |c, _| {
        c.after = |bytes| {
            bytes.pop();
            let at = bytes.len() - 65;
            bytes[at] = 64;
        }
    }),
    ("a signature of 66 bytes", |c, _| {
        c.after = |bytes| {
            let at = bytes.len() - 66;
            bytes[at] = 66;
            bytes.push(0);
        }
    }),
    ("no signature", |c, _| {
        c.after = |bytes| {
            bytes.truncate(bytes.len() - 65);
            *bytes.last_mut().expect("its length") = 0;
        }
    }),
];

pub const REV: &[Mutation] = &[
    ("reason 1", |c, _| c.rev().reason = 1),
    ("reason 3", |c, _| c.rev().reason = 3),
    ("reason 4", |c, _| c.rev().reason = 4),
    ("reason 65535", |c, _| c.rev().reason = 0xffff),
    ("reason 4 of no masternode", |c, _| {
        c.rev().reason = 4;
        *c.pro_tx_hash() = ProTxHash::from_byte_array([7; 32]);
    }),
    ("a signature in the other encoding", |c, _| {
        c.encoding = Some(other(c.rev().encoding()))
    }),
    ("signed by another masternode's operator", |c, cast| {
        c.operator = cast.unrewarded.operator()
    }),
    ("a signature of no form", |c, _| {
        set_signature(c, |bytes| bytes.fill(0x55))
    }),
];

/// Of an evonode, whose Platform fields are restated too.
pub const EVO: &[Mutation] = &[
    ("nothing", |_, _| {}),
    ("version 1", |c, _| to_version(c, 1)),
    ("without its fields", |c, _| c.serv().platform = None),
    ("as a regular masternode", |c, _| {
        (c.serv().kind, c.serv().platform) = (0, None);
    }),
    ("as type 2", |c, _| (c.serv().kind, c.serv().platform) = (2, None)),
    ("as type 65535", |c, _| {
        (c.serv().kind, c.serv().platform) = (0xffff, None);
    }),
    ("no node id", |c, _| platform(c).node_id = [0; 20]),
    ("a new node id", |c, _| platform(c).node_id = [0x44; 20]),
    ("another's node id", |c, cast| {
        platform(c).node_id = cast.evos[1].platform().expect("an evonode").node_id
    }),
    ("port 0 for its peers", |c, _| platform(c).p2p_port = 0),
    ("mainnet's port for its peers", |c, _| platform(c).p2p_port = 9999),
    ("mainnet's port for its clients", |c, _| platform(c).http_port = 9999),
    ("equal ports", |c, _| platform(c).http_port = platform(c).p2p_port),
    ("ports all 0", |c, _| {
        (platform(c).http_port, platform(c).p2p_port) = (0, 0)
    }),
    ("peers on the core port", |c, _| {
        platform(c).p2p_port = c.serv().service.port
    }),
    ("clients on the core port", |c, _| {
        platform(c).http_port = c.serv().service.port
    }),
    ("invalid address and equal ports", |c, _| {
        ip(c, "::ffff:0.0.0.0");
        platform(c).http_port = platform(c).p2p_port;
    }),
    ("private address and no node id", |c, _| {
        ip(c, "::ffff:10.0.0.1");
        platform(c).node_id = [0; 20];
    }),
    ("no node id of no masternode", |c, _| {
        platform(c).node_id = [0; 20];
        *c.pro_tx_hash() = ProTxHash::from_byte_array([7; 32]);
    }),
    ("for a regular masternode", |c, cast| {
        *c.pro_tx_hash() = cast.unrewarded.pro_tx_hash;
        c.operator = cast.unrewarded.operator();
    }),
];

fn other(scheme: Scheme) -> Scheme {
    match scheme {
        Scheme::Legacy => Scheme::Basic,
        Scheme::Basic => Scheme::Legacy,
    }
}

/// With everything written as that version does.
fn to_version(case: &mut Case, version: u16) {
    *case.version() = version;
    if case.tx.kind == PRO_UP_REG {
        let key = case.operator.public_key();
        case.reg().operator = key.encode(encoding_of(version));
    }
}

fn add(case: &mut Case, value: i64, script: ScriptBuf) {
    case.tx.outputs[0].value = 9_900_000;
    case.tx.outputs.push(TxOut { value, script });
}

/// SIGHASH_NONE.
fn sign_for_no_outputs(tx: &mut Transaction) {
    let spent = script::pay_to_key(&fee_key().key_id().0);
    let mut bare = tx.without_scripts();
    bare.outputs.clear();
    bare.inputs[0].script_sig = spent;
    let mut preimage = bare.encode();
    preimage.extend([2, 0, 0, 0]);
    let mut signature = fee_key().sign_der(&sha256d(&preimage));
    *signature.last_mut().expect("its hash type") = 2;
    tx.inputs[0].script_sig = script::script_sig(&signature, &fee_key().public_key().serialize());
}

fn set_script(tx: &mut Transaction, script: Vec<u8>) {
    tx.inputs[0].script_sig = ScriptBuf::from_bytes(script);
}

fn bare_key() -> ScriptBuf {
    let key = fee_key().public_key().serialize();
    ScriptBuf::from_bytes([&[33][..], &key, &[0xac]].concat())
}

fn multisig(keys: u8) -> ScriptBuf {
    let mut bytes = vec![0x51];
    for number in 0..keys {
        bytes.push(33);
        bytes.extend(stranger(number + 10).public_key().serialize());
    }
    bytes.extend([0x50 + keys, 0xae]);
    ScriptBuf::from_bytes(bytes)
}

fn data(len: u8) -> ScriptBuf {
    let push: &[u8] = if len > 75 { &[0x6a, 0x4c, len] } else { &[0x6a, len] };
    ScriptBuf::from_bytes([push, &vec![7; usize::from(len)]].concat())
}

fn ip(case: &mut Case, ip: &str) {
    case.serv().service.ip = ip.parse().expect("an address");
}

fn platform(case: &mut Case) -> &mut Platform {
    case.serv().platform.as_mut().expect("an evonode")
}

fn set_operator(case: &mut Case, number: u8) {
    let encoding = case.reg().key_encoding();
    case.reg().operator = operator(number).public_key().encode(encoding);
}

/// Changes the operator's signature; it is the last of the payload.
fn set_signature(case: &mut Case, change: fn(&mut [u8])) {
    case.signed = false;
    let mut signature = [0; 96];
    change(&mut signature);
    match &mut case.update {
        Update::Serv(payload) => payload.signature = signature,
        Update::Rev(payload) => payload.signature = signature,
        Update::Reg(_) => panic!("the owner signs these"),
    }
}

/// Changes the first byte of the owner's signature of what the case is when it is sent.
fn header(case: &mut Case, change: fn(u8) -> u8) {
    case.reg().inputs_hash = case.tx.inputs_hash();
    let owner = case.owner.clone();
    case.reg().sign(&owner);
    case.reg().signature[0] = change(case.reg().signature[0]);
    case.signed = false;
}
