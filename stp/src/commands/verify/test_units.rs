//! Units for the tests of this folder.

use super::unit::{Hashes, Place, Unit};

/// A row of standard input that is no claim.
pub(super) fn unit(id: &str) -> Unit {
    Unit { file: None, place: Place::Line(1), id: id.into(), part: None, work: Err("no".into()) }
}

pub(super) fn hashes() -> Hashes {
    Hashes { plain: "plain".into(), timeout: "timeout".into() }
}
