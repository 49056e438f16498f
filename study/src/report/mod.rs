//! What a run has come to: a table for people, and a page of charts.

mod automation;
mod browser;
mod compare;
mod failure;
mod failures;
mod funnel;
mod gather;
mod headline;
mod kept;
mod page;
mod progress;
mod rates;
mod recorded;
mod sampled;
mod shown;
mod slow;
mod table;
mod topics;
mod training;

pub use failure::{FailureKind, classify, failed_tactic};
pub use funnel::GoalFunnel;
pub use gather::RunPage;
pub use page::page;
pub(crate) use progress::progress;
pub(crate) use recorded::statements;
pub use recorded::{RecordedRun, gathered, write};
pub use table::{Report, Row};
pub use training::METRICS;
