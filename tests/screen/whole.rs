//! Whole registrations on the sandbox: the embedded node over HTTP, the embedded Ledger over its APDU port.

use std::sync::Arc;
use std::time::Duration;

use castellan::hw::{DeviceSpec, Nobody};
use castellan::protocol::network::{self, MnType};
use castellan::setup::{self, Choice, Connection, NodeChoice, SandboxRun};
use castellan::store::Dirs;
use castellan::store::journal::State;
use castellan::ui::screen::register::Message;
use tempfile::TempDir;

use super::bench::runtime;
use super::stage::Stage;

/// The wizard connected to a sandbox of its own.
struct World {
    stage: Stage,
    run: Arc<SandboxRun>,
    _folder: TempDir,
}

impl World {
    fn new(network: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = runtime();
        let choice = Choice {
            profile: Arc::new(network::builtin(network).unwrap()),
            node: NodeChoice::Sandbox { block_seconds: 1 },
            device: DeviceSpec::Any,
        };
        let Connection { ports, sandbox, .. } = runtime
            .block_on(setup::connect(choice, &Dirs::at(folder.path()), Arc::new(Nobody)))
            .unwrap();
        let run = sandbox.unwrap();
        Self {
            stage: Stage::new(runtime, ports),
            run,
            _folder: folder,
        }
    }

    /// Steps 1 to 5; `choose` is a text of the row of the collateral.
    fn fill_in(&mut self, evo: bool, choose: &str) {
        let stage = &mut self.stage;
        if evo {
            stage.click("Evonode");
        }
        stage.click("Search the device");
        stage.wait_for("confirmations");
        stage.click(choose);
        stage.next();
        stage.fill("service", "45.76.230.240");
        stage.next();
        if evo {
            stage.click("Make a Platform key");
            stage.next();
        }
        stage.next();
        stage.click("Use an address of the device");
        stage.wait_for("The device's address at");
        stage.next();
    }

    /// Step 6: a new fee key, filled from the device.
    fn fund(&mut self) {
        let stage = &mut self.stage;
        stage.click("Make a fee key");
        stage.wait_for("Not enough.");
        assert!(!stage.click("Review"));
        stage.click("Fund from the device");
        stage.click("Prepare the payment");
        stage.wait_for("Compare amount, address and fee");
        stage.click("Pay from the device");
        self.answer(true);
        self.stage.wait_for("That is enough for the registration.");
    }

    /// Presses the buttons of the device until its questions are over.
    fn answer(&mut self, yes: bool) {
        let panel = self.run.panel.clone();
        self.stage.block_on(async move {
            let mut quiet = 0;
            let mut any = false;
            for _ in 0..600 {
                let pressed = if yes { panel.approve() } else { panel.reject() };
                any |= pressed;
                quiet = if pressed { 0 } else { quiet + 1 };
                if any && quiet > 10 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            panic!("the device asked nothing");
        });
    }

    /// The masternodes that carry the owner key of the vault.
    fn registered(&self) -> Vec<castellan::protocol::masternode::Entry> {
        let ports = &self.stage.ports;
        let owner = ports.vault().unwrap().info("mn1-owner").unwrap().key_id();
        let list = self.stage.block_on(ports.node.masternodes()).unwrap();
        let mine = list.entries.iter().filter(|entry| entry.state.owner == owner);
        mine.cloned().collect()
    }

    /// Goes through the whole wizard and ends on the result.
    fn register(&mut self, evo: bool, choose: &str) {
        self.fill_in(evo, choose);
        self.fund();
        assert!(self.stage.click("Review"), "{:#?}", self.stage.texts());
        self.stage
            .wait_for("Every rule that can be checked before signing holds.");
        self.stage.click("Sign on the device");
        self.stage.wait_for("Look at the Ledger");
        self.compare_hash();
        self.answer(true);
        self.stage.wait_for("The masternode is registered.");
    }

    /// The hash on the device's screen is the one in the window.
    fn compare_hash(&self) {
        let screen = self.run.panel.screen();
        let lines = screen.lines();
        let hash: String = lines
            .concat()
            .chars()
            .rev()
            .take(64)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        assert!(hash.bytes().all(|digit| digit.is_ascii_hexdigit()), "{lines:?}");
        for line in hash.as_bytes().chunks(16) {
            let groups: Vec<&str> = line
                .chunks(4)
                .map(|group| std::str::from_utf8(group).unwrap())
                .collect();
            self.stage.expect(&groups.join(" "));
        }
    }

    fn ends_in_the_list(&mut self, kind: MnType) {
        let found = self.registered();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].kind, kind);
        let hash = found[0].pro_tx_hash;
        self.stage.expect(&hash.to_string());
        assert_eq!(self.stage.ports.journal.list().unwrap()[0].state(), State::Mined);
        assert!(self.stage.click("Open masternode"));
        assert_eq!(self.stage.opened, Some(hash));
        self.stage.click("Done");
        assert!(self.stage.closed);
    }
}

#[test]
fn a_newcomer_registers_a_masternode_by_clicking() {
    for network in ["dash-regtest", "wei-regtest"] {
        let mut world = World::new(network);
        world.register(false, "m/44'/1'/0'/0/0");
        assert!(!world.stage.sees("masternodeblsprivkey="));
        world.stage.click("Reveal the line");
        world.stage.expect("masternodeblsprivkey=");
        world.stage.click("Hide");
        assert!(!world.stage.sees("masternodeblsprivkey="));
        world.ends_in_the_list(MnType::Regular);
    }
}

#[test]
fn an_evonode_is_registered_by_clicking() {
    let mut world = World::new("dash-regtest");
    world.register(true, "m/44'/1'/0'/0/1");
    world.ends_in_the_list(MnType::Evo);
}

#[test]
fn a_rejected_signature_is_calm_sends_nothing_and_can_be_retried() {
    for network in ["dash-regtest", "wei-regtest"] {
        let mut world = World::new(network);
        world.fill_in(false, "m/44'/1'/0'/0/0");
        world.fund();
        world.stage.click("Review");
        world
            .stage
            .wait_for("Every rule that can be checked before signing holds.");
        world.stage.click("Sign on the device");
        world.stage.wait_for("Look at the Ledger");
        world.answer(false);
        world.stage.wait_for("You declined on the device.");
        assert!(world.registered().is_empty());
        assert_eq!(world.stage.ports.journal.list().unwrap()[0].state(), State::Planned);
        world.stage.click("Try again");
        world.stage.wait_for("Look at the Ledger");
        world.answer(true);
        world.stage.wait_for("The masternode is registered.");
        world.ends_in_the_list(MnType::Regular);
    }
}

#[test]
fn a_rejected_payment_to_the_fee_key_is_calm() {
    let mut world = World::new("dash-regtest");
    world.fill_in(false, "m/44'/1'/0'/0/0");
    let stage = &mut world.stage;
    stage.click("Make a fee key");
    stage.wait_for("Not enough.");
    stage.click("Fund from the device");
    stage.click("Prepare the payment");
    stage.wait_for("Compare amount, address and fee");
    stage.click("Pay from the device");
    world.answer(false);
    world.stage.wait_for("You declined on the device.");
    world.stage.send(Message::Back);
    world.stage.expect("Not enough.");
    world.stage.send(Message::Back);
    world.stage.expect("Payout address");
}
