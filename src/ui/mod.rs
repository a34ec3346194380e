//! The window.

pub mod advice;
pub mod format;
pub mod theme;
pub mod widget;
