//! What servers are asked for, and what they say.

use std::path::PathBuf;
use std::time::Duration;

/// How often somebody who waits looks whether the user wants to stop.
pub(super) const LOOK: Duration = Duration::from_millis(100);

/// What to do when servers failed.
pub(super) const GO_ON: &str = "Everything up to here is kept; the same command again goes on from there.";

/// A checkpoint that servers are to sample from.
#[derive(Clone, Debug)]
pub struct ServedModel {
    /// Its name, such as `round-1`.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
}

/// A prompt as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// As text.
    Text(String),
    /// As tokens.
    Tokens(Vec<u32>),
}

/// A prompt and how many samples of it are wanted.
#[derive(Clone, Debug)]
pub struct ServedRequest {
    /// The prompt.
    pub prompt: Content,
    /// One sample for each seed.
    pub seeds: Vec<u64>,
    /// The longest answer in tokens.
    pub max_tokens: usize,
    /// The prompt's tokens here, if a server with the same tokenizer counts as many.
    pub tokens: Option<usize>,
}

/// How all of them are sampled.
#[derive(Clone, Debug)]
pub struct SamplingParameters {
    /// Softmax temperature.
    pub temperature: f32,
    /// Nucleus.
    pub top_p: f32,
    /// Texts that end an answer.
    pub stop: Vec<String>,
    /// Whether special tokens must be written out in answers, for one of these texts has one.
    pub show_special: bool,
}

/// A sample: its prompt's index, its seed's, and what was said.
#[derive(Clone, Debug, PartialEq)]
pub struct ServedSample {
    /// Index of the prompt.
    pub request: usize,
    /// Index of the seed.
    pub sample: usize,
    /// What was said.
    pub choice: Choice,
}

/// One text of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The text, which may have what ended it at its end.
    pub text: String,
    /// Whether the model ended it; otherwise the limit did.
    pub finished: bool,
    /// The sum of its tokens' log-probabilities, if the server says them.
    pub logprob: Option<f64>,
    /// How many tokens it has, if the server says that.
    pub tokens: Option<usize>,
}
