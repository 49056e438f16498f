//! `POST /api/judge`: verdicts of the judge on proofs of given statements, and on theorems of whole texts.
//!
//! Here nobody is trusted, neither for the proof nor for what stands around it: header and statement pass
//! text gates of their own, so a verdict `proved` means that Lean accepted exactly this statement.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use stp_datasets::{Claim, ClaimRow, Layout, RowSource, Status, Verdict, read_claims};

use super::admission::Place;
use super::answer::ApiError;
use super::batch::{self, Settled};
use super::body::Body;
use super::shared::Shared;
use super::source;
use crate::gate;
use crate::protocol::{Candidate, VerifierError};

#[derive(Deserialize)]
pub(super) struct JudgeRequest {
    /// Of the fields that rows of `stp verify` have.
    rows: Vec<Value>,
}

/// A row as it is answered.
struct Row {
    id: Value,
    /// A field that is not read and looks misspelt.
    note: Option<String>,
}

pub(super) async fn judge(
    State(shared): State<Arc<Shared>>,
    Body(request): Body<JudgeRequest>,
) -> Result<Json<Value>, ApiError> {
    let (rows, claims): (Vec<_>, Vec<_>) =
        request.rows.iter().enumerate().map(|(index, row)| read(&shared, index, row)).unzip();
    let places = shared.admit("rows", claims.len(), claims.iter().flatten().count())?;
    let mut places = places.into_iter();
    let mut ask = |claim| one(&shared, claim, places.next());
    let work = claims.into_iter().map(|claim| claim.map(&mut ask));
    let outcomes = batch::each(work.collect()).await?;
    let answers = rows.into_iter().zip(outcomes).map(|(row, outcome)| answer(&shared, row, outcome));
    Ok(Json(json!({ "verdicts": answers.collect::<Vec<_>>() })))
}

/// What a row asks, or why it is no question, in words for people.
fn read(shared: &Shared, index: usize, row: &Value) -> (Row, Result<Claim, String>) {
    // Before anything is looked for in them.
    if let Err(reason) = check_fields(shared, row) {
        let id = row.get("id").filter(|id| !id.is_null()).cloned();
        return (Row { id: id.unwrap_or_else(|| index.into()), note: None }, Err(reason));
    }
    let text = row.to_string();
    let mut found = None;
    let mut take = |row: ClaimRow| found.replace(row).is_none();
    let read = Layout::named("auto").map(|layout| {
        read_claims(Path::new("rows"), RowSource::Lines(&mut text.as_bytes()), &layout, "", &mut take)
    });
    let failed =
        read.and_then(Result::err).map_or_else(|| "it is empty".to_owned(), |error| error.to_string());
    let Some(ClaimRow { id, claims, note, .. }) = found else {
        return (Row { id: index.into(), note: None }, Err(failed));
    };
    let claim = claims.and_then(only).and_then(|claim| check_sizes(shared, &claim).map(|()| claim));
    (Row { id: id.unwrap_or_else(|| index.into()), note }, claim)
}

fn only(mut claims: Vec<Claim>) -> Result<Claim, String> {
    match (claims.pop(), claims.len()) {
        (Some(claim), 0) => Ok(claim),
        (_, more) => Err(format!("it has {} proofs; give each a row of its own", more + 1)),
    }
}

/// Whether no text of a row is too long.
fn check_fields(shared: &Shared, row: &Value) -> Result<(), String> {
    for (name, value) in row.as_object().into_iter().flatten() {
        let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for text in items.iter().filter_map(Value::as_str) {
            shared.check_size(name, text)?;
        }
    }
    Ok(())
}

fn check_sizes(shared: &Shared, claim: &Claim) -> Result<(), String> {
    let texts = match claim {
        Claim::Proof { header, signature, proof, .. } => {
            vec![("header", header), ("statement", signature), ("proof", proof)]
        }
        Claim::Text { text, statement, .. } => {
            let statement = statement.iter().flat_map(|(header, signature)| [header, signature]);
            statement.map(|text| ("statement", text)).chain([("code", text)]).collect()
        }
    };
    texts.into_iter().try_for_each(|(what, text)| shared.check_size(what, text))
}

/// A proof of a statement whose writer nobody vouches for.
fn foreign(header: String, signature: String, proof: String) -> Candidate {
    Candidate::new(header, signature, proof).foreign()
}

async fn one(shared: &Shared, claim: Claim, place: Option<Place>) -> Result<Verdict, VerifierError> {
    let began = Instant::now();
    let named = claim.with_its_name();
    let verdict = match (verdict_on(shared, claim).await?, named) {
        (verdict, Some(named)) if verdict.status == Status::Failed => verdict_on(shared, named).await?,
        (verdict, _) => verdict,
    };
    drop(place);
    shared.metrics.answered("judge", verdict.status.as_str(), began.elapsed());
    Ok(verdict)
}

async fn verdict_on(shared: &Shared, claim: Claim) -> Result<Verdict, VerifierError> {
    match claim {
        Claim::Proof { header, signature, proof, .. } => match refusal(&header, &signature) {
            Some(reason) => Ok(Verdict::new(Status::Rejected, reason)),
            None => shared.pool.check(foreign(header, signature, proof)).await,
        },
        Claim::Text { text, added, name, statement } => {
            let refused = statement.as_ref().and_then(|(header, signature)| refusal(header, signature));
            match refused {
                Some(reason) => Ok(Verdict::new(Status::Rejected, reason)),
                None => source::judge(&shared.pool, &text, added, name.as_deref(), statement).await,
            }
        }
    }
}

fn refusal(header: &str, signature: &str) -> Option<String> {
    let header = gate::check_header(header).map_err(|reason| format!("header: {reason}"));
    let statement = || gate::check_signature(signature).map_err(|reason| format!("statement: {reason}"));
    header.and_then(|()| statement()).err()
}

fn answer(shared: &Shared, row: Row, outcome: Settled<Verdict>) -> Value {
    let Row { id, note } = row;
    let mut answer = match outcome {
        Settled::Done(verdict) => json!({
            "id": id,
            "status": verdict.status.as_str(),
            "messages": verdict.messages,
            "axioms": verdict.axioms,
            "premises": verdict.premises,
            "implicit_premises": verdict.implicit_premises,
            "seconds": f64::from(verdict.elapsed_ms) / 1000.0,
        }),
        Settled::Malformed(reason) => {
            shared.metrics.malformed("judge");
            json!({ "id": id, "status": "malformed", "error": reason })
        }
        Settled::Unanswered(reason) => json!({ "id": id, "status": "unanswered", "error": reason }),
    };
    if let Some(note) = note {
        answer["note"] = note.into();
    }
    answer
}
