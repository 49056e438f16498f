//! The goals of a round's sketches, and what becomes of them in the ledger.

use std::collections::HashSet;

use anyhow::Result;
use stp_datasets::{Conjecture, ConjectureOutcome, Phase, SUBGOAL, Source};

use crate::config::ConjectureSource;
use crate::context::Context;

/// Goals stand among a round's conjectures behind all that a model could be asked for.
const FIRST_INPUT: u32 = 1 << 30;

/// A goal that an earlier sketch did not have.
#[derive(Clone, Debug)]
pub struct NewGoal {
    /// Its name as a statement.
    pub name: String,
    /// The number of the sketch that has it.
    pub sketch: u32,
    /// The place of its hole there.
    pub hole: u32,
    /// What left it open.
    pub parent: String,
    /// The failed proof.
    pub failed: String,
    /// Binders and type.
    pub signature: String,
}

/// The new goals of a round.
#[derive(Clone, Debug)]
pub struct Goals {
    /// In the order of their sketches.
    pub new: Vec<NewGoal>,
}

impl Goals {
    /// Those that the ledger has of a round.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn of_round(context: &Context, round: u32) -> Result<Self> {
        let mut new = Vec::new();
        let mut seen = HashSet::new();
        for sketch in context.ledger.sketches_of(round)? {
            let Some(text) = &sketch.sketch else { continue };
            for ((name, hole), index) in sketch.goals.iter().zip(&text.holes).zip(0u32..) {
                // A name tells which sketch was the first to have the goal.
                if *name != format!("{SUBGOAL}{round}_{}_{index}", sketch.number)
                    || !seen.insert(name.clone())
                {
                    continue;
                }
                new.push(NewGoal {
                    name: name.clone(),
                    sketch: sketch.number,
                    hole: index,
                    parent: sketch.parent.clone(),
                    failed: sketch.failed.clone(),
                    signature: hole.signature().unwrap_or_default().to_owned(),
                });
            }
        }
        Ok(Self { new })
    }

    /// How many of them automation has closed.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn closed(&self, context: &Context, round: u32) -> Result<usize> {
        let closed = context.ledger.proved_names(Phase::Search, round + 1)?;
        Ok(self.new.iter().filter(|goal| closed.contains(&goal.name)).count())
    }

    /// Writes those that are open among the next round's conjectures, where the settings want that, with what left them
    /// open as their seed.
    ///
    /// # Errors
    /// If the ledger cannot be written.
    pub fn record(&self, context: &Context, round: u32) -> Result<()> {
        if !context.config.conjectures_from(ConjectureSource::Subgoals) {
            return Ok(());
        }
        let mut closed = context.ledger.proved_names(Phase::Search, round + 1)?;
        closed.extend(context.ledger.proved_names(Phase::Train, round + 1)?);
        let names: Vec<_> = self.new.iter().map(|goal| goal.name.as_str()).collect();
        let statements = context.ledger.statements_of(&names)?;
        for goal in &self.new {
            let is_closed = closed.contains(&goal.name);
            let outcome = if is_closed { ConjectureOutcome::Trivial } else { ConjectureOutcome::Accepted };
            context.ledger.record_conjecture(&Conjecture {
                round: round + 1,
                input: FIRST_INPUT + goal.sketch,
                sample: goal.hole,
                seed: goal.parent.clone(),
                seed_proof: goal.failed.clone(),
                lemma: None,
                signature: goal.signature.clone(),
                outcome: Some(outcome),
                fingerprint: None,
                statement: Some(goal.name.clone()),
                header: statements.get(&goal.name).map(|it| it.header.clone()).unwrap_or_default(),
                source: Source::Subgoal,
            })?;
        }
        Ok(())
    }
}
