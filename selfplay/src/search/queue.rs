//! Which goal is searched next, and by what: best first.
//!
//! Of each goal are tried, in this order: Lean's automation, skeletons that end in it, sketches of what failed of these, and
//! then over and over samples of the model, second attempts, and sketches of the nearest ones that failed. The goal is next on which
//! the least was spent, where depth and open siblings count as if something had been spent.

use super::tree::{GoalId, ROOT, Tree};

/// How much a level of depth, or an open sibling, counts in checks.
const HANDICAP: u32 = 8;
/// First stage of the model's.
const FIRST_OF_MODEL: usize = 3;
/// Times that a goal goes through the model's three stages.
const MOST_TURNS: usize = 16;

/// What is done with a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// One check with Lean's tactics.
    Automation,
    /// Skeletons, a check each.
    Skeletons,
    /// New proofs by the model, so many.
    Sample(usize),
    /// Second attempts by the model, so many.
    Mend(usize),
    /// Sketches of so many failed proofs.
    Sketch(usize),
}

/// What may be tried at all.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    /// There is a model.
    pub has_model: bool,
    /// Goals of sketches lie no deeper.
    pub depth: u32,
    /// New samples of a goal in its first turn; half as many second attempts. More in later turns.
    pub samples: usize,
}

/// The next step; `None` if nothing is left to try.
pub fn next(tree: &Tree, allowed: &Allowed) -> Option<(GoalId, Step)> {
    let candidate = |id: GoalId| {
        let goal = tree.goal(id);
        let beside = tree.open_beside(id)?;
        if goal.is_exhausted {
            return None;
        }
        let step = step(goal.stage, goal.depth, allowed)?;
        let beside = u32::try_from(beside).unwrap_or(u32::MAX / HANDICAP);
        Some((goal.effort + HANDICAP.saturating_mul(goal.depth + beside), id, step))
    };
    tree.ids()
        .filter_map(candidate)
        .min_by_key(|(effort, id, _)| (*effort, *id))
        .map(|(_, id, step)| (id, step))
}

/// What a stage does; `None` behind the last one.
fn step(stage: usize, depth: u32, allowed: &Allowed) -> Option<Step> {
    // Where no goal may lie deeper, a sketch is of no use; the next stage takes its place.
    match stage {
        0 => return Some(Step::Automation),
        1 => return Some(Step::Skeletons),
        2 if depth < allowed.depth => return Some(Step::Sketch(3)),
        _ => {}
    }
    let turn = stage.saturating_sub(FIRST_OF_MODEL) / 3;
    if !allowed.has_model || turn >= MOST_TURNS {
        return None;
    }
    let samples = allowed.samples << turn.min(2);
    match stage.saturating_sub(FIRST_OF_MODEL) % 3 {
        _ if stage < FIRST_OF_MODEL => Some(Step::Sample(samples)),
        0 => Some(Step::Sample(samples)),
        1 => Some(Step::Mend(samples.div_ceil(2))),
        _ if depth < allowed.depth => Some(Step::Sketch(2)),
        _ => Some(Step::Mend(samples.div_ceil(2))),
    }
}

/// Notes what a step of a goal has cost, and that it is done.
pub fn done(tree: &mut Tree, id: GoalId, cost: u32) {
    let goal = tree.goal_mut(id);
    goal.stage += 1;
    goal.effort += cost;
}

/// Leaves the statement itself alone: only what its given sketch leaves open is searched.
pub fn only_below(tree: &mut Tree) {
    tree.goal_mut(ROOT).is_exhausted = true;
}

#[cfg(test)]
mod tests {
    use super::super::test::sketch;
    use super::*;

    const ALLOWED: Allowed = Allowed { has_model: true, depth: 2, samples: 8 };

    #[test]
    fn a_goal_goes_from_what_is_cheap_to_the_model() {
        let mut tree = Tree::new(": A");
        let mut steps = Vec::new();
        while let Some((id, step)) = next(&tree, &ALLOWED).filter(|_| steps.len() < 7) {
            steps.push(step);
            done(&mut tree, id, 1);
        }
        let (sample, mend) = (Step::Sample, Step::Mend);
        let wanted = [
            Step::Automation,
            Step::Skeletons,
            Step::Sketch(3),
            sample(8),
            mend(4),
            Step::Sketch(2),
            sample(16),
        ];
        assert_eq!(steps, wanted);
        let alone = Allowed { has_model: false, ..ALLOWED };
        tree.goal_mut(ROOT).stage = 3;
        assert_eq!(next(&tree, &alone), None);
        tree.goal_mut(ROOT).stage = 2;
        assert_eq!(next(&tree, &Allowed { depth: 0, ..alone }), None);
    }

    #[test]
    fn near_goals_come_before_far_ones() {
        let mut tree = Tree::new(": A");
        (0..3).for_each(|_| done(&mut tree, ROOT, 4));
        let first = tree.add(ROOT, sketch("one", &[": B"]), 1).unwrap();
        let second = tree.add(ROOT, sketch("two", &[": C", ": D"]), 1).unwrap();
        let goal = |tree: &Tree, sketch, hole: usize| tree.goals_of(sketch)[hole].unwrap();
        let (b, c) = (goal(&tree, first, 0), goal(&tree, second, 0));
        assert_eq!(next(&tree, &ALLOWED), Some((b, Step::Automation)));
        done(&mut tree, b, 5);
        assert_eq!(next(&tree, &ALLOWED), Some((ROOT, Step::Sample(8))), "12 were spent on it, 5 + 8 there");
        done(&mut tree, ROOT, 8);
        tree.goal_mut(b).is_exhausted = true;
        assert_eq!(next(&tree, &ALLOWED), Some((c, Step::Automation)));
        tree.close(ROOT, "by simp");
        assert_eq!(next(&tree, &ALLOWED), None, "nobody waits for the others");
    }

    #[test]
    fn a_given_sketch_is_not_replaced() {
        let mut tree = Tree::new(": A");
        let id = tree.add(ROOT, sketch("given", &[": B"]), 0).unwrap();
        only_below(&mut tree);
        let b = tree.goals_of(id)[0].unwrap();
        assert_eq!(next(&tree, &ALLOWED), Some((b, Step::Automation)));
        assert_eq!(tree.partial(ROOT).proof, "by given; sorry");
    }
}
