//! The dashboard of my masternodes and a masternode's own page.

use iced::Size;

use super::looks::check_of;
use super::support::{Fixture, assembled, entry, hash, overview, ready_device};
use crate::flow::overview::{Mine, Overview};
use crate::ui::{Message, masternodes};

/// So many, none of them mine.
pub fn nobodys(count: u32) -> Overview {
    assembled((0..count).map(entry).collect(), &Mine::default())
}

/// So many, all of them mine and well.
pub fn all_mine(count: u32) -> Overview {
    let mine = Mine {
        hashes: (0..count).map(hash).collect(),
    };
    assembled((0..count).map(entry).collect(), &mine)
}

/// Not compared by hash: only for eyes.
fn look(fixture: &Fixture, name: &str, size: Size) {
    if std::env::var_os(super::looks::PICTURES).is_some() {
        check_of(fixture, name, size);
    }
}

const SMALL: Size = Size::new(1000.0, 700.0);
const LARGE: Size = Size::new(1400.0, 900.0);

#[test]
fn the_dashboard_looks() {
    let mut fixture = Fixture::connected();
    fixture.device(ready_device());
    look(&fixture, "mine-loading", SMALL);
    fixture.list(nobodys(3));
    look(&fixture, "mine-locked", SMALL);
    fixture.list(overview(20));
    look(&fixture, "mine", SMALL);
    look(&fixture, "mine-large", LARGE);
    look(&fixture, "mine-narrow", Size::new(768.0, 700.0));
    fixture.list(all_mine(1));
    look(&fixture, "mine-one", SMALL);
    fixture.list(overview(20));
    fixture.send(Message::Masternodes(masternodes::Message::Open(hash(1))));
    look(&fixture, "mine-own", Size::new(1000.0, 1500.0));
}
