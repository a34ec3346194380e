//! Operations that go from machine to machine as files: each role signs where its key is, and nothing a file says is believed.

use std::sync::Arc;

use bitcoin::ScriptBuf;
use bitcoin::hashes::Hash;
use castellan::flow::choice::{FeeSource, OneUse, OperatorChoice, VotingChoice};
use castellan::flow::operation::{self, Base, FileError, Flaw, MAX_FILE, Operation, Role, Signer};
use castellan::flow::update::{self, Change, Draft};
use castellan::flow::{Error, Ports, register, resume};
use castellan::protocol::bls::SecretKey;
use castellan::protocol::special_tx::Payload;
use castellan::protocol::{Address, Amount, KeyId, OutPoint, Transaction, TxIn, TxOut};
use castellan::rpc::fake::FakeNode;
use castellan::store::Kind;
use castellan::store::journal::State;
use serde_json::Value;

use crate::owned::{NETWORKS, changes};
use crate::update::{new_address, new_operator, new_payout, revocation};
use crate::world::{World, names, run, told};

/// Two machines at one chain: this one owns the masternode, the other one holds the fee key that pays.
struct Pair {
    here: World,
    there: World,
}

impl Pair {
    fn new(network: &str) -> Self {
        let mut here = World::owning(network);
        here.chain.spend(here.fee_coin);
        let mut there = World::new(network);
        let fees = there.key_id("fees");
        there.fee_coin = here.chain.pay(fees, Amount::from_coins(1));
        let mut pair = Self { here, there };
        pair.share();
        pair
    }

    fn share(&mut self) {
        self.there.chain.entries = self.here.chain.entries.clone();
        self.there.chain.coins = self.here.chain.coins.clone();
        self.there.chain.transactions = self.here.chain.transactions.clone();
    }

    /// Planned here, paid from there.
    fn draft(&self, change: Change) -> Draft {
        Draft {
            fee_from: FeeSource::Elsewhere(self.there.key_id("fees").address()),
            ..self.here.change(change)
        }
    }

    /// Exported with the payload's signature.
    async fn exported(&self, change: Change) -> Operation {
        let (ports, node) = self.here.ports();
        let plan = update::prepare(&ports, &self.draft(change)).await.unwrap();
        let roles: Vec<Role> = plan.review.missing.iter().map(|missing| missing.role).collect();
        assert_eq!(roles, [Role::Fee]);
        let (exported, _) = run(&ports, &node, update::export(ports.clone(), plan)).await;
        assert_eq!(told(&node), []);
        exported.unwrap()
    }
}

fn import(ports: &Ports, operation: &Operation) -> Result<Operation, Error> {
    operation::import(ports, &[operation.to_file()])
}

async fn sign_here(ports: &Ports, node: &FakeNode, operation: Operation) -> Result<Operation, Error> {
    run(ports, node, operation::sign_here(ports.clone(), operation, None))
        .await
        .0
}

async fn complete(ports: &Ports, node: &FakeNode, operation: Operation) -> Result<operation::Outcome, Error> {
    run(ports, node, operation::run(ports.clone(), operation, None)).await.0
}

#[tokio::test]
async fn owner_or_operator_here_and_the_fee_there_which_sends_it() {
    for network in NETWORKS {
        let pair = Pair::new(network);
        for change in [new_payout(), new_address(&pair.here), revocation()] {
            let file = pair.exported(change).await;
            assert!(file.payload_signature.is_some() && file.input_scripts.is_none());
            let (ports, node) = pair.there.ports();
            let read = import(&ports, &file).unwrap();
            assert!(!read.planned_here);
            let review = update::review(&ports, &read, None).await.unwrap();
            assert_eq!((review.failure(), review.missing.as_slice()), (None, &[][..]));
            assert!(review.fields.iter().any(castellan::flow::update::Field::changes));
            assert!(!review.consequences.is_empty());
            let outcome = complete(&ports, &node, read).await.unwrap();
            assert_eq!(outcome.pro_tx_hash, pair.here.hash());
            assert_eq!(node.broadcasts(), [outcome.tx]);
            assert_eq!(pair.there.journal.list().unwrap()[0].state(), State::Mined);
        }
    }
}

