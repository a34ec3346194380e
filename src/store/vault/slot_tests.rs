//! Devices as ways into a vault: what they open, what they no longer open, and files that are not as they were.

use std::fs;

use serde_json::{Value, json};

use super::seal::tests::WEAK;
use super::slot::DeviceSlot;
use super::*;
use crate::protocol::network;

const PASSPHRASE: &str = "correct horse";
const SECRET: [u8; 32] = [0x1f; 32];
const OTHER: [u8; 32] = [0x2e; 32];

fn vault() -> (tempfile::TempDir, Vault) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.castellan");
    let vault = Vault::create_with(&path, PASSPHRASE, &Phrase::generate().unwrap(), WEAK).unwrap();
    (folder, vault)
}

fn info(vault: &Vault, name: &str) -> DeviceSlotInfo {
    DeviceSlotInfo {
        vendor: Vendor::Ledger,
        name: name.to_owned(),
        wallet: "73c5da0a".to_owned(),
        path: "m/10011'/1129534540'".to_owned(),
        challenge: vault.challenge().unwrap(),
        created: 1_763_673_000,
    }
}

fn add(vault: &Vault, name: &str, secret: &[u8; 32]) -> DeviceSlotInfo {
    vault.add_device_slot(&info(vault, name), secret).unwrap()
}

fn by_device(vault: &Vault, slot: &DeviceSlotInfo, secret: &[u8; 32]) -> Result<Vault, VaultError> {
    Vault::open_by_slot(vault.path(), &slot.id(), secret)
}

fn make_key(vault: &Vault, label: &str) -> Result<KeyInfo, VaultError> {
    vault.generate(Kind::Owner, label, &network::builtin("dash-testnet").unwrap(), 1)
}

/// Writes the vault's file anew with these slots.
fn write_slots(vault: &Vault, change: impl FnOnce(&mut Vec<Slot>)) {
    let mut state = vault.state();
    let mut slots = state.slots.clone();
    change(&mut slots);
    let (file, digest) = seal::seal(&state.content.to_bytes(), &state.key, &slots).unwrap();
    fs::write(vault.path(), file).unwrap();
    state.slots = Sealed::parse(&fs::read(vault.path()).unwrap()).unwrap().slots;
    state.digest = digest;
}

/// The slot computed by another implementation (`tests/data/vault/README.md`).
fn recorded() -> Value {
    serde_json::from_str(include_str!("../../../tests/data/vault/device-slot.json")).unwrap()
}

fn parsed(value: Value) -> DeviceSlot {
    serde_json::from_value(value).unwrap()
}

#[test]
fn the_device_and_the_passphrase_open_the_same_vault() {
    let (_folder, vault) = vault();
    make_key(&vault, "own").unwrap();
    let slot = add(&vault, " my Nano ", &SECRET);
    assert_eq!(slot.name, "my Nano");
    for again in [
        by_device(&vault, &slot, &SECRET).unwrap(),
        Vault::open(vault.path(), PASSPHRASE).unwrap(),
    ] {
        assert_eq!(again.list(), vault.list());
        assert_eq!(again.slots(), [SlotInfo::Passphrase, SlotInfo::Device(slot.clone())]);
    }
    assert_eq!(slots(vault.path()).unwrap(), vault.slots());
    let opened = by_device(&vault, &slot, &SECRET).unwrap();
    make_key(&opened, "made by the device's vault").unwrap();
    vault.refresh().unwrap();
    assert_eq!(vault.list().len(), 2);
}

#[test]
fn another_secret_or_slot_opens_nothing() {
    let (_folder, vault) = vault();
    let (first, second) = (add(&vault, "first", &SECRET), add(&vault, "second", &OTHER));
    assert_eq!(by_device(&vault, &first, &OTHER).unwrap_err(), VaultError::WrongDevice);
    assert_eq!(
        by_device(&vault, &second, &SECRET).unwrap_err(),
        VaultError::WrongDevice
    );
    // No private key at all.
    assert_eq!(
        by_device(&vault, &first, &[0; 32]).unwrap_err(),
        VaultError::WrongDevice
    );
    let unknown = Vault::open_by_slot(vault.path(), "00000000", &SECRET).unwrap_err();
    assert_eq!(
        unknown,
        VaultError::UnknownSlot {
            id: "00000000".to_owned()
        }
    );
    assert_eq!(
        first.challenge.vault, second.challenge.vault,
        "a device shows which vault is meant"
    );
    assert_ne!(first.challenge.salt, second.challenge.salt);
}

#[test]
fn the_slot_of_another_implementation_opens() {
    let slot = parsed(recorded());
    let told = slot.info().unwrap();
    assert_eq!(
        (told.vendor, told.name.as_str(), told.id().as_str()),
        (Vendor::Ledger, "my Nano", "00010203")
    );
    let mut key = slot.open(&SECRET).unwrap();
    let expected: Vec<u8> = (0x40..0x60).collect();
    assert_eq!(key.bytes_mut(), expected);
    assert_eq!(
        serde_json::to_value(&slot).unwrap(),
        recorded(),
        "written as it was read"
    );
}

