//! Whole Lean texts: elaborated as plain Lean does, then each theorem judged from what it declared.

use std::collections::HashMap;
use std::time::Duration;

use stp_datasets::{Status, Verdict};

use super::asked::{Asked, or_gone, unreadable};
use super::care::Care;
use super::local::LocalPool;
use crate::protocol::{
    Checked, CheckedTheorem, Command, FileJudgement, JudgedFile, JudgedTheorem, Question, Source, Trust,
    lines_of,
};

const SORRY: &str = "sorryAx";

impl LocalPool {
    pub(super) async fn source(&self, code: &str, limit: Duration) -> Asked<FileJudgement> {
        let source = or_gone!(self.elaborate_source(code, limit));
        let verdicts = or_gone!(self.check_source(&source, &all_theorems(&source), None));
        Ok(Ok(FileJudgement::Done(judged(source, verdicts))))
    }

    /// One theorem of a text, against a statement if there is one.
    pub(super) async fn theorem_of(
        &self,
        code: &str,
        name: Option<&str>,
        statement: Option<&(String, String, Trust)>,
        limit: Duration,
    ) -> Asked<Verdict> {
        let reference = match statement {
            None => None,
            Some((header, signature, trust)) => match or_gone!(self.reference(header, signature, *trust)) {
                Ok(reference) => Some(reference),
                Err(messages) => {
                    return Ok(Ok(Verdict { messages, ..Verdict::new(Status::StatementError, "") }));
                }
            },
        };
        let source = or_gone!(self.elaborate_source(code, limit));
        let verdicts = or_gone!(self.check_source(&source, &all_theorems(&source), reference.clone()));
        let lead = lines_of(&source.messages, "error");
        let theorems = judged(source, verdicts).theorems;
        let wanted = |theorem: &&JudgedTheorem| name.is_none_or(|name| is_named(&theorem.name, name));
        Ok(Ok(match (theorems.iter().rfind(wanted), name) {
            (Some(theorem), _) => theorem.verdict.clone(),
            (None, _) if !lead.is_empty() => Verdict { messages: lead, ..Verdict::new(Status::Failed, "") },
            (None, Some(name)) => {
                Verdict::new(Status::Failed, format!("the text declares no theorem `{name}`"))
            }
            (None, None) => Verdict::new(Status::Failed, "the text declares no theorem"),
        }))
    }

    async fn elaborate_source(&self, code: &str, limit: Duration) -> Asked<Source> {
        let question = Question::Source { code: code.to_owned() };
        // Whatever it ran stays out of what is judged next.
        self.processes.ask_elaborator(question, limit, Care::Last).await
    }

    async fn check_source(
        &self,
        source: &Source,
        roots: &[String],
        reference: Option<String>,
    ) -> Asked<HashMap<String, CheckedTheorem>> {
        if roots.is_empty() {
            return Ok(Ok(HashMap::new()));
        }
        let question = Question::Check {
            header: None,
            imports: Some(source.imports.clone()),
            export: source.export.clone(),
            roots: roots.to_vec(),
            reference,
            proof: String::new(),
        };
        let checked = or_gone!(self.processes.ask_checker::<Checked>(question));
        if checked.verdicts.len() != roots.len() {
            return Ok(Err(unreadable()));
        }
        let mut verdicts = HashMap::new();
        for theorem in checked.verdicts {
            let name = theorem.name.clone();
            let verdict = theorem.clone().into_verdict();
            let agreed = or_gone!(self.second.agreed(
                &self.processes,
                verdict,
                &source.imports,
                &source.export,
                &name
            ));
            let (status, messages) = (agreed.status, agreed.messages);
            verdicts.insert(name, CheckedTheorem { status, messages, ..theorem });
        }
        Ok(Ok(verdicts))
    }
}

fn all_theorems(source: &Source) -> Vec<String> {
    source.commands.iter().flat_map(|command| command.theorems.iter().cloned()).collect()
}

/// Whether a theorem's full name is what a user calls it.
pub(crate) fn is_named(full: &str, name: &str) -> bool {
    let name = name.strip_prefix("_root_.").unwrap_or(name);
    full == name || full.strip_suffix(name).is_some_and(|before| before.ends_with('.'))
}