#[tokio::test]
async fn an_operation_that_comes_back_complete_goes_on_where_it_was_begun() {
    for network in NETWORKS {
        let pair = Pair::new(network);
        let file = pair.exported(new_operator(OperatorChoice::New)).await;
        assert_eq!(names(&pair.here.operation()), ["planned", "signed"]);
        let (there, node) = pair.there.ports();
        let read = import(&there, &file).unwrap();
        let back = sign_here(&there, &node, read).await.unwrap();
        assert_eq!((back.unsigned_roles(), told(&node)), (vec![], vec![]));

        let (here, node) = pair.here.ports();
        // In any order, and with its own copy beside it.
        let texts = [back.to_file(), file.to_file()];
        let merged = operation::import(&here, &texts).unwrap();
        assert_eq!(
            merged,
            operation::import(&here, &[texts[1].clone(), texts[0].clone()]).unwrap()
        );
        assert!(merged.planned_here);
        let outcome = complete(&here, &node, merged.clone()).await.unwrap();
        let events = ["planned", "signed", "finished", "broadcasting", "sent", "mined"];
        assert_eq!(names(&pair.here.operation()), events);
        assert_eq!(node.broadcasts(), [outcome.tx]);
    }
}

#[tokio::test]
async fn what_was_sent_already_and_is_imported_once_more_is_awaited_not_begun_again() {
    let mut pair = Pair::new("dash-regtest");
    let file = pair.exported(new_payout()).await;
    let (there, node) = pair.there.ports();
    let back = sign_here(&there, &node, import(&there, &file).unwrap()).await.unwrap();
    let gone = castellan::rpc::RpcError::Busy {
        url: "http://node".into(),
    };
    pair.here.chain.broadcast = Some(Err(gone.clone()));
    let (here, node) = pair.here.ports();
    let lost = complete(&here, &node, import(&here, &back).unwrap()).await;
    assert_eq!(lost.err(), Some(Error::Node(gone)));
    assert_eq!(pair.here.operation().state(), State::Broadcasting);
    pair.here.chain.broadcast = None;
    let (here, node) = pair.here.ports();
    let outcome = complete(&here, &node, import(&here, &back).unwrap()).await.unwrap();
    assert_eq!(node.broadcasts(), [outcome.tx]);
    assert_eq!(pair.here.operation().state(), State::Mined);
}

#[tokio::test]
async fn planned_where_the_fee_is_signed_where_the_operator_is_and_sent_from_the_first() {
    for network in NETWORKS {
        let pair = Pair::new(network);
        // The machine with the fee key plans; it cannot sign anything before the payload is signed.
        let (there, node) = pair.there.ports();
        let draft = Draft {
            fee_from: FeeSource::Key("fees".into()),
            ..pair.here.change(new_address(&pair.here))
        };
        let plan = update::prepare(&there, &draft).await.unwrap();
        let (file, _) = run(&there, &node, update::export(there.clone(), plan)).await;
        let file = file.unwrap();
        assert_eq!(file.unsigned_roles(), [Role::Operator, Role::Fee]);
        let (here, node_here) = pair.here.ports();
        let signed = sign_here(&here, &node_here, import(&here, &file).unwrap())
            .await
            .unwrap();
        assert_eq!(signed.unsigned_roles(), [Role::Fee]);
        assert_eq!(names(&pair.here.operation()), ["planned", "signed"]);
        let back = import(&there, &signed).unwrap();
        let outcome = complete(&there, &node, back).await.unwrap();
        assert_eq!(pair.there.operation().state(), State::Mined);
        // What it brought was written down: a crash before the end would not have lost it.
        assert_eq!(names(&pair.there.operation())[..3], ["planned", "signed", "finished"]);
        assert_eq!(node.broadcasts(), [outcome.tx]);
    }
}

