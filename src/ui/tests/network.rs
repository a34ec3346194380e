//! The page of all masternodes.

use std::sync::Arc;

use futures::StreamExt;
use iced::keyboard::{Modifiers, key::Named};
use iced::{Size, Vector};

use super::looks::check_of;
use super::support::{Fixture, hash, outputs, overview, profile, tip};
use crate::flow::overview::{self, Column, Mine, Overview};
use crate::rpc::{MasternodeList, Tip};
use crate::store::settings::Settings;
use crate::ui::format::short_hash;
use crate::ui::screen::network::{Message as Of, Part};
use crate::ui::widget::table::{ROW, Tick};
use crate::ui::{Link, Message, Page, masternodes};

fn on_page(others: u32) -> Fixture {
    let mut fixture = Fixture::connected();
    fixture.app.screen = crate::ui::Screen::Network;
    read(&mut fixture, overview(others));
    fixture
}

/// The list as a refresh brings it.
fn read(fixture: &mut Fixture, overview: Overview) {
    let read = masternodes::Message::Read(Ok(Arc::new(overview)));
    fixture.send_and_run(Message::Masternodes(read));
}

fn send(fixture: &mut Fixture, message: Of) {
    fixture.send_and_run(Message::Network(message));
}

/// The service addresses in the order on screen.
fn rows(fixture: &Fixture) -> Vec<String> {
    let texts = fixture.texts().into_iter();
    texts
        .filter(|text| text.ends_with(":19999") || text == "No address")
        .collect()
}

/// Clicks a header and presses a key with the table in focus.
fn press_in_table(fixture: &mut Fixture, key: Named) {
    let mut ui = fixture.ui();
    ui.click("Type").unwrap();
    let _ = ui.tap_key(key);
    let messages: Vec<Message> = ui.into_messages().collect();
    let told = messages
        .into_iter()
        .filter(|message| !matches!(message, Message::Network(Of::Sort(_))));
    told.for_each(|message| fixture.send_and_run(message));
}

#[test]
fn all_masternodes_are_listed_in_the_order_of_payment() {
    let mut fixture = Fixture::connected();
    fixture.click("Network");
    fixture.assert_shows(&["Reading the masternode list"]);
    read(&mut fixture, overview(20));
    fixture.assert_shows(&[
        "All (25)",
        "25 masternodes",
        "Block 1,234,567",
        "Enabled",
        "Penalised",
        "Banned",
        "Revoked",
    ]);
    let rows = rows(&fixture);
    assert_eq!(rows.len(), 25);
    assert_eq!(
        rows[..3],
        ["45.76.230.0:19999", "45.76.230.1:19999", "45.76.230.5:19999"]
    );
    // Those that are not paid come last.
    assert!(rows[22..].contains(&"No address".to_owned()), "{rows:?}");
}

#[test]
fn a_header_sorts_the_second_click_reverses_and_the_settings_keep_it() {
    let mut fixture = on_page(20);
    fixture.click("Address");
    let up = rows(&fixture);
    assert_eq!((up[0].as_str(), up[24].as_str()), ("45.76.230.0:19999", "No address"));
    fixture.click("Address");
    let down = rows(&fixture);
    assert_eq!(
        (down[0].as_str(), down[24].as_str()),
        ("45.76.230.24:19999", "No address")
    );
    let kept = Settings::load(&fixture.dirs.settings)
        .unwrap()
        .unwrap()
        .masternode_table;
    assert_eq!((kept.sort.as_deref(), kept.descending), (Some("service"), true));
}

#[test]
fn columns_are_chosen_and_kept() {
    let mut fixture = on_page(5);
    fixture.assert_hides("Owner");
    fixture.click("Columns");
    fixture.press("Owner");
    fixture.press("Collateral");
    fixture.press("Type");
    fixture.press("Close");
    fixture.assert_hides("Regular");
    // What has no room is scrolled to.
    send(&mut fixture, Of::Scrolled(Vector::new(500.0, 0.0)));
    fixture.assert_shows(&["Owner", "Collateral", &short_hash(&hash(100_001).to_string())]);
    let kept = Settings::load(&fixture.dirs.settings)
        .unwrap()
        .unwrap()
        .masternode_table;
    assert!(kept.columns.contains(&"ownerAddress".to_owned()) && !kept.columns.contains(&"type".to_owned()));
    fixture.click("Columns");
    fixture.press("The usual ones");
    fixture.press("Close");
    send(&mut fixture, Of::Scrolled(Vector::ZERO));
    fixture.assert_shows(&["Regular"]);
    fixture.assert_hides("Owner");
}

