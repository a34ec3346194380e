//! Creating and unlocking the vault, and the keys in it.

use iced::keyboard::{Modifiers, key::Named};

use super::support::{Fixture, PASSPHRASE, PHRASE, small_vault};
use crate::store::keys::Kind;
use crate::ui::{Message, Page, Screen, keys, vault};

fn say(fixture: &mut Fixture, message: vault::Message) {
    fixture.send_and_run(Message::Vault(message));
}

#[test]
fn a_vault_is_created_after_the_phrase_was_written_down() {
    let mut fixture = Fixture::connected();
    fixture.click("Keys");
    fixture.assert_shows(&["Create a vault", "It cannot be reset"]);
    assert_eq!(fixture.click("Continue"), 0);
    fixture.type_into("passphrase", PASSPHRASE);
    fixture.assert_shows(&["Strong."]);
    fixture.type_into("again", PASSPHRASE);
    fixture.click("Continue");
    fixture.assert_shows(&["Your recovery phrase", "They are shown this once", "24  "]);
    let words = shown_words(&fixture);
    assert_eq!(words.len(), 24);
    assert!(
        !fixture.dirs.vault.exists(),
        "nothing is made before the words are confirmed"
    );
    fixture.click("I have written them down");
    assert_eq!(fixture.click("Create the vault"), 0);
    for (at, number) in asked(&fixture).into_iter().enumerate() {
        say(
            &mut fixture,
            vault::Message::WordEdited(at, "zebra-crossing".to_owned()),
        );
        fixture.assert_shows(&["This is another word."]);
        say(
            &mut fixture,
            vault::Message::WordEdited(at, format!(" {} ", words[number - 1].to_uppercase())),
        );
    }
    fixture.click("Create the vault");
    assert!(fixture.dirs.vault.exists());
    assert!(matches!(fixture.app.screen, Screen::Keys(_)));
    fixture.assert_shows(&["There are no keys of dash-testnet yet"]);
}

fn shown_words(fixture: &Fixture) -> Vec<String> {
    let mut numbered: Vec<(usize, String)> = fixture
        .texts()
        .iter()
        .filter_map(|text| {
            let (number, word) = text.trim().split_once("  ")?;
            Some((number.parse().ok()?, word.to_owned()))
        })
        .collect();
    numbered.sort();
    numbered.into_iter().map(|(_, word)| word).collect()
}

fn asked(fixture: &Fixture) -> Vec<usize> {
    fixture
        .texts()
        .iter()
        .filter_map(|text| text.strip_prefix("Word ")?.parse().ok())
        .collect()
}

#[test]
fn a_short_or_mistyped_passphrase_is_refused_where_it_is_typed() {
    let mut fixture = Fixture::connected();
    fixture.click("Keys");
    fixture.type_into("passphrase", "short");
    fixture.type_into("again", "shirt");
    fixture.assert_shows(&["Too short: at least 8 characters."]);
    fixture.click("Continue");
    fixture.assert_shows(&["Use at least 8 characters."]);
    fixture.type_into("passphrase", " but longer");
    fixture.click("Continue");
    fixture.assert_shows(&["The two passphrases differ."]);
}

#[test]
fn a_phrase_from_paper_restores_the_vault() {
    let mut fixture = Fixture::connected();
    fixture.click("Keys");
    fixture.type_into("passphrase", PASSPHRASE);
    fixture.type_into("again", PASSPHRASE);
    fixture.click("I have a recovery phrase already");
    say(
        &mut fixture,
        vault::Message::PhraseEdited("abandon abandon".to_owned().into()),
    );
    say(&mut fixture, vault::Message::Submit);
    fixture.assert_shows(&["2 words instead of 12"]);
    say(&mut fixture, vault::Message::PhraseEdited(PHRASE.to_owned().into()));
    say(&mut fixture, vault::Message::Submit);
    assert!(matches!(fixture.app.screen, Screen::Keys(_)));
}

#[test]
fn a_wrong_passphrase_is_told_and_the_right_one_unlocks() {
    let mut fixture = Fixture::connected();
    drop(small_vault(&fixture.dirs));
    fixture.click("Keys");
    fixture.assert_shows(&["Unlock the vault"]);
    fixture.type_into("passphrase", "wrong");
    fixture.click("Unlock");
    fixture.assert_shows(&["This is not the passphrase of the vault."]);
    fixture.type_into("passphrase", PASSPHRASE);
    fixture.click("Unlock");
    assert!(matches!(fixture.app.screen, Screen::Keys(_)));
}