#[tokio::test]
async fn a_registration_with_the_device_here_and_the_fee_there() {
    for network in NETWORKS {
        let pair = Pair::new(network);
        let (here, node) = pair.here.ports();
        let draft = register::Draft {
            fee_from: FeeSource::Elsewhere(pair.there.key_id("fees").address()),
            operator: OperatorChoice::Foreign(SecretKey::from_bytes(&[77; 32]).unwrap().public_key()),
            voting: VotingChoice::SameAsOwner,
            ..pair.here.draft()
        };
        let plan = register::prepare(&here, draft).await.unwrap();
        let (file, _) = run(&here, &node, register::export(here.clone(), plan)).await;
        let file = file.unwrap();
        assert_eq!(pair.here.signatures_asked(), 1);
        let (mut there, node) = pair.there.ports();
        there.device = None;
        let read = import(&there, &file).unwrap();
        let review = update::review(&there, &read, None).await.unwrap();
        assert_eq!((review.masternode, review.missing.as_slice()), (None, &[][..]));
        let outcome = complete(&there, &node, read).await.unwrap();
        assert_eq!(outcome.pro_tx_hash, outcome.txid);
        assert_eq!(pair.there.signatures_asked(), 0);

        // A registration whose text the device of another key would sign is refused before the device is asked.
        let mut other = file.clone();
        other.payload_signature = None;
        other.signer = Signer::Collateral {
            key: KeyId([7; 20]),
            path: "m/44'/1'/0'/0/5".into(),
        };
        let (ports, node) = pair.there.ports();
        let read = import(&ports, &other).unwrap();
        let role = Role::Collateral;
        let error = sign_here(&ports, &node, read).await.err();
        assert_eq!(error, Some(Flaw::OtherSigner { role }.into()));
        assert_eq!(pair.there.signatures_asked(), 0);
    }
}

#[tokio::test]
async fn a_file_reads_back_as_it_was_written_for_every_kind_and_signature() {
    for network in NETWORKS {
        let pair = Pair::new(network);
        let (there, node) = pair.there.ports();
        for change in [new_payout(), new_address(&pair.here), revocation()] {
            let signed = pair.exported(change).await;
            let complete = sign_here(&there, &node, import(&there, &signed).unwrap())
                .await
                .unwrap();
            let bare = Operation {
                payload_signature: None,
                ..signed.clone()
            };
            for operation in [bare, signed, complete] {
                let text = operation.to_file();
                let read = Operation::from_file(&text, &pair.here.profile).unwrap();
                let expected = Operation {
                    planned_here: false,
                    ..operation
                };
                assert_eq!((read.to_file(), &read), (text.clone(), &expected));
                assert!(text.ends_with("}\n") && !text.contains("plannedHere"));
            }
        }
    }
}

