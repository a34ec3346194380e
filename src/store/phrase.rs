//! The recovery phrase (BIP-0039, English): the one thing on paper from which all generated keys come again.
//!
//! No BIP-0039 passphrase is used; the seed is that of the words alone.

use std::fmt;

use bip39::{Language, Mnemonic};
use thiserror::Error;
use zeroize::Zeroizing;

use super::secret::SecretBytes;

/// Words of a phrase made here.
pub const WORDS: usize = 24;

/// Why a text is not a recovery phrase. Words are never repeated: a mistyped one gives nearly all of it away.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PhraseError {
    #[error("{found} words instead of 12, 15, 18, 21 or 24")]
    WordCount { found: usize },
    /// Counted from 1, as people count.
    #[error("word {position} is not in the list of words")]
    UnknownWord { position: usize },
    #[error("the words do not belong together: the checksum does not match")]
    Checksum,
    #[error("the system has no random numbers")]
    NoRandomness,
}

/// A recovery phrase. Wiped when dropped; `Debug` prints nothing, and it is shown only by [`Phrase::text`].
#[derive(Clone)]
pub struct Phrase(Box<Mnemonic>);

impl Phrase {
    /// Makes one of 24 words from the system's randomness.
    ///
    /// # Errors
    /// [`PhraseError::NoRandomness`]
    pub fn generate() -> Result<Self, PhraseError> {
        let mut entropy = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *entropy).map_err(|_| PhraseError::NoRandomness)?;
        Self::from_entropy(&*entropy).ok_or(PhraseError::NoRandomness)
    }

    /// Reads the words, in any case and with any space between them.
    ///
    /// # Errors
    /// Their number, an unknown word, or the checksum.
    pub fn parse(text: &str) -> Result<Self, PhraseError> {
        // Lowered in place: a lowered copy may grow and leave parts behind.
        let mut text = Zeroizing::new(text.to_owned());
        text.make_ascii_lowercase();
        Mnemonic::parse_in_normalized(Language::English, &text)
            .map(|words| Self(Box::new(words)))
            .map_err(|error| match error {
                bip39::Error::BadWordCount(found) => PhraseError::WordCount { found },
                bip39::Error::UnknownWord(index) => PhraseError::UnknownWord { position: index + 1 },
                _ => PhraseError::Checksum,
            })
    }

    /// Bytes the words stand for: 16 to 32, in steps of 4.
    pub(crate) fn from_entropy(entropy: &[u8]) -> Option<Self> {
        Mnemonic::from_entropy_in(Language::English, entropy)
            .ok()
            .map(|words| Self(Box::new(words)))
    }

    pub(crate) fn entropy(&self) -> SecretBytes {
        let (entropy, length) = self.0.to_entropy_array();
        SecretBytes::new(&Zeroizing::new(entropy)[..length])
    }

    /// The words, one space between them. To be shown once and written on paper.
    pub fn text(&self) -> Zeroizing<String> {
        // No word is longer than 8 letters: one allocation.
        let mut text = Zeroizing::new(String::with_capacity(9 * WORDS));
        for word in self.0.words() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
        text
    }

    /// The 64-byte seed of all trees.
    pub fn seed(&self) -> Seed {
        let mut seed = Seed(Box::new(Zeroizing::new([0; 64])));
        **seed.0 = self.0.to_seed_normalized("");
        seed
    }
}

impl fmt::Debug for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phrase(..)")
    }
}

/// What BIP-0039 makes of a phrase. Wiped when dropped; prints nothing.
pub struct Seed(Box<Zeroizing<[u8; 64]>>);

impl Seed {
    pub(crate) fn as_slice(&self) -> &[u8] {
        &**self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::secret::to_hex;

    const ZEROS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                         abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";

    #[test]
    fn a_new_phrase_has_24_words_and_reads_back() {
        let phrase = Phrase::generate().unwrap();
        let text = phrase.text();
        assert_eq!(text.split(' ').count(), WORDS);
        assert_eq!(*Phrase::parse(&text).unwrap().text(), *text);
        assert_ne!(*Phrase::generate().unwrap().text(), *text);
        assert_eq!(format!("{phrase:?} {:?}", phrase.seed()), "Phrase(..) Seed(..)");
    }

    #[test]
    fn the_seed_is_the_one_bip_39_gives() {
        // python -c 'hashlib.pbkdf2_hmac("sha512", words, b"mnemonic", 2048)'
        let phrase = Phrase::parse(ZEROS).unwrap();
        assert_eq!(
            *to_hex(phrase.seed().as_slice()),
            "408b285c123836004f4b8842c89324c1f01382450c0d439af345ba7fc49acf70\
             5489c6fc77dbd4e3dc1dd8cc6bc9f043db8ada1e243c4a0eafb290d399480840"
        );
        assert_eq!(phrase.entropy().as_slice(), [0; 32]);
    }

    #[test]
    fn capitals_and_line_breaks_do_not_matter() {
        let text = ZEROS.to_uppercase().replace(' ', "\n ");
        assert_eq!(*Phrase::parse(&text).unwrap().text(), ZEROS);
    }

    #[test]
    fn a_mistake_is_named_without_the_word() {
        assert_eq!(
            Phrase::parse("abandon abandon").unwrap_err(),
            PhraseError::WordCount { found: 2 }
        );
        let wrong = ZEROS.replacen("abandon", "abandonn", 1);
        assert_eq!(
            Phrase::parse(&wrong).unwrap_err(),
            PhraseError::UnknownWord { position: 1 }
        );
        let swapped = ZEROS.replace("art", "abandon");
        assert_eq!(Phrase::parse(&swapped).unwrap_err(), PhraseError::Checksum);
        assert!(Phrase::parse("").is_err());
    }
}
