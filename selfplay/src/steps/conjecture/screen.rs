//! What becomes of generated texts: what is malformed, known, held out, not Lean, trivial or false is dropped, and the
//! rest is accepted until the quota is full. Each is elaborated and judged under its seed's header.

use anyhow::Result;
use stp_conjecturer::{KnownStatements, ShapeCounts, refutation, trivial_proof};
use stp_datasets::{Conjecture, ConjectureOutcome, Source, canonical_statement};
use stp_verifier::{Candidate, Pool, StatementReport, VerifierError, ask_each};

use crate::context::Context;
use crate::context::known::corpus_statements;
use crate::events::{Done, Recorded, Work};
use crate::spent::Asked;

/// Texts for each worker in a window. A window is decided before the next one, which is compared with what it accepts.
const WINDOW: usize = 8;

/// Decides the outcome of the round's texts with a sample number below `end`, in one transaction at the end. Whether the
/// quota is full is returned; `earlier` is what was known before the round.
///
/// # Errors
/// If Lean or the ledger fails, or the user interrupts.
pub async fn screen(context: &Context, earlier: &Seen, round: u32, end: u32, quota: usize) -> Result<bool> {
    // What no wave has accepted is not known to the next one, so a round that was interrupted goes on the same.
    let mut seen = earlier.clone();
    let known = context.ledger.accepted_of(round..=round)?;
    known.iter().for_each(|it| seen.know(&it.signature, it.fingerprint.as_deref()));
    let accepted = known.iter().filter(|it| it.source == Source::Model).count();
    let mut conjectures = context.ledger.open_conjectures(round, end)?;
    for conjecture in &mut conjectures {
        conjecture.outcome = seen.sieve.admit_text(&conjecture.signature);
    }
    let accepted = ask_lean(context, round, &mut conjectures, &mut seen, accepted, quota).await?;
    context.ledger.record_outcomes(&conjectures)?;
    context.spending.keep(&context.ledger)?;
    context.events.recorded(Recorded::Outcomes);
    Ok(accepted >= quota)
}

/// What conjectures are compared with: held-out statements, given ones, and earlier conjectures.
#[derive(Clone)]
pub struct Seen {
    sieve: KnownStatements,
    shapes: ShapeCounts,
}

impl Seen {
    /// Knows the corpus and what was accepted before a round.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn before(context: &Context, round: u32) -> Result<Self> {
        let shapes = ShapeCounts::new(context.config.conjecturing.most_alike);
        let mut seen = Self { sieve: corpus_statements(context)?, shapes };
        context.ledger.each_accepted(round.saturating_sub(1), |_, signature, fingerprint| {
            seen.know(signature, fingerprint);
        })?;
        Ok(seen)
    }

    /// Knows an accepted conjecture as well.
    fn know(&mut self, signature: &str, fingerprint: Option<&str>) {
        self.sieve.know(&canonical_statement(signature));
        fingerprint.into_iter().for_each(|print| self.sieve.know(print));
        self.shapes.add(signature);
    }
}

/// Asks Lean about the undecided texts in order, until the quota is full; `accepted` are there already.
async fn ask_lean(
    context: &Context,
    round: u32,
    conjectures: &mut [Conjecture],
    seen: &mut Seen,
    mut accepted: usize,
    quota: usize,
) -> Result<usize> {
    let undecided = undecided(conjectures, 0..conjectures.len());
    if undecided.is_empty() {
        return Ok(accepted);
    }
    let progress = context.events.work(&Work::Elaborate { round }, undecided.len() as u64);
    for window in undecided.chunks(context.verifier.workers() * WINDOW) {
        for &index in window {
            if seen.shapes.is_full(&conjectures[index].signature) {
                conjectures[index].outcome = Some(ConjectureOutcome::Duplicate);
            }
        }
        elaborate(context, conjectures, window, seen, accepted >= quota).await?;
        drop_worthless(context, conjectures, window).await?;
        for &index in window {
            let conjecture = &mut conjectures[index];
            if conjecture.outcome.is_none() {
                accept(conjecture, round, &mut seen.shapes, accepted < quota);
                accepted += usize::from(conjecture.outcome == Some(ConjectureOutcome::Accepted));
            }
        }
        progress.advance(window.len() as u64);
    }
    progress.finish(Done::Accepted { conjectures: accepted });
    Ok(accepted)
}

fn undecided(conjectures: &[Conjecture], indices: impl IntoIterator<Item = usize>) -> Vec<usize> {
    indices.into_iter().filter(|&index| conjectures[index].outcome.is_none()).collect()
}

