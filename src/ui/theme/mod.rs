//! How everything looks, by name: colours of the light and the dark theme, gaps, sizes, fonts.
//!
//! Widgets take their colours from [`colors`], which only asks whether a theme is dark; so they are right with any iced theme.

use iced::theme::Palette;
use iced::{Color, Font, Theme, color, font};

use crate::store::settings;

/// Text.
pub const UI: Font = Font::with_name("Inter");
/// Titles, labels, buttons.
pub const STRONG: Font = Font {
    weight: font::Weight::Semibold,
    ..UI
};
/// Hashes, addresses, keys.
pub const MONO: Font = Font::with_name("Fira Code");

/// The font files to load at the start; without them a machine without fonts draws no text.
pub const FONTS: [&[u8]; 3] = [
    include_bytes!("../../../assets/fonts/Inter-Regular.otf"),
    include_bytes!("../../../assets/fonts/Inter-SemiBold.otf"),
    include_bytes!("../../../assets/fonts/FiraCode-Regular.ttf"),
];

/// Distances in logical pixels.
pub struct Gap;

impl Gap {
    pub const XS: f32 = 4.0;
    pub const S: f32 = 8.0;
    pub const M: f32 = 16.0;
    pub const L: f32 = 24.0;
    pub const XL: f32 = 40.0;
}

/// Sizes of text in logical pixels.
pub struct Size;

impl Size {
    pub const SMALL: f32 = 12.0;
    pub const BODY: f32 = 14.0;
    pub const HEADING: f32 = 16.0;
    pub const TITLE: f32 = 24.0;
}

/// Roundness of cards and controls.
pub const RADIUS: f32 = 8.0;

/// The theme of a choice; the desktop decides only where the user did not.
pub fn of(choice: settings::Theme, system: iced::theme::Mode) -> Theme {
    match (choice, system) {
        (settings::Theme::Dark, _) | (settings::Theme::System, iced::theme::Mode::Dark) => dark(),
        _ => light(),
    }
}

pub fn light() -> Theme {
    Theme::custom("Castellan light", LIGHT.palette())
}

pub fn dark() -> Theme {
    Theme::custom("Castellan dark", DARK.palette())
}

/// The colours of one theme, by use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Colors {
    pub page: Color,
    pub card: Color,
    pub sidebar: Color,
    /// Fields and the ground of quiet things.
    pub sunken: Color,
    pub hover: Color,
    pub border: Color,
    pub text: Color,
    pub muted: Color,
    pub primary: Color,
    pub on_primary: Color,
    pub success: Color,
    pub warning: Color,
    pub danger: Color,
    pub on_danger: Color,
}

/// Contrast of text on its ground is at least 4.5 (WCAG AA) for every pair used; the test below counts it.
const LIGHT: Colors = Colors {
    page: color!(0xf4f6f9),
    card: color!(0xffffff),
    sidebar: color!(0xe9edf2),
    sunken: color!(0xf4f6f9),
    hover: color!(0xdde4ec),
    border: color!(0xccd3dc),
    text: color!(0x17202b),
    muted: color!(0x526071),
    primary: color!(0x1a5fc4),
    on_primary: color!(0xffffff),
    success: color!(0x16703f),
    warning: color!(0x8a5700),
    danger: color!(0xb3261e),
    on_danger: color!(0xffffff),
};

const DARK: Colors = Colors {
    page: color!(0x14181d),
    card: color!(0x1c2229),
    sidebar: color!(0x0f1318),
    sunken: color!(0x14181d),
    hover: color!(0x28313b),
    border: color!(0x36404b),
    text: color!(0xe6eaf0),
    muted: color!(0x9eabb9),
    primary: color!(0x6aa3f5),
    on_primary: color!(0x0b1626),
    success: color!(0x55cb92),
    warning: color!(0xe5b84b),
    danger: color!(0xf4837b),
    on_danger: color!(0x2a0907),
};

impl Colors {
    fn palette(&self) -> Palette {
        Palette {
            background: self.page,
            text: self.text,
            primary: self.primary,
            success: self.success,
            warning: self.warning,
            danger: self.danger,
        }
    }
}

pub fn colors(theme: &Theme) -> &'static Colors {
    if theme.extended_palette().is_dark {
        &DARK
    } else {
        &LIGHT
    }
}

/// How a word, chip or notice is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    Neutral,
    Info,
    Good,
    Warning,
    Bad,
}

impl Tone {
    pub fn color(self, theme: &Theme) -> Color {
        let colors = colors(theme);
        match self {
            Self::Neutral => colors.muted,
            Self::Info => colors.primary,
            Self::Good => colors.success,
            Self::Warning => colors.warning,
            Self::Bad => colors.danger,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_can_be_read_on_its_ground() {
        for colors in [&LIGHT, &DARK] {
            for ground in [colors.page, colors.card, colors.sidebar, colors.sunken] {
                for text in [
                    colors.text,
                    colors.muted,
                    colors.primary,
                    colors.success,
                    colors.warning,
                    colors.danger,
                ] {
                    let contrast = ground.relative_contrast(text);
                    assert!(contrast >= 4.5, "{text:?} on {ground:?}: {contrast}");
                }
            }
            assert!(colors.primary.relative_contrast(colors.on_primary) >= 4.5);
            assert!(colors.danger.relative_contrast(colors.on_danger) >= 4.5);
            assert!(colors.hover.relative_contrast(colors.text) >= 4.5);
        }
    }

    #[test]
    fn the_desktop_decides_only_where_the_user_did_not() {
        use iced::theme::Mode;
        assert_eq!(of(settings::Theme::System, Mode::Dark), dark());
        assert_eq!(of(settings::Theme::System, Mode::None), light());
        assert_eq!(of(settings::Theme::Light, Mode::Dark), light());
        assert!(colors(&dark()) != colors(&light()));
    }
}
