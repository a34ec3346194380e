//! The window on the sandbox's Trezor: PIN and passphrase through the window, everything else on the device.

use std::time::Duration;

use super::support::{Begun, Fixture};
use super::user::HIDDEN;
use crate::hw::Question;
use crate::protocol::{Amount, KeyId, path};
use crate::sandbox::trezor::Screen;
use crate::ui::asker::Asked;
use crate::ui::screen::devices::Seen;
use crate::ui::screen::sandbox::PIN;
use crate::ui::{Message, Page};

/// A window on the sandbox whose Trezor was chosen on its page.
struct World(Fixture);

impl std::ops::Deref for World {
    type Target = Fixture;

    fn deref(&self) -> &Fixture {
        &self.0
    }
}

impl std::ops::DerefMut for World {
    fn deref_mut(&mut self) -> &mut Fixture {
        &mut self.0
    }
}

impl World {
    fn new() -> Self {
        let mut world = Self(Fixture::on_sandbox("dash-regtest"));
        world.send(Message::Go(Page::Sandbox));
        assert_eq!(world.press("Trezor"), 1);
        world.assert_shows(&["Sandbox Trezor One", "It is a"]);
        world
    }

    fn guarded() -> Self {
        let mut world = Self::new();
        world.press(&format!("It asks for a PIN, {PIN}"));
        world.press("It asks for a passphrase");
        // So far its standard wallet was open.
        world.send(Message::Go(Page::Devices));
        world.look();
        world.press("Open another wallet");
        world
    }

    /// Answers one question with yes.
    fn agree(&mut self, asked: &Asked) {
        match asked.question {
            Question::Pin { .. } => self.enter_pin(PIN),
            Question::Passphrase { ref wallet, .. } => self.enter_passphrase(HIDDEN, wallet.is_none()),
            Question::Button { .. } => {
                self.trezor_screen();
                self.assert_shows(&["The Trezor One asks"]);
                self.click("Approve");
            }
        }
    }

    /// Until what was begun is over; every question is shown to `user`.
    fn serve(&mut self, begun: Begun, mut user: impl FnMut(&mut Self, &Asked)) -> Vec<Question> {
        let (asker, mut heard) = (self.app.asker.clone(), Vec::<Asked>::new());
        let over = self.collect(begun);
        for _ in 0..6_000 {
            let open = asker.open();
            self.send(Message::Asked(open.clone()));
            match open.into_iter().find(|asked| !heard.contains(asked)) {
                Some(asked) => {
                    user(self, &asked);
                    heard.push(asked);
                }
                None if over.is_finished() => {
                    let messages = self.wait(over).unwrap();
                    messages.into_iter().for_each(|message| self.send_and_run(message));
                    return heard.into_iter().map(|asked| asked.question).collect();
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        }
        panic!("it does not end: {}", self.texts().join("\n"));
    }

    fn agreed(&mut self, button: &str) -> Vec<Question> {
        let begun = self.begin(button);
        self.serve(begun, |world, asked| world.agree(asked))
    }

    fn look(&mut self) -> Seen {
        let find = self.session().find_device();
        let id = self.session().id;
        let found = self.wait(find);
        self.send(Message::DeviceFound(id, found));
        self.session().device.clone()
    }

    fn look_at_all(&mut self) {
        let find = self.session().find_devices();
        let id = self.session().id;
        let found = self.wait(find);
        self.send_and_run(Message::DevicesFound(id, found));
    }
}

#[test]
fn another_wallet_opened_within_a_session_is_told_as_one() {
    let mut world = World::new();
    world.send(Message::Go(Page::Devices));
    assert!(world.look().info().is_some_and(|info| info.wallet.is_some()));
    // From now on it asks, and the keys read so far are of the standard wallet.
    world.trezor().set_passphrase(true);
    let begun = world.begin("Show on the device");
    let asked = world.serve(begun, |world, asked| match asked.question {
        Question::Passphrase { .. } => world.enter_passphrase(HIDDEN, false),
        _ => world.agree(asked),
    });
    assert!(
        matches!(asked[0], Question::Passphrase { wallet: Some(_), .. }),
        "{asked:?}"
    );
    world.assert_shows(&[
        "is open instead of",
        "Try again with the passphrase of the wallet you used so far",
    ]);
}

#[test]
fn both_devices_are_listed_and_the_other_one_is_used_with_one_click() {
    let mut fixture = Fixture::on_sandbox("dash-regtest");
    fixture.send(Message::Go(Page::Devices));
    let mut world = World(fixture);
    world.look();
    world.look_at_all();
    world.assert_shows(&[
        "In use",
        "Trezor One",
        "Use this one",
        "Ledger: Dash app",
        "in the sandbox",
    ]);
    world.press("Use this one");
    world.assert_shows(&["Sandbox Trezor One", "1.14.2, knows Dash Testnet"]);
    let shown = world.texts();
    assert_eq!(
        shown.iter().filter(|text| *text == "Use this one").count(),
        1,
        "the Ledger's"
    );
    assert!(shown.iter().any(|text| text == "Trezor One"), "in the status bar");
}

#[test]
fn unplugging_and_plugging_in_is_noticed() {
    let mut world = World::new();
    world.send(Message::Go(Page::Devices));
    assert!(world.look().is_ready());
    world.click("Pull the cable");
    for _ in 0..100 {
        if !world.look().is_ready() {
            break;
        }
    }
    world.assert_shows(&["Disconnected", "Plug the Trezor in"]);
    world.trezor().plug_in();
    let ready = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        world.look().is_ready()
    });
    assert!(ready);
}

