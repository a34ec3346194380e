//! Every way a connection, a login, a proxy or an answer fails has its own error, and none shows a secret.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::server::{Outgoing, Server, rpc};
use super::*;
use crate::protocol::Transaction;
use crate::rpc::{Node, RpcError};

/// What `tip` says when every request gets this answer.
async fn tip_error(out: Outgoing) -> RpcError {
    let server = Server::start(move |_| out.clone()).await;
    client_with(&server, "dash-regtest", impatient())
        .tip()
        .await
        .unwrap_err()
}

fn html(status: u16) -> Outgoing {
    Outgoing::Answer(status, "<html><h1>Bad gateway</h1></html>".to_owned())
}

#[tokio::test]
async fn each_http_status_has_its_meaning() {
    assert!(matches!(
        tip_error(Outgoing::Answer(401, String::new())).await,
        RpcError::Unauthorized { .. }
    ));
    let forbidden = tip_error(Outgoing::Answer(403, String::new())).await;
    assert!(matches!(forbidden, RpcError::Forbidden { method, .. } if method == "getblockhash"));
    assert!(matches!(
        tip_error(Outgoing::Answer(503, "Work queue depth exceeded".to_owned())).await,
        RpcError::Busy { .. }
    ));
    for status in [200, 404, 500, 502] {
        let error = tip_error(html(status)).await;
        assert!(
            matches!(&error, RpcError::NotANode { reason, .. } if reason.contains(&status.to_string())),
            "{error}"
        );
    }
    let error = tip_error(Outgoing::With(301, "location: http://127.0.0.1:1/", String::new())).await;
    assert!(
        matches!(error, RpcError::NotANode { .. }),
        "redirects are not followed: {error}"
    );
}

#[tokio::test]
async fn a_json_error_is_read_whatever_the_status() {
    let failing = |status, code: i64| {
        let body = json!({"result": null, "error": {"code": code, "message": "a\u{1b}[31m text"}, "id": 1});
        tip_error(Outgoing::Answer(status, body.to_string()))
    };
    let expected = RpcError::UnknownMethod {
        method: "getblockhash".to_owned(),
    };
    assert_eq!(failing(404, -32601).await, expected);
    let expected = RpcError::WarmingUp {
        message: "a [31m text".to_owned(),
    };
    assert_eq!(failing(500, -28).await, expected);
    assert!(matches!(failing(500, -8).await, RpcError::Failed { code: -8, .. }));
}

#[tokio::test]
async fn an_answer_to_another_question_is_not_taken() {
    for body in [
        json!({"result": "00", "error": null, "id": 77}),
        json!({"result": "00", "error": null}),
        json!({"result": "00", "error": null, "id": "1"}),
        json!({"error": null, "id": 1}),
        json!({"result": null, "error": {"code": -5, "message": ""}, "id": 77}),
        json!([]),
        json!(null),
    ] {
        let error = tip_error(Outgoing::Answer(200, body.to_string())).await;
        assert!(matches!(error, RpcError::NotANode { .. }), "{body}: {error}");
    }
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_no_answer() {
    let whole = json!({"result": "00", "error": null, "id": 1}).to_string();
    let error = tip_error(Outgoing::Truncated(whole.clone())).await;
    assert!(matches!(error, RpcError::Unreachable { .. }), "{error}");
    let error = tip_error(Outgoing::Answer(200, whole[..20].to_owned())).await;
    assert!(matches!(error, RpcError::NotANode { .. }), "{error}");
}

#[tokio::test]
async fn an_answer_without_end_or_of_200_megabytes_is_not_swallowed() {
    for out in [Outgoing::Endless, Outgoing::Announced(200_000_000)] {
        let expected = RpcError::TooLarge {
            method: "getblockhash".to_owned(),
            limit: impatient().body,
        };
        assert_eq!(tip_error(out).await, expected);
    }
}

#[tokio::test]
async fn silence_ends_in_a_timeout() {
    let error = tip_error(Outgoing::Silence).await;
    assert!(matches!(error, RpcError::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let url = Server::start(|_| Outgoing::Silence).await.url.clone();
    // The server is gone again; its task ends a moment after.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let endpoint = Endpoint::new(&url, Auth::None).unwrap();
    let client = Client::with_limits(endpoint, profile("dash-regtest"), impatient()).unwrap();
    let expected = RpcError::Unreachable {
        url,
        kind: "connection refused".to_owned(),
    };
    assert_eq!(client.tip().await, Err(expected));
}

#[tokio::test]
async fn a_node_that_speaks_no_tls_is_not_trusted() {
    let server = Server::start(|_| html(400)).await;
    let url = server.url.replace("http://", "https://");
    let endpoint = Endpoint::new(&url, Auth::None).unwrap();
    // Without a certificate store there is no client for https at all.
    if let Ok(client) = Client::with_limits(endpoint, profile("dash-regtest"), impatient()) {
        let error = client.tip().await.unwrap_err();
        assert!(
            matches!(error, RpcError::NotANode { .. } | RpcError::Timeout { .. }),
            "{error}"
        );
    }
}

/// Offers a certificate nobody signed, to one connection.
fn serve_untrusted() -> String {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
    let certificate = include_bytes!("../../../tests/data/rpc/self-signed.cert.der");
    let key = include_bytes!("../../../tests/data/rpc/self-signed.key.der");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate.to_vec())],
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.to_vec())),
        )
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut connection = rustls::ServerConnection::new(Arc::new(config)).unwrap();
        // Ends when the client has seen the certificate and hung up.
        while connection.complete_io(&mut stream).is_ok_and(|(read, _)| read > 0) {}
    });
    url
}

