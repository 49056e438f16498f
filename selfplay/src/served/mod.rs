//! Sampling by servers of others that speak OpenAI's protocol: vLLM, SGLang, llama.cpp, `transformers serve`.
//!
//! A request is held by one thread at a time and its answer comes whole or not at all, so no sample is lost and none comes
//! twice, whatever the servers do. This room knows prompts and texts; what they mean is `context`'s.

mod client;
mod health;
mod protocol;
mod queue;
mod reload;
mod request;
mod retry;
mod servers;
#[cfg(test)]
pub(crate) mod test;
#[cfg(test)]
mod tests;
mod trouble;
mod watch;

pub use self::request::{Choice, Content, SamplingParameters, ServedModel, ServedRequest, ServedSample};
pub use self::servers::Served;
