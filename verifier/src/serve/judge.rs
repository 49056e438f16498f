//! `POST /api/judge`: verdicts of the judge on proofs of given statements.
//!
//! Here nobody is trusted, neither for the proof nor for what stands around it: header and statement pass
//! text gates of their own, so a verdict `proved` means that Lean accepted exactly this statement.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use stp_datasets::{Status, Verdict, signature_of};

use super::Shared;
use super::admission::Place;
use super::api::{ApiError, Body};
use super::batch::{self, Outcome, Row};
use crate::gate;
use crate::pool::VerifierError;
use crate::protocol::Candidate;

/// What the fields of a row are called, here as in the rows of `stp verify`; the first that it has counts.
const ID: [&str; 4] = ["id", "name", "problem_id", "uuid"];
const HEADER: [&str; 1] = ["header"];
const SIGNATURE: [&str; 1] = ["signature"];
/// `theorem NAME BINDERS : TYPE`, with or without `:= by sorry` after it.
const STATEMENT: [&str; 3] = ["formal_statement", "statement", "theorem"];
const PROOF: [&str; 3] = ["proof", "formal_proof", "full_proof"];

#[derive(Deserialize)]
pub(super) struct JudgeRequest {
    #[serde(deserialize_with = "batch::rows")]
    rows: Vec<Row>,
}

pub(super) async fn judge(
    State(shared): State<Arc<Shared>>,
    Body(request): Body<JudgeRequest>,
) -> Result<Json<Value>, ApiError> {
    let candidates: Vec<_> = request.rows.iter().map(|row| candidate(&shared, row)).collect();
    let places = shared.admit("rows", candidates.len(), candidates.iter().flatten().count())?;
    let mut places = places.into_iter();
    let mut ask = |candidate| one(&shared, candidate, places.next());
    let work = candidates.into_iter().map(|candidate| candidate.map(&mut ask));
    let outcomes = batch::each(work.collect()).await?;
    let answers = request.rows.iter().zip(outcomes).map(|(row, outcome)| {
        let id = row.id(&ID);
        match outcome {
            Outcome::Done(verdict) => answer(&id, &verdict),
            Outcome::Malformed(reason) => {
                shared.metrics.malformed("judge");
                json!({ "id": id, "status": "malformed", "error": reason })
            }
            Outcome::Unanswered(reason) => json!({ "id": id, "status": "unanswered", "error": reason }),
        }
    });
    Ok(Json(json!({ "verdicts": answers.collect::<Vec<_>>() })))
}

/// A proof of a statement whose writer nobody vouches for.
fn foreign(header: String, signature: String, proof: String) -> Candidate {
    Candidate::new(header, signature, proof).foreign()
}

/// What a row asks.
///
/// # Errors
/// Why it is no question, in words for people.
fn candidate(shared: &Shared, row: &Row) -> Result<Candidate, String> {
    let (lines, signature) = match (row.text(&SIGNATURE)?, row.text(&STATEMENT)?) {
        (Some(signature), None) => (String::new(), signature.to_owned()),
        (None, Some(statement)) => signature_of(statement)?,
        (None, None) => return Err(row.lacks("`statement` (or `formal_statement`, `signature`)")),
        (Some(_), Some(_)) => return Err("give `signature` or a statement, not both".to_owned()),
    };
    let proof = row.text(&PROOF)?.ok_or_else(|| row.lacks("`proof` (or `formal_proof`)"))?;
    let proof = proof.trim_start();
    let proof = proof.strip_prefix(":=").unwrap_or(proof).to_owned();
    let candidate = foreign(join(row.text(&HEADER)?.unwrap_or_default(), &lines), signature, proof);
    for (field, text) in
        [("header", &candidate.header), ("statement", &candidate.signature), ("proof", &candidate.proof)]
    {
        shared.check_size(field, text)?;
    }
    Ok(candidate)
}

fn join(header: &str, lines: &str) -> String {
    if header.is_empty() || lines.is_empty() || header.ends_with('\n') {
        return format!("{header}{lines}");
    }
    format!("{header}\n{lines}")
}

async fn one(shared: &Shared, candidate: Candidate, place: Option<Place>) -> Result<Verdict, VerifierError> {
    let began = Instant::now();
    let verdict = match refusal(&candidate) {
        Some(reason) => Verdict::new(Status::Rejected, reason),
        None => shared.pool.check(candidate).await?,
    };
    drop(place);
    shared.metrics.answered("judge", verdict.status.as_str(), began.elapsed());
    Ok(verdict)
}

fn answer(id: &Value, verdict: &Verdict) -> Value {
    json!({
        "id": id,
        "status": verdict.status.as_str(),
        "messages": verdict.messages,
        "axioms": verdict.axioms,
        "premises": verdict.premises,
        "implicit_premises": verdict.implicit_premises,
        "seconds": f64::from(verdict.elapsed_ms) / 1000.0,
    })
}

fn refusal(candidate: &Candidate) -> Option<String> {
    let header = gate::check_header(&candidate.header).map_err(|reason| format!("header: {reason}"));
    let statement =
        || gate::check_signature(&candidate.signature).map_err(|reason| format!("statement: {reason}"));
    header.and_then(|()| statement()).err()
}