#[test]
fn no_part_of_a_slot_can_be_changed() {
    for (field, value) in [
        ("device", json!("trezor")),
        ("name", json!("my Nanp")),
        ("wallet", json!("73c5da0b")),
        ("path", json!("m/10011'/1129534541'")),
        ("vault", json!("1011223344556677")),
        ("salt", json!("ff".repeat(32))),
        ("created", json!(1_763_673_001)),
        ("ephemeral", recorded()["public"].clone()),
        ("public", recorded()["ephemeral"].clone()),
        ("nonce", json!("ff".repeat(24))),
        ("wrapped", json!("ff".repeat(48))),
        ("proof", json!("ff".repeat(32))),
    ] {
        let mut changed = recorded();
        changed[field] = value;
        assert!(parsed(changed).open(&SECRET).is_err(), "{field}");
    }
}

#[test]
fn a_removed_device_opens_the_copy_made_before_and_nothing_later() {
    let (_folder, vault) = vault();
    let (lost, kept) = (add(&vault, "lost", &SECRET), add(&vault, "kept", &OTHER));
    let copy = vault.path().with_extension("copy");
    fs::copy(vault.path(), &copy).unwrap();
    assert_eq!(
        vault.remove_slot(&lost.id(), "wrong").unwrap_err(),
        VaultError::WrongPassphrase
    );
    assert_eq!(vault.remove_slot(&lost.id(), PASSPHRASE).unwrap(), lost);
    assert_eq!(vault.slots(), [SlotInfo::Passphrase, SlotInfo::Device(kept.clone())]);
    assert!(by_device(&vault, &lost, &SECRET).is_err());
    make_key(&by_device(&vault, &kept, &OTHER).unwrap(), "later").unwrap();
    make_key(&Vault::open(vault.path(), PASSPHRASE).unwrap(), "later still").unwrap();
    let old = Sealed::parse(&fs::read(&copy).unwrap()).unwrap();
    let now = Sealed::parse(&fs::read(vault.path()).unwrap()).unwrap();
    let old_key = old.slots[1].device().unwrap().open(&SECRET).unwrap();
    assert!(old.content(&old_key).is_ok() && now.content(&old_key).is_err());
}

/// A public key is all that wrapping takes: the file tells it to everybody.
#[test]
fn a_vault_made_up_by_who_can_only_write_the_file_does_not_open() {
    let (_folder, vault) = vault();
    let slot = add(&vault, "a", &SECRET);
    let (_folder, theirs) = self::vault();
    make_key(&theirs, "fees").unwrap();
    let own_slot = add(&theirs, "a", &OTHER);
    let proof_key = theirs.state().content.proof_key(&own_slot).unwrap().clone();
    let wrapped = {
        let (ours, theirs) = (vault.state(), theirs.state());
        ours.slots[1]
            .device()
            .unwrap()
            .wrapping(&theirs.key, &proof_key)
            .unwrap()
    };
    write_slots(&theirs, |slots| slots.push(Slot::Device(wrapped)));
    fs::copy(theirs.path(), vault.path()).unwrap();
    let refused = by_device(&vault, &slot, &SECRET).unwrap_err();
    let damage = Damage::Header;
    assert!(
        matches!(&refused, VaultError::Damaged { damage: found, .. } if *found == damage),
        "{refused:?}"
    );
}

#[test]
fn what_proves_a_slot_goes_with_it() {
    let (_folder, vault) = vault();
    let slot = add(&vault, "a", &SECRET);
    assert!(vault.state().content.proof_key(&slot).is_some());
    vault.remove_slot(&slot.id(), PASSPHRASE).unwrap();
    assert!(vault.state().content.proof_key(&slot).is_none());
}

#[test]
fn a_device_is_not_added_where_the_file_would_be_damaged_by_it() {
    let (_folder, vault) = vault();
    let spare = info(&vault, "spare");
    write_slots(&vault, |slots| {
        slots.extend((0..63).map(|number| Slot::Other(json!({"kind": "passkey", "number": number}))));
    });
    let refused = vault.add_device_slot(&spare, &SECRET).unwrap_err();
    assert_eq!(refused, VaultError::TooManyDevices { max: 16 });
    assert!(Vault::open(vault.path(), PASSPHRASE).is_ok());
}

#[test]
fn the_passphrase_stays() {
    let (_folder, vault) = vault();
    add(&vault, "a", &SECRET);
    assert_eq!(
        vault.remove_slot(PASSPHRASE_SLOT, PASSPHRASE).unwrap_err(),
        VaultError::PassphraseStays
    );
    assert!(Vault::open(vault.path(), PASSPHRASE).is_ok());
}

