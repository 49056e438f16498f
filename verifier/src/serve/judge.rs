//! `POST /api/judge`: verdicts of the judge on proofs of given statements.
//!
//! Here nobody is trusted, neither for the proof nor for what stands around it: header and statement pass
//! text gates of their own, so a verdict `proved` means that Lean accepted exactly this statement.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::{Value, json};
use stp_datasets::{Status, Verdict};

use super::Shared;
use super::admission::Place;
use super::api::{ApiError, Body};
use crate::gate;
use crate::protocol::Candidate;

#[derive(Deserialize)]
pub(super) struct JudgeRequest {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    id: Value,
    /// `theorem NAME BINDERS : TYPE`, with or without `:= by sorry` after it.
    statement: Option<String>,
    /// `BINDERS : TYPE`
    signature: Option<String>,
    proof: String,
    #[serde(default)]
    header: String,
}

pub(super) async fn judge(
    State(shared): State<Arc<Shared>>,
    Body(request): Body<JudgeRequest>,
) -> Result<Json<Value>, ApiError> {
    let mut rows = Vec::new();
    for (index, row) in request.rows.into_iter().enumerate() {
        let signature = match (row.signature, row.statement) {
            (Some(signature), None) => signature,
            (None, Some(statement)) => signature_of(&statement).to_owned(),
            _ => {
                let detail = format!("rows[{index}]: give one of the fields `signature` and `statement`");
                return Err(ApiError::bad(detail));
            }
        };
        let candidate = Candidate::new(row.header, signature, row.proof).foreign();
        for (field, text) in
            [("header", &candidate.header), ("signature", &candidate.signature), ("proof", &candidate.proof)]
        {
            shared.check_size(&format!("rows[{index}].{field}"), text)?;
        }
        rows.push((row.id, candidate));
    }
    let places = shared.admit("rows", rows.len())?;
    let work =
        rows.into_iter().zip(places).map(|((id, candidate), place)| one(&shared, id, candidate, place));
    let verdicts = try_join_all(work).await?;
    Ok(Json(json!({ "verdicts": verdicts })))
}

async fn one(shared: &Shared, id: Value, candidate: Candidate, place: Place) -> Result<Value, ApiError> {
    let began = Instant::now();
    let verdict = match refusal(&candidate) {
        Some(reason) => Verdict::new(Status::Rejected, reason),
        None => shared.pool.check(candidate).await?,
    };
    drop(place);
    shared.metrics.answered("judge", verdict.status.as_str(), began.elapsed());
    Ok(json!({
        "id": id,
        "status": verdict.status.as_str(),
        "messages": verdict.messages,
        "axioms": verdict.axioms,
        "premises": verdict.premises,
        "implicit_premises": verdict.implicit_premises,
        "seconds": f64::from(verdict.elapsed_ms) / 1000.0,
    }))
}

fn refusal(candidate: &Candidate) -> Option<String> {
    let header = gate::check_header(&candidate.header).map_err(|reason| format!("header: {reason}"));
    let statement =
        || gate::check_signature(&candidate.signature).map_err(|reason| format!("statement: {reason}"));
    header.and_then(|()| statement()).err()
}

/// What stands between a theorem's name and its proof; a text without a keyword is all of that.
fn signature_of(statement: &str) -> &str {
    let text = statement.trim();
    let declared = ["theorem", "lemma", "example"].into_iter().find_map(|keyword| {
        let rest = text.strip_prefix(keyword)?;
        rest.starts_with(char::is_whitespace).then(|| (keyword, rest.trim_start()))
    });
    let signature = match declared {
        Some(("example", rest)) => rest,
        Some((_, rest)) => {
            let end = rest.find(|c: char| c.is_whitespace() || "({[⦃:".contains(c)).unwrap_or(rest.len());
            &rest[end..]
        }
        None => text,
    };
    let open = signature.trim_end();
    let open = open.strip_suffix("sorry").map_or(open, str::trim_end);
    let open = open.strip_suffix("by").map_or(open, str::trim_end);
    open.strip_suffix(":=").unwrap_or(signature).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_loses_its_name_and_its_open_proof() {
        let wanted = "(a b : Nat) : a + b = b + a";
        for statement in [
            "(a b : Nat) : a + b = b + a",
            "theorem add_comm' (a b : Nat) : a + b = b + a",
            "theorem X.y (a b : Nat) : a + b = b + a := by sorry",
            "lemma x(a b : Nat) : a + b = b + a := sorry",
            "example (a b : Nat) : a + b = b + a := by\n  sorry",
            "theorem x (a b : Nat) : a + b = b + a :=",
        ] {
            assert_eq!(signature_of(statement), wanted, "{statement}");
        }
        assert_eq!(signature_of("theorem t : passed_by"), ": passed_by");
    }
}
