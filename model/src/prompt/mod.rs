//! Prompts as text: templates, rendered over a checkpoint's own tokenizer.
//!
//! A template is Jinja, as chat templates are. What its author wrote out may name special tokens; what is put in for
//! `{{ … }}` never becomes one, so that no statement can forge the end of a prompt. Models that begin with random numbers
//! have their markers as such texts; there is no other way to make a prompt.

mod marks;
mod task;
mod writer;

pub use task::{Fields, Task};
pub use writer::{Writer, template_uses};
