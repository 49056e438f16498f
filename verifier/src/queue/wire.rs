//! What goes over the wire, as JSON, and through which queue if none is named.

use serde::{Deserialize, Serialize};

use crate::protocol::{Reply, Request};

/// The name that stream, consumer and bucket begin with, if none is given.
pub const DEFAULT_QUEUE: &str = "stp";

/// Limits under which a request wants to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// Wall-clock limit of a check, in milliseconds.
    pub(crate) timeout_ms: u64,
    /// Lean's own limit.
    pub(crate) max_heartbeats: u64,
}

/// A request as it waits in the stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Question {
    /// The key of its answer: the client's name, a dot, a number.
    pub(crate) id: String,
    pub(crate) limits: Limits,
    pub(crate) request: Request,
}

/// An answer as it lies in the bucket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// The version of the Lean that gave it.
    pub(crate) toolchain: String,
    /// Host and process of the worker.
    pub(crate) worker: String,
    pub(crate) reply: Reply,
}

impl Question {
    /// Whether the id can be a key of the bucket.
    pub(crate) fn is_sound(&self) -> bool {
        let part =
            |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        self.id.len() <= 100
            && self.id.split_once('.').is_some_and(|(client, number)| part(client) && part(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_keys() {
        let limits = Limits { timeout_ms: 1, max_heartbeats: 1 };
        let sound = |id: &str| {
            Question { id: id.to_owned(), limits, request: Request::Signatures(Vec::new()) }.is_sound()
        };
        assert!(sound("c0ffee-1.17"));
        for id in ["", "x", ".1", "a.", "a.>", "a.*", "a b.1", "a.1.2", "../x"] {
            assert!(!sound(id), "{id}");
        }
    }
}
