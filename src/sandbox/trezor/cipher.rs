//! `CipherKeyValue` (SLIP-0011): AES-256-CBC under a key made of path, text and both flags.

use aes::Aes256;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use trezor_client::protos::button_request::ButtonRequestType;
use trezor_client::protos::{CipherKeyValue, CipheredKeyValue};

use super::device::{Device, Done, data_error};

const BLOCK: usize = 16;
const MAX: usize = 1024;

impl Device {
    pub(super) async fn cipher_key_value(&mut self, request: &CipherKeyValue) -> Done<()> {
        if request.value().len() > MAX {
            return Err(data_error("bytes overflow"));
        }
        if !request.value().len().is_multiple_of(BLOCK) {
            return Err(data_error("Value length must be a multiple of 16"));
        }
        let wallet = self.wallet().await?;
        let asks = if request.encrypt() {
            request.ask_on_encrypt()
        } else {
            request.ask_on_decrypt()
        };
        if asks {
            let title = if request.encrypt() {
                "Encrypt value of this key?"
            } else {
                "Decrypt value of this key?"
            };
            self.confirm(ButtonRequestType::ButtonRequest_Other, title, request.key().to_owned())
                .await?;
        }
        let flag = |name: &str, set: bool| format!("{name}{}", u8::from(set));
        let text = format!(
            "{}{}{}",
            request.key(),
            flag("E", request.ask_on_encrypt()),
            flag("D", request.ask_on_decrypt())
        );
        let made = wallet
            .seal_key(&request.address_n, &text)
            .ok_or_else(|| data_error("Failed to derive"))?;
        let (key, rest) = made.split_at(32);
        let vector = match request.iv() {
            given if given.len() == BLOCK => given,
            _ => &rest[..BLOCK],
        };
        let mut answer = CipheredKeyValue::new();
        answer.set_value(chained(key, vector, request.encrypt(), request.value()));
        self.send(&answer).await
    }
}

/// Cipher block chaining; `key` has 32 bytes, `vector` 16.
fn chained(key: &[u8], vector: &[u8], encrypt: bool, value: &[u8]) -> Vec<u8> {
    let aes = Aes256::new_from_slice(key).expect("32 bytes");
    let mut last = vector.to_vec();
    let mut out = Vec::with_capacity(value.len());
    for given in value.chunks_exact(BLOCK) {
        let mut block = Array::try_from(given).expect("16 bytes");
        if encrypt {
            block.iter_mut().zip(&last).for_each(|(byte, mask)| *byte ^= mask);
            aes.encrypt_block(&mut block);
            last = block.to_vec();
        } else {
            aes.decrypt_block(&mut block);
            block.iter_mut().zip(&last).for_each(|(byte, mask)| *byte ^= mask);
            last = given.to_vec();
        }
        out.extend_from_slice(&block);
    }
    out
}
