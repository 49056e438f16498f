//! A model over HTTP, in the requests and answers of OpenAI's API, so that programs of others can sample from it.
//!
//! Requests of several clients are drawn together by one [`Engine`](stp_model::Engine). What a sample says depends on its
//! prompt, its seed and its settings alone. Knows nothing of Lean: of `stp-verifier` it takes what every server of ours has
//! in front of its routes.

mod answer;
mod ask;
mod chat;
mod complete;
mod error;
mod metrics;
mod respond;
mod router;
mod server;
mod shared;
mod speech;
mod stream;
mod text;

pub use server::{ServeConfig, Server};
pub use shared::Served;

#[cfg(test)]
mod tests;
