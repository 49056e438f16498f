//! A whole Lean text, given to `lean --json` as it is.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{Limits, Place, Run, run};
use crate::pool::{FileMessage, FileOutcome, FileReport, Position};
use crate::toolchain::NativeLean;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    severity: String,
    pos: Position,
    #[serde(default)]
    end_pos: Option<Position>,
    data: String,
}

/// Elaborates a text within `limit`.
///
/// # Errors
/// If `lean` cannot be started or files cannot be written, in words for people.
pub(super) async fn elaborate(
    lean: &NativeLean,
    code: &str,
    limit: Duration,
    limits: &Limits,
    place: &mut Place,
) -> Result<FileOutcome, String> {
    let began = Instant::now();
    let option = format!("-DmaxHeartbeats={}", limits.max_heartbeats);
    Ok(match run(lean, &[&option], code, limit, place).await? {
        Run::Finished(output) => {
            let elapsed_ms = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
            let report = FileReport { messages: messages(&output), elapsed_ms, ..FileReport::default() };
            FileOutcome::Done(report.complete())
        }
        Run::TimedOut => FileOutcome::timed_out(limit),
        Run::Died(reason) => FileOutcome::Crashed(reason),
    })
}

fn messages(output: &str) -> Vec<FileMessage> {
    let lines = output.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    lines
        .map(|Line { severity, pos, end_pos, data }| {
            // The command line says `information` where the REPL says `info`.
            let severity = if severity == "information" { "info".to_owned() } else { severity };
            FileMessage { severity, pos, end_pos, data: data.trim().to_owned() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_lean_become_messages_of_the_repl() {
        let output = concat!(
            "noise\n",
            r#"{"severity":"information","pos":{"line":2,"column":1},"endPos":{"line":2,"column":7},"data":"Nat : Type\n","kind":"[anonymous]"}"#,
            "\n",
            r#"{"severity":"error","pos":{"line":3,"column":0},"endPos":null,"data":"no"}"#,
        );
        let found = messages(output);
        assert_eq!(
            (found.len(), found[0].severity.as_str(), found[0].data.as_str()),
            (2, "info", "Nat : Type")
        );
        assert_eq!((found[0].end_pos.unwrap().column, found[1].end_pos), (7, None));
    }
}
