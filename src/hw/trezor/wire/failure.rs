//! Failures the device answers with, and buttons it waits for, in our words.

use trezor_client::protos::button_request::ButtonRequestType;
use trezor_client::protos::failure::FailureType;
use trezor_client::protos::{ButtonRequest, Failure};

use super::coin::Coin;
use super::model::no_coin;
use crate::hw::{DeviceError, Kind, Look};

/// What a request was about, for the errors that concern it.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    pub coin: &'static Coin,
    pub model: &'a str,
    /// As people write it.
    pub path: String,
}

/// The reason a failure states.
pub fn error(failure: &Failure, context: &Context<'_>) -> DeviceError {
    let kind = Kind::Trezor;
    let code = failure.code.map_or(0, |code| code.value());
    match failure.code.and_then(|code| code.enum_value().ok()) {
        Some(FailureType::Failure_ActionCancelled) => DeviceError::Declined,
        Some(FailureType::Failure_PinInvalid) => DeviceError::PinWrong,
        Some(FailureType::Failure_PinCancelled | FailureType::Failure_PinExpected) => DeviceError::PinCancelled,
        Some(FailureType::Failure_NotInitialized) => DeviceError::NotInitialised { kind },
        Some(FailureType::Failure_InvalidSession) => DeviceError::SessionLost { kind },
        Some(FailureType::Failure_Busy | FailureType::Failure_InProgress) => DeviceError::Busy { kind },
        // The protocol of the Safe 7, which knows no Dash either.
        Some(FailureType::Failure_InvalidProtocol) => no_coin("Trezor Safe 7", context.coin),
        Some(FailureType::Failure_DataError) => data_error(failure, context).unwrap_or_else(|| other(code, failure)),
        _ => other(code, failure),
    }
}

/// There is one code for all of these; the firmware tells them apart by their text alone, before which a debug build names its source line.
fn data_error(failure: &Failure, context: &Context<'_>) -> Option<DeviceError> {
    let text = failure.message();
    if text.ends_with("Forbidden key path") {
        return Some(DeviceError::ForbiddenPath {
            kind: Kind::Trezor,
            path: context.path.clone(),
        });
    }
    let unknown = ["Invalid coin name", "Unsupported coin type"];
    let unknown = unknown.iter().any(|known| text.ends_with(known));
    unknown.then(|| no_coin(context.model, context.coin))
}

/// The device's own words, cut to what fits a line.
fn other(code: i32, failure: &Failure) -> DeviceError {
    let message = failure.message().chars().filter(|letter| !letter.is_control());
    DeviceError::Failure {
        kind: Kind::Trezor,
        code,
        message: message.take(200).collect(),
    }
}

/// What the user looks at while the device waits for its buttons.
pub fn look(request: &ButtonRequest) -> Look {
    match request.code.and_then(|code| code.enum_value().ok()) {
        Some(ButtonRequestType::ButtonRequest_Address) => Look::Address,
        Some(ButtonRequestType::ButtonRequest_ConfirmOutput) => Look::Output,
        Some(ButtonRequestType::ButtonRequest_FeeOverThreshold) => Look::Fee,
        Some(ButtonRequestType::ButtonRequest_SignTx) => Look::Payment,
        Some(ButtonRequestType::ButtonRequest_UnknownDerivationPath) => Look::UnusualPath,
        Some(ButtonRequestType::ButtonRequest_PinEntry) => Look::Pin,
        Some(ButtonRequestType::ButtonRequest_PassphraseEntry) => Look::Passphrase,
        Some(ButtonRequestType::ButtonRequest_ProtectCall) => Look::Locked,
        _ => Look::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::trezor::wire::coin;
    use crate::protocol::network::builtin;

    fn of(code: FailureType, message: &str) -> DeviceError {
        let mut failure = Failure::new();
        failure.set_code(code);
        failure.set_message(message.to_owned());
        let context = Context {
            coin: coin::of(&builtin("dash").unwrap()).unwrap(),
            model: "Trezor One",
            path: "m/9'/5'".to_owned(),
        };
        error(&failure, &context)
    }

    #[test]
    fn each_failure_has_its_reason() {
        let kind = Kind::Trezor;
        for (code, message, reason) in [
            (FailureType::Failure_ActionCancelled, "", DeviceError::Declined),
            (FailureType::Failure_PinInvalid, "", DeviceError::PinWrong),
            (FailureType::Failure_PinCancelled, "", DeviceError::PinCancelled),
            (
                FailureType::Failure_NotInitialized,
                "",
                DeviceError::NotInitialised { kind },
            ),
            (
                FailureType::Failure_InvalidSession,
                "",
                DeviceError::SessionLost { kind },
            ),
            (
                FailureType::Failure_DataError,
                "fsm_msg_coin.h:269:Forbidden key path",
                DeviceError::ForbiddenPath {
                    kind,
                    path: "m/9'/5'".to_owned(),
                },
            ),
        ] {
            assert_eq!(of(code, message), reason);
        }
        let unknown = of(FailureType::Failure_DataError, "Unsupported coin type");
        assert_eq!(unknown.to_string(), "the firmware of the Trezor One does not know Dash");
        let long = of(FailureType::Failure_ProcessError, &"x\n".repeat(1000));
        assert!(matches!(long, DeviceError::Failure { code: 9, message, .. } if message.len() == 200));
    }
}
