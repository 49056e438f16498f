//! Filling the `sorry`s of a text: each theorem is searched below what stands before it, and the whole is judged at the end.

use std::collections::HashMap;
use std::time::Instant;

use anyhow::Result;
use stp_datasets::{LeanTheorem, Status, mentions};
use stp_selfplay::error::UsageError;
use stp_selfplay::search::solve::on_lines_of_its_own;
use stp_selfplay::search::{Found, Outcome, Problem};
use stp_verifier::hint::hint;
use stp_verifier::{FileJudgement, JudgedFile, Pool};

use super::seeker::{Seeker, nothing};
use super::text::{LeanText, Open, count_of_sorries, has_sorry, without_admit};

/// Why a proof by recursion is not searched.
const CALLS_ITSELF: &str = "its proof calls the theorem itself, and a search gives the theorem another name; write the recursion as \
                            `induction`";

/// What became of a theorem with a `sorry`.
pub(super) struct Searched {
    /// Its place among the text's theorems.
    pub index: usize,
    /// The theorem, with the proof that it had.
    pub theorem: LeanTheorem,
    /// What the search came to.
    pub found: Found,
    /// What it took.
    pub seconds: f64,
}

/// What became of a text.
pub(super) struct Filled {
    /// The text with all that was filled, accepted by the judge.
    pub text: String,
    /// Its theorems with a `sorry`.
    pub theorems: Vec<Searched>,
    /// Whether it differs from what it was.
    pub is_changed: bool,
    /// What ended the search before its end, or kept the whole from being judged.
    pub failed: Option<anyhow::Error>,
}

/// Fills what can be filled. If Lean or the model fails midway, what was found before is kept.
///
/// # Errors
/// If Lean fails at the beginning; [`UsageError`] if the text does not elaborate at all.
pub(super) async fn fill(lean: &LeanText, seeker: &Seeker<'_>) -> Result<Filled> {
    let before = seeker.cancel.unless(elaborated(&seeker.pool, &lean.text)).await??;
    require_theorems(&before, lean)?;
    let mut proofs: Vec<(usize, String)> = Vec::new();
    let mut searched: Vec<Searched> = Vec::new();
    let mut failed = None;
    for Open { index, is_bare, theorem: LeanTheorem { line, .. } } in lean.open() {
        // Below the proofs that were found so far.
        let so_far = LeanText::of(&lean.with(&proofs));
        let Some(open) = so_far.open().into_iter().find(|it| it.index == index) else { continue };
        let LeanTheorem { name, header, signature, proof, .. } = open.theorem.clone();
        let given = (!is_bare).then(|| on_lines_of_its_own(&without_admit(&proof)));
        let problem = Problem { header, signature, given };
        let calls_itself = mentions(&proof, &name);
        let shown = if name.is_empty() { format!("line {line}") } else { name };
        let started = Instant::now();
        let sought = match calls_itself {
            true => Ok(nothing(&problem, Outcome::Refused(CALLS_ITSELF.to_owned()))),
            false => seeker.seek(&shown, &problem).await,
        };
        let found = match sought {
            Ok(found) if is_bare => found,
            Ok(found) => Found { proof: so_far.laid_out(&open.theorem, &found.proof), ..found },
            Err(error) => {
                failed = Some(error);
                break;
            }
        };
        let seconds = started.elapsed().as_secs_f64();
        // A bare `sorry` is as good as a proof with others in it, and it is the user's own.
        let left = count_of_sorries(&found.proof);
        let is_nearer = problem.given.as_ref().is_some_and(|given| left < count_of_sorries(given));
        if found.outcome == Outcome::Proved || is_nearer {
            proofs.push((index, found.proof.clone()));
        }
        let stop = found.outcome == Outcome::Interrupted;
        // Its line is that of the file, not of the text in which those above are filled.
        searched.push(Searched { index, theorem: LeanTheorem { line, ..open.theorem }, found, seconds });
        if stop {
            break;
        }
    }
    let mut alone = "its proof holds alone, but not in the whole file";
    let accepted = accepted(lean, proofs, &before, &seeker.pool).await.unwrap_or_else(|error| {
        failed.get_or_insert(error);
        alone = "its proof holds alone; the whole file could not be judged, and was not changed";
        Vec::new()
    });
    for it in &mut searched {
        if it.found.outcome == Outcome::Proved && !accepted.iter().any(|(index, _)| *index == it.index) {
            it.found.outcome = Outcome::Refused(alone.to_owned());
        }
    }
    let text = lean.with(&accepted);
    Ok(Filled { is_changed: !accepted.is_empty(), text, theorems: searched, failed })
}