/// The theorems of a text with their verdicts: what Lean said of a command counts, then what the checker says.
fn judged(source: Source, mut verdicts: HashMap<String, CheckedTheorem>) -> JudgedFile {
    let mut file = JudgedFile { theorems: Vec::new(), messages: source.messages };
    // Full names of what failed, in order, and why a later theorem that rests on them fails.
    let mut failed: Vec<String> = Vec::new();
    for command in source.commands {
        let errors = lines_of(&command.messages, "error");
        let mut names = command.theorems.clone();
        if names.is_empty() && command.is_theorem {
            names.push(command.name.clone());
        }
        if names.is_empty() {
            file.messages.extend(command.messages.clone());
        }
        for name in names {
            let verdict = verdict_of(&name, &errors, verdicts.remove(&name), &failed);
            if !verdict.is_proved() {
                failed.push(name.clone());
            }
            file.theorems.push(theorem(&command, &name, verdict));
        }
    }
    file
}

fn theorem(command: &Command, name: &str, verdict: Verdict) -> JudgedTheorem {
    let shown = if command.name.is_empty() && name.starts_with("stp_example_") { "" } else { shown(name) };
    JudgedTheorem { name: shown.to_owned(), pos: command.pos, end_pos: command.end_pos, verdict }
}

fn verdict_of(name: &str, errors: &[String], checked: Option<CheckedTheorem>, failed: &[String]) -> Verdict {
    if !errors.is_empty() {
        return Verdict { messages: errors.to_vec(), ..Verdict::new(Status::Failed, "") };
    }
    let Some(checked) = checked else {
        let reason = match shown(name) {
            "" => "the text declares no theorem here".to_owned(),
            shown => format!("`{shown}` is declared nowhere"),
        };
        return Verdict::new(Status::Failed, reason);
    };
    let cause = failed.iter().find(|earlier| checked.uses.contains(earlier));
    match cause {
        Some(earlier) if checked.status == Status::Rejected && checked.axioms.iter().any(|a| a == SORRY) => {
            let reason = format!("it depends on `{}`, which failed", shown(earlier));
            Verdict { axioms: checked.axioms, ..Verdict::new(Status::Failed, reason) }
        }
        _ => checked.into_verdict(),
    }
}

/// A private name as its author wrote it.
fn shown(name: &str) -> &str {
    let private = name.strip_prefix("_private.");
    private.and_then(|rest| rest.split_once(".0.")).map_or(name, |(_, own)| own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{FileMessage, Position};

    fn command(name: &str, errors: usize) -> Command {
        let pos = Position { line: 1, column: 0 };
        let message = FileMessage { severity: "error".into(), pos, end_pos: None, data: "no".into() };
        Command {
            pos,
            end_pos: pos,
            theorems: vec![name.to_owned()],
            is_theorem: true,
            name: name.to_owned(),
            messages: vec![message; errors],
        }
    }

    fn checked(name: &str, status: Status, uses: &[&str]) -> (String, CheckedTheorem) {
        let theorem = CheckedTheorem {
            name: name.to_owned(),
            status,
            messages: vec!["it depends on sorryAx".to_owned()],
            axioms: vec![SORRY.to_owned()],
            premises: Vec::new(),
            implicit_premises: Vec::new(),
            uses: uses.iter().map(|&text| text.to_owned()).collect(),
        };
        (name.to_owned(), theorem)
    }

    #[test]
    fn what_rests_on_a_failed_theorem_names_it_and_other_theorems_stand() {
        let source = Source {
            commands: vec![command("a", 1), command("_private.Stp.0.b", 0), command("c", 0), command("d", 0)],
            ..Source::default()
        };
        let verdicts = HashMap::from([
            checked("a", Status::Rejected, &[]),
            checked("_private.Stp.0.b", Status::Rejected, &["a"]),
            checked("c", Status::Rejected, &[]),
            checked("d", Status::Proved, &[]),
        ]);
        let theorems = judged(source, verdicts).theorems;
        let said: Vec<_> = theorems
            .iter()
            .map(|theorem| {
                (theorem.name.as_str(), theorem.verdict.status, theorem.verdict.messages[0].as_str())
            })
            .collect();
        assert_eq!(said[0], ("a", Status::Failed, "1:0: error: no"));
        assert_eq!(said[1], ("b", Status::Failed, "it depends on `a`, which failed"));
        assert_eq!(said[2], ("c", Status::Rejected, "it depends on sorryAx"));
        assert_eq!((said[3].0, said[3].1), ("d", Status::Proved));
    }

    #[test]
    fn a_name_may_lack_its_namespace() {
        assert!(is_named("A.b", "b") && is_named("A.b", "A.b") && is_named("b", "_root_.b"));
        assert!(!is_named("ab", "b") && !is_named("A.b", "A"));
    }
}