#[tokio::test]
async fn texts_that_are_no_operation() {
    let pair = Pair::new("dash-regtest");
    let good = pair.exported(new_payout()).await.to_file();
    let read = |text: &str| Operation::from_file(text, &pair.there.profile).expect_err("it must be refused");
    let with = |at: &str, value: Value| {
        let mut json: Value = serde_json::from_str(&good).unwrap();
        *json.pointer_mut(at).unwrap_or_else(|| panic!("{at}")) = value;
        read(&json.to_string())
    };
    let added = |name: &str, value: Value| {
        let mut json: Value = serde_json::from_str(&good).unwrap();
        json.as_object_mut().unwrap().insert(name.into(), value);
        read(&json.to_string())
    };
    assert_eq!(with("/version", 2.into()), FileError::Newer { version: 2 });
    assert_eq!(with("/version", 0.into()), FileError::Malformed { field: "version" });
    assert_eq!(
        added("plannedHere", true.into()),
        FileError::Malformed { field: "plannedHere" }
    );
    for (at, value, field) in [
        ("/kind", "steal".into(), "kind"),
        ("/transaction", "00".into(), "transaction"),
        ("/inputs/0/outpoint", "x:1".into(), "inputs.outpoint"),
        ("/inputs/0/script", "zz".into(), "inputs.script"),
        ("/signer/key", "00".into(), "signer.key"),
        ("/signatures/payload", "zz".into(), "signatures.payload"),
    ] {
        assert_eq!(with(at, value), FileError::Malformed { field });
    }
    let number = |value: Value| with("/inputs/0/value", value);
    for value in [
        serde_json::json!(-1),
        serde_json::json!(1.5),
        serde_json::json!(1e300),
        "1".into(),
    ] {
        assert!(matches!(number(value), FileError::NotOne { .. }));
    }
    let network = with("/network", "wei-regtest".into());
    assert_eq!(
        network,
        FileError::Flawed(Flaw::OtherNetwork {
            network: "wei-regtest".into()
        })
    );
    let kind = with("/kind", "revoke".into());
    assert_eq!(kind, FileError::Flawed(Flaw::OtherType { kind: "revoke" }));

    let deep = format!("{{\"format\":{}", "[".repeat(200_000));
    let deeper = good.replacen("{", &format!("{{\"x\":{}{},", "[".repeat(5_000), "]".repeat(5_000)), 1);
    let noisy = good.replacen("{", &format!("{{\"\\u001b]0;{}\":1,", "x".repeat(5_000)), 1);
    for text in [
        "",
        "{}",
        "null",
        "[1]",
        "\u{0}",
        &good[..good.len() / 2],
        &deep,
        &deeper,
        &noisy,
    ] {
        let FileError::NotOne { reason } = read(text) else {
            panic!("{:.40}", text)
        };
        assert!(reason.len() <= 220 && !reason.contains('\u{1b}'), "{reason}");
    }
    assert_eq!(read(&" ".repeat(MAX_FILE + 1)), FileError::TooLarge);
    let (ports, _) = pair.there.ports();
    assert!(matches!(
        operation::import(&ports, &[]),
        Err(Error::Handover(FileError::NotOne { .. }))
    ));
}

/// With other inputs, the payload committing to them.
fn with_inputs(operation: &Operation, spent: &[(OutPoint, Amount, ScriptBuf)]) -> Operation {
    let mut changed = operation.clone();
    changed.payload_signature = None;
    changed.input_scripts = None;
    let outpoints = spent.iter().map(|(outpoint, ..)| *outpoint);
    changed.unsigned.inputs = outpoints.map(TxIn::unsigned).collect();
    let stated = changed.inputs[0].clone();
    let inputs = spent.iter().map(|(outpoint, value, script)| {
        let mut input = stated.clone();
        (input.outpoint, input.value, input.script) = (*outpoint, value.duffs(), script.clone());
        input
    });
    changed.inputs = inputs.collect();
    let mut payload = Payload::of(&changed.unsigned).unwrap();
    payload.set_inputs_hash(changed.unsigned.inputs_hash());
    payload.attach(&mut changed.unsigned);
    changed
}