#[test]
fn a_safe_is_told_plainly_that_it_knows_no_dash() {
    let mut world = World::new();
    world.press("Trezor Safe 3");
    world.send(Message::Go(Page::Devices));
    let told = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        world.look();
        world.texts().iter().any(|text| text.contains("does not know Dash"))
    });
    assert!(told, "{}", world.texts().join("\n"));
    world.assert_shows(&["Only the Trezor One and the Trezor Model T know Dash"]);
}

#[test]
fn a_wrong_pin_is_told_calmly_and_the_next_try_is_a_new_one() {
    let mut world = World::guarded();
    world.send(Message::Go(Page::Devices));
    world.look();
    let begun = world.begin("Show on the device");
    let asked = world.serve(begun, |world, asked| {
        assert!(matches!(asked.question, Question::Pin { .. }));
        world.trezor_screen();
        world.assert_shows(&["PIN of the Trezor One", "Its PIN is 1234"]);
        world.enter_pin("5678");
    });
    assert_eq!(asked.len(), 1);
    world.assert_shows(&["The PIN is wrong.", "Nothing was done; try again."]);
    world.agreed("Show on the device");
    world.assert_shows(&["Confirmed on the device for m/44'/1'/0'/0/0."]);
}

#[test]
fn esc_at_the_pin_cancels_what_was_begun() {
    let mut world = World::guarded();
    world.send(Message::Go(Page::Devices));
    world.look();
    let begun = world.begin("Show on the device");
    world.serve(begun, |world, _| {
        let escape = iced::keyboard::key::Named::Escape;
        world.send(Message::Pressed(escape, iced::keyboard::Modifiers::default()));
    });
    world.assert_shows(&["No PIN was entered.", "try again whenever you like"]);
    assert_eq!(world.trezor().screen(), Screen::Home);
}

#[test]
fn leaving_what_was_begun_takes_the_question_away() {
    let mut world = World::guarded();
    world.send(Message::Go(Page::Devices));
    world.look();
    let _begun = world.begin("Show on the device");
    let asker = world.app.asker.clone();
    let waiting = asker.clone();
    let open = world.wait(async move { waiting.until(|open| !open.is_empty()).await });
    world.send(Message::Asked(open));
    world.assert_shows(&["PIN of the"]);
    // The page goes, and with it the request.
    world.send(Message::Go(Page::Journal));
    let gone = asker.clone();
    world.wait(async move { gone.until(Vec::is_empty).await });
    world.send(Message::Asked(asker.open()));
    world.assert_hides("PIN of the");
}

#[test]
fn a_button_question_is_cancelled_from_the_window() {
    let mut world = World::new();
    world.send(Message::Go(Page::Devices));
    world.look();
    let begun = world.begin("Show on the device");
    world.serve(begun, |world, _| {
        world.trezor_screen();
        world.click("Cancel on the device");
    });
    world.assert_shows(&["Declined on the device."]);
    assert_eq!(world.trezor().screen(), Screen::Home);
}

#[test]
fn on_a_model_t_pin_and_passphrase_are_entered_on_the_device_itself() {
    let mut world = World::guarded();
    world.send(Message::Go(Page::Sandbox));
    world.press("Trezor Model T");
    world.send(Message::Go(Page::Devices));
    let ready = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        world
            .look()
            .info()
            .is_some_and(|info| info.model.as_deref() == Some("Trezor Model T"))
    });
    assert!(ready);
    let begun = world.begin("Show on the device");
    world.serve(begun, |world, asked| match &asked.question {
        Question::Passphrase { .. } => {
            world.click("Enter it on the device");
        }
        _ => match world.trezor_screen() {
            Screen::PinEntry => {
                world.assert_shows(&["The Trezor Model T asks", "enter the PIN"]);
                world.fill("sandbox-entry", PIN);
                world.click("Enter on the device");
            }
            Screen::PassphraseEntry => {
                world.fill("sandbox-entry", HIDDEN);
                world.click("Enter on the device");
            }
            _ => drop(world.click("Approve")),
        },
    });
    world.assert_shows(&["Confirmed on the device for m/44'/1'/0'/0/0."]);
}

#[test]
fn a_masternode_is_registered_with_a_hidden_wallet_of_the_trezor() {
    let mut world = World::guarded();
    world.send(Message::Go(Page::Devices));
    world.look();
    let asked = world.agreed("Show on the device");
    let typed = asked.iter().filter(|asked| !matches!(asked, Question::Button { .. }));
    assert_eq!(typed.count(), 2, "PIN and passphrase");
    // Money for the hidden wallet, which is new.
    let ports = world.session().ports().clone();
    let run = world.session().connection.sandbox.clone().unwrap();
    for (index, coins) in [(0, 1_000), (1, 5)] {
        let at = path::address(&ports.profile, 0, false, index);
        let key = world.wait(ports.device().unwrap().public_key(at)).unwrap();
        let script = KeyId::of(&key).address().script();
        run.chain.fund(script, Amount::from_coins(coins)).unwrap();
        run.chain.mine(1);
    }
    world.send(Message::Go(Page::Register));
    world.assert_shows(&["It may ask for its PIN and for a passphrase first."]);
    world.press("Search the device");
    world.press("m/44'/1'/0'/0/0");
    world.press("Next");
    world.fill("service", "45.76.230.240");
    world.press("Next");
    world.press("Next");
    world.press("Use an address of the device");
    world.press("Next");
    world.press("Make a fee key");
    world.press("Fund from the device");
    world.press("Prepare the payment");
    world.assert_hides("Shown there as");
    world.agreed("Pay from the device");
    world.assert_shows(&["That is enough for the registration."]);
    world.press("Review");
    world.assert_shows(&["The Trezor shows the text itself"]);
    let looked = world.agreed("Sign on the device");
    assert!(!looked.is_empty());
    world.assert_shows(&["The masternode is registered."]);
}