#[tokio::test]
async fn a_certificate_nobody_signed_is_not_trusted() {
    let url = serve_untrusted();
    let endpoint = Endpoint::new(&url, Auth::None).unwrap();
    // A machine without a certificate store says so one step earlier.
    let error = match Client::with_limits(endpoint, profile("dash-regtest"), impatient()) {
        Ok(client) => client.tip().await.unwrap_err(),
        Err(error) => error,
    };
    assert!(
        matches!(&error, RpcError::Certificate { url: named, .. } if *named == url),
        "{error}"
    );
}

#[tokio::test]
async fn a_node_of_another_chain_is_refused_before_anything_else_is_asked() {
    let server = node("wei-regtest", |_, _| Some(Ok(json!(1)))).await;
    let client = client(&server, "dash-regtest");
    for _ in 0..2 {
        let error = client.coin(OutPoint::null()).await.unwrap_err();
        let expected = RpcError::OtherChain {
            found: profile("wei-regtest").genesis,
            expected: profile("dash-regtest").genesis,
            network: "dash-regtest".to_owned(),
        };
        assert_eq!(error, expected);
    }
    assert_eq!(server.methods(), ["getblockhash", "getblockhash"]);
}

#[tokio::test]
async fn the_right_chain_is_asked_for_once() {
    let server = replay(MODERN, "dash-regtest").await;
    let client = client(&server, "dash-regtest");
    for _ in 0..3 {
        client.tip().await.unwrap();
    }
    assert_eq!(
        server
            .methods()
            .iter()
            .filter(|method| *method == "getblockhash")
            .count(),
        1
    );
}

#[tokio::test]
async fn user_and_password_travel_in_the_header_and_nowhere_else() {
    let server = Server::start(|_| Outgoing::Answer(401, String::new())).await;
    let auth = Auth::UserPassword {
        user: "alice".to_owned(),
        password: Zeroizing::new("open sesame".to_owned()),
    };
    let endpoint = Endpoint::new(&server.url, auth).unwrap();
    let client = Client::connect(endpoint, profile("dash-regtest")).unwrap();
    let error = client.tip().await.unwrap_err();
    // base64 of `alice:open sesame`
    assert!(server.heard()[0].head.contains("Basic YWxpY2U6b3BlbiBzZXNhbWU="));
    let printed = format!("{client:?} {error:?} {error}");
    assert!(
        !printed.contains("sesame") && !printed.contains("YWxpY2U6"),
        "{printed}"
    );
}

