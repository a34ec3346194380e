//! The node's JSON-RPC interface over HTTP on loopback, as Dash Core serves it (src/httprpc.cpp, src/rpc/server.cpp).
//!
//! Basic authentication, single calls and batches; the HTTP status tells what kind of error a single call met.

mod addresses;
mod blockchain;
mod call;
mod coins;
mod control;
mod masternodes;
mod methods;
mod protx;
mod quorums;
mod sandbox;
mod transactions;
mod tx_json;
mod update_json;

use std::sync::Arc;
use std::time::Duration;

use bitcoin::base64::{Engine, prelude::BASE64_STANDARD};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::handle::Shared;
use call::{Call, RpcError};

/// Largest request, as the node's MAX_SIZE: 32 MiB.
const MAX_REQUEST: usize = 0x0200_0000;
/// What a wrong password costs, against guessing.
const WRONG_PASSWORD_DELAY: Duration = Duration::from_millis(250);

/// Serves until it is dropped; its connections end with it.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A connection that fails to arrive is the caller's to repeat.
                let Ok((stream, _)) = accepted else { continue };
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    let service = hyper::service::service_fn(move |request| answer(request, Arc::clone(&shared)));
                    let served = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                    if let Err(error) = served {
                        tracing::debug!("sandbox connection ended: {error}");
                    }
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

type Reply = Response<Full<Bytes>>;

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Reply, std::convert::Infallible> {
    if request.method() != Method::POST {
        let text = "JSONRPC server handles only POST requests";
        return Ok(reply(StatusCode::METHOD_NOT_ALLOWED, text.to_owned()));
    }
    let path = request.uri().path();
    if path != "/" && !path.starts_with("/wallet/") {
        return Ok(reply(StatusCode::NOT_FOUND, String::new()));
    }
    match request.headers().get(AUTHORIZATION) {
        None => return Ok(unauthorized()),
        Some(given) if !is_authorized(given, &shared) => {
            tokio::time::sleep(WRONG_PASSWORD_DELAY).await;
            return Ok(unauthorized());
        }
        Some(_) => {}
    }
    let Ok(body) = Limited::new(request.into_body(), MAX_REQUEST).collect().await else {
        return Ok(reply(StatusCode::PAYLOAD_TOO_LARGE, String::new()));
    };
    Ok(answer_body(&body.to_bytes(), &shared))
}

fn is_authorized(given: &HeaderValue, shared: &Shared) -> bool {
    let expected = BASE64_STANDARD.encode(format!("{}:{}", shared.user, shared.password));
    given
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix("Basic "))
        .is_some_and(|text| text.trim() == expected)
}

fn unauthorized() -> Reply {
    let mut response = reply(StatusCode::UNAUTHORIZED, String::new());
    let realm = HeaderValue::from_static("Basic realm=\"jsonrpc\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, realm);
    response
}

fn answer_body(body: &[u8], shared: &Shared) -> Reply {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Array(calls)) => {
            let replies = calls.iter().map(|call| answer_one(call, shared).1).collect();
            json_reply(StatusCode::OK, &Value::Array(replies))
        }
        Ok(call @ Value::Object(_)) => {
            let (status, value) = answer_one(&call, shared);
            json_reply(status, &value)
        }
        Ok(_) => failed(
            &Value::Null,
            RpcError::new(call::PARSE_ERROR, "Top-level object parse error"),
        ),
        Err(_) => failed(&Value::Null, RpcError::new(call::PARSE_ERROR, "Parse error")),
    }
}

fn answer_one(request: &Value, shared: &Shared) -> (StatusCode, Value) {
    let id = request.get("id").cloned().unwrap_or(Value::Null);
    let result = Call::read(request).and_then(|call| methods::run(shared, &call));
    let status = result.as_ref().map_or_else(RpcError::http_status, |_| StatusCode::OK);
    (status, envelope(&id, result))
}

fn envelope(id: &Value, result: Result<Value, RpcError>) -> Value {
    let (result, error) = match result {
        Ok(value) => (value, Value::Null),
        Err(error) => (Value::Null, error.to_json()),
    };
    serde_json::json!({ "result": result, "error": error, "id": id })
}

fn failed(id: &Value, error: RpcError) -> Reply {
    json_reply(error.http_status(), &envelope(id, Err(error)))
}

fn json_reply(status: StatusCode, value: &Value) -> Reply {
    let mut response = reply(status, format!("{value}\n"));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

fn reply(status: StatusCode, body: String) -> Reply {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
}
