//! Stand-in until hw lands.
use crate::hw::Kind;
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UdevError {
    #[error("there is no pkexec on this system")]
    NoPkexec,
    #[error("the password was not given")]
    Refused,
}
pub fn install(_: Kind) -> Result<(), UdevError> {
    Err(UdevError::NoPkexec)
}
impl crate::ui::advice::Advice for UdevError {
    fn advice(&self) -> Option<String> {
        None
    }
}