#[tokio::test]
async fn files_that_were_tampered_with_are_found_out_without_a_chain() {
    let pair = Pair::new("dash-regtest");
    let (there, node) = pair.there.ports();
    let signed = pair.exported(new_payout()).await;
    let complete = sign_here(&there, &node, import(&there, &signed).unwrap())
        .await
        .unwrap();
    let flaw = |operation: &Operation| match import(&there, operation) {
        Err(Error::Handover(FileError::Flawed(flaw))) => flaw,
        other => panic!("{other:?}"),
    };
    let bad = |role| Flaw::BadSignature { role };

    let mut output = complete.clone();
    output.unsigned.outputs[0].value -= 1;
    assert_eq!(flaw(&output), bad(Role::Fee));
    let mut payload = signed.clone();
    let Ok(Payload::ProUpReg(mut changed)) = Payload::of(&payload.unsigned) else {
        panic!("a ProUpRegTx")
    };
    changed.payout = Address::PubkeyHash([0x66; 20]).script();
    changed.attach(&mut payload.unsigned);
    assert_eq!(flaw(&payload), bad(Role::Owner));
    let mut signer = signed.clone();
    signer.signer = Signer::Owner { key: KeyId([1; 20]) };
    assert_eq!(flaw(&signer), bad(Role::Owner));
    let mut of_other = signed.clone();
    of_other.payload_signature.as_mut().unwrap()[40] ^= 1;
    assert_eq!(flaw(&of_other), bad(Role::Owner));
    let mut short = signed.clone();
    short.payload_signature.as_mut().unwrap().pop();
    assert_eq!(flaw(&short), bad(Role::Owner));
    let mut before = complete.clone();
    before.payload_signature = None;
    assert_eq!(flaw(&before), Flaw::InputsBeforePayload);
    let mut none = complete.clone();
    none.input_scripts = Some(vec![]);
    assert_eq!(flaw(&none), bad(Role::Fee));
    let mut inside = signed.clone();
    inside.unsigned = complete.assembled().unwrap();
    assert_eq!(flaw(&inside), Flaw::NotBare);

    let mut absurd = signed.clone();
    absurd.unsigned.outputs[0].value = 1_000_000;
    assert!(matches!(flaw(&absurd), Flaw::AbsurdFee { .. }));
    let mut negative = signed.clone();
    negative.unsigned.outputs[0].value = -1;
    assert_eq!(flaw(&negative), Flaw::Overspent);
    let mut empty = signed.clone();
    empty.inputs[0].value = 1;
    assert_eq!(flaw(&empty), Flaw::Overspent);
    let mut huge = signed.clone();
    huge.inputs[0].value = u64::MAX;
    assert!(matches!(flaw(&huge), Flaw::AbsurdFee { .. }));
    let thief = KeyId([0x13; 20]).address();
    let mut stolen = signed.clone();
    stolen
        .unsigned
        .outputs
        .push(TxOut::new(Amount::from_duffs(1_000), thief.script()));
    stolen.unsigned.outputs[0].value -= 1_000;
    let to = thief.to_text(&pair.there.profile);
    assert_eq!(flaw(&stolen), Flaw::PaysElsewhere { to });
    let mut unlisted = signed.clone();
    unlisted.inputs.clear();
    assert_eq!(flaw(&unlisted), Flaw::OtherInputs);

    // Two coins, listed in another order than they are spent in.
    let fees = pair.there.key_id("fees").address().script();
    let coin = |n: u8| {
        let txid = bitcoin::Txid::from_byte_array([n; 32]);
        (OutPoint { txid, vout: 0 }, Amount::from_duffs(50_000_000), fees.clone())
    };
    let mut swapped = with_inputs(&signed, &[coin(1), coin(2)]);
    swapped.inputs.swap(0, 1);
    assert_eq!(flaw(&swapped), Flaw::OtherInputs);
    // One that could have been, and one too many for any block.
    let many: Vec<_> = (0..900u32)
        .map(|vout| (OutPoint { vout, ..coin(1).0 }, coin(1).1, fees.clone()))
        .collect();
    assert!(matches!(flaw(&with_inputs(&signed, &many)), Flaw::TooLarge { .. }));
    let more: Vec<_> = (0..10_000u32)
        .map(|vout| (OutPoint { vout, ..coin(1).0 }, coin(1).1, fees.clone()))
        .collect();
    let refused = import(&there, &with_inputs(&signed, &more));
    assert_eq!(refused.err(), Some(Error::Handover(FileError::TooLarge)));
}

/// What the chain says about an imported operation; nothing is signed on either way.
async fn refused(pair: &Pair, operation: &Operation) -> Error {
    let (ports, node) = pair.there.ports();
    let read = import(&ports, operation).unwrap();
    let reviewed = update::review(&ports, &read, None).await;
    let signed = sign_here(&ports, &node, read.clone()).await;
    let sent = complete(&ports, &node, read).await;
    let error = sent.expect_err("it must not be sent");
    assert_eq!(signed.expect_err("nor signed"), error);
    match reviewed {
        Err(first) => assert_eq!(first, error),
        Ok(review) => assert_eq!(Error::Rule(review.failure().unwrap().clone()), error),
    }
    assert_eq!((told(&node), pair.there.journal.list().unwrap()), (vec![], vec![]));
    error
}

