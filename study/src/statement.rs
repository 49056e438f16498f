//! Everything that a run knows of one statement.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;
use stp_datasets::{Attempt, Conjecture, LedgerStatement, Phase, Tally, did_you_mean};
use stp_selfplay::error::UsageError;
use stp_selfplay::plan::EarlierFinal;

use crate::report::RecordedRun;

/// Different proofs of a round that are shown to people.
const MOST_PROOFS: usize = 6;
/// Lines of Lean's message that are shown to people.
const MOST_LINES: usize = 4;

/// A statement, what was tried and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StatementHistory {
    /// The statement.
    #[serde(flatten)]
    pub statement: LedgerStatement,
    /// Of a conjecture, how it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conjectured: Option<Conjectured>,
    /// The shortest proof that Lean accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<FoundProof>,
    /// Its attempts, by round and phase.
    pub rounds: Vec<RoundAttempts>,
    /// Conjectures that began with it.
    pub seed_of: Vec<SeededConjecture>,
}

/// How a conjecture was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conjectured {
    /// The round.
    pub round: u32,
    /// The statement that it began with.
    pub seed: String,
    /// That statement's proof.
    pub seed_proof: String,
    /// The trigger lemma.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lemma: Option<String>,
}

/// A proof that Lean accepted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoundProof {
    /// The round.
    pub round: u32,
    /// `corpus`, `train` or `valid`.
    pub phase: &'static str,
    /// The text after `:=`.
    pub proof: String,
}

/// The attempts of one round and phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RoundAttempts {
    /// The round.
    pub round: u32,
    /// `corpus`, `train` or `valid`.
    pub phase: &'static str,
    /// Attempts with a verdict.
    pub judged: usize,
    /// Of these: accepted.
    pub proved: usize,
    /// All of them, by sample.
    pub attempts: Vec<ShownAttempt>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShownAttempt {
    /// Its number among the samples.
    pub sample: u32,
    /// The verdict; `waiting` if there is none yet.
    pub status: &'static str,
    /// The text after `:=`.
    pub proof: String,
    /// What Lean said.
    pub messages: Vec<String>,
    /// Its length in tokens.
    pub tokens: u32,
    /// Lean's time.
    pub elapsed_ms: u32,
}

/// A conjecture that began with the statement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeededConjecture {
    /// The round.
    pub round: u32,
    /// What became of the text; `waiting` if that is not decided.
    pub outcome: &'static str,
    /// The text.
    pub signature: String,
    /// Its name, if it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// Attempts at it with a verdict.
    pub judged: u32,
    /// Of these: accepted.
    pub proved: u32,
}

impl StatementHistory {
    /// What a run knows of the statement of that name.
    ///
    /// # Errors
    /// [`UsageError`] if the run has no such statement; or if its ledger cannot be read.
    pub fn read(run: &RecordedRun, name: &str) -> Result<Self> {
        let ledger = run.ledger();
        let Some(statement) = ledger.statement(name)? else { return Err(unknown(run, name)?.into()) };
        let attempts = ledger.attempts_at(name)?;
        let accepted = attempts.iter().filter(|attempt| attempt.is_proved());
        // A corpus proof is shown only where the model has none.
        let shortest = accepted.min_by_key(|it| (it.phase == Phase::Corpus, it.proof.chars().count()));
        let proof = shortest.map(|it| FoundProof {
            round: it.round,
            phase: phase_name(it.phase),
            proof: it.proof.clone(),
        });
        let conjectured = ledger.conjecture(name)?.map(|it| Conjectured {
            round: it.round,
            seed: it.seed,
            seed_proof: it.seed_proof,
            lemma: it.lemma,
        });
        let seeded = ledger.conjectures_from(name)?.into_iter();
        let seed_of = seeded.map(|it| seeded_conjecture(run, it)).collect::<Result<_>>()?;
        Ok(Self { statement, conjectured, proof, rounds: by_round(attempts), seed_of })
    }

    /// It as a text for people; with `all` every different proof and every conjecture.
    pub fn text(&self, all: bool) -> String {
        let LedgerStatement { statement, origin } = &self.statement;
        let mut text = String::new();
        if !statement.header.is_empty() {
            let _ = writeln!(text, "{}", statement.header.trim_end());
        }
        let _ = writeln!(text, "{}", statement.declaration());
        let topics =
            if statement.topics.is_empty() { String::new() } else { statement.topics.join(", ") + " · " };
        let origin = format!("{origin:?}").to_lowercase();
        let split = format!("{:?}", statement.split).to_lowercase();
        let _ = writeln!(text, "{topics}{split} · {origin}");
        if let Some(it) = &self.conjectured {
            let lemma = it.lemma.as_ref().map_or_else(String::new, |lemma| format!(" with lemma {lemma}"));
            let _ = writeln!(text, "conjectured in round {} from {}{lemma}", it.round, it.seed);
        }
        match &self.proof {
            Some(it) => {
                let _ = writeln!(text, "\nproof ({}):\n{}", place(it.round, it.phase), indented(&it.proof));
            }
            None => text.push_str("\nno proof yet\n"),
        }
        let most = if all { usize::MAX } else { MOST_PROOFS };
        for round in &self.rounds {
            round.write(&mut text, most);
        }
        self.write_seeded(&mut text, most);
        text
    }

