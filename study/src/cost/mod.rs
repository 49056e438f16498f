//! What a run will need, worked out from its settings before anything is started: memory, tokens, checks, time, money.
//!
//! All of it is arithmetic on the settings and on how much data there is. Where a number depends on what the model will
//! do, it rests on an assumption of [`Assumptions`], which is printed beside it.

mod memory;
mod time;
mod work;

pub use memory::{Memory, SamplingMemory, in_memory, memory, sampling_memory};
pub use time::{Hardware, Speeds, Times, times};
pub use work::{Assumptions, Data, Work, work};
