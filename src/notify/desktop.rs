//! Notifications of the desktop: over D-Bus on Linux and BSD (XDG Desktop Notifications), the system's own elsewhere.

use std::time::Duration;

use futures::future::BoxFuture;
use notify_rust::Notification;

use super::{Notice, NotifyError, Sink};

/// A bus that does not answer by then is taken for none.
const PATIENCE: Duration = Duration::from_secs(10);

/// The desktop of whoever runs this.
#[derive(Debug, Clone, Copy, Default)]
pub struct Desktop;

impl Sink for Desktop {
    fn name(&self) -> String {
        "desktop".to_owned()
    }

    fn tell(&self, notice: Notice) -> BoxFuture<'_, Result<(), NotifyError>> {
        Box::pin(async move {
            let failed = |reason: String| NotifyError::Desktop { reason };
            // On a task of its own: if the library panics, that is an error like any other.
            let shown = tokio::spawn(show(notification(&notice)));
            match tokio::time::timeout(PATIENCE, shown).await {
                Ok(Ok(shown)) => shown.map_err(failed),
                Ok(Err(_)) => Err(failed("the notification was not made".to_owned())),
                Err(_) => Err(failed(format!("no answer within {} seconds", PATIENCE.as_secs()))),
            }
        })
    }
}

fn notification(notice: &Notice) -> Notification {
    let mut notification = Notification::new();
    notification
        .appname("Castellan")
        .summary(&notice.title)
        .body(&body(&notice.body));
    #[cfg(all(unix, not(target_os = "macos")))]
    {
        use super::Urgency;
        use notify_rust::{Hint, Urgency as Level};
        let level = match notice.urgency {
            Urgency::Low => Level::Low,
            Urgency::Normal => Level::Normal,
            Urgency::Critical => Level::Critical,
        };
        notification
            .icon("castellan")
            .urgency(level)
            .hint(Hint::DesktopEntry("castellan".to_owned()));
    }
    notification
}

/// The body is markup on most desktops; names come from people.
fn body(text: &str) -> String {
    if cfg!(any(target_os = "macos", target_os = "windows")) {
        return text.to_owned();
    }
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(all(unix, not(target_os = "macos")))]
async fn show(notification: Notification) -> Result<(), String> {
    let shown = notification.show_async().await;
    shown.map(|_| ()).map_err(|error| reason(&error.to_string()))
}

/// Elsewhere the system's call may block.
#[cfg(not(all(unix, not(target_os = "macos"))))]
async fn show(notification: Notification) -> Result<(), String> {
    let shown = tokio::task::spawn_blocking(move || notification.show().map(|_| ()));
    match shown.await {
        Ok(shown) => shown.map_err(|error| reason(&error.to_string())),
        Err(_) => Err("the notification was not made".to_owned()),
    }
}

/// The library's words in one line.
fn reason(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_markup() {
        if cfg!(all(unix, not(target_os = "macos"))) {
            assert_eq!(body("<b>a & b</b>"), "&lt;b&gt;a &amp; b&lt;/b&gt;");
        }
    }
}