    fn write_seeded(&self, text: &mut String, most: usize) {
        if self.seed_of.is_empty() {
            return;
        }
        let _ = writeln!(text, "\nseed of {} conjectures:", self.seed_of.len());
        // Those that were tried are what one looks for.
        let (tried, dropped): (Vec<_>, Vec<_>) = self.seed_of.iter().partition(|it| it.statement.is_some());
        for it in tried.iter().chain(&dropped).take(most) {
            let name = it.statement.as_deref().unwrap_or(it.outcome);
            let rate =
                if it.judged > 0 { format!(", {}/{} proved", it.proved, it.judged) } else { String::new() };
            let _ = writeln!(text, "  round {}, {name}{rate}\n    {}", it.round, it.signature);
        }
        if self.seed_of.len() > most {
            let _ = writeln!(text, "  … and {} more (--all)", self.seed_of.len() - most);
        }
    }
}

impl RoundAttempts {
    fn write(&self, text: &mut String, most: usize) {
        let place = place(self.round, self.phase);
        let _ = writeln!(text, "\n{place}: {} of {} attempts proved", self.proved, self.judged);
        // What was sampled again and again is shown once.
        let mut different: Vec<(&ShownAttempt, usize)> = Vec::new();
        for attempt in &self.attempts {
            match different
                .iter_mut()
                .find(|(it, _)| (it.status, &it.proof) == (attempt.status, &attempt.proof))
            {
                Some((_, times)) => *times += 1,
                None => different.push((attempt, 1)),
            }
        }
        different.sort_by_key(|(it, _)| it.status != "proved");
        for (attempt, times) in different.iter().take(most) {
            let times = if *times > 1 { format!(", {times} times") } else { String::new() };
            let _ = writeln!(text, "  {}{times}", attempt.status);
            let _ = writeln!(text, "{}", indented(&indented(&attempt.proof)));
            for line in attempt.messages.iter().flat_map(|message| message.lines()).take(MOST_LINES) {
                let _ = writeln!(text, "    | {line}");
            }
        }
        if different.len() > most {
            let _ = writeln!(text, "  … and {} more (--all)", different.len() - most);
        }
    }
}

/// Attempts, of which those of one round and phase stand together.
fn by_round(attempts: Vec<Attempt>) -> Vec<RoundAttempts> {
    let mut rounds: Vec<RoundAttempts> = Vec::new();
    for attempt in attempts {
        let (round, phase) = (attempt.round, phase_name(attempt.phase));
        if rounds.last().is_none_or(|last| (last.round, last.phase) != (round, phase)) {
            rounds.push(RoundAttempts { round, phase, judged: 0, proved: 0, attempts: Vec::new() });
        }
        if let Some(last) = rounds.last_mut() {
            last.judged += usize::from(attempt.verdict.is_some());
            last.proved += usize::from(attempt.is_proved());
            last.attempts.push(shown(attempt));
        }
    }
    rounds
}

fn shown(attempt: Attempt) -> ShownAttempt {
    let (status, messages, elapsed_ms) = attempt
        .verdict
        .map_or(("waiting", Vec::new(), 0), |it| (it.status.as_str(), it.messages, it.elapsed_ms));
    let Attempt { sample, proof, tokens, .. } = attempt;
    ShownAttempt { sample, status, proof, messages, tokens, elapsed_ms }
}

fn seeded_conjecture(run: &RecordedRun, conjecture: Conjecture) -> Result<SeededConjecture> {
    let mut tally = Tally::default();
    if let Some(name) = &conjecture.statement {
        for attempt in run.ledger().attempts_at(name)? {
            tally.judged += u32::from(attempt.verdict.is_some());
            tally.proved += u32::from(attempt.is_proved());
        }
    }
    Ok(SeededConjecture {
        round: conjecture.round,
        outcome: conjecture.outcome.map_or("waiting", |it| it.as_str()),
        signature: conjecture.signature,
        statement: conjecture.statement,
        judged: tally.judged,
        proved: tally.proved,
    })
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Corpus => "corpus",
        other => other.as_str(),
    }
}

