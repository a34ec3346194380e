//! What a device asks through the window, on whatever page.

use futures::FutureExt;
use futures::future::BoxFuture;
use iced::keyboard::{Modifiers, key::Named};
use iced_test::selector::id;

use super::support::{Fixture, ready_trezor};
use crate::hw::{Answer, Asker, DeviceError, DeviceSpec, Kind, Look, Question};
use crate::ui::asker::Window;
use crate::ui::screen::devices::Seen;
use crate::ui::{Message, Page};

const PIN: Question = Question::Pin { kind: Kind::Trezor };

fn passphrase(on_device_possible: bool, wallet: Option<&str>) -> Question {
    Question::Passphrase {
        kind: Kind::Trezor,
        on_device_possible,
        wallet: wallet.map(str::to_owned),
    }
}

fn button(look: Look) -> Question {
    Question::Button {
        kind: Kind::Trezor,
        look,
    }
}

/// A window with a Trezor, and its asker.
fn window() -> (Fixture, Window) {
    let mut fixture = Fixture::connected();
    fixture.device(ready_trezor());
    let asker = fixture.app.asker.clone();
    (fixture, asker)
}

/// Puts a question as a device's thread does, and tells the window as its subscription does.
fn ask<'a>(fixture: &mut Fixture, asker: &'a Window, question: Question) -> BoxFuture<'a, Option<Answer>> {
    let asking = asker.ask(question);
    heard(fixture, asker);
    asking
}

fn heard(fixture: &mut Fixture, asker: &Window) {
    fixture.send(Message::Asked(asker.open()));
}