/// Drops what is no statement, and what Lean takes for one that is known.
async fn elaborate(
    context: &Context,
    conjectures: &mut [Conjecture],
    window: &[usize],
    seen: &mut Seen,
    full: bool,
) -> Result<()> {
    let open = undecided(conjectures, window.iter().copied());
    let texts: Vec<_> = open.iter().map(|&index| text(&conjectures[index])).collect();
    let ask = |verifier: Pool, (header, signature): (String, String)| async move {
        verifier.foreign_statement(&header, &signature).await
    };
    let asked = ask_each(&context.verifier, WINDOW, texts, ask, |_| {});
    let reports: Vec<StatementReport> = context.cancel.unless(asked).await??;
    context.spending.count(|spent| spent.statements += reports.len() as u64);
    for (&index, report) in open.iter().zip(&reports) {
        let conjecture = &mut conjectures[index];
        conjecture.fingerprint.clone_from(&report.fingerprint);
        let known = report.fingerprint.as_deref().and_then(|print| seen.sieve.admit(print));
        conjecture.outcome = match known {
            _ if full => Some(ConjectureOutcome::OverQuota),
            _ if !report.ok => Some(ConjectureOutcome::NotElaborated),
            known => known,
        };
    }
    Ok(())
}

fn text(conjecture: &Conjecture) -> (String, String) {
    (conjecture.header.clone(), conjecture.signature.clone())
}

fn accept(conjecture: &mut Conjecture, round: u32, shapes: &mut ShapeCounts, room: bool) {
    let outcome = if !room {
        ConjectureOutcome::OverQuota
    } else if shapes.is_full(&conjecture.signature) {
        ConjectureOutcome::Duplicate
    } else {
        shapes.add(&conjecture.signature);
        conjecture.statement = Some(format!("conjecture_{round}_{}_{}", conjecture.input, conjecture.sample));
        ConjectureOutcome::Accepted
    };
    conjecture.outcome = Some(outcome);
}

/// Drops what is trivial or false, as far as the settings ask for it.
async fn drop_worthless(context: &Context, conjectures: &mut [Conjecture], window: &[usize]) -> Result<()> {
    let settings = &context.config.conjecturing;
    if !(settings.drop_trivial || settings.drop_refuted) {
        return Ok(());
    }
    let rules = Rules {
        trivial: settings.drop_trivial.then(|| trivial_proof(settings.drop_automatic)),
        refuted: settings.drop_refuted,
    };
    let open = undecided(conjectures, window.iter().copied());
    let texts: Vec<_> = open.iter().map(|&index| text(&conjectures[index])).collect();
    let ask = |verifier: Pool, (header, signature): (String, String)| {
        let rules = rules.clone();
        async move { rules.judge(&verifier, &header, &signature).await }
    };
    let asked = ask_each(&context.verifier, WINDOW, texts, ask, |_| {});
    let judged: Vec<Worth> = context.cancel.unless(asked).await??;
    for (index, worth) in open.into_iter().zip(judged) {
        conjectures[index].outcome = worth.outcome;
        context.spending.count(|spent| {
            spent.refutations += worth.refutations;
            spent.trivialities += worth.trivialities;
        });
    }
    Ok(())
}

/// What was found of a conjecture's worth, and what that took.
#[derive(Default)]
struct Worth {
    outcome: Option<ConjectureOutcome>,
    refutations: Asked,
    trivialities: Asked,
}

/// What makes a conjecture worthless.
#[derive(Clone)]
struct Rules {
    /// A proof that only trivial statements have.
    trivial: Option<String>,
    /// Whether its negation has a proof by automation.
    refuted: bool,
}

impl Rules {
    /// Far more conjectures are false than trivial, so that is asked first.
    async fn judge(&self, verifier: &Pool, header: &str, signature: &str) -> Result<Worth, VerifierError> {
        let proves = async |asked: &mut Asked, signature: &str, proof: &str| {
            let candidate = Candidate::new(header, signature, proof).foreign();
            let verdict = verifier.check(candidate).await?;
            asked.count(verdict.elapsed_ms);
            Ok::<_, VerifierError>(verdict.is_proved())
        };
        let mut worth = Worth::default();
        if let Some((negation, proof)) = refutation(signature).filter(|_| self.refuted)
            && proves(&mut worth.refutations, &negation, &proof).await?
        {
            worth.outcome = Some(ConjectureOutcome::Refuted);
        } else if let Some(proof) = &self.trivial
            && proves(&mut worth.trivialities, signature, proof).await?
        {
            worth.outcome = Some(ConjectureOutcome::Trivial);
        }
        Ok(worth)
    }
}
