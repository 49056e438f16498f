//! Files and folders that appear whole or not at all: written or fetched beside their place, checked, and renamed.
//!
//! [`write`] and [`replace`] are for what this program writes; [`once`], [`run_client`] and [`Checksum`] for packages that
//! their ordinary client fetches (`npm`, `pip`) and that several processes may want at the same time.

mod checksum;
mod client;
mod draft;
mod once;

pub use checksum::{Checksum, ChecksumError};
pub use client::{ClientError, run_client};
pub use draft::{beside, remove, replace, write};
pub use once::{once, size_of};
