//! Experiments: a matrix of arms and seeds, played to the end, with one table and one plot for each claim.

mod automation;
mod cells;
mod costs;
mod file;
mod matrix;
mod measure;
mod play;
mod plot;
mod recorded;
mod results;
mod stage1;
mod state;
mod svg;
mod told;
mod took;
mod write;

pub use automation::Tried;
pub use cells::{Cell, Stage1};
pub use costs::Cost;
pub use file::{Arm, Automation, Claim, Evaluate, ExperimentFile, Metric};
pub use matrix::Experiment;
pub use measure::{Along, FinishedRun, Point};
pub use play::{EventsOf, Player, Told};
pub use results::{ArmRow, Results};
pub use told::StudyEvent;