#[tokio::test]
async fn a_cookie_is_read_again_when_the_node_was_restarted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".cookie");
    std::fs::write(&path, "__cookie__:old").unwrap();
    let restarted = Arc::new(AtomicBool::new(false));
    let (seen, recording) = (Arc::clone(&restarted), Recording::new(MODERN));
    let genesis = profile("dash-regtest").genesis.to_string();
    let server = Server::start(move |incoming| {
        // base64 of `__cookie__:old` and `__cookie__:new`
        let now = if seen.load(Ordering::Relaxed) {
            "X19jb29raWVfXzpuZXc="
        } else {
            "X19jb29raWVfXzpvbGQ="
        };
        if !incoming.head.contains(now) {
            return Outgoing::Answer(401, String::new());
        }
        rpc(&incoming.body, &|method, params| match method {
            "getblockhash" => Some(Ok(json!(genesis))),
            _ => recording
                .find(method, params)
                .or_else(|| derived(&recording, method, params)),
        })
    })
    .await;
    let endpoint = Endpoint::new(&server.url, Auth::Cookie(path.clone())).unwrap();
    let client = Client::connect(endpoint, profile("dash-regtest")).unwrap();
    assert_eq!(client.tip().await.unwrap().height, 471);
    restarted.store(true, Ordering::Relaxed);
    assert!(
        matches!(client.tip().await, Err(RpcError::Unauthorized { .. })),
        "the file is still the old one"
    );
    std::fs::write(&path, "__cookie__:new\n").unwrap();
    assert_eq!(client.tip().await.unwrap().height, 471);
}

#[tokio::test]
async fn a_cookie_that_cannot_be_read_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken");
    std::fs::write(&broken, "no cookie at all, secret").unwrap();
    for path in [PathBuf::from("/nowhere/.cookie"), broken] {
        let endpoint = Endpoint::new("http://127.0.0.1:1", Auth::Cookie(path.clone())).unwrap();
        let client = Client::connect(endpoint, profile("dash-regtest")).unwrap();
        let error = client.tip().await.unwrap_err();
        assert!(matches!(&error, RpcError::Cookie { path: named, .. } if *named == path.display().to_string()));
        assert!(!error.to_string().contains("secret"));
    }
}

