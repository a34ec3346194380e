//! A webhook: the notice as JSON, posted to an address that may hold a token and is therefore never shown or logged whole.

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;
use reqwest::{Client, Url};

use super::{Notice, NotifyError, Sink};

/// How long connecting, sending and the answer may take together.
const PATIENCE: Duration = Duration::from_secs(10);

/// `POST application/json` to an `http` or `https` address. Redirects are not followed and proxies of the environment not used: what
/// is told goes where it was sent or nowhere.
#[derive(Clone)]
pub struct Webhook {
    url: Url,
    client: Client,
    patience: Duration,
}

impl Webhook {
    /// # Errors
    /// [`NotifyError::BadUrl`], or there is no certificate store for `https`.
    pub fn new(url: &str) -> Result<Self, NotifyError> {
        let url = read(url)?;
        // An error only says that a provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .pool_max_idle_per_host(0);
        if url.scheme() == "http" {
            // A plain connection must also work on a machine without any certificate store.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|_| NotifyError::NoCertificates)?;
        Ok(Self {
            url,
            client,
            patience: PATIENCE,
        })
    }

    /// Gives up sooner or later than after ten seconds.
    #[must_use]
    pub fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Host and port: all of the address that is shown.
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    async fn post(&self, notice: Notice) -> Result<(), NotifyError> {
        let request = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("user-agent", concat!("castellan/", env!("CARGO_PKG_VERSION")))
            .timeout(self.patience)
            .body(notice.document);
        // Only the status is of interest; the answer's body is not read.
        let status = request.send().await.map_err(|error| self.broken(&error))?.status();
        match status.as_u16() {
            200..=299 => Ok(()),
            300..=399 => Err(NotifyError::Redirected { host: self.host() }),
            status => Err(NotifyError::Refused {
                host: self.host(),
                status,
            }),
        }
    }

    /// The library's own words name the whole address.
    fn broken(&self, error: &reqwest::Error) -> NotifyError {
        let host = self.host();
        if error.is_timeout() {
            NotifyError::Timeout {
                host,
                seconds: self.patience.as_secs(),
            }
        } else {
            NotifyError::Unreachable { host }
        }
    }
}

/// Checks an address.
///
/// # Errors
/// [`NotifyError::BadUrl`]
pub fn check(url: &str) -> Result<(), NotifyError> {
    read(url).map(|_| ())
}

fn read(url: &str) -> Result<Url, NotifyError> {
    let bad = |reason| NotifyError::BadUrl { reason };
    let url: Url = url.trim().parse().map_err(|_| bad("it is no address"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("it must begin with https:// or http://"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(bad("it names no host"));
    }
    Ok(url)
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Webhook({})", self.host())
    }
}

impl Sink for Webhook {
    fn name(&self) -> String {
        format!("webhook {}", self.host())
    }

    fn tell(&self, notice: Notice) -> BoxFuture<'_, Result<(), NotifyError>> {
        Box::pin(self.post(notice))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::notify::Urgency;

    fn notice() -> Notice {
        Notice {
            title: "mn1: banned".to_owned(),
            body: "mn1 is banned.".to_owned(),
            urgency: Urgency::Critical,
            document: r#"{"kind":"status"}"#.to_owned(),
            variables: Vec::new(),
        }
    }

    /// A server for one request: its address, and what it was sent.
    async fn answering(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = String::new();
            let mut bytes = [0; 4096];
            while !text.contains('}') {
                let read = stream.read(&mut bytes).await.unwrap();
                text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            text
        });
        (format!("http://{address}/hook?token=s3cret"), heard)
    }

    #[tokio::test]
    async fn the_document_is_posted_as_json() {
        let (url, heard) = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
        assert_eq!(Webhook::new(&url).unwrap().tell(notice()).await, Ok(()));
        let text = heard.await.unwrap();
        assert!(text.starts_with("POST /hook?token=s3cret HTTP/1.1\r\n"), "{text}");
        assert!(text.to_lowercase().contains("content-type: application/json"), "{text}");
        assert!(text.ends_with(r#"{"kind":"status"}"#), "{text}");
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed_and_a_refusal_is_named() {
        let (url, _heard) =
            answering("HTTP/1.1 307 Go\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n").await;
        let told = Webhook::new(&url).unwrap().tell(notice()).await;
        assert!(matches!(told, Err(NotifyError::Redirected { .. })), "{told:?}");
        let (url, _heard) = answering("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n").await;
        let told = Webhook::new(&url).unwrap().tell(notice()).await;
        assert!(
            matches!(told, Err(NotifyError::Refused { status: 403, .. })),
            "{told:?}"
        );
    }

    #[tokio::test]
    async fn silence_ends_after_a_while_and_the_token_is_in_no_error() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?token=s3cret", listener.local_addr().unwrap());
        let hook = Webhook::new(&url).unwrap().within(Duration::from_millis(200));
        let silent = hook.tell(notice()).await.unwrap_err();
        assert!(matches!(silent, NotifyError::Timeout { .. }), "{silent:?}");
        drop(listener);
        let nobody = hook.tell(notice()).await.unwrap_err();
        assert!(matches!(nobody, NotifyError::Unreachable { .. }), "{nobody:?}");
        for text in [
            silent.to_string(),
            format!("{silent:?}"),
            nobody.to_string(),
            format!("{nobody:?}"),
            format!("{hook:?}"),
            hook.name(),
        ] {
            assert!(
                text.contains("127.0.0.1") && !text.contains("s3cret") && !text.contains("hook?"),
                "{text}"
            );
        }
    }

    #[test]
    fn only_the_web_is_an_address() {
        for bad in ["", "example.org", "file:///etc/passwd", "ftp://example.org", "https://"] {
            assert!(matches!(check(bad), Err(NotifyError::BadUrl { .. })), "{bad}");
        }
        assert_eq!(check(" https://example.org/x "), Ok(()));
    }
}
