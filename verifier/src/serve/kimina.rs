//! The requests and answers of the Kimina Lean server: `/api/check`, and the older `/verify`.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Shared;
use super::admission::Place;
use super::api::{ApiError, Body};
use crate::protocol::{FileMessage, FileOutcome, FileReport, Sorry};

#[derive(Deserialize)]
pub(super) struct CheckRequest {
    snippets: Vec<Snippet>,
    #[serde(default = "thirty")]
    timeout: f64,
    #[serde(default)]
    debug: bool,
    infotree: Option<Value>,
}

#[derive(Deserialize)]
struct Snippet {
    id: String,
    code: String,
}

#[derive(Deserialize)]
pub(super) struct VerifyRequest {
    codes: Vec<Code>,
    #[serde(default = "three_hundred")]
    timeout: f64,
    infotree_type: Option<Value>,
}

#[derive(Deserialize)]
struct Code {
    custom_id: CustomId,
    proof: Option<String>,
    code: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum CustomId {
    Text(String),
    Number(i64),
}

fn thirty() -> f64 {
    30.0
}

fn three_hundred() -> f64 {
    300.0
}

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
    id: String,
    seconds: f64,
    result: Result<FileReport, String>,
}

/// `POST /api/check`
pub(super) async fn check(
    State(shared): State<Arc<Shared>>,
    Body(request): Body<CheckRequest>,
) -> Result<Json<Value>, ApiError> {
    refuse_infotree("infotree", request.infotree.as_ref())?;
    let mut ids = HashSet::new();
    if let Some(twice) = request.snippets.iter().find(|snippet| !ids.insert(&snippet.id)) {
        return Err(ApiError::bad(format!("`snippets` must have unique ids; `{}` occurs twice", twice.id)));
    }
    let answers = run(&shared, "snippets", request.snippets, request.timeout).await?;
    let results: Vec<_> = answers.into_iter().map(|answer| answer.check(request.debug)).collect();
    Ok(Json(json!({ "results": results })))
}

/// `POST /verify`
pub(super) async fn verify(
    State(shared): State<Arc<Shared>>,
    Body(request): Body<VerifyRequest>,
) -> Result<Json<Value>, ApiError> {
    refuse_infotree("infotree_type", request.infotree_type.as_ref())?;
    let snippets = request.codes.into_iter().enumerate().map(|(index, code)| {
        let id = match code.custom_id {
            CustomId::Text(text) => text,
            CustomId::Number(number) => number.to_string(),
        };
        let code = code
            .proof
            .or(code.code)
            .ok_or_else(|| ApiError::bad(format!("codes[{index}]: missing field `proof` or `code`")))?;
        Ok(Snippet { id, code })
    });
    let snippets = snippets.collect::<Result<Vec<_>, ApiError>>()?;
    let answers = run(&shared, "codes", snippets, request.timeout).await?;
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
    shared: &Arc<Shared>,
    field: &str,
    snippets: Vec<Snippet>,
    timeout: f64,
) -> Result<Vec<Answer>, ApiError> {
    let asked = Duration::try_from_secs_f64(timeout)
        .map_err(|_| ApiError::bad("`timeout` must be a number of seconds, zero or more"))?;
    let limit = asked.min(shared.config.max_timeout);
    for (index, snippet) in snippets.iter().enumerate() {
        shared.check_size(&format!("{field}[{index}]"), &snippet.code)?;
    }
    let places = shared.admit(field, snippets.len())?;
    let work = snippets.into_iter().zip(places).map(|(snippet, place)| one(shared, snippet, limit, place));
    try_join_all(work).await
}

async fn one(shared: &Shared, snippet: Snippet, limit: Duration, place: Place) -> Result<Answer, ApiError> {
    let began = Instant::now();
    let outcome = shared.pool.run_file(&snippet.code, limit).await?;
    drop(place);
    shared.metrics.answered("check", name(&outcome), began.elapsed());
    let id = snippet.id;
    Ok(match outcome {
        FileOutcome::Done(report) => {
            Answer { id, seconds: f64::from(report.elapsed_ms) / 1000.0, result: Ok(report) }
        }
        // Clients of the Kimina server know a timeout by the words `timed out`.
        FileOutcome::TimedOut(ms) => {
            let seconds = ms as f64 / 1000.0;
            Answer { id, seconds, result: Err(format!("Lean timed out: no answer within {seconds} seconds")) }
        }
        FileOutcome::Crashed(reason) => {
            Answer { id, seconds: 0.0, result: Err(format!("the Lean process died of this text: {reason}")) }
        }
    })
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
        let mut object = json!({ "custom_id": self.id });
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
