//! What becomes of generated texts: what is malformed, known, held out, not Lean, trivial or false is dropped, and the
//! rest is accepted until the quota is full.

use std::collections::HashMap;

use anyhow::{Context, Result};
use stp_conjecturer::{Shapes, Sieve, refutation, trivial_proof};
use stp_datasets::{Conjecture, Outcome, Split, canonical_statement};
use stp_verifier::{Candidate, Pool, StatementReport};
use tokio::task::JoinSet;

use crate::run::Run;
use crate::setup::Setup;

/// Decides the outcome of the round's texts with a sample number below `end`, in one transaction at the end. Whether the
/// quota is full is returned.
///
/// # Errors
/// If Lean or the ledger fails, or the user interrupts.
pub async fn screen(run: &Run, round: u32, end: u32, quota: usize) -> Result<bool> {
    let accepted = |conjecture: &Conjecture| conjecture.outcome == Some(Outcome::Accepted);
    let all = run.ledger.conjectures()?;
    // In a round that was interrupted between two waves, the earlier waves are decided already.
    let decided: Vec<_> = all.iter().filter(|c| c.round <= round && accepted(c)).cloned().collect();
    let full = decided.iter().filter(|conjecture| conjecture.round == round).count();
    let is_open = |conjecture: &Conjecture| {
        conjecture.round == round && conjecture.sample < end && conjecture.outcome.is_none()
    };
    let mut conjectures: Vec<_> = all.into_iter().filter(is_open).collect();
    let mut sieve = sieve(run, &decided)?;
    for conjecture in &mut conjectures {
        conjecture.outcome = sieve.admit_text(&conjecture.signature);
    }
    let mut shapes = Shapes::new(run.config.conjecturing.most_alike);
    decided.iter().for_each(|conjecture| shapes.add(&conjecture.signature));
    let mut seen = Seen { sieve, shapes };
    let full = ask_lean(run, round, &mut conjectures, &mut seen, full, quota).await?;
    run.ledger.record_outcomes(&conjectures)?;
    Ok(full >= quota)
}

/// How many of the round's texts met which fate; also said to the user.
///
/// # Errors
/// If the ledger cannot be read.
pub fn summary(run: &Run, round: u32) -> Result<serde_json::Value> {
    let conjectures: Vec<_> = run.ledger.conjectures()?.into_iter().filter(|c| c.round == round).collect();
    let count = |outcome| conjectures.iter().filter(|c| c.outcome == Some(outcome)).count();
    let counts: serde_json::Map<_, _> =
        Outcome::ALL.iter().map(|outcome| (outcome.as_str().to_owned(), count(*outcome).into())).collect();
    let settings = &run.config.conjecturing;
    let switched_off = |name: &str| {
        (name == "trivial" && !settings.drop_trivial) || (name == "refuted" && !settings.drop_refuted)
    };
    let shown = counts.iter().filter(|(name, _)| !switched_off(name));
    let text: Vec<_> = shown.map(|(name, count)| format!("{count} {}", name.replace('_', " "))).collect();
    run.display.line(&format!("round {round}: conjectures: {}", text.join(", ")));
    Ok(counts.into())
}

/// What is known already.
struct Seen {
    sieve: Sieve,
    shapes: Shapes,
}

/// What conjectures are compared with: held-out statements, given ones, and earlier conjectures.
fn sieve(run: &Run, earlier: &[Conjecture]) -> Result<Sieve> {
    let fingerprints = Setup::read(run)?.fingerprints;
    let mut sieve = Sieve::default();
    for entry in &run.corpus.entries {
        let statement = &entry.statement;
        let keys =
            [Some(canonical_statement(&statement.signature)), fingerprints.get(&statement.id).cloned()];
        for key in keys.into_iter().flatten() {
            match statement.split {
                Split::Train => sieve.know(key),
                Split::Valid | Split::Test => sieve.hold_out(key),
            }
        }
    }
    for conjecture in earlier {
        sieve.know(canonical_statement(&conjecture.signature));
        conjecture.fingerprint.iter().for_each(|print| sieve.know(print.clone()));
    }
    Ok(sieve)
}

