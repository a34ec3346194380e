//! The oldest software of a device that is served, and what it was tried with. `docs/devices.md` has the same table.

use super::Kind;

/// Below these, commands or messages differ from those that were tried or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minimum {
    pub kind: Kind,
    /// `Trezor One`; none for every model.
    pub model: Option<&'static str>,
    /// `app`, `firmware`
    pub software: &'static str,
    /// Major and minor number.
    pub oldest: (u32, u32),
    /// The versions that were run.
    pub tried: &'static str,
}

/// Sources: `docs/adr/0001`, `docs/adr/0003`; app-bitcoin 1.6.6 was read, not run.
pub const MINIMUM: [Minimum; 3] = [
    Minimum {
        kind: Kind::Ledger,
        model: None,
        software: "app",
        oldest: (1, 6),
        tried: "2.4.6",
    },
    Minimum {
        kind: Kind::Trezor,
        model: Some("Trezor One"),
        software: "firmware",
        oldest: (1, 10),
        tried: "1.14.2",
    },
    Minimum {
        kind: Kind::Trezor,
        model: Some("Trezor Model T"),
        software: "firmware",
        oldest: (2, 4),
        tried: "2.4.1",
    },
];

/// The line of a model, none for one that is not served whatever its version.
pub fn minimum(kind: Kind, model: Option<&str>) -> Option<Minimum> {
    let mut lines = MINIMUM.into_iter().filter(|line| line.kind == kind);
    lines.find(|line| line.model.is_none() || line.model == model)
}

impl Minimum {
    /// `1.10`
    pub fn text(&self) -> String {
        format!("{}.{}", self.oldest.0, self.oldest.1)
    }

    /// False also for a version that is none.
    pub fn allows(&self, version: &str) -> bool {
        let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
        match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(major), Some(minor)) => (major, minor) >= self.oldest,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let line = minimum(Kind::Trezor, Some("Trezor One")).unwrap();
        for (version, allowed) in [
            ("1.9.4", false),
            ("1.10.0", true),
            ("1.14.2", true),
            ("2.0", true),
            ("", false),
            ("x.y", false),
        ] {
            assert_eq!(line.allows(version), allowed, "{version}");
        }
        assert_eq!(line.text(), "1.10");
        assert_eq!(minimum(Kind::Trezor, Some("Trezor Safe 3")), None);
        assert!(minimum(Kind::Ledger, Some("Nano X")).is_some());
    }

    #[test]
    fn the_documents_table_is_this_one() {
        let document = include_str!("../../docs/devices.md");
        for line in MINIMUM {
            let device = line.model.unwrap_or("every Ledger");
            let row = format!("| {device} | {} | {} | {} |", line.software, line.text(), line.tried);
            assert!(document.contains(&row), "{row}");
        }
    }

    #[test]
    fn the_documents_say_of_each_device_what_it_can() {
        let document = include_str!("../../docs/devices.md");
        let word = |can| match can {
            crate::hw::Can::Yes => "yes".to_owned(),
            crate::hw::Can::YesBut(limit) => format!("yes, but {limit}"),
            crate::hw::Can::No(reason) => format!("no: {reason}"),
        };
        let (ledger, trezor) = (
            crate::hw::abilities(Kind::Ledger, None),
            crate::hw::abilities(Kind::Trezor, None),
        );
        for (one, other) in ledger.iter().zip(&trezor) {
            let row = format!("| {} | {} | {} |", one.what, word(one.can), word(other.can));
            assert!(document.contains(&row), "{row}");
        }
    }
}
