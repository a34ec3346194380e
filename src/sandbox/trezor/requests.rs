//! Keys, addresses and signed texts.

use bitcoin::base58;
use protobuf::MessageField;
use trezor_client::protos::button_request::ButtonRequestType;
use trezor_client::protos::failure::FailureType;
use trezor_client::protos::{
    Address, GetAddress, GetPublicKey, HDNodeType, MessageSignature, MessageType, PublicKey, SignMessage,
};

use super::Model;
use super::coin::{self, Coin};
use super::device::{Device, Done, data_error, fail, parse};
use super::keys::Wallet;
use super::packet::Message;
use crate::protocol::KeyId;
use crate::protocol::message::message_hash;

/// Bytes of a text to sign.
const MAX_TEXT: usize = 1024;
/// Characters of a text on one screen of a One.
const PAGE: usize = 64;

impl Device {
    pub(super) async fn request(&mut self, kind: MessageType, message: &Message) -> Done<()> {
        match kind {
            MessageType::MessageType_GetPublicKey => self.get_public_key(&parse(message)?).await,
            MessageType::MessageType_GetAddress => self.get_address(&parse(message)?).await,
            MessageType::MessageType_SignMessage => self.sign_message(&parse(message)?).await,
            MessageType::MessageType_SignTx => self.sign_tx(&parse(message)?).await,
            MessageType::MessageType_CipherKeyValue => self.cipher_key_value(&parse(message)?).await,
            _ => fail(FailureType::Failure_UnexpectedMessage, "Unexpected message"),
        }
    }

    pub(super) fn coin(&self, name: &str) -> Done<Coin> {
        let unknown = match self.options.model {
            Model::One => "Invalid coin name",
            Model::T | Model::Safe3 => "Unsupported coin type",
        };
        coin::by_name(name)
            .filter(|_| self.options.model != Model::Safe3)
            .ok_or_else(|| data_error(unknown))
    }

    async fn get_public_key(&mut self, request: &GetPublicKey) -> Done<()> {
        let coin = self.coin(request.coin_name())?;
        let wallet = self.wallet().await?;
        let node = wallet
            .public(&request.address_n)
            .ok_or_else(|| data_error("Failed to derive"))?;
        let mut written = node.encode();
        written[..4].copy_from_slice(&coin.xpub);
        let mut told = HDNodeType::new();
        told.set_depth(u32::from(node.depth));
        told.set_fingerprint(u32::from_be_bytes(node.parent_fingerprint.to_bytes()));
        told.set_child_num(u32::from(node.child_number));
        told.set_chain_code(node.chain_code.to_bytes().to_vec());
        told.set_public_key(node.public_key.serialize().to_vec());
        let mut answer = PublicKey::new();
        answer.node = MessageField::some(told);
        answer.set_xpub(base58::encode_check(&written));
        answer.set_root_fingerprint(wallet.fingerprint());
        self.send(&answer).await
    }

    async fn get_address(&mut self, request: &GetAddress) -> Done<()> {
        let coin = self.coin(request.coin_name())?;
        let wallet = self.wallet().await?;
        let address = own_address(&coin, &wallet, &request.address_n)?;
        if request.show_display() {
            // The other button does not refuse: it turns to the QR code and back. Only the host can cancel.
            while !self
                .decide(
                    ButtonRequestType::ButtonRequest_Address,
                    "Confirm address",
                    address.clone(),
                )
                .await?
            {}
        }
        let mut answer = Address::new();
        answer.set_address(address);
        self.send(&answer).await
    }

    async fn sign_message(&mut self, request: &SignMessage) -> Done<()> {
        if request.message().len() > MAX_TEXT {
            return Err(data_error("bytes overflow"));
        }
        let coin = self.coin(request.coin_name())?;
        let wallet = self.wallet().await?;
        let address = own_address(&coin, &wallet, &request.address_n)?;
        let text = String::from_utf8_lossy(request.message()).into_owned();
        let other = ButtonRequestType::ButtonRequest_Other;
        if self.options.model == Model::One {
            self.confirm(other, "Sign message with", address.clone()).await?;
            let letters: Vec<char> = text.chars().collect();
            for page in letters.chunks(PAGE) {
                self.confirm(other, "Sign message", page.iter().collect()).await?;
            }
        } else {
            self.confirm(other, "Sign message", text).await?;
        }
        let digest = message_hash(coin::MAGIC, request.message());
        let signature = wallet
            .sign_compact(&request.address_n, digest)
            .ok_or_else(|| data_error("Failed to derive"))?;
        let mut answer = MessageSignature::new();
        answer.set_address(address);
        answer.set_signature(signature.as_bytes().to_vec());
        self.send(&answer).await
    }
}

/// The address of a path the coin may use.
fn own_address(coin: &Coin, wallet: &Wallet, path: &[u32]) -> Done<String> {
    if !coin.allows(path) {
        return Err(data_error("Forbidden key path"));
    }
    let key = wallet.key(path).ok_or_else(|| data_error("Failed to derive"))?;
    Ok(coin.key_address(&KeyId::of(&key).0))
}
