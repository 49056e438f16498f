//! The text of a batch file, and how Lean's messages on it are read back.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::pool::Request;

pub(super) const STANDARD_AXIOMS: [&str; 3] = ["propext", "Quot.sound", "Classical.choice"];

/// What Lean said of one request.
#[derive(Debug, Default)]
pub(super) struct Finding {
    pub(super) statement_errors: Vec<String>,
    pub(super) proof_errors: Vec<String>,
    pub(super) axioms: Option<Vec<String>>,
    pub(super) signatures: Vec<Option<String>>,
    /// Lean said something that cannot be assigned with certainty.
    pub(super) stray: bool,
}

/// Lines (from 1) of a request's parts.
#[derive(Debug)]
struct Place {
    statement: Range<usize>,
    proof: Range<usize>,
    /// The line of `#print axioms`, and the theorem's name.
    axioms: Option<(usize, String)>,
    /// Lines of `#check`, with the names asked for.
    checks: Vec<(usize, String)>,
}

/// A batch file and where its requests stand.
#[derive(Debug)]
pub(super) struct BatchFile {
    pub(super) text: String,
    places: Vec<Place>,
}

#[derive(Deserialize)]
struct Message {
    severity: String,
    pos: Position,
    data: String,
}

#[derive(Deserialize)]
struct Position {
    line: usize,
}

/// Indices of requests that may share a file: the same header, and no proof that searches the environment,
/// where it might find a neighbour's theorem.
pub(super) fn group(requests: &[Request]) -> Vec<Vec<usize>> {
    let mut shared: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut groups = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        match request {
            Request::Check(candidate) if searches(&candidate.proof) => groups.push(vec![index]),
            Request::Check(candidate) => shared.entry(&candidate.header).or_default().push(index),
            Request::Statement { header, .. } => shared.entry(header).or_default().push(index),
            Request::Signatures(_) => shared.entry("").or_default().push(index),
            // Nothing is asked.
            Request::Theorems => groups.push(vec![index]),
            // A text of its own, not a part of a batch file.
            Request::File { .. } => {}
        }
    }
    groups.extend(shared.into_values());
    groups
}

fn searches(proof: &str) -> bool {
    proof.contains('?')
        || ["suggestions", "premises", "hint", "solve_by_elim"].iter().any(|word| proof.contains(word))
}

impl BatchFile {
    /// The file for requests with one header.
    pub(super) fn new(requests: &[&Request], max_heartbeats: u64) -> Self {
        let header = requests.iter().find_map(|request| match request {
            Request::Check(candidate) => Some(candidate.header.as_str()),
            Request::Statement { header, .. } => Some(header.as_str()),
            Request::Signatures(_) | Request::Theorems | Request::File { .. } => None,
        });
        let mut file = Self { text: String::new(), places: Vec::new() };
        let (imports, context): (Vec<_>, Vec<_>) =
            header.unwrap_or_default().lines().partition(|line| line.trim_start().starts_with("import "));
        file.push(&imports.join("\n"));
        for option in
            [&format!("maxHeartbeats {max_heartbeats}"), "autoImplicit false", "relaxedAutoImplicit false"]
        {
            file.push(&format!("set_option {option}"));
        }
        file.push(&context.join("\n"));
        let secret = secret();
        for (index, request) in requests.iter().enumerate() {
            let place = file.add(request, &format!("stp_{secret}_{index}"));
            file.places.push(place);
        }
        file
    }

    /// Appends a text that starts on its own line; returns the lines it takes.
    fn push(&mut self, text: &str) -> Range<usize> {
        let start = self.text.matches('\n').count() + 1;
        self.text.push_str(text);
        self.text.push('\n');
        start..self.text.matches('\n').count() + 1
    }

    fn add(&mut self, request: &Request, name: &str) -> Place {
        let mut place = Place { statement: 0..0, proof: 0..0, axioms: None, checks: Vec::new() };
        match request {
            Request::Statement { signature, .. } => {
                place.statement = self.push(&format!("theorem {name} {signature} := by sorry"));
            }
            Request::Check(candidate) => {
                place.statement =
                    self.push(&format!("theorem {name}_reference {} := by sorry", candidate.signature));
                place.proof =
                    self.push(&format!("theorem {name} {} := {}", candidate.signature, candidate.proof));
                let line = self.push(&format!("#print axioms {name}")).start;
                place.axioms = Some((line, name.to_owned()));
            }
            Request::Signatures(names) => {
                for asked in names {
                    let line = self.push(&format!("#check {asked}")).start;
                    place.checks.push((line, asked.clone()));
                }
            }
            Request::Theorems | Request::File { .. } => {}
        }
        place
    }

