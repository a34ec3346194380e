//! What a device asks, on the terminal: the positions of a PIN, a passphrase, both without echo; and what to look at.

use std::io::IsTerminal;
use std::thread;

use futures::channel::oneshot;
use futures::future::BoxFuture;
use zeroize::Zeroizing;

use super::output::Output;
use crate::hw::{Answer, Asker, Kind, Question};

/// A number pad seen from the host: which key is which place on the device's screen.
const PAD: &str = "\
    7 8 9      the keys of a number pad stand for the
    4 5 6      places on the device's screen; the digits
    1 2 3      are shown there only";

/// Whoever sits before the terminal.
pub struct Terminal {
    output: Output,
}

impl Terminal {
    pub fn new(output: Output) -> Self {
        Self { output }
    }
}

impl Asker for Terminal {
    fn ask(&self, question: Question) -> BoxFuture<'_, Option<Answer>> {
        let output = self.output;
        let (answer, answered) = oneshot::channel();
        // Reading a terminal cannot be cancelled; the thread ends with the line, or with the program.
        let asking = thread::Builder::new().spawn(move || {
            // Nobody waits any more: what was typed is thrown away.
            let _ = answer.send(answer_of(&question, output));
        });
        if let Err(error) = asking {
            output.progress(&format!("the question cannot be asked: {error}"));
        }
        Box::pin(async move { answered.await.ok().flatten() })
    }
}

fn answer_of(question: &Question, output: Output) -> Option<Answer> {
    match question {
        Question::Button { kind, look } => {
            output.progress(&format!("on the {kind}: {}", look.sentence()));
            Some(Answer::Seen)
        }
        _ if !std::io::stdin().is_terminal() => {
            output.progress("the device asks for a PIN or passphrase: run this on a terminal");
            None
        }
        Question::Pin { kind } => pin(*kind, output),
        Question::Passphrase {
            kind,
            on_device_possible,
            wallet,
        } => passphrase(*kind, *on_device_possible, wallet.as_deref(), output),
    }
}

fn pin(kind: Kind, output: Output) -> Option<Answer> {
    output.progress(&format!(
        "the {kind} shows nine digits; type where those of your PIN stand:\n\n{PAD}\n"
    ));
    let pin = hidden("PIN (places): ")?;
    let places = pin.bytes().all(|digit| matches!(digit, b'1'..=b'9'));
    if pin.is_empty() || !places {
        output.progress("those are no places of the pad");
        return None;
    }
    Some(Answer::Pin(pin))
}

fn passphrase(kind: Kind, on_device: bool, wallet: Option<&str>, output: Output) -> Option<Answer> {
    let hint = if on_device {
        ", or @ to enter it on the device"
    } else {
        ""
    };
    output.progress(&format!(
        "the {kind} asks for the passphrase of the wallet; nothing for the standard wallet{hint}"
    ));
    let text = hidden("passphrase of the device: ")?;
    if on_device && *text == "@" {
        return Some(Answer::PassphraseOnDevice);
    }
    // Any text opens a wallet: a slip of the finger would open an empty one.
    if wallet.is_none() && !text.is_empty() && hidden("once more: ")? != text {
        output.progress("the two are not the same");
        return None;
    }
    Some(Answer::Passphrase(text))
}

fn hidden(prompt: &str) -> Option<Zeroizing<String>> {
    rpassword::prompt_password(prompt).ok().map(Zeroizing::new)
}