/// The proofs that the judge accepts in their text: none may fail there, and nothing that was proved may be lost.
async fn accepted(
    lean: &LeanText,
    mut proofs: Vec<(usize, String)>,
    before: &JudgedFile,
    pool: &Pool,
) -> Result<Vec<(usize, String)>> {
    while !proofs.is_empty() {
        let text = LeanText::of(&lean.with(&proofs));
        let after = elaborated(pool, &text.text).await?;
        let count = proofs.len();
        let is_good = |index: usize| {
            let found = stp_datasets::theorems(&text.text).into_iter().nth(index);
            found.and_then(Result::ok).is_some_and(|theorem| holds(&theorem, &after))
        };
        proofs.retain(|(index, _)| is_good(*index));
        if proofs.len() == count {
            if is_lost(before, &after) {
                proofs.clear();
            }
            break;
        }
    }
    Ok(proofs)
}

/// Whether a theorem of a judged text is proved, or has nothing against it but the `sorry`s that are left in it.
fn holds(theorem: &LeanTheorem, judged: &JudgedFile) -> bool {
    let line = u32::try_from(theorem.line).unwrap_or(u32::MAX);
    let is_here = |it: &&stp_verifier::JudgedTheorem| (it.pos.line..=it.end_pos.line).contains(&line);
    judged.theorems.iter().find(is_here).is_some_and(|it| match it.verdict.status {
        Status::Proved => true,
        Status::Rejected => {
            has_sorry(&theorem.proof) && it.verdict.axioms.iter().any(|axiom| axiom == "sorryAx")
        }
        _ => false,
    })
}

/// Whether something that was proved is not proved any more.
fn is_lost(before: &JudgedFile, after: &JudgedFile) -> bool {
    let proved = |judged: &JudgedFile| {
        let mut names: HashMap<String, usize> = HashMap::new();
        for theorem in judged.theorems.iter().filter(|it| it.verdict.is_proved()) {
            *names.entry(theorem.name.clone()).or_default() += 1;
        }
        names
    };
    let now = proved(after);
    proved(before).iter().any(|(name, count)| now.get(name).copied().unwrap_or_default() < *count)
}

async fn elaborated(pool: &Pool, text: &str) -> Result<JudgedFile> {
    match pool.judge_file(text).await? {
        FileJudgement::Done(judged) => Ok(judged),
        FileJudgement::TimedOut(limit) => anyhow::bail!(
            "The file takes longer than {:.0} s; nothing was written. Give a longer --timeout.",
            limit as f64 / 1e3
        ),
        FileJudgement::Crashed(why) => anyhow::bail!("Lean died of the file ({why}); nothing was written."),
    }
}

/// Refuses a text of which Lean takes no theorem at all.
fn require_theorems(judged: &JudgedFile, lean: &LeanText) -> Result<()> {
    let errors: Vec<_> = judged.messages.iter().filter(|message| message.severity == "error").collect();
    let Some(first) = errors.first().filter(|_| judged.theorems.is_empty()) else { return Ok(()) };
    let said: Vec<String> = errors.iter().map(|message| message.data.clone()).collect();
    let advice = hint(&lean.text, &said).unwrap_or_default();
    let (line, column) = (first.pos.line, first.pos.column);
    let text = format!("The text does not elaborate: {line}:{column}: {} {advice}", first.data.trim());
    Err(UsageError(text.trim().to_owned()).into())
}
