//! A small HTTP server for the client to talk to. It speaks HTTP by hand, because half of what it does is to break it.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What came in.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// All header lines, lower case names.
    pub head: String,
    pub body: Value,
}

/// What goes out.
#[derive(Debug, Clone)]
pub enum Outgoing {
    /// A whole answer.
    Answer(u16, String),
    /// An answer with this header line more.
    With(u16, &'static str, String),
    /// Says it is longer than it is, then closes.
    Truncated(String),
    /// Blanks without end and without a length.
    Endless,
    /// A length that is too large, and nothing after it.
    Announced(u64),
    /// Nothing, for as long as the client waits.
    Silence,
}

pub struct Server {
    pub url: String,
    heard: Arc<Mutex<Vec<Incoming>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub async fn start(answer: impl Fn(&Incoming) -> Outgoing + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let answer = Arc::new(answer);
        let log = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                tokio::spawn(async move {
                    let _ = serve(stream, &*answer, &log).await;
                });
            }
        });
        Self { url, heard, task }
    }

    pub fn heard(&self) -> Vec<Incoming> {
        self.heard.lock().unwrap().clone()
    }

    /// Methods asked for, in order; those of a batch one after the other.
    pub fn methods(&self) -> Vec<String> {
        let calls = self.heard().into_iter().flat_map(|incoming| match incoming.body {
            Value::Array(calls) => calls,
            call => vec![call],
        });
        calls.map(|call| call["method"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: &(dyn Fn(&Incoming) -> Outgoing + Send + Sync),
    log: &Mutex<Vec<Incoming>>,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        let incoming = match take_request(&mut bytes) {
            Some(incoming) => incoming,
            None => {
                let mut piece = [0; 4096];
                let count = stream.read(&mut piece).await?;
                if count == 0 {
                    return Ok(());
                }
                bytes.extend_from_slice(&piece[..count]);
                continue;
            }
        };
        let out = answer(&incoming);
        log.lock().unwrap().push(incoming);
        match out {
            Outgoing::Answer(status, body) => write(&mut stream, status, "x-none: 0", &body, body.len()).await?,
            Outgoing::With(status, line, body) => write(&mut stream, status, line, &body, body.len()).await?,
            Outgoing::Truncated(body) => {
                write(&mut stream, 200, "x-none: 0", &body, body.len() + 100).await?;
                return Ok(());
            }
            Outgoing::Announced(length) => {
                write(&mut stream, 200, "x-none: 0", "", length as usize).await?;
                std::future::pending::<()>().await;
            }
            Outgoing::Endless => {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
                    .await?;
                loop {
                    stream.write_all(&[b' '; 65536]).await?;
                }
            }
            Outgoing::Silence => std::future::pending().await,
        }
    }
}

/// In one piece: in two, the second would wait for the first to be acknowledged.
async fn write(stream: &mut TcpStream, status: u16, line: &str, body: &str, length: usize) -> std::io::Result<()> {
    let whole = format!("HTTP/1.1 {status} X\r\n{line}\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(whole.as_bytes()).await
}

fn take_request(bytes: &mut Vec<u8>) -> Option<Incoming> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let (head, _) = text.split_once("\r\n\r\n")?;
    let length = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length:")?
                .trim()
                .parse()
                .ok()
        })
        .unwrap_or(0);
    let start = head.len() + 4;
    let body = bytes.get(start..start + length)?.to_vec();
    bytes.drain(..start + length);
    Some(Incoming {
        head: head.to_owned(),
        body: serde_json::from_slice(&body).unwrap(),
    })
}

/// The result of one call, or code and message of its error.
pub type Outcome = Result<Value, (i64, String)>;

/// Answers calls, alone or in batches, as nodes do. `None` is an unknown method.
pub fn rpc(request: &Value, answer: &dyn Fn(&str, &Value) -> Option<Outcome>) -> Outgoing {
    if let Value::Array(calls) = request {
        // Backwards, because nothing promises an order.
        let all: Vec<Value> = calls.iter().rev().map(|call| envelope(call, answer).1).collect();
        return Outgoing::Answer(200, Value::Array(all).to_string());
    }
    let (status, body) = envelope(request, answer);
    Outgoing::Answer(status, body.to_string())
}

fn envelope(call: &Value, answer: &dyn Fn(&str, &Value) -> Option<Outcome>) -> (u16, Value) {
    let id = &call["id"];
    let error =
        |code: i64, message: &str| json!({"result": null, "error": {"code": code, "message": message}, "id": id});
    match answer(call["method"].as_str().unwrap(), &call["params"]) {
        Some(Ok(result)) => (200, json!({"result": result, "error": null, "id": id})),
        Some(Err((code, message))) => (500, error(code, &message)),
        None => (404, error(-32601, "Method not found")),
    }
}
