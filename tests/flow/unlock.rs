//! The vault and a device: added, unlocked by, refused, lost. The devices are the sandbox's, over their sockets; what they cannot be
//! made to do, a scripted one does.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bitcoin::bip32::{DerivationPath, Xpub};
use bitcoin::secp256k1::PublicKey;
use castellan::flow::Error;
use castellan::flow::unlock::{self, Reason, Step};
use castellan::hw::fake::{FakeAsker, FakeDevice, Outcome, Request};
use castellan::hw::{
    Answer, Asker, Device, DeviceError, DeviceInfo, Kind, Nobody, Progress, Reply, ShownAddress, SlotRequest,
    SlotSecret, Spend, discovery,
};
use castellan::protocol::message::CompactSignature;
use castellan::protocol::{Profile, Transaction, network};
use castellan::sandbox::{ledger, trezor};
use castellan::store::vault::{self, DeviceSlotInfo, SlotInfo, Stretching, Vendor};
use castellan::store::{Phrase, Vault, VaultError};
use sipper::Sipper;

const PASSPHRASE: &str = "correct horse";

/// A vault in a folder of its own.
struct Desk {
    folder: tempfile::TempDir,
    profile: Arc<Profile>,
    vault: Arc<Vault>,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("vault.castellan");
        let phrase = Phrase::generate().unwrap();
        let vault = Vault::create_with(&file, PASSPHRASE, &phrase, Stretching::MINIMAL).unwrap();
        Self {
            folder,
            profile: Arc::new(network::builtin("dash-testnet").unwrap()),
            vault: Arc::new(vault),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("vault.castellan")
    }

    async fn open(&self, spec: String, asker: Arc<dyn Asker>) -> Arc<dyn Device> {
        let profile = self.profile.clone();
        let spec = spec.parse().unwrap();
        let opened = tokio::task::spawn_blocking(move || discovery::open(&spec, profile, asker));
        opened.await.unwrap().unwrap()
    }

    async fn ledger(&self, ledger: &ledger::SandboxLedger) -> Arc<dyn Device> {
        self.open(format!("ledger@{}", ledger.address()), Arc::new(Nobody))
            .await
    }

    async fn trezor(&self, trezor: &trezor::SandboxTrezor, asker: Arc<dyn Asker>) -> Arc<dyn Device> {
        self.open(format!("trezor@{}", trezor.address()), asker).await
    }

    async fn enrol(&self, device: &Arc<dyn Device>) -> (Result<DeviceSlotInfo, Error>, Vec<Step>) {
        let vault = Arc::clone(&self.vault);
        told(unlock::enrol(
            Arc::clone(device),
            self.profile.clone(),
            vault,
            "mine".to_owned(),
        ))
        .await
    }

    async fn unlock(&self, device: &Arc<dyn Device>) -> (Result<Vault, Error>, Vec<Step>) {
        told(unlock::unlock(Arc::clone(device), self.profile.clone(), self.file())).await
    }

    /// Nothing was added, and the passphrase opens it.
    fn is_untouched(&self) {
        assert_eq!(vault::slots(&self.file()).unwrap(), [SlotInfo::Passphrase]);
        assert!(Vault::open(&self.file(), PASSPHRASE).is_ok());
    }
}

async fn told<T>(flow: impl sipper::Straw<T, Step, Error>) -> (Result<T, Error>, Vec<Step>) {
    let mut flow = flow.pin();
    let mut steps = Vec::new();
    while let Some(step) = flow.sip().await {
        steps.push(step);
    }
    (flow.await, steps)
}

fn asked(steps: &[Step]) -> Vec<(Reason, String)> {
    let confirm = |step: &Step| match step {
        Step::Confirm { reason, shows, .. } => Some((*reason, shows.clone())),
        Step::Answered { .. } => None,
    };
    steps.iter().filter_map(confirm).collect()
}

fn sandbox_ledger(desk: &Desk, auto_approve: bool) -> ledger::SandboxLedger {
    ledger::SandboxLedger::start(ledger::Options {
        auto_approve,
        ..ledger::Options::for_profile(&desk.profile)
    })
    .unwrap()
}

