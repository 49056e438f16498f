//! How asking a process can end.

use serde::de::DeserializeOwned;
use serde_json::Value;
use stp_datasets::Status;

use crate::protocol::VerifierError;

/// What is left of a request when a process was lost.
#[derive(Debug)]
pub(super) struct Gone {
    pub(super) status: Status,
    pub(super) reason: String,
}

/// An answer, or how it was lost; outside of both, why Lean cannot be asked at all.
pub(super) type Asked<T> = Result<Result<T, Gone>, VerifierError>;

/// Goes on with what a process answered, or ends with how it was lost.
macro_rules! or_gone {
    ($asked:expr) => {
        match $asked.await? {
            Ok(answer) => answer,
            Err(gone) => return Ok(Err(gone)),
        }
    };
}
pub(super) use or_gone;

/// What a process said, in the form that its question has answers in.
pub(super) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Gone> {
    T::deserialize(value).map_err(|error| Gone {
        status: Status::Crashed,
        reason: format!("the Lean process's answer is unreadable: {error}"),
    })
}

pub(super) fn unreadable() -> Gone {
    Gone { status: Status::Crashed, reason: "the checker gave no verdict".to_owned() }
}
