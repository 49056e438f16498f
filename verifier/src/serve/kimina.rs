//! The requests and answers of the Kimina Lean server: `/api/check`, and the older `/verify`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::admission::Place;
use super::answer::ApiError;
use super::batch::{self, Row, Settled};
use super::body::Body;
use super::shared::Shared;
use crate::protocol::{FileMessage, FileOutcome, FileReport, Sorry, VerifierError};

/// What the fields of a snippet are called, by both protocols and in the rows of `stp verify`; the first that it has
/// counts.
const ID: [&str; 3] = ["id", "custom_id", "name"];
const CHECK_CODE: [&str; 4] = ["code", "full_code", "proof", "full_proof"];
const VERIFY_CODE: [&str; 4] = ["proof", "code", "full_code", "full_proof"];

#[derive(Deserialize)]
pub(super) struct CheckRequest {
    #[serde(deserialize_with = "batch::rows")]
    snippets: Vec<Row>,
    timeout: Option<f64>,
    debug: Option<bool>,
    infotree: Option<Value>,
}

#[derive(Deserialize)]
pub(super) struct VerifyRequest {
    #[serde(deserialize_with = "batch::rows")]
    codes: Vec<Row>,
    timeout: Option<f64>,
    infotree_type: Option<Value>,
}

/// Seconds that a snippet gets if its request does not say.
const CHECK_TIMEOUT: f64 = 30.0;
const VERIFY_TIMEOUT: f64 = 300.0;

/// What the REPL says of a command. It always names an environment; every snippet starts from a clean one.
#[derive(Serialize)]
struct ReplAnswer {
    env: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<FileMessage>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sorries: Vec<Sorry>,
}

/// The answer to one snippet.
struct Answer {
    id: Value,
    seconds: f64,
    result: Result<FileReport, String>,
}

/// `POST /api/check`
pub(super) async fn check(
    State(shared): State<Arc<Shared>>,
    Body(request): Body<CheckRequest>,
) -> Result<Json<Value>, ApiError> {
    refuse_infotree("infotree", request.infotree.as_ref())?;
    let timeout = request.timeout.unwrap_or(CHECK_TIMEOUT);
    let answers = run(&shared, "snippets", &request.snippets, &CHECK_CODE, timeout).await?;
    let debug = request.debug.unwrap_or(false);
    let results: Vec<_> = answers.into_iter().map(|answer| answer.check(debug)).collect();
    Ok(Json(json!({ "results": results })))
}

/// `POST /verify`
pub(super) async fn verify(
    State(shared): State<Arc<Shared>>,
    Body(request): Body<VerifyRequest>,
) -> Result<Json<Value>, ApiError> {
    refuse_infotree("infotree_type", request.infotree_type.as_ref())?;
    let timeout = request.timeout.unwrap_or(VERIFY_TIMEOUT);
    let answers = run(&shared, "codes", &request.codes, &VERIFY_CODE, timeout).await?;
    let results: Vec<_> = answers.into_iter().map(Answer::verify).collect();
    Ok(Json(json!({ "results": results })))
}

fn refuse_infotree(field: &str, value: Option<&Value>) -> Result<(), ApiError> {
    match value {
        None => Ok(()),
        Some(_) => Err(ApiError::bad(format!("`{field}`: this server gives no info trees; leave it out"))),
    }
}

async fn run(
    shared: &Shared,
    field: &str,
    rows: &[Row],
    names: &[&str],
    timeout: f64,
) -> Result<Vec<Answer>, ApiError> {
    let asked = Duration::try_from_secs_f64(timeout)
        .map_err(|_| ApiError::bad("`timeout` must be a number of seconds, zero or more"))?;
    let limit = asked.min(shared.config.max_timeout);
    let codes: Vec<_> = rows.iter().map(|row| code(shared, row, names)).collect();
    let places = shared.admit(field, codes.len(), codes.iter().flatten().count())?;
    let mut places = places.into_iter();
    let work = codes.into_iter().map(|code| code.map(|code| one(shared, code, limit, places.next())));
    let outcomes = batch::each(work.collect()).await?;
    Ok(rows.iter().zip(outcomes).map(|(row, outcome)| Answer::new(shared, row, outcome)).collect())
}

fn code<'a>(shared: &Shared, row: &'a Row, names: &[&str]) -> Result<&'a str, String> {
    let code = row.text(names)?.ok_or_else(|| row.lacks("`code` or `proof`"))?;
    shared.check_size("text", code)?;
    Ok(code)
}

async fn one(
    shared: &Shared,
    code: &str,
    limit: Duration,
    place: Option<Place>,
) -> Result<FileOutcome, VerifierError> {
    let began = Instant::now();
    let outcome = shared.pool.run_file(code, limit).await?;
    drop(place);
    shared.metrics.answered("check", name(&outcome), began.elapsed());
    Ok(outcome)
}

fn name(outcome: &FileOutcome) -> &'static str {
    match outcome {
        FileOutcome::Done(report) if report.messages.iter().any(|message| message.severity == "error") => {
            "lean_error"
        }
        FileOutcome::Done(report) if !report.sorries.is_empty() => "sorry",
        FileOutcome::Done(_) => "valid",
        FileOutcome::TimedOut(_) => "timeout",
        FileOutcome::Crashed(_) => "crashed",
    }
}

impl Answer {
    fn new(shared: &Shared, row: &Row, outcome: Settled<FileOutcome>) -> Self {
        let (seconds, result) = match outcome {
            Settled::Done(FileOutcome::Done(report)) => (f64::from(report.elapsed_ms) / 1000.0, Ok(report)),
            // Clients of the Kimina server know a timeout by the words `timed out`.
            Settled::Done(FileOutcome::TimedOut(ms)) => {
                let seconds = ms as f64 / 1000.0;
                (seconds, Err(format!("Lean timed out: no answer within {seconds} seconds")))
            }
            Settled::Done(FileOutcome::Crashed(reason)) => {
                (0.0, Err(format!("the Lean process died of this text: {reason}")))
            }
            Settled::Malformed(reason) => {
                shared.metrics.malformed("check");
                (0.0, Err(format!("malformed: {reason}")))
            }
            Settled::Unanswered(reason) => (0.0, Err(reason)),
        };
        Self { id: row.id(&ID), seconds, result }
    }

    fn check(self, debug: bool) -> Value {
        let mut object = json!({ "id": self.id, "time": self.seconds });
        match self.result {
            Ok(report) => {
                if let (true, Some(rss)) = (debug, report.rss) {
                    object["diagnostics"] = json!({ "memory_max": rss });
                }
                object["response"] = json!(repl(report));
            }
            Err(error) => object["error"] = error.into(),
        }
        object
    }

    fn verify(self) -> Value {
        let id = if self.id.is_string() { self.id } else { self.id.to_string().into() };
        let mut object = json!({ "custom_id": id });
        match self.result {
            Ok(report) => {
                object["response"] = json!(repl(report));
                object["response"]["time"] = self.seconds.into();
            }
            Err(error) => object["error"] = error.into(),
        }
        object
    }
}

fn repl(report: FileReport) -> ReplAnswer {
    ReplAnswer { env: 0, messages: report.messages, sorries: report.sorries }
}
