//! JSON-RPC over HTTP(S): one request, one bounded answer, and what each HTTP status of a node means.
//!
//! Sources: Dash Core httprpc.cpp and httpserver.cpp (401 login, 403 address or method not allowed, 404 unknown method, 500 most
//! errors, 503 queue full). Whatever stands between us and the node may answer with HTML, redirect or cut off: none of it is trusted.

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{fmt, io};

use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::Mutex;

use super::RpcError;
use super::endpoint::{Endpoint, Login};

/// Texts of a node are cut to this many characters: reject texts are shorter, help texts and attacks are longer.
const MAX_MESSAGE: usize = 1_000;
/// Below the 30 seconds after which a node closes an idle connection (DEFAULT_HTTP_SERVER_TIMEOUT), so that a request is never
/// sent into a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(20);

/// How long to wait and how much to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub connect: Duration,
    pub call: Duration,
    /// `scantxoutset` reads the whole UTXO set.
    pub scan: Duration,
    /// **Bytes** of an ordinary answer.
    pub body: usize,
    /// **Bytes** of a list of masternodes or coins: 4,000 masternodes take about 8 MB.
    pub list: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            call: Duration::from_secs(60),
            scan: Duration::from_secs(300),
            body: 4_000_000,
            list: 64_000_000,
        }
    }
}

/// What one call may take.
#[derive(Debug, Clone, Copy)]
pub(super) enum Size {
    Small,
    List,
    /// Slow, and as large as a list.
    Scan,
}

/// One call of a batch.
pub(super) type Call<'a> = (&'a str, Value);
/// The answer to one call: the raw `result`.
pub(super) type Answer = Result<Box<RawValue>, RpcError>;

pub(super) struct Http {
    client: Client,
    endpoint: Endpoint,
    limits: Limits,
    /// The login last read from the cookie file.
    cookie: Mutex<Option<Login>>,
    next_id: AtomicU64,
}