    /// Reads Lean's JSON lines: one finding for each request.
    pub(super) fn read(&self, output: &str) -> Vec<Finding> {
        let mut findings: Vec<_> = self
            .places
            .iter()
            .map(|place| Finding { signatures: vec![None; place.checks.len()], ..Finding::default() })
            .collect();
        for line in output.lines() {
            let Ok(message) = serde_json::from_str::<Message>(line) else { continue };
            self.assign(&message, &mut findings);
        }
        findings
    }

    fn assign(&self, message: &Message, findings: &mut [Finding]) {
        let (line, error) = (message.pos.line, message.severity == "error");
        for (place, finding) in self.places.iter().zip(findings.iter_mut()) {
            if place.statement.contains(&line) {
                if error {
                    finding.statement_errors.push(message.data.clone());
                }
                return;
            }
            if place.proof.contains(&line) {
                if error {
                    finding.proof_errors.push(message.data.clone());
                }
                return;
            }
            if let Some((at, name)) = &place.axioms
                && *at == line
            {
                match read_axioms(&message.data, name) {
                    Some(axioms) if !error => finding.axioms = Some(axioms),
                    _ => finding.stray = true,
                }
                return;
            }
            if let Some(index) = place.checks.iter().position(|(at, _)| *at == line) {
                if !error {
                    finding.signatures[index] = read_signature(&message.data, &place.checks[index].1);
                }
                return;
            }
        }
        // An error outside of every candidate may concern any of them.
        if error {
            findings.iter_mut().for_each(|finding| finding.stray = true);
        }
    }
}

fn read_axioms(text: &str, name: &str) -> Option<Vec<String>> {
    let said = text.trim().strip_prefix(&format!("'{name}' "))?;
    if said.starts_with("does not depend on any axioms") {
        return Some(Vec::new());
    }
    let list = said.strip_prefix("depends on axioms: [")?.split(']').next()?;
    Some(list.split(',').map(|axiom| axiom.trim().to_owned()).collect())
}

fn read_signature(text: &str, name: &str) -> Option<String> {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let rest = folded.strip_prefix(name)?;
    let rest = if rest.starts_with(".{") { rest.split_once('}')?.1 } else { rest };
    Some(rest.trim().to_owned())
}

/// Names that a proof cannot know: fresh for each file.
fn secret() -> String {
    static FILES: AtomicU64 = AtomicU64::new(0);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let file = FILES.fetch_add(1, Ordering::Relaxed);
    let digest = Sha256::digest(format!("{time} {file} {}", std::process::id()));
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::Candidate;

    fn check(signature: &str, proof: &str) -> Request {
        Request::Check(Candidate { header: String::new(), signature: signature.into(), proof: proof.into() })
    }

    fn message(line: usize, severity: &str, data: &str) -> String {
        serde_json::json!({ "severity": severity, "pos": { "line": line, "column": 0 }, "data": data })
            .to_string()
    }

    #[test]
    fn messages_are_mapped_back_by_line() {
        let requests = [check(": True", "by\n  trivial"), check(": False", "by\n  simp")];
        let file = BatchFile::new(&requests.iter().collect::<Vec<_>>(), 100);
        let (line, name) = file.places[0].axioms.clone().unwrap();
        let output = [
            message(line, "information", &format!("'{name}' depends on axioms: [propext, sorryAx]")),
            message(file.places[1].proof.start + 1, "error", "simp made no progress"),
        ];
        let findings = file.read(&output.join("\nnoise\n"));
        assert_eq!(findings[0].axioms.as_deref(), Some(&["propext".to_owned(), "sorryAx".to_owned()][..]));
        assert!(findings[0].proof_errors.is_empty() && !findings[0].stray);
        assert_eq!(findings[1].proof_errors, ["simp made no progress"]);
        let lines: Vec<_> = file.text.lines().collect();
        assert!(lines[line - 1].starts_with("#print axioms"));
        assert_eq!(lines[file.places[1].proof.start], "  simp");
    }

    #[test]
    fn an_error_between_candidates_makes_all_uncertain() {
        let requests = [check(": True", "trivial")];
        let file = BatchFile::new(&requests.iter().collect::<Vec<_>>(), 100);
        assert!(file.read(&message(9999, "error", "unexpected end"))[0].stray);
        assert!(file.read("")[0].axioms.is_none());
    }

    #[test]
    fn a_candidate_cannot_answer_for_its_own_axioms() {
        assert_eq!(read_axioms("'other' does not depend on any axioms", "stp_1"), None);
        assert_eq!(read_axioms("'stp_1' does not depend on any axioms", "stp_1"), Some(vec![]));
    }

    #[test]
    fn searching_proofs_get_a_file_of_their_own() {
        let requests = [check(": a", "by exact?"), check(": b", "by simp"), check(": c", "by rfl")];
        assert_eq!(group(&requests), [vec![0], vec![1, 2]]);
    }

    #[test]
    fn signatures_lose_name_and_universes() {
        assert_eq!(
            read_signature("List.nil.{u}  {α : Type u} :\n  List α", "List.nil").unwrap(),
            "{α : Type u} : List α"
        );
    }
}
