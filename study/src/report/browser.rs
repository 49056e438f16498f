//! What the page of a report lets people search: conjectures and proofs, each with its text.

use std::collections::HashMap;

use anyhow::Result;
use serde::Serialize;
use stp_datasets::{Ledger, Split, export};

/// Rows that a page holds at most: more would make it slow to open.
const MOST_ROWS: usize = 4000;

/// A statement with what there is to read of it.
#[derive(Debug, Serialize)]
pub struct BrowserRow {
    kind: &'static str,
    name: String,
    signature: String,
    round: u32,
    state: String,
    lemma: Option<String>,
    proof: Option<String>,
}

/// Conjectures first, for there is most to see in them, then proofs; the newest first.
pub(super) fn rows(ledger: &Ledger) -> Result<(Vec<BrowserRow>, usize)> {
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().map(str::to_owned);
    let number = |row: &serde_json::Value, key: &str| {
        u32::try_from(row[key].as_u64().unwrap_or_default()).unwrap_or_default()
    };
    let proofs = export::proofs(ledger)?;
    let found: HashMap<String, String> =
        proofs.all().filter_map(|(_, row)| Some((text(row, "statement")?, text(row, "proof")?))).collect();
    let mut rows: Vec<BrowserRow> = export::conjectures(ledger)?
        .all()
        .map(|(_, row)| {
            let name = text(row, "statement").unwrap_or_default();
            let outcome = text(row, "outcome").unwrap_or_default();
            let (proved, judged) = (number(row, "proved"), number(row, "judged"));
            let state = if outcome == "accepted" {
                format!("{proved} of {judged} proved")
            } else {
                outcome.replace('_', " ")
            };
            BrowserRow {
                kind: "conjecture",
                signature: text(row, "signature").unwrap_or_default(),
                round: number(row, "round"),
                state,
                lemma: text(row, "lemma"),
                proof: found.get(&name).cloned(),
                name,
            }
        })
        .collect();
    rows.extend(proofs.all().filter(|(_, row)| row["origin"] == "corpus").map(|(split, row)| BrowserRow {
        kind: if split == Split::Valid { "valid proof" } else { "proof" },
        name: text(row, "statement").unwrap_or_default(),
        signature: text(row, "signature").unwrap_or_default(),
        round: number(row, "round"),
        state: "proved".to_owned(),
        lemma: None,
        proof: text(row, "proof"),
    }));
    rows.sort_by_key(|row| std::cmp::Reverse(row.round));
    let left_out = rows.len().saturating_sub(MOST_ROWS);
    rows.truncate(MOST_ROWS);
    Ok((rows, left_out))
}