/// Asks Lean about the undecided texts in order, until the quota is full; `accepted` are there already.
async fn ask_lean(
    run: &Run,
    round: u32,
    conjectures: &mut [Conjecture],
    seen: &mut Seen,
    mut accepted: usize,
    quota: usize,
) -> Result<usize> {
    let undecided: Vec<_> = (0..conjectures.len()).filter(|&i| conjectures[i].outcome.is_none()).collect();
    if undecided.is_empty() {
        return Ok(accepted);
    }
    let progress = run.display.phase(&format!("round {round}: elaborate"), undecided.len() as u64);
    for chunk in undecided.chunks(run.pool.workers() * 8) {
        let (alike, chunk): (Vec<_>, Vec<_>) =
            chunk.iter().copied().partition(|&index| seen.shapes.is_full(&conjectures[index].signature));
        for index in alike {
            conjectures[index].outcome = Some(Outcome::Duplicate);
            progress.advance(1);
        }
        let reports = ask_all(run, &chunk, |index| {
            let (pool, signature) = (run.pool.clone(), conjectures[index].signature.clone());
            async move { Ok(pool.foreign_statement("", &signature).await?) }
        })
        .await?;
        let full = accepted >= quota;
        for &index in &chunk {
            let report: &StatementReport = reports.get(&index).context("a statement got no answer")?;
            let conjecture = &mut conjectures[index];
            conjecture.fingerprint.clone_from(&report.fingerprint);
            let known = report.fingerprint.clone().and_then(|print| seen.sieve.admit(print));
            conjecture.outcome = match known {
                _ if full => Some(Outcome::OverQuota),
                _ if !report.ok => Some(Outcome::NotElaborated),
                known => known,
            };
        }
        check(run, &chunk, conjectures).await?;
        for &index in &chunk {
            let conjecture = &mut conjectures[index];
            if conjecture.outcome.is_none() {
                accept(conjecture, round, &mut seen.shapes, accepted < quota);
                accepted += usize::from(conjecture.outcome == Some(Outcome::Accepted));
            }
            progress.advance(1);
        }
    }
    progress.finish(&format!("{accepted} conjectures accepted"));
    Ok(accepted)
}

fn accept(conjecture: &mut Conjecture, round: u32, shapes: &mut Shapes, room: bool) {
    let outcome = if !room {
        Outcome::OverQuota
    } else if shapes.is_full(&conjecture.signature) {
        Outcome::Duplicate
    } else {
        shapes.add(&conjecture.signature);
        conjecture.statement = Some(format!("conjecture_{round}_{}_{}", conjecture.input, conjecture.sample));
        Outcome::Accepted
    };
    conjecture.outcome = Some(outcome);
}

/// Drops what is trivial or false, as far as the settings ask for it.
async fn check(run: &Run, chunk: &[usize], conjectures: &mut [Conjecture]) -> Result<()> {
    let settings = &run.config.conjecturing;
    if !(settings.drop_trivial || settings.drop_refuted) {
        return Ok(());
    }
    let trivial = settings.drop_trivial.then(|| trivial_proof(settings.drop_automatic));
    let open: Vec<_> = chunk.iter().copied().filter(|&index| conjectures[index].outcome.is_none()).collect();
    let outcomes = ask_all(run, &open, |index| {
        let (pool, signature) = (run.pool.clone(), conjectures[index].signature.clone());
        let (trivial, refuted) = (trivial.clone(), settings.drop_refuted);
        async move { judge(&pool, &signature, trivial.as_deref(), refuted).await }
    })
    .await?;
    for (index, outcome) in outcomes {
        conjectures[index].outcome = outcome;
    }
    Ok(())
}

/// Far more conjectures are false than trivial, so that is asked first.
async fn judge(
    pool: &Pool,
    signature: &str,
    trivial: Option<&str>,
    refuted: bool,
) -> Result<Option<Outcome>> {
    let proves = async |signature: &str, proof: &str| -> Result<bool> {
        let candidate = Candidate::new("", signature, proof).foreign();
        Ok(pool.check(candidate).await?.is_proved())
    };
    if let Some((negation, proof)) = refutation(signature).filter(|_| refuted)
        && proves(&negation, &proof).await?
    {
        return Ok(Some(Outcome::Refuted));
    }
    match trivial {
        Some(proof) if proves(signature, proof).await? => Ok(Some(Outcome::Trivial)),
        _ => Ok(None),
    }
}

/// Asks about each of `indices` side by side.
async fn ask_all<T, F>(run: &Run, indices: &[usize], ask: impl Fn(usize) -> F) -> Result<HashMap<usize, T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let mut checks = JoinSet::new();
    for &index in indices {
        let answer = ask(index);
        checks.spawn(async move { (index, answer.await) });
    }
    let mut answers = HashMap::new();
    while let Some(done) = run.unless_cancelled(checks.join_next()).await? {
        let (index, answer) = done?;
        answers.insert(index, answer?);
    }
    Ok(answers)
}
