//! What a run has come to: a table for people, and a page of charts.

mod browser;
mod gather;
mod page;
mod recorded;
mod sampled;
mod table;

pub use gather::RunPage;
pub use page::page;
pub(crate) use recorded::statements;
pub use recorded::{RecordedRun, gathered, write};
pub use table::{Report, Row};