fn press(fixture: &mut Fixture, keys: &[&'static str]) {
    for key in keys {
        let mut ui = fixture.ui();
        ui.click(id(*key)).unwrap_or_else(|error| panic!("{key}: {error:?}"));
        let messages: Vec<Message> = ui.into_messages().collect();
        assert_eq!(messages.len(), 1, "{key}");
        messages.into_iter().for_each(|message| fixture.send(message));
    }
}

fn pin(answer: Option<Option<Answer>>) -> String {
    match answer {
        Some(Some(Answer::Pin(places))) => places.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn keys_of_the_blank_pad_give_places_in_their_order() {
    let (mut fixture, asker) = window();
    let asking = ask(&mut fixture, &asker, PIN);
    fixture.assert_shows(&[
        "PIN of the Trezor One “Savings”",
        "in a new order",
        "Nothing entered yet",
    ]);
    let digits = fixture
        .texts()
        .into_iter()
        .filter(|text| text.len() == 1 && text.as_bytes()[0].is_ascii_digit());
    assert_eq!(digits.count(), 0, "the pad is blank");
    assert!(fixture.is_disabled("Enter the PIN"));
    press(&mut fixture, &["pin-7", "pin-1", "pin-9"]);
    fixture.assert_shows(&["● ● ●"]);
    fixture.click("Delete");
    press(&mut fixture, &["pin-5", "pin-5"]);
    fixture.click("Enter the PIN");
    assert_eq!(pin(asking.now_or_never()), "7155");
    fixture.assert_hides("PIN of the");
}

#[test]
fn the_pad_can_be_cleared_and_esc_cancels() {
    let (mut fixture, asker) = window();
    let asking = ask(&mut fixture, &asker, PIN);
    press(&mut fixture, &["pin-7", "pin-8"]);
    fixture.click("Clear");
    fixture.assert_shows(&["Nothing entered yet"]);
    fixture.send(Message::Pressed(Named::Escape, Modifiers::default()));
    assert!(matches!(asking.now_or_never(), Some(None)));
    fixture.assert_hides("PIN of the");
}

#[test]
fn the_page_below_cannot_be_pressed_meanwhile_and_keeps_what_it_shows() {
    let (mut fixture, asker) = window();
    fixture.send(Message::Go(Page::Settings));
    let asking = ask(&mut fixture, &asker, PIN);
    fixture.assert_shows(&["Appearance", "PIN of the"]);
    assert_eq!(fixture.click("Journal"), 0);
    drop(asking);
    heard(&mut fixture, &asker);
    assert!(fixture.click("Journal") >= 1);
}

#[test]
fn a_question_nobody_waits_for_goes_by_itself() {
    let (mut fixture, asker) = window();
    let asking = ask(&mut fixture, &asker, passphrase(false, None));
    fixture.assert_shows(&["Passphrase of the"]);
    drop(asking);
    heard(&mut fixture, &asker);
    fixture.assert_hides("Passphrase of the");
}

#[test]
fn what_is_typed_stays_while_another_question_comes() {
    let (mut fixture, asker) = window();
    let asking = ask(&mut fixture, &asker, PIN);
    press(&mut fixture, &["pin-7"]);
    let other = ask(&mut fixture, &asker, button(Look::Address));
    press(&mut fixture, &["pin-7"]);
    fixture.click("Enter the PIN");
    assert_eq!(pin(asking.now_or_never()), "77");
    drop(other);
}

#[test]
fn a_new_passphrase_is_typed_twice_and_a_difference_is_shown() {
    let (mut fixture, asker) = window();
    let asking = ask(&mut fixture, &asker, passphrase(false, None));
    fixture.assert_shows(&["opens another wallet", "Once more", "Standard wallet (no passphrase)"]);
    fixture.assert_hides("Enter it on the device");
    fixture.type_into("device-passphrase", "abc");
    fixture.type_into("device-passphrase-again", "abd");
    fixture.assert_shows(&["The two are not the same.", "3 of 50 bytes"]);
    fixture.click("Open the hidden wallet");
    fixture.assert_shows(&["Passphrase of the"]);
    fixture.fill("device-passphrase-again", "abc");
    fixture.click("Open the hidden wallet");
    assert!(matches!(asking.now_or_never(), Some(Some(Answer::Passphrase(text))) if *text == "abc"));
    fixture.assert_hides("Passphrase of the");
}

#[test]
fn a_known_wallet_is_named_and_its_passphrase_typed_once() {
    let (mut fixture, asker) = window();
    let asking = ask(&mut fixture, &asker, passphrase(true, Some("5c9e228d")));
    fixture.assert_shows(&["Wallet 5c9e228d was open so far", "Enter it on the device"]);
    fixture.assert_hides("Once more");
    fixture.type_into("device-passphrase", "abc ");
    fixture.assert_shows(&["It ends with a blank"]);
    fixture.click("Open the hidden wallet");
    assert!(matches!(asking.now_or_never(), Some(Some(Answer::Passphrase(text))) if *text == "abc "));
}

#[test]
fn a_passphrase_beyond_its_length_is_refused_where_it_is_typed() {
    let (mut fixture, asker) = window();
    let asking = ask(&mut fixture, &asker, passphrase(false, Some("5c9e228d")));
    fixture.type_into("device-passphrase", &"x".repeat(51));
    fixture.assert_shows(&["It has 51 bytes"]);
    fixture.click("Open the hidden wallet");
    fixture.assert_shows(&["Passphrase of the"]);
    drop(asking);
}

#[test]
fn the_standard_wallet_and_the_device_itself_are_one_click_away() {
    let (mut fixture, asker) = window();
    let asking = ask(&mut fixture, &asker, passphrase(true, None));
    fixture.click("Standard wallet (no passphrase)");
    assert!(matches!(asking.now_or_never(), Some(Some(Answer::Passphrase(text))) if text.is_empty()));
    let asking = ask(&mut fixture, &asker, passphrase(true, None));
    fixture.click("Enter it on the device");
    assert!(matches!(asking.now_or_never(), Some(Some(Answer::PassphraseOnDevice))));
}

#[test]
fn buttons_are_told_of_above_the_page_which_stays_in_use_and_can_be_cancelled() {
    let (mut fixture, asker) = window();
    let asking = ask(&mut fixture, &asker, button(Look::Address));
    fixture.assert_shows(&["The Trezor One “Savings” asks", "compare the address and confirm it"]);
    assert!(fixture.click("Settings") >= 1);
    fixture.assert_shows(&["Appearance", "compare the address"]);
    fixture.click("Cancel on the device");
    assert!(matches!(asking.now_or_never(), Some(None)));
    heard(&mut fixture, &asker);
    fixture.assert_hides("compare the address");
}

#[test]
fn what_was_pressed_for_a_question_that_is_gone_answers_no_newer_one() {
    let (mut fixture, asker) = window();
    let first = ask(&mut fixture, &asker, passphrase(false, None));
    let pressed: Vec<Message> = {
        let mut ui = fixture.ui();
        ui.click("Standard wallet (no passphrase)").unwrap();
        ui.into_messages().collect()
    };
    assert_eq!(pressed.len(), 1);
    // Before the window has dealt with it, the first is withdrawn and another device asks.
    drop(first);
    let second = ask(&mut fixture, &asker, passphrase(false, None));
    pressed.into_iter().for_each(|message| fixture.send(message));
    assert!(second.now_or_never().is_none());
}

#[test]
fn a_question_of_a_device_that_is_not_in_use_is_not_put_in_the_name_of_the_one_that_is() {
    let (mut fixture, asker) = window();
    let port = "3-2.1".to_owned();
    let other = asker.of(DeviceSpec::Port {
        kind: Kind::Trezor,
        port,
    });
    let asking = other.ask(PIN);
    heard(&mut fixture, &asker);
    fixture.assert_shows(&["PIN of the Trezor at port 3-2.1"]);
    fixture.assert_hides("PIN of the Trezor One");
    drop(asking);
}

#[test]
fn a_device_that_still_shows_a_cancelled_question_is_told_of_on_every_page_but_its_own() {
    let mut fixture = Fixture::connected();
    fixture.device(Seen::Open {
        kind: Kind::Ledger,
        place: "usb:1-2".to_owned(),
        info: Err(DeviceError::Busy { kind: Kind::Ledger }),
    });
    let told = ["The Ledger is busy", "a question that was cancelled here"];
    for page in [Page::Masternodes, Page::Wallet, Page::Keys, Page::Journal] {
        fixture.send(Message::Go(page));
        fixture.assert_shows(&told);
    }
    fixture.send(Message::Go(Page::Devices));
    assert!(!fixture.texts().iter().any(|text| text.contains(told[0])));
}