#[tokio::test]
async fn files_that_lie_about_the_chain_are_found_out_before_anything_is_signed() {
    let mut pair = Pair::new("dash-regtest");
    let fees = pair.there.key_id("fees");
    let (own, script) = (pair.there.fee_coin, fees.address().script());
    let guarded = pair.here.chain.pay(fees, Amount::from_coins(1_000));
    let listed = pair.here.chain.pay(fees, Amount::from_coins(1));
    pair.here.chain.entries[2].collateral = listed;
    let thief = pair.here.chain.pay(KeyId([0x13; 20]), Amount::from_coins(1));
    pair.share();
    let signed = pair.exported(new_payout()).await;
    let coin = Amount::from_coins(1);

    let mut amount = with_inputs(&signed, &[(own, Amount::from_duffs(99_990_000), script.clone())]);
    amount.unsigned.outputs[0].value = 99_980_000;
    let (stated, found) = (Amount::from_duffs(99_990_000), coin);
    let flaw = Flaw::OtherAmount {
        outpoint: own,
        stated,
        found,
    };
    assert_eq!(refused(&pair, &amount).await, flaw.into());
    let lied = with_inputs(&signed, &[(thief, coin, script.clone())]);
    assert_eq!(refused(&pair, &lied).await, Flaw::OtherOwner { outpoint: thief }.into());
    let mut big = with_inputs(&signed, &[(guarded, Amount::from_coins(1_000), script.clone())]);
    big.unsigned.outputs[0].value = 999_9999_0000;
    assert_eq!(
        refused(&pair, &big).await,
        Flaw::SpendsCollateral { outpoint: guarded }.into()
    );
    let backing = with_inputs(&signed, &[(listed, coin, script.clone())]);
    assert_eq!(
        refused(&pair, &backing).await,
        Flaw::SpendsCollateral { outpoint: listed }.into()
    );

    // The thief's own coin beside the victim's, and everything to the thief.
    let to_thief = KeyId([0x13; 20]).address().script();
    let mut mixed = with_inputs(&signed, &[(thief, coin, to_thief.clone()), (own, coin, script.clone())]);
    mixed.unsigned.outputs[0] = TxOut::new(Amount::from_duffs(199_990_000), to_thief);
    let (ports, _) = pair.there.ports();
    assert_eq!(import(&ports, &mixed).err(), Some(Flaw::SeveralFeeKeys.into()));

    let spent = OutPoint { vout: 7, ..own };
    let missing = with_inputs(&signed, &[(spent, coin, script.clone())]);
    let error = refused(&pair, &missing).await;
    assert_eq!(error.reason(), Some("bad-txns-inputs-missingorspent"));
    let mut hash = with_inputs(&signed, &[(own, coin, script.clone())]);
    let Ok(Payload::ProUpReg(mut payload)) = Payload::of(&hash.unsigned) else {
        panic!("a ProUpRegTx")
    };
    payload.inputs_hash = [9; 32];
    payload.attach(&mut hash.unsigned);
    assert_eq!(refused(&pair, &hash).await.reason(), Some("bad-protx-inputs-hash"));
    let mut signer = with_inputs(&signed, &[(own, coin, script.clone())]);
    signer.signer = Signer::Owner { key: fees };
    let role = Role::Owner;
    assert_eq!(refused(&pair, &signer).await, Flaw::OtherSigner { role }.into());

    // What it was planned from is another by now; a file that keeps silent about it still shows it in its review.
    pair.here.mine().state.voting = Some(KeyId([0x56; 20]));
    pair.share();
    let error = refused(&pair, &signed).await;
    assert!(matches!(error, Error::ChangedMeanwhile { .. }), "{error:?}");
    let silent = Operation {
        base: Base::default(),
        ..signed
    };
    let (ports, _) = pair.there.ports();
    let review = update::review(&ports, &silent, None).await.unwrap();
    let changed: Vec<_> = review.fields.iter().filter(|field| field.changes()).collect();
    assert_eq!(changed.len(), 2, "{changed:?}");
}

