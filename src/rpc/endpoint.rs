//! Where a node is and how it lets us in. Nothing here prints a password, a cookie, or a token in a URL's path.

use std::fmt;
use std::path::PathBuf;

use reqwest::Url;
use zeroize::Zeroizing;

use super::RpcError;

/// A cookie file is `__cookie__:` and 64 digits; more than this is another file.
const MAX_COOKIE: u64 = 1024;

/// A node's URL and the way to be let in.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
    auth: Auth,
}

/// How a node knows us.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Auth {
    #[default]
    None,
    UserPassword {
        user: String,
        password: Zeroizing<String>,
    },
    /// The file a node on this computer writes at each start. Read when needed, and again when the node refuses what it held.
    Cookie(PathBuf),
}

/// `user:password`, as a request carries it.
pub(super) type Login = (String, Zeroizing<String>);

impl Endpoint {
    /// Reads `http(s)://host:port`. User and password in the URL are moved out of it, and are used unless `auth` names others.
    ///
    /// # Errors
    /// Anything but an http or https URL with a host.
    pub fn new(url: &str, auth: Auth) -> Result<Self, RpcError> {
        let text = url.trim();
        let bad = || RpcError::BadUrl { url: redacted(text) };
        let (scheme, rest) = text.split_once("://").ok_or_else(bad)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (Some(login), host),
            None => (None, authority),
        };
        // The URL is put together without the login, so that the parsed one never held it.
        let url = Url::parse(&format!("{scheme}://{host}{path}")).map_err(|_| bad())?;
        // An `@` behind the host is a password with an unescaped slash: what looks like the path must not be sent or shown.
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || path.contains('@') {
            return Err(bad());
        }
        let auth = match (auth, login) {
            (Auth::None, Some(login)) => Auth::from_url(login).ok_or_else(bad)?,
            (auth, _) => auth,
        };
        Ok(Self { url, auth })
    }

    /// Scheme, host and port: what may be shown and logged. The path is left out, because some providers put a token there.
    pub fn shown(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn uses_cookie(&self) -> bool {
        matches!(self.auth, Auth::Cookie(_))
    }

    /// What to log in with, reading the cookie file where that is the way.
    ///
    /// # Errors
    /// The cookie file cannot be read, or is none.
    pub(super) async fn login(&self) -> Result<Option<Login>, RpcError> {
        match &self.auth {
            Auth::None => Ok(None),
            Auth::UserPassword { user, password } => Ok(Some((user.clone(), password.clone()))),
            Auth::Cookie(path) => {
                let path = path.clone();
                // A file on a sleeping network drive must not hold up the runtime.
                let read = tokio::task::spawn_blocking(move || read_cookie(path)).await;
                read.expect("reading a file does not panic").map(Some)
            }
        }
    }
}

impl Auth {
    fn from_url(login: &str) -> Option<Self> {
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        Some(Self::UserPassword {
            user: percent_decoded(user)?.to_string(),
            password: percent_decoded(password)?,
        })
    }
}

fn read_cookie(path: PathBuf) -> Result<Login, RpcError> {
    use std::io::{ErrorKind, Read};
    let failed = |kind: ErrorKind| RpcError::Cookie {
        path: path.display().to_string(),
        kind: kind.to_string(),
    };
    let mut text = Zeroizing::new(String::new());
    std::fs::File::open(&path)
        .and_then(|file| file.take(MAX_COOKIE).read_to_string(&mut text))
        .map_err(|error| failed(error.kind()))?;
    let (user, password) = text
        .trim()
        .split_once(':')
        .ok_or_else(|| failed(ErrorKind::InvalidData))?;
    Ok((user.to_owned(), Zeroizing::new(password.to_owned())))
}

/// `%3A` and its like; none if the digits or the text they make are wrong.
fn percent_decoded(text: &str) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                (digit()? * 16 + digit()?) as u8
            }
            other => other,
        });
    }
    String::from_utf8(bytes.to_vec()).ok().map(Zeroizing::new)
}

/// A text that is no good URL, without what may be a login, a path or a query in it.
fn redacted(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    format!("{scheme}{host}")
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({}, {:?})", self.shown(), self.auth)
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::UserPassword { .. } => f.write_str("UserPassword(..)"),
            Self::Cookie(path) => write!(f, "Cookie({})", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_in_the_url_is_used_and_never_shown() {
        let endpoint = Endpoint::new(
            "https://al%3Aice:p%40ss%2Fword@node.example:9998/token123?key=s3",
            Auth::None,
        );
        let endpoint = endpoint.expect("a good URL");
        let expected = Auth::UserPassword {
            user: "al:ice".to_owned(),
            password: Zeroizing::new("p@ss/word".to_owned()),
        };
        assert!(endpoint.auth == expected);
        assert_eq!(endpoint.url().as_str(), "https://node.example:9998/token123?key=s3");
        assert_eq!(endpoint.shown(), "https://node.example:9998");
        let printed = format!("{endpoint:?}");
        assert_eq!(printed, "Endpoint(https://node.example:9998, UserPassword(..))");
    }

    #[test]
    fn a_named_login_goes_before_the_one_in_the_url() {
        let cookie = Auth::Cookie(PathBuf::from("/tmp/.cookie"));
        let endpoint = Endpoint::new("http://u:p@[::1]:9998", cookie).expect("a good URL");
        assert!(endpoint.uses_cookie());
        assert_eq!(endpoint.shown(), "http://[::1]:9998");
    }

    #[test]
    fn what_is_no_url_of_a_node_is_refused_without_repeating_a_password() {
        for text in [
            "",
            "localhost:9998",
            "ftp://u:secret@host/secret",
            "http://",
            "http://u:secret@",
            "http://u:secret%zz@host:9998",
            "u:secret@host:9998",
            "http://u:secret@host:99999/secret?secret#secret",
            "http://u:12/secret@host:9998",
        ] {
            let error = Endpoint::new(text, Auth::None).expect_err(text);
            assert!(matches!(error, RpcError::BadUrl { .. }), "{text}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }
}
