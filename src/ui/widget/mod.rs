//! The parts screens are made of. Looks are decided here and in `theme`, never beside a screen.

pub mod area;
pub mod badge;
pub mod button;
pub mod card;
pub mod divider;
pub mod fact;
pub mod field;
pub mod hint;
pub mod notice;
pub mod option;
pub mod overlay;
pub mod progress;
pub mod row;
pub mod segments;
pub mod steps;
pub mod text;
pub mod tick;

pub use area::area;
pub use badge::{badge, dot};
pub use button::{Weight, danger_button, nav_button, primary_button, secondary_button, text_button, wide_button};
pub use card::{card, choice, page, panel, scroll, scroll_style};
pub use divider::divider;
pub use fact::{fact, fact_copied, fact_mono};
pub use field::{Field, SecretField, SecretText, input, secret_input};
pub use hint::hint;
pub use notice::{error_notice, framed, info, not_ready_notice, notice, problem, success, warning};
pub use option::{option, option_of, options};
pub use overlay::overlay;
pub use progress::{Progress, progress_list};
pub use row::{copy_row, key_element, key_value, table_header, table_row};
pub use segments::segments;
pub use steps::step_indicator;
pub use text::{body, heading, help, label, mono, muted, strong, title, toned};
pub use tick::tick;