#[tokio::test]
async fn coins_of_an_owner_or_voting_key_pay_no_fee_whatever_a_file_asks_for() {
    let mut pair = Pair::new("dash-regtest");
    pair.there.make(Kind::Owner, "mn7-owner");
    let owner = pair.there.key_id("mn7-owner");
    let coin = pair.here.chain.pay(owner, Amount::from_coins(1));
    pair.share();
    let signed = pair.exported(new_payout()).await;
    let mut asked = with_inputs(&signed, &[(coin, Amount::from_coins(1), owner.address().script())]);
    asked.unsigned.outputs[0].script = owner.address().script();
    let (here, node) = pair.here.ports();
    let asked = sign_here(&here, &node, import(&here, &asked).unwrap()).await.unwrap();
    assert_eq!(asked.unsigned_roles(), [Role::Fee]);
    let (ports, node) = pair.there.ports();
    let read = import(&ports, &asked).unwrap();
    let review = update::review(&ports, &read, None).await.unwrap();
    assert_eq!(review.missing[0].role, Role::Fee);
    let left = sign_here(&ports, &node, read.clone()).await.unwrap();
    assert_eq!(left.input_scripts, None);
    assert!(matches!(
        complete(&ports, &node, read).await,
        Err(Error::SignatureElsewhere { role: Role::Fee, .. })
    ));
    assert_eq!(told(&node), []);
}

#[tokio::test]
async fn the_nodes_wallet_signs_nothing_that_was_planned_elsewhere_however_often_it_passes_through() {
    for network in NETWORKS {
        let mut pair = Pair::new(network);
        let wallet = pair.here.chain.wallet.0.key_id();
        let coin = pair.here.chain.pay(wallet, Amount::from_coins(1));
        pair.share();
        let signed = pair.exported(new_payout()).await;
        let mut theft = with_inputs(&signed, &[(coin, Amount::from_coins(1), wallet.address().script())]);
        theft.fee_from_wallet = true;
        theft.unsigned.outputs[0] = TxOut::new(Amount::from_duffs(99_990_000), KeyId([0x13; 20]).address().script());
        let (ports, node) = pair.here.ports();
        for _ in 0..2 {
            let read = import(&ports, &theft).unwrap();
            assert!(!read.planned_here);
            // The owner's part is signed; the journal has the operation now.
            let passed = sign_here(&ports, &node, read.clone()).await.unwrap();
            assert_eq!(passed.unsigned_roles(), [Role::Fee]);
            let error = complete(&ports, &node, passed.clone()).await.err();
            assert!(
                matches!(error, Some(Error::SignatureElsewhere { role: Role::Fee, .. })),
                "{error:?}"
            );
            for entry in pair.here.journal.unfinished().unwrap() {
                let _ = run(&ports, &node, resume::resume(ports.clone(), entry.id)).await;
            }
            theft.payload_signature = passed.payload_signature;
        }
        assert_eq!(told(&node), [], "{network}");
    }
}

#[tokio::test]
async fn a_wallet_paid_operation_that_was_planned_here_comes_back_and_is_paid() {
    let mut pair = Pair::new("dash-regtest");
    let wallet = pair.there.chain.wallet.0.clone();
    let coin = pair.here.chain.pay(wallet.key_id(), Amount::from_coins(1));
    let found = pair.here.chain.coin(coin).clone();
    pair.share();
    pair.there.chain.wallet.1.push(found);
    let (there, node) = pair.there.ports();
    let draft = Draft {
        fee_from: FeeSource::NodeWallet,
        ..pair.here.change(new_payout())
    };
    let plan = update::prepare(&there, &draft).await.unwrap();
    let (file, _) = run(&there, &node, update::export(there.clone(), plan)).await;
    let file = file.unwrap();
    let (here, other) = pair.here.ports();
    let signed = sign_here(&here, &other, import(&here, &file).unwrap()).await.unwrap();
    assert_eq!(signed.unsigned_roles(), [Role::Fee]);
    let back = import(&there, &signed).unwrap();
    assert!(back.planned_here);
    // The wallet's answer, as it would sign.
    let mut tx = back.assembled().unwrap();
    let digest = tx.sighash_all(0, wallet.key_id().address().script().as_bytes());
    let key = wallet.public_key().serialize();
    tx.inputs[0].script_sig = castellan::protocol::script::script_sig(&wallet.sign_der(&digest), &key);
    let node = node.with_wallet_sign(Ok(tx.clone()));
    let outcome = complete(&there, &node, back).await.unwrap();
    assert_eq!(outcome.tx, tx);
    assert_eq!(pair.there.operation().state(), State::Mined);
}

