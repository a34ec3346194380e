//! From nothing to a connection.

use super::support::{Fixture, choice};
use crate::flow;
use crate::rpc::RpcError;
use crate::store::settings::{Login, Settings, Theme};
use crate::ui::{Link, Message, Page, Screen, start};

#[test]
fn the_first_start_offers_the_sandbox_and_a_node() {
    let fixture = Fixture::fresh();
    fixture.assert_shows(&["Try the sandbox", "Connect a node", "no secret ever goes to it"]);
    fixture.assert_hides("Journal");
}

#[test]
fn the_sandbox_is_begun_with_one_click_and_remembered() {
    let mut fixture = Fixture::fresh();
    let mut ui = fixture.ui();
    ui.click("Try the sandbox").unwrap();
    let messages: Vec<Message> = ui.into_messages().collect();
    assert!(matches!(messages[..], [Message::Start(start::Message::TrySandbox)]));
    fixture.send(messages[0].clone());
    assert!(matches!(&fixture.app.link, Link::Connecting { .. }));
    fixture.assert_shows(&["Connecting to the sandbox (dash-regtest)"]);
    assert!(fixture.app.settings.sandbox);
}

#[test]
fn a_node_form_says_what_is_wrong_where_it_is_typed() {
    let mut fixture = Fixture::fresh();
    assert_eq!(fixture.click("Connect a node"), 1);
    fixture.assert_shows(&[
        "Test connection",
        "http://127.0.0.1:9998",
        "User and password",
        "Cookie file",
    ]);
    assert_eq!(fixture.click("Connect"), 0, "a user is missing");
    fixture.type_into("node-url", "99999");
    fixture.assert_shows(&["is not a node's URL"]);
}

#[test]
fn another_network_brings_its_usual_port() {
    let mut fixture = Fixture::fresh();
    fixture.click("Connect a node");
    fixture.click("dash-testnet");
    fixture.assert_shows(&["http://127.0.0.1:19998"]);
    fixture.click("wei");
    fixture.assert_hides("http://127.0.0.1:19998");
}

#[test]
fn a_password_over_plain_http_to_another_machine_is_warned_of() {
    let mut fixture = Fixture::fresh();
    fixture.click("Connect a node");
    fixture.assert_hides("everybody on the way");
    let edit = crate::ui::screen::node_form::Message::UrlEdited("http://node.example:9998".to_owned());
    fixture.send(Message::Start(start::Message::Node(edit)));
    fixture.assert_shows(&["everybody on the way"]);
}

#[test]
fn a_remembered_node_is_kept_without_its_password() {
    let mut fixture = Fixture::fresh();
    fixture.click("Connect a node");
    fixture.type_into("node-user", "alice");
    fixture.type_into("node-password", "hunter2");
    let mut ui = fixture.ui();
    ui.click("Connect").unwrap();
    let messages: Vec<Message> = ui.into_messages().collect();
    assert_eq!(messages.len(), 1);
    let save = fixture.app.update(messages[0].clone());
    assert!(matches!(&fixture.app.link, Link::Connecting { .. }));
    // Only the settings are written here; the connection is left alone.
    fixture.app.link = Link::None;
    fixture.run(save);
    let kept = Settings::load(&fixture.dirs.settings).unwrap().unwrap();
    let (_, node) = kept.node("dash").unwrap();
    assert_eq!(
        node.login,
        Login::Ask {
            user: "alice".to_owned()
        }
    );
    assert!(
        !std::fs::read_to_string(&fixture.dirs.settings)
            .unwrap()
            .contains("hunter2")
    );
}

#[test]
fn a_failed_connection_says_why_and_offers_retry() {
    let mut fixture = Fixture::fresh();
    let error = flow::Error::Node(RpcError::Unauthorized {
        url: "http://127.0.0.1:19998".to_owned(),
    });
    fixture.app.link = Link::Down {
        choice: choice(),
        error,
    };
    fixture.app.screen = Screen::Masternodes;
    fixture.assert_shows(&[
        "No connection to dash-testnet at http://127.0.0.1:19998",
        "refused user and password",
        "rpcuser",
    ]);
    let mut ui = fixture.ui();
    ui.click("Retry").unwrap();
    let messages: Vec<Message> = ui.into_messages().collect();
    assert!(matches!(messages[..], [Message::Retry]));
    fixture.send(Message::Retry);
    assert!(matches!(fixture.app.link, Link::Connecting { .. }));
}

#[test]
fn an_answer_to_a_connection_that_was_left_is_not_taken() {
    let mut fixture = Fixture::fresh();
    fixture.send(Message::TrySandbox);
    fixture.send(Message::Connected(77, Err(flow::Error::NoDevice)));
    assert!(matches!(fixture.app.link, Link::Connecting { .. }));
    let Link::Connecting { id, .. } = fixture.app.link else {
        panic!()
    };
    fixture.send(Message::Connected(id, Err(flow::Error::NoDevice)));
    assert!(matches!(fixture.app.link, Link::Down { .. }));
}

#[test]
fn settings_that_cannot_be_read_are_told_and_not_overwritten_by_starting() {
    let home = tempfile::tempdir().unwrap();
    let dirs = crate::store::dirs::Dirs::at(home.path());
    std::fs::write(&dirs.settings, "network = 7").unwrap();
    let (app, _) = crate::ui::App::new(crate::ui::Options {
        dirs: dirs.clone(),
        choice: None,
    });
    assert!(app.settings_error.is_some());
    assert_eq!(std::fs::read_to_string(&dirs.settings).unwrap(), "network = 7");
}

#[test]
fn the_theme_is_chosen_and_kept() {
    let mut fixture = Fixture::connected();
    fixture.send(Message::Go(Page::Settings));
    assert_eq!(fixture.click("Dark"), 1);
    assert!(fixture.app.theme().extended_palette().is_dark);
    assert_eq!(
        Settings::load(&fixture.dirs.settings).unwrap().unwrap().theme,
        Theme::Dark
    );
    fixture.click("Light");
    assert!(!fixture.app.theme().extended_palette().is_dark);
}
