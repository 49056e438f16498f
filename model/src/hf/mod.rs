//! Hugging Face's folder of a model, which is also what `stp` saves: any tool that reads those reads ours.

mod class;
mod config;
mod file;
mod reader;
mod survey;
mod writer;

pub(crate) use class::{Settled, first_token, settle};
pub(crate) use config::{describe, end_tokens, may_begin_texts, parse, set_type};
pub(crate) use file::TensorFile;
pub(crate) use reader::{SINGLE, Shards};
pub(crate) use survey::Survey;
pub(crate) use writer::{Precision, write_tensors, write_weights};