#[test]
fn the_filter_narrows_as_it_is_typed_and_says_when_nothing_is_left() {
    let mut fixture = on_page(100);
    fixture.type_into("network-filter", "evo enabled");
    let evo = rows(&fixture).len();
    assert!((1..105).contains(&evo), "{evo}");
    fixture.assert_shows(&[&format!("{evo} of 105 match")]);
    fixture.assert_hides("Regular");
    send(&mut fixture, Of::FilterEdited("nowhere".to_owned()));
    fixture.assert_shows(&["Nothing matches"]);
    fixture.click("Clear the filter");
    fixture.assert_shows(&["105 masternodes"]);
}

#[test]
fn keys_move_and_enter_opens() {
    let mut fixture = on_page(20);
    press_in_table(&mut fixture, Named::ArrowDown);
    press_in_table(&mut fixture, Named::ArrowDown);
    press_in_table(&mut fixture, Named::Enter);
    // The second of the queue; its own page.
    fixture.assert_shows(&[&hash(1).to_string()]);
    fixture.assert_hides("25 masternodes");
}

#[test]
fn a_click_opens_a_masternode_and_the_page_is_found_again_as_it_was() {
    let mut fixture = on_page(200);
    send(&mut fixture, Of::FilterEdited("enabled".to_owned()));
    send(&mut fixture, Of::Scrolled(Vector::new(0.0, 20.0 * ROW)));
    let before = rows(&fixture);
    fixture.click(&before[2].clone());
    assert!(!fixture.texts().iter().any(|text| text.contains("match")));
    fixture.send(Message::Go(Page::Network));
    assert_eq!(rows(&fixture), before);
}

#[test]
fn boxes_select_and_what_is_selected_is_copied() {
    let mut fixture = on_page(20);
    send(&mut fixture, Of::Tick(Tick::One(1)));
    send(&mut fixture, Of::Tick(Tick::To(3)));
    fixture.assert_shows(&["3 selected", "Copy 3"]);
    fixture.click("Copy 3");
    fixture.assert_shows(&["Copied 3 rows"]);
    // A filter hides what is selected; it stays so.
    send(&mut fixture, Of::FilterEdited("revoked".to_owned()));
    fixture.assert_shows(&["1 of 25 match", "3 selected"]);
    fixture.click("Clear");
    send(&mut fixture, Of::Tick(Tick::All));
    fixture.assert_shows(&["1 selected"]);
    send(&mut fixture, Of::Tick(Tick::All));
    fixture.assert_hides("selected");
}

