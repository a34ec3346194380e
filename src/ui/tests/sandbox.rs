//! The window on the embedded world, for real: node, device and chain answer on loopback.

use super::support::Fixture;
use crate::hw::DeviceError;
use crate::ui::screen::devices::Seen;
use crate::ui::{Link, Message, Page, sandbox};

/// A window on a sandbox that mines only when asked.
fn on_sandbox() -> Fixture {
    let mut fixture = Fixture::fresh();
    fixture.send_and_run(Message::TrySandbox);
    assert!(matches!(fixture.app.link, Link::Up(_)), "{:?}", fixture.texts());
    fixture.send(Message::Sandbox(sandbox::Message::Every(0)));
    fixture
}

fn look_for_device(fixture: &mut Fixture) {
    let session = fixture.session();
    let find = session.find_device();
    let id = session.id;
    let found = fixture.wait(find);
    fixture.send(Message::DeviceFound(id, found));
}

#[test]
fn the_sandbox_has_masternodes_a_ready_device_and_an_open_vault() {
    let mut fixture = on_sandbox();
    look_for_device(&mut fixture);
    fixture.assert_shows(&[
        "No masternode of yours yet",
        "Dash is ready",
        "Ledger: Dash app",
        "Mine a block",
    ]);
    assert!(fixture.session().ports().vault.is_some());
}

#[test]
fn a_block_is_mined_on_demand() {
    let mut fixture = on_sandbox();
    let before = fixture.session().ports().clone();
    let height = fixture.wait(async move { before.node.tip().await.unwrap().height });
    fixture.click("Mine a block");
    fixture.assert_shows(&[&format!("Block {}", height + 1), "Blocks come only when you mine one."]);
}

#[test]
fn every_state_of_the_device_is_noticed_and_explained() {
    let mut fixture = on_sandbox();
    fixture.send(Message::Go(Page::Devices));
    let after = |fixture: &mut Fixture, message: sandbox::Message| {
        fixture.send(Message::Sandbox(message));
        look_for_device(fixture);
        fixture.session().device.clone()
    };
    let locked = after(&mut fixture, sandbox::Message::Lock);
    assert!(
        matches!(
            locked,
            Seen::Open {
                info: Err(DeviceError::Locked { .. }),
                ..
            }
        ),
        "{locked:?}"
    );
    fixture.assert_shows(&["Ledger: Locked", "Enter the PIN on the device."]);
    assert!(after(&mut fixture, sandbox::Message::Unlock).is_ready());
    let gone = after(&mut fixture, sandbox::Message::Unplug);
    assert!(!gone.is_ready(), "{gone:?}");
    assert!(after(&mut fixture, sandbox::Message::PlugIn).is_ready());
}

#[test]
fn an_address_is_compared_and_approved_in_the_panel() {
    let mut fixture = on_sandbox();
    look_for_device(&mut fixture);
    fixture.send(Message::Go(Page::Devices));
    assert!(fixture.is_disabled("Approve") && fixture.is_disabled("Reject"));
    let asked = fixture.begin("Show on the device");
    fixture.until_prompt();
    fixture.assert_shows(&["The device shows the address of m/44'/1'/0'/0/0"]);
    fixture.click("Approve");
    fixture.finish(asked);
    fixture.assert_hides("On its screen");
    fixture.assert_shows(&["Confirmed on the device for m/44'/1'/0'/0/0.", "As the device wrote it"]);
}

#[test]
fn a_rejected_question_is_told_calmly() {
    let mut fixture = on_sandbox();
    look_for_device(&mut fixture);
    fixture.send(Message::Go(Page::Devices));
    let asked = fixture.begin("Show on the device");
    fixture.until_prompt();
    fixture.click("Reject");
    fixture.finish(asked);
    fixture.assert_shows(&["Declined on the device.", "you can try again"]);
}
