//! The search itself: step after step, until the judge has accepted the whole or the budget is spent.

use std::collections::HashSet;

use anyhow::Result;
use stp_datasets::Sketch;
use stp_verifier::Candidate;

use super::ask::{Ask, Asker, Budget, Sampled, Spent, Stop, Tools, is_refused};
use super::automation::Automation;
use super::order::Nearness;
use super::queue::{self, Allowed, Step};
use super::shorten::shorter;
use super::tree::{Failed, GoalId, ROOT, SketchId, Tree};
use crate::random::seed_for;

/// What is to be proved.
#[derive(Clone, Debug, Default)]
pub struct Problem {
    /// Lean text before the theorem, the user's own.
    pub header: String,
    /// Binders and type.
    pub signature: String,
    /// A proof with `sorry`s, of which only these are searched; `None`: there is nothing yet.
    pub given: Option<String>,
}

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Checks and time.
    pub budget: Budget,
    /// Goals of sketches lie no deeper.
    pub depth: u32,
    /// A sketch with more holes is left.
    pub most_open: usize,
    /// Samples of a goal in its first turn.
    pub samples: usize,
    /// Checks for shorter texts of one proof; 0: it stays as it is.
    pub shortening: u64,
    /// Seed of the model's samples.
    pub seed: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { budget: Budget::default(), depth: 2, most_open: 3, samples: 8, shortening: 24, seed: 0 }
    }
}

/// How a search ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The judge accepts the proof.
    Proved,
    /// Something stays open: the budget is spent.
    Open,
    /// Something stays open: there is nothing more to try.
    Exhausted,
    /// The user stopped it.
    Interrupted,
    /// It could not begin: what is wrong with the given proof.
    Refused(String),
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Found {
    /// How it ended.
    pub outcome: Outcome,
    /// The proof, or the one that leaves the fewest goals open, with `sorry` at each; the text after `:=`.
    pub proof: String,
    /// The goals at the `sorry`s: signatures, or why one is none.
    pub open: Vec<String>,
    /// What it took.
    pub spent: Spent,
}

/// Searches for a proof.
///
/// # Errors
/// If Lean or the model fails; that nothing is found, or the user interrupts, is an outcome.
pub async fn solve(problem: &Problem, limits: &Limits, tools: &Tools<'_>) -> Result<Found> {
    let mut search = Search {
        problem,
        limits,
        automation: Automation::new(&problem.header, &problem.signature),
        asker: Asker::new(tools, limits.budget),
        tree: Tree::new(&problem.signature),
        allowed: Allowed {
            has_model: tools.model.is_some(),
            depth: limits.depth,
            samples: limits.samples.max(1),
        },
    };
    let outcome = match search.go().await {
        Ok(outcome) => outcome,
        Err(_) if search.tree.goal(ROOT).proof.is_some() => Outcome::Proved,
        Err(Stop::Budget) => Outcome::Open,
        Err(Stop::Interrupted) => Outcome::Interrupted,
        Err(Stop::Broken(error)) => return Err(error),
    };
    let mut partial = search.tree.partial(ROOT);
    // What the user wrote stays where nothing that it was filled with holds.
    if let Some(given) = problem.given.as_ref().filter(|_| partial.is_bare()) {
        partial.proof.clone_from(given);
    }
    Ok(Found { outcome, proof: partial.proof, open: partial.open, spent: search.asker.spent })
}

struct Search<'a> {
    problem: &'a Problem,
    limits: &'a Limits,
    automation: Automation,
    asker: Asker<'a>,
    tree: Tree,
    allowed: Allowed,
}