#[test]
fn what_is_visible_is_written_to_a_file_that_was_not_there() {
    let mut fixture = on_page(20);
    send(&mut fixture, Of::FilterEdited("banned".to_owned()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.csv");
    fixture.click("Export");
    fixture.fill("export-path", path.to_str().unwrap());
    fixture.press("Write 1 row");
    fixture.assert_shows(&["Written to"]);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "status,service,proTxHash,type,posePenalty,queuePosition,nextPaymentTime"
    );
    assert_eq!(
        lines[1],
        format!("POSE_BANNED,45.76.230.2:19999,{},Regular,0,,", hash(2))
    );
    assert_eq!(lines.len(), 2);
    // The same name again is refused, and the file is as it was.
    fixture.fill("export-path", path.to_str().unwrap());
    fixture.press("Write 1 row");
    fixture.assert_shows(&["nothing was overwritten"]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    // The other form gets its own ending.
    fixture.press("JSON");
    fixture.press("Write 1 row");
    let json = std::fs::read_to_string(folder.path().join("mine.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["proTxHash"], hash(2).to_string());
    fixture.send(Message::Pressed(Named::Escape, Modifiers::default()));
    fixture.assert_hides("Written to");
}

/// The list some blocks later: the first of the queue were paid.
fn later(others: u32, blocks: u32) -> Overview {
    let before = overview(others);
    let mut entries: Vec<_> = before.masternodes.iter().map(|each| each.entry.clone()).collect();
    for block in 1..=blocks {
        let first = before
            .masternodes
            .iter()
            .position(|each| each.slot.is_some_and(|slot| slot.position == block));
        entries[first.unwrap()].state.last_paid_height = tip().height + block;
    }
    let tip = Tip {
        height: tip().height + blocks,
        ..tip()
    };
    let mine = Mine {
        hashes: before.mine().map(|each| each.hash()).collect(),
    };
    overview::assemble(
        &MasternodeList::saved(tip, entries, &profile()),
        &profile(),
        None,
        &mine,
    )
}

#[test]
fn a_new_block_moves_nothing_below_the_eyes() {
    let mut fixture = on_page(300);
    send(&mut fixture, Of::Scrolled(Vector::new(0.0, 50.0 * ROW + 7.0)));
    send(&mut fixture, Of::Tick(Tick::One(60)));
    let before = rows(&fixture);
    read(&mut fixture, later(300, 3));
    fixture.assert_shows(&["Block 1,234,570", "1 selected"]);
    assert_eq!(rows(&fixture)[..80], before[..80]);
    // At the top one sees who is next.
    send(&mut fixture, Of::Scrolled(Vector::ZERO));
    read(&mut fixture, later(300, 4));
    assert_eq!(rows(&fixture)[0], "45.76.230.7:19999");
}

#[test]
fn an_order_worked_out_for_an_older_wish_is_not_shown() {
    let mut fixture = on_page(20);
    let list = Arc::new(later(20, 1));
    let session = fixture.session();
    let task = session.network.listed(&list, &profile());
    send(&mut fixture, Of::FilterEdited("revoked".to_owned()));
    let task = task.map(Message::Network);
    fixture.run(task);
    fixture.assert_shows(&["1 of 25 match", "Block 1,234,568"]);
}

#[test]
fn of_a_hundred_thousand_only_the_rows_in_sight_are_asked_for() {
    let mut fixture = on_page(20_000);
    fixture.assert_shows(&["All (20,005)"]);
    assert!((20..120).contains(&rows(&fixture).len()));
    fixture.click("Address");
    fixture.assert_shows(&["45.76.230.0:19999"]);
    send(&mut fixture, Of::Scrolled(Vector::new(0.0, 19_990.0 * ROW)));
    assert!(rows(&fixture).contains(&"No address".to_owned()));
}

#[test]
fn what_the_page_of_mine_does_with_a_list_goes_on_behind_this_page() {
    let mut fixture = on_page(20);
    let read = masternodes::Message::Read(Ok(Arc::new(later(20, 1))));
    let task = fixture.app.update(Message::Masternodes(read));
    let told: Vec<Message> = fixture.wait(outputs(task).collect());
    let compared = |message: &Message| matches!(message, Message::Masternodes(masternodes::Message::Compared(_)));
    assert!(told.iter().any(compared));
    assert!(
        told.iter()
            .any(|message| matches!(message, Message::Network(Of::Listed(..))))
    );
}

#[test]
fn the_next_payees_are_foretold_with_mine_marked() {
    let mut fixture = on_page(150);
    fixture.click("Next payments");
    fixture.assert_shows(&["The next 100 blocks; 2 of them pay yours, the first in block 1,234,568"]);
    send(&mut fixture, Of::PayeesScrolled(Vector::new(0.0, 100.0 * ROW)));
    fixture.assert_shows(&["1,234,667"]);
    fixture.assert_hides("1,234,668");
    send(&mut fixture, Of::PayeesScrolled(Vector::ZERO));
    fixture.click("45.76.230.5:19999");
    fixture.assert_shows(&[&hash(5).to_string()]);
}

#[test]
fn penalties_are_spread_over_bars_with_their_numbers() {
    let mut fixture = on_page(95);
    fixture.click("Penalties");
    fixture.assert_shows(&[
        "At 100 a masternode is banned. Each failed DKG adds 66; from 34 on the next one bans.",
        "96 (99.0 %)",
        "1 (1.0 %)",
    ]);
    fixture.send(Message::Pressed(Named::Escape, Modifiers::default()));
    fixture.assert_shows(&["100 masternodes"]);
}

#[test]
fn an_empty_network_says_so() {
    let mut fixture = on_page(0);
    let empty = overview::assemble(
        &MasternodeList::saved(tip(), Vec::new(), &profile()),
        &profile(),
        None,
        &Mine::default(),
    );
    read(&mut fixture, empty);
    for part in [Part::Table, Part::Payees, Part::Penalties] {
        send(&mut fixture, Of::Show(part));
        fixture.assert_shows(&[match part {
            Part::Payees => "Nobody is paid",
            _ => "The network has no masternodes yet",
        }]);
    }
}

#[test]
fn the_sandbox_pays_whom_the_forecast_names() {
    let mut fixture = Fixture::on_sandbox("dash-regtest");
    fixture.click("Network");
    fixture.assert_shows(&["All (30)"]);
    let session = fixture.session();
    let run = session.connection.sandbox.clone().unwrap();
    let list = session.masternodes.overview().cloned().unwrap();
    let payees = list.upcoming(100, &session.connection.ports.profile.clone());
    let (first, height) = (payees[0].masternode.hash(), payees[0].height);
    let behind = run.chain.height() + 1 - height;
    fixture.wait(async move { run.chain.mine(1) });
    fixture.send_and_run(Message::Network(Of::Refresh));
    let list = fixture.session().masternodes.overview().cloned().unwrap();
    let paid = list.find(first).unwrap().entry.state.last_paid_height;
    assert!(
        paid == height && behind <= 5,
        "{first} was paid at {paid}, not at {height}"
    );
    fixture.click("Next payments");
    fixture.assert_hides("Nobody is paid");
    assert!(matches!(fixture.app.link, Link::Up(_)));
}

/// A list with something of everything, for the pictures.
fn colourful() -> Overview {
    let mut list = overview(400);
    let mut entries: Vec<_> = list.masternodes.drain(..).map(|each| each.entry).collect();
    for (at, entry) in entries.iter_mut().enumerate().skip(5) {
        match at % 23 {
            0 => entry.state.pose_penalty = 271,
            1 | 2 => entry.state.pose_penalty = at as u32 % 97,
            3 => entry.state.pose_ban_height = Some(1_230_000),
            _ => {}
        }
    }
    let mine = Mine {
        hashes: [0, 1, 2, 7, 12, 19].map(hash).into_iter().collect(),
    };
    overview::assemble(
        &MasternodeList::saved(tip(), entries, &profile()),
        &profile(),
        None,
        &mine,
    )
}

#[test]
fn how_it_looks() {
    crate::flow::stand_still(super::looks::STILL);
    let mut fixture = on_page(0);
    fixture.device(super::support::ready_device());
    read(&mut fixture, colourful());
    let (small, large) = (Size::new(1000.0, 700.0), Size::new(1400.0, 900.0));
    check_of(&fixture, "network", small);
    send(&mut fixture, Of::Tick(Tick::One(3)));
    send(&mut fixture, Of::Tick(Tick::To(5)));
    send(&mut fixture, Of::Moved(8));
    fixture.click("PoSe");
    fixture.click("PoSe");
    check_of(&fixture, "network-large", large);
    send(&mut fixture, Of::ChooseColumns);
    for column in [
        Column::Reason,
        Column::LastPaidHeight,
        Column::NextPaymentAmount,
        Column::PayoutAddress,
    ] {
        send(&mut fixture, Of::ColumnChosen(column, true));
    }
    check_of(&fixture, "network-columns", small);
    check_of(&fixture, "network-columns-large", large);
    send(&mut fixture, Of::ChooseColumns);
    send(&mut fixture, Of::AskExport);
    fixture.fill(
        "export-path",
        "/home/owner/Documents/masternodes-dash-testnet-1234567.csv",
    );
    check_of(&fixture, "network-export", small);
    send(&mut fixture, Of::Show(Part::Payees));
    check_of(&fixture, "network-payees", small);
    check_of(&fixture, "network-payees-large", large);
    send(&mut fixture, Of::Show(Part::Penalties));
    check_of(&fixture, "network-penalties", small);
    send(&mut fixture, Of::Show(Part::Table));
    send(&mut fixture, Of::FilterEdited("nowhere".to_owned()));
    check_of(&fixture, "network-nothing", small);
}