#[test]
fn another_passphrase_leaves_devices_their_way_in_and_changes_the_data_key() {
    let (_folder, vault) = vault();
    let slot = add(&vault, "a", &SECRET);
    let old = Sealed::parse(&fs::read(vault.path()).unwrap()).unwrap();
    let old_key = old.key(PASSPHRASE).unwrap();
    vault.change_passphrase_with(PASSPHRASE, "new one", WEAK).unwrap();
    let now = Sealed::parse(&fs::read(vault.path()).unwrap()).unwrap();
    assert!(now.content(&old_key).is_err());
    assert!(by_device(&vault, &slot, &SECRET).is_ok());
    assert!(Vault::open(vault.path(), "new one").is_ok());
    make_key(&vault, "later").unwrap();
}

#[test]
fn slots_of_other_versions_outlive_every_change() {
    let (_folder, vault) = vault();
    let other = json!({"kind": "passkey", "strange": ["word", 1.50], "for": "word"});
    write_slots(&vault, |slots| slots.push(Slot::Other(other.clone())));
    let device = add(&vault, "a", &SECRET);
    vault.change_passphrase_with(PASSPHRASE, "new one", WEAK).unwrap();
    vault.remove_slot(&device.id(), "new one").unwrap();
    let kept = Sealed::parse(&fs::read(vault.path()).unwrap()).unwrap().slots;
    assert_eq!(kept[1..], [Slot::Other(other)]);
    let kind = "passkey".to_owned();
    assert_eq!(vault.slots(), [SlotInfo::Passphrase, SlotInfo::Unknown { kind }]);
    assert!(Vault::open(vault.path(), "new one").is_ok());
}

#[test]
fn a_device_slot_of_another_form_is_kept_and_opens_nothing() {
    let forms = [
        ("name", json!("n".repeat(49))),
        ("name", json!("two\nlines")),
        ("name", json!("")),
        ("wallet", json!("w".repeat(17))),
        ("wallet", json!("with space")),
        ("path", json!("m/".repeat(41))),
        ("vault", json!("0011")),
        ("salt", json!("00")),
        ("public", json!("05".repeat(33))),
        ("ephemeral", json!("")),
        ("nonce", json!("00")),
        ("wrapped", json!("00".repeat(47))),
        ("proof", json!("00".repeat(31))),
        ("device", json!("bitbox")),
        ("created", json!(-1)),
        ("more", json!("of a later version")),
    ];
    for (field, value) in forms {
        let (_folder, vault) = vault();
        let mut strange = recorded();
        strange[field] = value;
        write_slots(&vault, |slots| slots.insert(0, Slot::Other(strange.clone())));
        let opened = Vault::open(vault.path(), PASSPHRASE).unwrap();
        let kind = "device".to_owned();
        assert_eq!(
            opened.slots(),
            [SlotInfo::Unknown { kind }, SlotInfo::Passphrase],
            "{field}"
        );
        assert!(Vault::open_by_slot(vault.path(), "00010203", &SECRET).is_err());
        make_key(&opened, "a").unwrap();
        let file = fs::read_to_string(vault.path()).unwrap();
        assert!(file.contains(&strange.to_string()), "{field}");
    }
}

#[test]
fn a_hostile_number_of_slots_is_damage_and_many_devices_do_not_hide_the_passphrase() {
    let (_folder, vault) = vault();
    let device = Slot::Device(parsed(recorded()));
    write_slots(&vault, |slots| {
        for _ in 0..20 {
            slots.insert(0, device.clone());
        }
    });
    assert!(Vault::open(vault.path(), PASSPHRASE).is_ok());
    assert_eq!(vault.challenge().unwrap_err(), VaultError::TooManyDevices { max: 16 });
    let state = vault.state();
    let many: Vec<Slot> = std::iter::repeat_n(device, 65).collect();
    let (file, _) = seal::seal(&state.content.to_bytes(), &state.key, &many).unwrap();
    assert_eq!(Sealed::parse(&file).unwrap_err(), SealError::Damaged(Damage::Header));
}

#[test]
fn a_seventeenth_device_is_refused() {
    let (_folder, vault) = vault();
    let spare = info(&vault, "spare");
    for number in 0..16 {
        add(&vault, &format!("device {number}"), &SECRET);
    }
    let refused = vault.add_device_slot(&spare, &SECRET).unwrap_err();
    assert_eq!(refused, VaultError::TooManyDevices { max: 16 });
}

#[test]
fn a_name_that_is_none_is_refused_and_nothing_written() {
    let (_folder, vault) = vault();
    let before = fs::read(vault.path()).unwrap();
    let unnamed = vault.add_device_slot(&info(&vault, " "), &SECRET);
    assert!(matches!(unnamed, Err(VaultError::Label(_))), "{unnamed:?}");
    assert_eq!(fs::read(vault.path()).unwrap(), before);
}

#[test]
fn the_secret_is_neither_in_the_file_nor_in_debug_output() {
    let (_folder, vault) = vault();
    add(&vault, "a", &SECRET);
    let hex = "1f".repeat(32);
    assert!(!fs::read_to_string(vault.path()).unwrap().contains(&hex));
    let shown = format!("{vault:?}");
    assert!(!shown.contains(&hex) && !shown.contains("31, 31, 31"));
}