fn sandbox_trezor(model: trezor::Model, auto_approve: bool, passphrase: bool) -> trezor::SandboxTrezor {
    trezor::SandboxTrezor::start(trezor::Options {
        auto_approve,
        passphrase,
        ..trezor::Options::new(model)
    })
    .unwrap()
}

fn typing(passphrases: &[&str]) -> Arc<FakeAsker> {
    let typed = |text: &&str| Some(Answer::Passphrase((*text).to_owned().into()));
    Arc::new(FakeAsker::new(passphrases.iter().map(typed)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_is_asked_twice_when_it_is_added_and_once_each_time_it_unlocks() {
    let desk = Desk::new();
    let table = sandbox_ledger(&desk, true);
    let device = desk.ledger(&table).await;
    let (added, steps) = desk.enrol(&device).await;
    let added = added.unwrap();
    assert_eq!((added.vendor, added.name.as_str()), (Vendor::Ledger, "mine"));
    assert_eq!(Some(&added.wallet), device.info().await.unwrap().wallet.as_ref());
    let [(Reason::Add, hash), (Reason::AddAgain, again)] = &asked(&steps)[..] else {
        panic!("{steps:?}");
    };
    assert_eq!(hash, again);
    let (opened, steps) = desk.unlock(&device).await;
    assert_eq!(opened.unwrap().slots(), desk.vault.slots());
    assert_eq!(asked(&steps), [(Reason::Unlock, hash.clone())]);
    let answered = table.panel().answered();
    assert_eq!(answered.len(), 3);
    for each in answered {
        let shown: String = each.prompt.pages.concat().split_whitespace().collect();
        assert!(
            shown.contains(hash.trim_start_matches("message hash ")),
            "{hash} in {shown}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trezor_is_asked_once_and_shows_the_text_that_is_told() {
    for model in [trezor::Model::One, trezor::Model::T] {
        let desk = Desk::new();
        let table = sandbox_trezor(model, true, false);
        let device = desk.trezor(&table, Arc::new(Nobody)).await;
        let (added, steps) = desk.enrol(&device).await;
        assert_eq!(added.unwrap().vendor, Vendor::Trezor);
        let (opened, more) = desk.unlock(&device).await;
        assert_eq!(opened.unwrap().slots(), desk.vault.slots());
        let asked = [asked(&steps), asked(&more)].concat();
        let reasons: Vec<Reason> = asked.iter().map(|(reason, _)| *reason).collect();
        assert_eq!(reasons, [Reason::Add, Reason::Unlock]);
        let answered = table.panel().answered();
        assert_eq!(answered.len(), 2);
        for (each, (_, shows)) in answered.iter().zip(&asked) {
            assert_eq!(shows, &format!("the text \"{}\"", each.prompt.text));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_passphrase_of_the_trezor_is_another_wallet_and_can_be_typed_again() {
    let desk = Desk::new();
    let table = sandbox_trezor(trezor::Model::One, true, true);
    let device = desk.trezor(&table, typing(&["mine", "mine"])).await;
    let added = desk.enrol(&device).await.0.unwrap();
    drop(device);
    let asker = typing(&["wrong", "mine"]);
    let device = desk.trezor(&table, asker.clone()).await;
    let before = decrypted(&table);
    let (refused, steps) = desk.unlock(&device).await;
    let Err(Error::Device(DeviceError::OtherWallet { expected, found })) = refused.map(drop) else {
        panic!("another wallet");
    };
    assert!(expected == added.wallet && found != expected);
    assert_eq!(
        (steps, decrypted(&table)),
        (Vec::new(), before),
        "the device is not asked in vain"
    );
    assert!(desk.unlock(&device).await.0.is_ok());
    assert!(Vault::open(&desk.file(), PASSPHRASE).is_ok());
}

fn decrypted(table: &trezor::SandboxTrezor) -> usize {
    let all = table.panel().answered();
    all.iter()
        .filter(|each| each.prompt.title.starts_with("Decrypt"))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_ledger_is_not_asked() {
    let desk = Desk::new();
    let mine = sandbox_ledger(&desk, true);
    desk.enrol(&desk.ledger(&mine).await).await.0.unwrap();
    let other = ledger::SandboxLedger::start(ledger::Options {
        passphrase: "of another wallet".to_owned().into(),
        auto_approve: true,
        ..ledger::Options::for_profile(&desk.profile)
    })
    .unwrap();
    let (refused, steps) = desk.unlock(&desk.ledger(&other).await).await;
    assert!(matches!(refused, Err(Error::Device(DeviceError::OtherWallet { .. }))));
    assert!(steps.is_empty() && other.panel().answered().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_declines_changes_nothing_and_can_try_again() {
    let desk = Desk::new();
    let table = sandbox_ledger(&desk, false);
    let panel = table.panel();
    let device = desk.ledger(&table).await;
    // No to the first question; yes to the first and no to the second.
    for approved in 0..2 {
        let (refused, steps) = futures::join!(desk.enrol(&device), async {
            for at in 0..=approved {
                prompt(&panel).await;
                assert!(if at < approved { panel.approve() } else { panel.reject() });
            }
        })
        .0;
        assert_eq!(refused, Err(DeviceError::Declined.into()));
        assert_eq!(asked(&steps).len(), approved + 1);
        desk.is_untouched();
    }
    panel.auto_approve(true);
    desk.enrol(&device).await.0.unwrap();
    panel.auto_approve(false);
    let (refused, ()) = futures::join!(desk.unlock(&device), async {
        prompt(&panel).await;
        assert!(panel.reject());
    });
    assert_eq!(refused.0.map(drop), Err(DeviceError::Declined.into()));
    panel.auto_approve(true);
    assert!(desk.unlock(&device).await.0.is_ok());
}

async fn prompt(panel: &ledger::Panel) {
    let mut screens = panel.watch();
    let shown = tokio::time::timeout(
        Duration::from_secs(20),
        screens.wait_for(|screen| screen.prompt().is_some()),
    );
    drop(shown.await.expect("it asks").unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_unplugged_while_it_asks_leaves_all_as_it_was() {
    let desk = Desk::new();
    let table = sandbox_ledger(&desk, false);
    let panel = table.panel();
    let device = desk.ledger(&table).await;
    let (gone, ()) = futures::join!(desk.enrol(&device), async {
        prompt(&panel).await;
        drop(table);
    });
    assert_eq!(gone.0, Err(DeviceError::Gone { kind: Kind::Ledger }.into()));
    desk.is_untouched();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_no_longer_waits_takes_the_question_off_the_trezor() {
    let desk = Desk::new();
    let table = sandbox_trezor(trezor::Model::One, true, false);
    let panel = table.panel();
    let device = desk.trezor(&table, Arc::new(Nobody)).await;
    desk.enrol(&device).await.0.unwrap();
    panel.auto_approve(false);
    let mut screens = panel.watch();
    tokio::select! {
        _ = desk.unlock(&device) => panic!("nobody approved"),
        shown = screens.wait_for(|screen| matches!(screen, trezor::Screen::Prompt(_))) => drop(shown.unwrap()),
    }
    let home = screens.wait_for(|screen| *screen == trezor::Screen::Home);
    drop(
        tokio::time::timeout(Duration::from_secs(20), home)
            .await
            .expect("cancelled")
            .unwrap(),
    );
    panel.auto_approve(true);
    assert!(desk.unlock(&device).await.0.is_ok());
}

#[tokio::test]
async fn a_vault_without_its_slot_is_told_before_the_device_is_asked() {
    let desk = Desk::new();
    let fake = Arc::new(FakeDevice::new(desk.profile.clone()));
    let device: Arc<dyn Device> = fake.clone();
    let none = desk.unlock(&device).await.0.map(drop);
    assert_eq!(none, Err(Error::NoSlot { device: Kind::Ledger }));
    assert_eq!(fake.requests(), []);
    assert_eq!(unlock::openers(&desk.file()), []);
}

#[tokio::test]
async fn a_device_is_added_once() {
    let desk = Desk::new();
    let fake = Arc::new(FakeDevice::new(desk.profile.clone()));
    let device: Arc<dyn Device> = fake.clone();
    desk.enrol(&device).await.0.unwrap();
    assert_eq!(unlock::openers(&desk.file()), [Kind::Ledger]);
    let before = fake.requests().len();
    let name = "mine".to_owned();
    assert_eq!(desk.enrol(&device).await.0, Err(Error::AddedAlready { name }));
    assert_eq!(fake.requests()[before..], [Request::Info]);
}

#[tokio::test]
async fn a_removed_device_is_not_asked_and_the_passphrase_opens() {
    let desk = Desk::new();
    let fake = Arc::new(FakeDevice::new(desk.profile.clone()));
    let device: Arc<dyn Device> = fake.clone();
    let added = desk.enrol(&device).await.0.unwrap();
    desk.vault.remove_slot(&added.id(), PASSPHRASE).unwrap();
    let refused = desk.unlock(&device).await.0.map(drop);
    assert_eq!(refused, Err(Error::NoSlot { device: Kind::Ledger }));
    desk.is_untouched();
}

#[tokio::test]
async fn a_file_of_another_path_does_not_make_the_device_sign() {
    let desk = Desk::new();
    let fake = Arc::new(FakeDevice::new(desk.profile.clone()));
    let device: Arc<dyn Device> = fake.clone();
    let info = DeviceSlotInfo {
        vendor: Vendor::Ledger,
        name: "hostile".to_owned(),
        wallet: device.info().await.unwrap().wallet.unwrap(),
        path: "m/44'/1'/0'/0/0".to_owned(),
        challenge: desk.vault.challenge().unwrap(),
        created: 1,
    };
    desk.vault.add_device_slot(&info, &[7; 32]).unwrap();
    let refused = desk.unlock(&device).await.0.map(drop);
    assert!(
        matches!(refused, Err(Error::Device(DeviceError::ForbiddenPath { .. }))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_device_whose_secret_is_another_opens_nothing() {
    let desk = Desk::new();
    let fake = Arc::new(FakeDevice::new(desk.profile.clone()));
    let device: Arc<dyn Device> = fake.clone();
    let info = DeviceSlotInfo {
        vendor: Vendor::Ledger,
        name: "made elsewhere".to_owned(),
        wallet: device.info().await.unwrap().wallet.unwrap(),
        path: "m/10011'/1129534540'".to_owned(),
        challenge: desk.vault.challenge().unwrap(),
        created: 1,
    };
    desk.vault.add_device_slot(&info, &[7; 32]).unwrap();
    assert_eq!(
        desk.unlock(&device).await.0.map(drop),
        Err(VaultError::WrongDevice.into())
    );
    fake.then(Outcome::Approve);
    fake.then(Outcome::Decline);
    assert_eq!(
        desk.unlock(&device).await.0.map(drop),
        Err(DeviceError::Declined.into())
    );
}

/// Answers each time with something else, as an app that signs with random numbers.
struct Random(FakeDevice, AtomicBool);

impl Device for Random {
    fn kind(&self) -> Kind {
        self.0.kind()
    }
    fn place(&self) -> String {
        self.0.place()
    }
    fn info(&self) -> Reply<'_, DeviceInfo> {
        self.0.info()
    }
    fn public_key(&self, path: DerivationPath) -> Reply<'_, PublicKey> {
        self.0.public_key(path)
    }
    fn show_address(&self, path: DerivationPath) -> Reply<'_, ShownAddress> {
        self.0.show_address(path)
    }
    fn account_xpub(&self, path: DerivationPath) -> Reply<'_, Xpub> {
        self.0.account_xpub(path)
    }
    fn sign_message(&self, path: DerivationPath, message: Vec<u8>) -> Reply<'_, CompactSignature> {
        self.0.sign_message(path, message)
    }
    fn sign_spend(&self, spend: Spend, progress: Progress) -> Reply<'_, Transaction> {
        self.0.sign_spend(spend, progress)
    }
    fn slot_secret(&self, request: SlotRequest) -> Reply<'_, SlotSecret> {
        Box::pin(async move {
            let mut answer = self.0.slot_secret(request).await?;
            answer.secret[31] ^= u8::from(self.1.fetch_not(Ordering::SeqCst));
            Ok(answer)
        })
    }
}

#[tokio::test]
async fn an_app_that_does_not_answer_the_same_twice_is_found_out_before_anything_is_written() {
    let desk = Desk::new();
    let device: Arc<dyn Device> = Arc::new(Random(FakeDevice::new(desk.profile.clone()), AtomicBool::new(false)));
    let (refused, steps) = desk.enrol(&device).await;
    assert_eq!(refused, Err(Error::NotRepeatable { device: Kind::Ledger }));
    assert_eq!(asked(&steps).len(), 2);
    desk.is_untouched();
}