impl Http {
    /// Needs no network.
    pub fn new(endpoint: Endpoint, limits: Limits) -> Result<Self, RpcError> {
        // An error only says that a provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(limits.connect)
            .pool_idle_timeout(IDLE);
        if endpoint.url().scheme() == "http" {
            // A plain connection must also work on a machine without any certificate store.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|_| RpcError::Certificate {
            url: endpoint.shown(),
            reason: "this computer has no certificate store".to_owned(),
        })?;
        Ok(Self {
            client,
            endpoint,
            limits,
            cookie: Mutex::new(None),
            next_id: AtomicU64::new(1),
        })
    }

    pub fn shown(&self) -> String {
        self.endpoint.shown()
    }

    /// Asks one thing.
    pub async fn call(&self, method: &str, params: Value, size: Size) -> Answer {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (status, body) = self.post(method, request(id, method, params), size).await?;
        let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(&body) else {
            return Err(self.not_a_node(status));
        };
        self.open(method, id, envelope)
    }

    /// Asks several things in one request. Answers come in the order of the calls, whatever order the node has.
    ///
    /// # Errors
    /// [`RpcError::NotANode`] where batches are not understood: then ask one by one.
    pub async fn batch(&self, calls: Vec<Call<'_>>, size: Size) -> Result<Vec<Answer>, RpcError> {
        let count = calls.len() as u64;
        let first = self.next_id.fetch_add(count, Ordering::Relaxed);
        let names: Vec<&str> = calls.iter().map(|(method, _)| *method).collect();
        let label = names.first().copied().unwrap_or_default();
        let requests = (first..)
            .zip(calls)
            .map(|(id, (method, params))| request(id, method, params));
        let (status, body) = self.post(label, requests.collect(), size).await?;
        let Ok(envelopes) = serde_json::from_slice::<Vec<Envelope<'_>>>(&body) else {
            return Err(self.not_a_node(status));
        };
        let mut answers: Vec<Option<Answer>> = names.iter().map(|_| None).collect();
        for envelope in envelopes {
            let place = envelope.number().and_then(|id| id.checked_sub(first));
            let place = place.filter(|place| *place < count);
            let place = place.ok_or_else(|| self.other_answer())? as usize;
            answers[place] = Some(self.open(names[place], first + place as u64, envelope));
        }
        let missing = || self.other_answer();
        answers.into_iter().map(|answer| answer.ok_or_else(missing)).collect()
    }

    fn open(&self, method: &str, id: u64, envelope: Envelope<'_>) -> Answer {
        let is_ours = envelope.number() == Some(id);
        let is_nobodys = envelope.id.is_none();
        match (envelope.result, envelope.error) {
            (_, Some(error)) if is_ours || is_nobodys => Err(failure(method, &error)),
            (Some(result), None) if is_ours => Ok(result.to_owned()),
            _ => Err(self.other_answer()),
        }
    }

    /// Posts a body and reads the answer, whatever it is, as long as it comes from something that let us in.
    async fn post(&self, method: &str, body: Value, size: Size) -> Result<(StatusCode, Vec<u8>), RpcError> {
        let body = body.to_string();
        let mut response = self.send(&body, self.login().await?, size).await?;
        if response.status() == StatusCode::UNAUTHORIZED && self.endpoint.uses_cookie() {
            // The node was restarted and has written a new cookie.
            *self.cookie.lock().await = None;
            response = self.send(&body, self.login().await?, size).await?;
        }
        let status = response.status();
        let url = || self.shown();
        match status.as_u16() {
            401 | 407 => Err(RpcError::Unauthorized { url: url() }),
            403 => Err(RpcError::Forbidden {
                url: url(),
                method: method.to_owned(),
            }),
            429 | 503 => Err(RpcError::Busy { url: url() }),
            300..=399 => Err(self.not_a_node(status)),
            _ => Ok((status, self.read(method, response, size).await?)),
        }
    }

    async fn login(&self) -> Result<Option<Login>, RpcError> {
        if !self.endpoint.uses_cookie() {
            return self.endpoint.login().await;
        }
        let mut cookie = self.cookie.lock().await;
        if cookie.is_none() {
            *cookie = self.endpoint.login().await?;
        }
        Ok(cookie.clone())
    }

    async fn send(&self, body: &str, login: Option<Login>, size: Size) -> Result<Response, RpcError> {
        let mut request = self
            .client
            .post(self.endpoint.url().clone())
            .header("content-type", "application/json")
            .timeout(self.time(size))
            .body(body.to_owned());
        if let Some((user, password)) = login {
            request = request.basic_auth(user, Some(password.as_str()));
        }
        request.send().await.map_err(|error| self.broken(&error, size))
    }

    /// Reads a body piece by piece and stops where it grows beyond its limit.
    async fn read(&self, method: &str, mut response: Response, size: Size) -> Result<Vec<u8>, RpcError> {
        let limit = match size {
            Size::Small => self.limits.body,
            Size::List | Size::Scan => self.limits.list,
        };
        let too_large = || RpcError::TooLarge {
            method: method.to_owned(),
            limit,
        };
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.broken(&error, size))? {
            if body.len() + piece.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    fn time(&self, size: Size) -> Duration {
        match size {
            Size::Small | Size::List => self.limits.call,
            Size::Scan => self.limits.scan,
        }
    }

    fn not_a_node(&self, status: StatusCode) -> RpcError {
        RpcError::NotANode {
            url: self.shown(),
            reason: format!("HTTP status {} without a JSON-RPC answer", status.as_u16()),
        }
    }

    fn other_answer(&self) -> RpcError {
        RpcError::NotANode {
            url: self.shown(),
            reason: "the answer belongs to another request".to_owned(),
        }
    }

    /// What broke a connection. The texts of the libraries are not passed on: they carry URLs.
    fn broken(&self, error: &reqwest::Error, size: Size) -> RpcError {
        let url = self.shown();
        if let Some(tls) = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
            return match tls {
                rustls::Error::InvalidCertificate(reason) => RpcError::Certificate {
                    url,
                    reason: printable(&reason.to_string()),
                },
                other => RpcError::NotANode {
                    url,
                    reason: printable(&format!("no TLS connection: {other}")),
                },
            };
        }
        if error.is_timeout() {
            let waited = if error.is_connect() {
                self.limits.connect
            } else {
                self.time(size)
            };
            return RpcError::Timeout {
                url,
                seconds: waited.as_secs(),
            };
        }
        let io = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
        let kind = match io.map(io::Error::kind).find(|kind| *kind != io::ErrorKind::Other) {
            _ if error.is_dns() => "no computer of this name is known".to_owned(),
            Some(kind) => kind.to_string(),
            None if error.is_connect() => "not connected".to_owned(),
            None => "the answer was cut off".to_owned(),
        };
        RpcError::Unreachable { url, kind }
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Http({:?})", self.endpoint)
    }
}

fn request(id: u64, method: &str, params: Value) -> Value {
    serde_json::json!({"jsonrpc": "1.0", "id": id, "method": method, "params": params})
}

#[derive(Deserialize)]
struct Envelope<'a> {
    /// None: missing. `null` is a result.
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<ErrorObject>,
    /// None: missing or null, as in the answer to a request that could not be parsed.
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
}

impl Envelope<'_> {
    fn number(&self) -> Option<u64> {
        self.id?.get().parse().ok()
    }
}

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

#[derive(Deserialize)]
struct ErrorObject {
    code: i64,
    #[serde(default)]
    message: String,
}

fn failure(method: &str, error: &ErrorObject) -> RpcError {
    let message = printable(&error.message);
    let method = method.to_owned();
    match error.code {
        -28 => RpcError::WarmingUp { message },
        -32601 => RpcError::UnknownMethod { method },
        code => RpcError::Failed { method, code, message },
    }
}

/// A foreign text, cut and without control characters: it ends up in a terminal or a log.
fn printable(text: &str) -> String {
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.chars().take(MAX_MESSAGE).map(plain).collect()
}

/// An error and its causes.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

/// `io::Error` leaves the error it wraps out of `source`, so it is asked in another way.
fn cause<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match wrapped {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}