/// Where an attempt was made, for people.
fn place(round: u32, phase: &str) -> String {
    match EarlierFinal::of_round(round) {
        _ if phase == "corpus" => "from the corpus".to_owned(),
        Some(EarlierFinal { rounds }) => format!("final after {rounds}, {phase}"),
        None => format!("round {round}, {phase}"),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn unknown(run: &RecordedRun, name: &str) -> Result<UsageError> {
    let known = run.ledger().statements()?;
    let hint = did_you_mean(name, known.iter().map(|it| it.statement.id.as_str()));
    Ok(UsageError(format!(
        "{} has no statement `{name}`.{hint} Names stand in the corpus and in `stp export {} --what attempts`; conjectures \
         are named conjecture_ROUND_INPUT_SAMPLE.",
        run.name(),
        run.path().display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stp_datasets::{ConjectureOutcome, Ledger, Split, Statement, Status, Verdict};
    use stp_selfplay::config::RunConfig;
    use stp_selfplay::context::RunFolder;

    fn attempt(round: u32, phase: Phase, sample: u32, proof: &str, status: Status) -> Attempt {
        let verdict = Some(Verdict::new(status, "unsolved goals\nx : Nat"));
        let statement = "a_plus".to_owned();
        Attempt { round, phase, statement, sample, proof: proof.into(), tokens: 2, logprob: 0.0, verdict }
    }

    fn run(folder: &std::path::Path) -> RecordedRun {
        let config = RunConfig::load("smoke", None).unwrap();
        let opened = RunFolder::open(&folder.join("run"), &config).unwrap();
        let ledger = Ledger::open(&opened.ledger()).unwrap();
        let statement = Statement {
            id: "a_plus".to_owned(),
            signature: "(a : Nat) : a + 0 = a".to_owned(),
            header: "open Nat".to_owned(),
            topics: vec!["nat".to_owned()],
            split: Split::Train,
        };
        ledger.record_statements(&[statement]).unwrap();
        for attempt in [
            attempt(0, Phase::Corpus, 0, "by rfl", Status::Proved),
            attempt(1, Phase::Train, 0, "by x", Status::Failed),
            attempt(1, Phase::Train, 1, "by x", Status::Failed),
            attempt(1, Phase::Train, 2, "by\n  simp", Status::Proved),
        ] {
            ledger.record_attempt(&attempt).unwrap();
        }
        let mut conjecture = Conjecture {
            round: 1,
            input: 0,
            sample: 0,
            seed: "a_plus".to_owned(),
            seed_proof: "by rfl".to_owned(),
            lemma: None,
            signature: ": 1 = 1".to_owned(),
            outcome: None,
            fingerprint: None,
            statement: None,
            header: String::new(),
            source: stp_datasets::Source::Model,
        };
        ledger.record_conjecture(&conjecture).unwrap();
        conjecture.outcome = Some(ConjectureOutcome::Accepted);
        conjecture.statement = Some("conjecture_1_0_0".to_owned());
        ledger.record_outcomes(&[conjecture]).unwrap();
        RecordedRun::open(opened.path()).unwrap()
    }

    #[test]
    fn a_statement_is_shown_with_what_was_tried_and_what_came_of_it() {
        let scratch = tempfile::tempdir().unwrap();
        let run = run(scratch.path());
        let history = StatementHistory::read(&run, "a_plus").unwrap();
        let counts: Vec<_> =
            history.rounds.iter().map(|it| (it.round, it.phase, it.proved, it.judged)).collect();
        assert_eq!(counts, [(0, "corpus", 1, 1), (1, "train", 1, 3)]);
        let text = history.text(false);
        for part in [
            "open Nat\ntheorem a_plus (a : Nat) : a + 0 = a\nnat · train · corpus\n",
            "proof (round 1, train):\n  by\n    simp\n",
            "round 1, train: 1 of 3 attempts proved\n  proved\n",
            "  failed, 2 times\n    by x\n    | unsolved goals\n",
            "seed of 1 conjectures:\n  round 1, conjecture_1_0_0\n    : 1 = 1\n",
        ] {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
        let json = serde_json::to_value(&history).unwrap();
        assert_eq!(
            (&json["id"], &json["rounds"][1]["attempts"][0]["status"]),
            (&"a_plus".into(), &"failed".into())
        );
        let conjecture = StatementHistory::read(&run, "conjecture_1_0_0").unwrap();
        assert!(conjecture.text(true).contains("conjectured in round 1 from a_plus\n\nno proof yet"));
        let error = StatementHistory::read(&run, "a_pls").unwrap_err();
        assert!(error.downcast_ref::<UsageError>().is_some());
        assert!(error.to_string().contains("Did you mean `a_plus`?"), "{error}");
    }
}