#[test]
fn a_damaged_vault_is_told_with_its_file() {
    let mut fixture = Fixture::connected();
    std::fs::write(&fixture.dirs.vault, "nonsense").unwrap();
    fixture.click("Keys");
    fixture.type_into("passphrase", PASSPHRASE);
    fixture.click("Unlock");
    fixture.assert_shows(&["damaged", "vault.castellan", "Put your copy of the file back"]);
}

#[test]
fn a_key_is_made_named_and_listed_by_kind() {
    let mut fixture = Fixture::unlocked();
    fixture.click("Keys");
    fixture.click("Make a key");
    fixture.click("Operator");
    fixture.assert_shows(&["Operator keys run the masternode"]);
    fixture.type_into("key-label", "mn1-operator");
    fixture.click("Make");
    fixture.assert_shows(&["Operator keys", "mn1-operator", "phrase m/"]);
    fixture.click("Make a key");
    fixture.type_into("key-label", "mn1-operator");
    fixture.click("Make");
    fixture.assert_shows(&["The label 'mn1-operator' is taken."]);
    fixture.send(Message::Pressed(Named::Escape, Modifiers::default()));
    fixture.assert_hides("is taken");
}

#[test]
fn an_imported_key_of_another_form_is_named() {
    let mut fixture = Fixture::unlocked();
    fixture.click("Keys");
    fixture.click("Import a key");
    fixture.type_into("key-label", "old");
    fixture.type_into("key-secret", "yjSPYvgUiAQ9AFj5tKFA8thFLoLBUxQERb");
    fixture.click("Import");
    fixture.assert_shows(&["This is an address, not the private key of a owner key."]);
}

#[test]
fn a_private_key_is_shown_only_for_the_passphrase() {
    let mut fixture = Fixture::unlocked();
    let vault = fixture.session().ports().vault.clone().unwrap();
    let profile = super::support::profile();
    vault
        .generate(Kind::Owner, "mn1-owner", &profile, 1_700_000_000)
        .unwrap();
    let secret = vault.export("mn1-owner").unwrap();
    fixture.click("Keys");
    fixture.click("Export");
    assert_eq!(fixture.click("Show the private key"), 0);
    fixture.type_into("key-passphrase", "wrong one");
    fixture.click("Show the private key");
    fixture.assert_shows(&["This is not the passphrase of the vault."]);
    fixture.assert_hides(&secret);
    fixture.type_into("key-passphrase", PASSPHRASE);
    fixture.click("Show the private key");
    fixture.assert_shows(&[&secret, "Private key of mn1-owner"]);
    fixture.click("Close");
    fixture.assert_hides(&secret);
}

#[test]
fn a_key_is_renamed_and_removed_after_its_label_was_typed() {
    let mut fixture = Fixture::unlocked();
    let vault = fixture.session().ports().vault.clone().unwrap();
    vault
        .generate(Kind::Fee, "fee", &super::support::profile(), 1_700_000_000)
        .unwrap();
    fixture.click("Keys");
    fixture.click("Rename");
    fixture.type_into("key-label", "-2");
    // The button of the dialog; the one of the line comes after it.
    fixture.send_and_run(Message::Keys(keys::Message::Submit));
    fixture.assert_shows(&["fee-2"]);
    fixture.click("Remove");
    fixture.send_and_run(Message::Keys(keys::Message::Submit));
    fixture.assert_shows(&["fee-2"]);
    fixture.type_into("key-label", "fee-2");
    fixture.send_and_run(Message::Keys(keys::Message::Submit));
    fixture.assert_shows(&["There are no keys of dash-testnet yet"]);
    assert!(vault.list().is_empty());
}

#[test]
fn a_secret_never_prints() {
    let message = keys::Message::SecretEdited("hunter2".to_owned().into());
    assert!(!format!("{message:?}").contains("hunter2"));
    let message = vault::Message::PassphraseEdited("hunter2".to_owned().into());
    assert!(!format!("{message:?}").contains("hunter2"));
}

#[test]
fn the_page_after_unlocking_is_the_one_that_was_wanted() {
    let mut fixture = Fixture::connected();
    drop(small_vault(&fixture.dirs));
    fixture.click("Register a masternode");
    fixture.type_into("passphrase", PASSPHRASE);
    fixture.click("Unlock");
    assert!(matches!(fixture.app.screen, Screen::Register));
    let _ = Page::Register;
}
