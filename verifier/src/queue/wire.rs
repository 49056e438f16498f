//! What goes over the wire, as JSON, and through which queue if none is named.

use serde::{Deserialize, Serialize};

use crate::cache::RULES;
use crate::protocol::{QueueError, Reply, Request};

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
    /// The number of the judge's rules under which it was given; an older worker does not tell.
    #[serde(default)]
    pub(crate) rules: Option<u32>,
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

impl Answer {
    /// The reply, if the worker judges as `toolchain`, or whoever was first, does, under the rules of this program.
    ///
    /// # Errors
    /// [`QueueError`] if it does not.
    pub(crate) fn taken(self, toolchain: &mut Option<String>) -> Result<Reply, QueueError> {
        let Self { toolchain: found, rules, worker, reply } = self;
        if rules != Some(RULES) {
            let found = rules.map_or("older ones".to_owned(), |rules| format!("those of number {rules}"));
            return Err(QueueError::OtherRules { worker, found, wanted: RULES });
        }
        let wanted = toolchain.get_or_insert_with(|| found.clone());
        if *wanted != found {
            return Err(QueueError::OtherToolchain { worker, found, wanted: wanted.clone() });
        }
        Ok(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(toolchain: &str, rules: &str) -> Answer {
        let text = format!(
            r#"{{"toolchain": "{toolchain}", {rules} "worker": "host:1", "reply": {{"signatures": [null]}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn answers_of_workers_that_judge_otherwise_are_refused() {
        let (own, mut toolchain) = (format!("\"rules\": {RULES},"), None);
        for (rules, words) in
            [("", "older ones"), ("\"rules\": null,", "older ones"), ("\"rules\": 1,", "number 1")]
        {
            let error = answer("Lean 4", rules).taken(&mut toolchain).unwrap_err();
            assert!(matches!(error, QueueError::OtherRules { .. }), "{error}");
            let error = error.to_string();
            assert!(
                error.contains("host:1") && error.contains(words) && error.contains("same version"),
                "{error}"
            );
        }
        assert_eq!(toolchain, None, "what is refused does not say which Lean is wanted");
        assert!(matches!(answer("Lean 4", &own).taken(&mut toolchain), Ok(Reply::Signatures(_))));
        assert_eq!(toolchain.as_deref(), Some("Lean 4"));
        let error = answer("Lean 3", &own).taken(&mut toolchain).unwrap_err();
        assert!(matches!(error, QueueError::OtherToolchain { .. }), "{error}");
    }

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