/// A real ProRegTx, from the recorded `sendrawtransaction`.
fn recorded_tx(recording: &str) -> Transaction {
    let sent = Recording::new(recording).0;
    let long =
        |call: &&Value| call["method"] == "sendrawtransaction" && call["params"][0].as_str().unwrap().len() > 100;
    let call = sent.iter().find(long).unwrap();
    Transaction::from_hex(call["params"][0].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_transaction_is_only_taken_if_it_hashes_to_its_txid() {
    let tx = recorded_tx(MODERN);
    let (txid, hex) = (tx.txid(), tx.to_hex());
    assert!(txid.to_string().starts_with("af04b6d7596ed46b"));
    let server = node("dash-regtest", move |method, _| {
        let reply = json!({"txid": txid.to_string(), "hex": hex, "height": 404, "confirmations": 68, "vin": "ignored"});
        (method == "getrawtransaction").then_some(Ok(reply))
    })
    .await;
    let client = client(&server, "dash-regtest");
    let found = client.transaction(txid).await.unwrap().unwrap();
    assert_eq!((found.tx, found.confirmations, found.height), (tx, 68, Some(404)));
    let expected = RpcError::OtherData {
        method: "getrawtransaction".to_owned(),
    };
    assert_eq!(client.transaction(Txid::all_zeros()).await, Err(expected));
}

#[tokio::test]
async fn without_transaction_index_an_unspent_output_leads_to_the_block() {
    let tx = recorded_tx(MODERN);
    let (txid, hex) = (tx.txid(), tx.to_hex());
    let block = "33".repeat(32);
    let server = node("dash-regtest", move |method, params| match method {
        "getrawtransaction" if params[2] == json!(block) => {
            Some(Ok(json!({"hex": hex, "height": 98, "confirmations": 3})))
        }
        "getrawtransaction" => Some(Err((
            -5,
            "No such mempool transaction. Use -txindex to enable".to_owned(),
        ))),
        "gettxout" if params[0] == json!(txid.to_string()) && params[1] == json!(1) => {
            let script = json!({"hex": "51"});
            Some(Ok(
                json!({"bestblock": "44".repeat(32), "confirmations": 3, "value": 1.0, "scriptPubKey": script}),
            ))
        }
        "gettxout" => Some(Ok(Value::Null)),
        "getblockheader" => Some(Ok(json!({"hash": params[0], "height": 100, "time": 5}))),
        "getblockhash" if params[0] == json!(98) => Some(Ok(json!(block))),
        _ => None,
    })
    .await;
    let client = client(&server, "dash-regtest");
    let found = client.transaction(txid).await.unwrap().unwrap();
    assert_eq!((found.tx, found.height), (tx, Some(98)));
    assert_eq!(client.transaction(Txid::all_zeros()).await, Ok(None));
}

#[tokio::test]
async fn a_broadcast_succeeds_where_the_transaction_is_already_known() {
    let tx = recorded_tx(WEI);
    let txid = tx.txid();
    for outcome in [
        Ok(json!(txid.to_string())),
        Err((-27, "transaction already in block chain".to_owned())),
        Err((-26, "txn-already-in-mempool".to_owned())),
    ] {
        let server = node("wei-regtest", move |method, _| {
            (method == "sendrawtransaction").then(|| outcome.clone())
        })
        .await;
        assert_eq!(client(&server, "wei-regtest").broadcast(tx.clone()).await, Ok(txid));
        let sent = server.heard().last().unwrap().body.clone();
        assert_eq!(
            sent["params"],
            json!([tx.to_hex()]),
            "one parameter: the second differs between versions"
        );
    }
}

#[tokio::test]
async fn missing_inputs_are_a_refusal_unless_the_transaction_itself_spent_them() {
    for (recording, network, reason) in [
        (MODERN, "dash-regtest", "bad-txns-inputs-missingorspent"),
        (WEI, "wei-regtest", "Missing inputs"),
    ] {
        let tx = recorded_tx(recording);
        let server = replay(recording, network).await;
        let recorded = Recording::new(recording).find("sendrawtransaction", &json!([tx.to_hex()]));
        assert_eq!(recorded, Some(Err((-25, reason.to_owned()))));
        // The recorded chain has mined it since, and lists the masternode; without that it would be refused.
        let masternode = client(&server, network).masternode(tx.txid()).await.unwrap();
        assert!(masternode.is_some());
        assert_eq!(client(&server, network).broadcast(tx.clone()).await, Ok(tx.txid()));

        let server = node(network, move |method, _| match method {
            "sendrawtransaction" => Some(Err((-25, reason.to_owned()))),
            "getrawtransaction" => Some(Err((-5, "No such mempool or blockchain transaction".to_owned()))),
            "protx" => Some(Err((-8, "x not found".to_owned()))),
            _ => None,
        })
        .await;
        let error = client(&server, network).broadcast(tx).await.unwrap_err();
        assert!(
            matches!(&error, RpcError::Rejected { reason: token, .. } if token == reason),
            "{error}"
        );
        assert!(!error.is_connection());
    }
}

#[tokio::test]
async fn a_refusal_is_cut_to_its_token_and_a_wrong_txid_is_no_success() {
    let tx = recorded_tx(WEI);
    let refusal = "bad-protx-sig, Keys don't match: pubkey=aa, hash=bb (code 16)";
    let server = node("wei-regtest", move |method, _| {
        (method == "sendrawtransaction").then(|| Err((-26, refusal.to_owned())))
    })
    .await;
    let expected = RpcError::Rejected {
        reason: "bad-protx-sig".to_owned(),
        detail: refusal.to_owned(),
    };
    assert_eq!(
        client(&server, "wei-regtest").broadcast(tx.clone()).await,
        Err(expected)
    );
    let server = node("wei-regtest", |_, _| Some(Ok(json!("55".repeat(32))))).await;
    assert!(matches!(
        client(&server, "wei-regtest").broadcast(tx).await,
        Err(RpcError::OtherData { .. })
    ));
}