#[tokio::test]
async fn of_what_was_planned_here_nothing_but_signatures_is_taken_from_a_file() {
    let pair = Pair::new("dash-regtest");
    let file = pair.exported(new_payout()).await;
    let (here, _) = pair.here.ports();
    let mut silent = file.clone();
    silent.base = Base::default();
    assert_eq!(import(&here, &silent).err(), Some(Flaw::NotTheSame.into()));
    assert!(import(&here, &file).unwrap().planned_here);
}

#[tokio::test]
async fn copies_of_different_operations_or_with_different_signatures_are_not_merged() {
    let pair = Pair::new("dash-regtest");
    let one = pair.exported(new_payout()).await;
    let other = pair.exported(revocation()).await;
    let (ports, _) = pair.there.ports();
    let both = operation::import(&ports, &[one.to_file(), other.to_file()]);
    assert_eq!(both.err(), Some(Flaw::NotTheSame.into()));
    let mut changed = one.clone();
    changed.payload_signature.as_mut().unwrap()[7] ^= 1;
    let role = Role::Owner;
    assert_eq!(one.clone().merge(changed), Err(Flaw::Conflict { role }));
    let bare = Operation {
        payload_signature: None,
        ..one.clone()
    };
    assert_eq!(
        bare.merge(one.clone()).unwrap().payload_signature,
        one.payload_signature
    );
}

#[tokio::test]
async fn a_key_pasted_where_the_operator_is_signs_its_part() {
    let mut pair = Pair::new("wei-regtest");
    let once = OneUse::parse(&"09".repeat(32)).unwrap();
    pair.here.mine().state.name_operator(&once.public_key());
    pair.share();
    let (there, node) = pair.there.ports();
    let draft = Draft {
        fee_from: FeeSource::Key("fees".into()),
        ..pair.here.change(new_address(&pair.here))
    };
    let plan = update::prepare(&there, &draft).await.unwrap();
    let (file, _) = run(&there, &node, update::export(there.clone(), plan)).await;
    // A machine with no vault at all.
    let (mut bare, other) = pair.here.ports();
    bare.vault = None;
    let read = import(&bare, &file.unwrap()).unwrap();
    let signing = operation::sign_here(bare.clone(), read, Some(once));
    let signed = run(&bare, &other, signing).await.0.unwrap();
    assert_eq!(signed.unsigned_roles(), [Role::Fee]);
    let outcome = complete(&there, &node, import(&there, &signed).unwrap()).await.unwrap();
    assert!(changes_service(&outcome.tx));
}

fn changes_service(tx: &Transaction) -> bool {
    matches!(Payload::of(tx), Ok(Payload::ProUpServ(_)))
}

#[tokio::test]
async fn what_it_shows_is_the_chains_whatever_the_file_was_planned_from() {
    let pair = Pair::new("dash-regtest");
    let (plan_ports, _) = pair.here.ports();
    let plan = update::prepare(&plan_ports, &pair.draft(new_payout())).await.unwrap();
    let file = pair.exported(new_payout()).await;
    let (mut ports, _) = pair.there.ports();
    ports.device = None;
    ports.journal = Arc::clone(&pair.there.journal);
    let review = update::review(&ports, &import(&ports, &file).unwrap(), None)
        .await
        .unwrap();
    assert_eq!(review.fields, plan.review.fields);
    assert_eq!(review.consequences, plan.review.consequences);
    assert_eq!((review.fee, &review.change), (plan.review.fee, &plan.review.change));
    assert_eq!(changes(&plan).len(), 1);
}