impl Search<'_> {
    async fn go(&mut self) -> Result<Outcome, Stop> {
        let given = match &self.problem.given {
            Some(proof) => match self.begin_with(proof).await? {
                Ok(sketch) => Some(sketch),
                Err(reason) => return Ok(Outcome::Refused(reason)),
            },
            None => None,
        };
        while self.tree.goal(ROOT).proof.is_none() {
            let Some((goal, step)) = queue::next(&self.tree, &self.allowed) else {
                if let Some(sketch) = given {
                    self.shorten_goals_of(sketch).await?;
                }
                return Ok(Outcome::Exhausted);
            };
            let before = self.asker.spent;
            self.step(goal, step).await?;
            let after = self.asker.spent;
            let cost = after.checks - before.checks + 2 * (after.sketches - before.sketches);
            queue::done(&mut self.tree, goal, u32::try_from(cost).unwrap_or(u32::MAX).max(1));
        }
        match given {
            Some(sketch) => self.shorten_goals_of(sketch).await?,
            None => self.shorten(ROOT).await?,
        }
        Ok(Outcome::Proved)
    }

    /// A given proof as the only sketch of the statement.
    async fn begin_with(&mut self, proof: &str) -> Result<Result<SketchId, String>, Stop> {
        let sketch = match self.asker.sketch(self.candidate(ROOT, proof)).await? {
            Ok(sketch) => sketch,
            Err(reason) => return Ok(Err(reason)),
        };
        // The last message is Lean's on the proof as it was given; those before it came up when something was cut already.
        if let Some(message) = sketch.messages.last() {
            return Ok(Err(format!("the proof has an error beside its `sorry`: {message}")));
        }
        let added = self.tree.add_given(sketch);
        queue::only_below(&mut self.tree);
        Ok(Ok(added))
    }

    async fn step(&mut self, goal: GoalId, step: Step) -> Result<(), Stop> {
        match step {
            Step::Automation => {
                let proof = self.automation.whole();
                self.try_texts(goal, vec![(proof, 0.0)], false).await
            }
            Step::Skeletons => {
                let all = self.automation.skeletons(&self.tree.goal(goal).signature);
                self.try_texts(goal, all.into_iter().map(|text| (text, 0.0)).collect(), true).await
            }
            Step::Sample(count) => self.sample(goal, count, &[]).await,
            Step::Mend(count) => {
                let failed = self.tree.to_mend(goal, count.div_ceil(2));
                if failed.is_empty() { Ok(()) } else { self.sample(goal, count, &failed).await }
            }
            Step::Sketch(most) => self.sketch(goal, most).await,
        }
    }

    /// Samples of a goal, or second attempts at what failed, and the judge's word on them.
    async fn sample(&mut self, goal: GoalId, count: usize, failed: &[Failed]) -> Result<(), Stop> {
        let signature = self.tree.goal(goal).signature.clone();
        let header = self.problem.header.as_str();
        let count = count.min(usize::try_from(self.asker.left()).unwrap_or(usize::MAX)).max(1);
        let stage = self.tree.goal(goal).stage.to_string();
        let seed =
            |index: usize| seed_for(self.limits.seed, &["search", &signature, &stage, &index.to_string()]);
        let mut texts: Vec<Sampled> = Vec::new();
        if failed.is_empty() {
            let ask = Ask { header, signature: &signature, failed: None };
            texts = self.asker.sample(&ask, (0..count).map(seed).collect()).await?;
        }
        for (number, it) in failed.iter().enumerate() {
            let ask = Ask { header, signature: &signature, failed: Some((&it.proof, &it.message)) };
            let seeds = (number..count).step_by(failed.len()).map(seed).collect();
            texts.extend(self.asker.sample(&ask, seeds).await?);
        }
        self.try_texts(goal, texts.into_iter().map(|it| (it.proof, it.likelihood)).collect(), true).await
    }

    /// Judges texts of a goal; those that fail are kept for sketches and second attempts where they are `telling`.
    async fn try_texts(
        &mut self,
        goal: GoalId,
        texts: Vec<(String, f64)>,
        telling: bool,
    ) -> Result<(), Stop> {
        let mut seen = HashSet::new();
        let mut is_new = |text: &str| {
            // Equations can be a theorem's proof, but stand in no hole.
            let may_stand = goal == ROOT || !text.trim_start().starts_with('|');
            may_stand && !self.tree.is_tried(goal, text) && seen.insert(text.to_owned())
        };
        let texts: Vec<_> = texts.into_iter().filter(|(text, _)| is_new(text)).collect();
        let candidates = texts.iter().map(|(text, _)| self.candidate(goal, text)).collect();
        let (proved, verdicts) = self.asker.judge(candidates).await?;
        for (index, verdict) in verdicts {
            self.tree.note_tried(goal, &texts[index].0);
            if telling && is_refused(&verdict) {
                let nearness = Nearness {
                    errors: verdict.messages.len(),
                    likelihood: texts[index].1,
                    number: u32::try_from(index).unwrap_or(u32::MAX),
                };
                let message = verdict.messages.into_iter().next().unwrap_or_default();
                let proof = texts[index].0.clone();
                self.tree.goal_mut(goal).failed.push(Failed { proof, message, nearness });
            }
        }
        match proved {
            Some(index) => self.close(goal, texts[index].0.clone()).await,
            None => Ok(()),
        }
    }

    /// Makes sketches of the nearest failed proofs; their goals come into the queue.
    async fn sketch(&mut self, goal: GoalId, most: usize) -> Result<(), Stop> {
        let depth = self.tree.goal(goal).depth + 1;
        for proof in self.tree.to_sketch(goal, most) {
            // An earlier sketch may have needed nothing but what is proved already.
            if self.tree.goal(goal).proof.is_some() {
                return Ok(());
            }
            let asked = self.candidate(goal, &on_lines_of_its_own(&proof));
            let Ok(sketch) = self.asker.sketch(asked).await? else { continue };
            if sketch.holes.is_empty() {
                // What failed was not needed.
                self.try_texts(goal, vec![(sketch.proof, 0.0)], false).await?;
                continue;
            }
            if !self.is_worth_it(&sketch) {
                continue;
            }
            if let Ok(id) = self.tree.add(goal, sketch, depth) {
                self.asker.goals = self.tree.ids().len();
                self.put_together(vec![id]).await?;
            }
        }
        Ok(())
    }

    fn is_worth_it(&self, sketch: &Sketch) -> bool {
        sketch.holes.len() <= self.limits.most_open && sketch.holes.iter().all(|it| it.signature().is_some())
    }

    /// A goal is proved; what waited for it is put together.
    async fn close(&mut self, goal: GoalId, proof: String) -> Result<(), Stop> {
        let complete = self.tree.close(goal, &proof);
        self.put_together(complete).await
    }

    /// Judges the wholes of sketches whose goals are all proved, and so on upwards.
    async fn put_together(&mut self, mut sketches: Vec<SketchId>) -> Result<(), Stop> {
        while let Some(id) = sketches.pop() {
            if !self.tree.is_complete(id) {
                continue;
            }
            let Some((parent, text)) = self.tree.whole(id) else {
                self.tree.bury(id);
                continue;
            };
            match self.asker.judge(vec![self.candidate(parent, &text)]).await?.0 {
                Some(_) => sketches.extend(self.tree.close(parent, &text)),
                None => self.tree.bury(id),
            }
        }
        Ok(())
    }

    /// Puts shorter texts in the place of a proof, as long as the judge accepts them.
    async fn shorten(&mut self, goal: GoalId) -> Result<(), Stop> {
        let mut left = self.limits.shortening;
        while left > 0 {
            let Some(proof) = self.tree.goal(goal).proof.clone() else { return Ok(()) };
            let mut texts: Vec<String> =
                shorter(&proof).into_iter().filter(|text| !self.tree.is_tried(goal, text)).collect();
            texts.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            let before = self.asker.spent.checks;
            let candidates = texts.iter().map(|text| self.candidate(goal, text)).collect();
            let (proved, verdicts) = self.asker.judge(candidates).await?;
            // What was not looked at may be tried again, of the shorter proof.
            for (index, _) in verdicts {
                self.tree.note_tried(goal, &texts[index]);
            }
            left = left.saturating_sub(self.asker.spent.checks - before);
            match proved {
                Some(index) => self.tree.goal_mut(goal).proof = Some(texts.swap_remove(index)),
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// The same of what fills a given proof's holes; the user's own text stays as it is.
    async fn shorten_goals_of(&mut self, sketch: SketchId) -> Result<(), Stop> {
        for goal in self.tree.goals_of(sketch).to_vec().into_iter().flatten() {
            self.shorten(goal).await?;
        }
        if let Some((parent, text)) = self.tree.whole(sketch)
            && self.tree.goal(parent).proof.as_ref().is_some_and(|proof| *proof != text)
            && self.asker.judge(vec![self.candidate(parent, &text)]).await?.0.is_some()
        {
            self.tree.goal_mut(parent).proof = Some(text);
        }
        Ok(())
    }

    /// A proof of a goal to judge. What a sketch says of its goals is nothing to be trusted.
    fn candidate(&self, goal: GoalId, proof: &str) -> Candidate {
        let signature = self.tree.goal(goal).signature.as_str();
        let candidate = Candidate::new(self.problem.header.as_str(), signature, proof);
        if goal == ROOT { candidate } else { candidate.foreign() }
    }
}

/// A proof whose first step stands below `by`: the column of a hole then does not depend on what stands before the proof.
pub fn on_lines_of_its_own(proof: &str) -> String {
    step_of_line(proof).map_or_else(|| proof.to_owned(), |(lead, step)| format!("{lead}{step}"))
}

/// What a proof of one line has behind its `by`, up to its end, and what stands before that on lines of its own; `None` where the
/// proof is left as it is.
pub fn step_of_line(proof: &str) -> Option<(&'static str, &str)> {
    let proof = proof.trim();
    match proof.strip_prefix("by ") {
        _ if proof.contains('\n') => None,
        Some(rest) => Some(("by\n  ", rest.trim_start())),
        None if proof.starts_with("by") => None,
        None => Some(("\n  ", proof)),
    }
}
