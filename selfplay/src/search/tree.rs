//! What is open, what is proved, and which sketches lead from one to the other: no question is asked here.

use std::collections::{HashMap, HashSet};

use stp_datasets::{Sketch, canonical_statement};

use super::order::{ITSELF, Nearness, leaves_all_open, nearest};

/// A goal, by its number; 0 is the statement itself.
pub type GoalId = usize;
/// A sketch, by its number.
pub type SketchId = usize;

/// A proof that Lean refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Failed {
    /// Its text.
    pub proof: String,
    /// What Lean said first.
    pub message: String,
    /// How near it was.
    pub nearness: Nearness,
}

/// Something to prove.
#[derive(Clone, Debug, Default)]
pub struct Goal {
    /// Binders and type.
    pub signature: String,
    /// How many sketches lie between it and the statement.
    pub depth: u32,
    /// Its proof, as soon as the judge has accepted one.
    pub proof: Option<String>,
    /// What failed so far.
    pub failed: Vec<Failed>,
    /// How far its search has come: see [`super::queue`].
    pub stage: usize,
    /// What was spent on it.
    pub effort: u32,
    /// It has nothing more to try.
    pub is_exhausted: bool,
    key: String,
    parents: Vec<SketchId>,
    tried: HashSet<String>,
    sketched: HashSet<String>,
}

/// A failed proof with holes, and the goals of these.
#[derive(Clone, Debug)]
struct SketchNode {
    parent: GoalId,
    sketch: Sketch,
    /// For each hole; `None` for a goal that cannot be written.
    goals: Vec<Option<GoalId>>,
    /// Put together and refused.
    is_dead: bool,
}

/// All goals and sketches of one search.
#[derive(Clone, Debug)]
pub struct Tree {
    goals: Vec<Goal>,
    sketches: Vec<SketchNode>,
    by_key: HashMap<String, GoalId>,
}

/// The statement's number.
pub const ROOT: GoalId = 0;

impl Tree {
    /// With nothing but the statement.
    pub fn new(signature: &str) -> Self {
        let mut tree = Self { goals: Vec::new(), sketches: Vec::new(), by_key: HashMap::new() };
        tree.goal_of(signature, 0);
        tree
    }

    /// A goal.
    pub fn goal(&self, id: GoalId) -> &Goal {
        &self.goals[id]
    }

    /// A goal, to be changed.
    pub fn goal_mut(&mut self, id: GoalId) -> &mut Goal {
        &mut self.goals[id]
    }

    /// All goals' numbers.
    pub fn ids(&self) -> std::ops::Range<GoalId> {
        0..self.goals.len()
    }

    fn goal_of(&mut self, signature: &str, depth: u32) -> GoalId {
        let key = canonical_statement(signature);
        if let Some(&known) = self.by_key.get(&key) {
            let goal = &mut self.goals[known];
            goal.depth = goal.depth.min(depth);
            return known;
        }
        let id = self.goals.len();
        self.by_key.insert(key.clone(), id);
        self.goals.push(Goal { signature: signature.to_owned(), depth, key, ..Goal::default() });
        id
    }

    /// Whether a text of a goal was judged.
    pub fn is_tried(&self, id: GoalId, proof: &str) -> bool {
        self.goals[id].tried.contains(proof)
    }

    /// Notes that a text of a goal was judged.
    pub fn note_tried(&mut self, id: GoalId, proof: &str) {
        self.goals[id].tried.insert(proof.to_owned());
    }

    /// The failed proofs of a goal to make sketches of next.
    pub fn to_sketch(&mut self, id: GoalId, most: usize) -> Vec<String> {
        let goal = &mut self.goals[id];
        let is_worth_it = |it: &&Failed| {
            !goal.sketched.contains(&it.proof)
                && !leaves_all_open(&it.proof, std::iter::once(it.message.as_str()))
        };
        let open: Vec<Failed> = goal.failed.iter().filter(is_worth_it).cloned().collect();
        let next = nearest(open, most, |it| it.nearness, |it| &it.proof);
        goal.sketched.extend(next.iter().map(|it| it.proof.clone()));
        next.into_iter().map(|it| it.proof).collect()
    }

    /// The failed proofs that a second attempt may mend.
    pub fn to_mend(&self, id: GoalId, most: usize) -> Vec<Failed> {
        nearest(self.goals[id].failed.clone(), most, |it| it.nearness, |it| &it.proof)
    }

    /// Takes a sketch of a goal's proof in; its goals lie at `depth`.
    ///
    /// # Errors
    /// Why it leads nowhere: it has the goal itself, or one that the goal is part of, among its goals.
    pub fn add(&mut self, parent: GoalId, sketch: Sketch, depth: u32) -> Result<SketchId, String> {
        if sketch.is_bare() {
            return Err(ITSELF.to_owned());
        }
        let above = self.above(parent);
        for hole in &sketch.holes {
            let key = hole.signature().map(canonical_statement).unwrap_or_default();
            if above.iter().any(|&id| self.goals[id].key == key) {
                return Err(ITSELF.to_owned());
            }
        }
        let known = |it: &SketchNode| it.parent == parent && it.sketch.proof == sketch.proof;
        if self.sketches.iter().any(known) {
            return Err("the sketch is there already".to_owned());
        }
        Ok(self.insert(parent, sketch, depth))
    }

    /// Takes in the sketch of a proof that the statement came with. One of its goals may be the statement itself, as after
    /// `show`: it is searched as any other.
    pub fn add_given(&mut self, sketch: Sketch) -> SketchId {
        self.by_key.remove(&self.goals[ROOT].key);
        self.goals[ROOT].key = "the statement that the proof was given for".to_owned();
        self.insert(ROOT, sketch, 0)
    }

    fn insert(&mut self, parent: GoalId, sketch: Sketch, depth: u32) -> SketchId {
        let id = self.sketches.len();
        let mut goals = Vec::new();
        for hole in &sketch.holes {
            let goal = hole.signature().map(|signature| self.goal_of(signature, depth));
            if let Some(goal) = goal.filter(|&it| !self.goals[it].parents.contains(&id)) {
                self.goals[goal].parents.push(id);
            }
            goals.push(goal);
        }
        self.sketches.push(SketchNode { parent, sketch, goals, is_dead: false });
        id
    }

    /// A goal and all that it is part of.
    fn above(&self, id: GoalId) -> HashSet<GoalId> {
        let mut found = HashSet::from([id]);
        let mut left = vec![id];
        while let Some(next) = left.pop() {
            for &sketch in &self.goals[next].parents {
                let parent = self.sketches[sketch].parent;
                if found.insert(parent) {
                    left.push(parent);
                }
            }
        }
        found
    }

    /// Gives a goal its proof. The sketches that wait for nothing more are returned.
    pub fn close(&mut self, id: GoalId, proof: &str) -> Vec<SketchId> {
        self.goals[id].proof = Some(proof.to_owned());
        self.goals[id].parents.iter().copied().filter(|&sketch| self.is_complete(sketch)).collect()
    }

    /// Whether a sketch can be put together.
    pub fn is_complete(&self, id: SketchId) -> bool {
        let node = &self.sketches[id];
        let proved = |goal: &Option<GoalId>| goal.is_some_and(|goal| self.goals[goal].proof.is_some());
        !node.is_dead && self.goals[node.parent].proof.is_none() && node.goals.iter().all(proved)
    }

    /// What a sketch is of, and its text with all proofs in their places.
    pub fn whole(&self, id: SketchId) -> Option<(GoalId, String)> {
        let node = &self.sketches[id];
        let proof_of = |hole: usize| node.goals[hole].and_then(|goal| self.goals[goal].proof.as_deref());
        Some((node.parent, node.sketch.filled(proof_of)?))
    }

    /// A sketch whose whole was refused leads nowhere.
    pub fn bury(&mut self, id: SketchId) {
        self.sketches[id].is_dead = true;
    }

    /// Whether a proof of this goal could still help; and how many other goals are open beside it, at the least.
    pub fn open_beside(&self, id: GoalId) -> Option<usize> {
        if self.goals[id].proof.is_some() {
            return None;
        }
        if id == ROOT {
            return Some(0);
        }
        let open = |&sketch: &SketchId| {
            let node = &self.sketches[sketch];
            let is_other = |goal: &GoalId| *goal != id && self.goals[*goal].proof.is_none();
            // A goal may stand at several holes.
            let others = || node.goals.iter().flatten().copied().filter(is_other).collect::<HashSet<_>>();
            (!node.is_dead && self.is_wanted(node.parent)).then(|| others().len())
        };
        self.goals[id].parents.iter().filter_map(open).min()
    }

    /// Whether a goal is open, and some way leads from it over open goals to the statement.
    fn is_wanted(&self, id: GoalId) -> bool {
        let (mut seen, mut left) = (HashSet::new(), vec![id]);
        while let Some(next) = left.pop() {
            if self.goals[next].proof.is_some() || !seen.insert(next) {
                continue;
            }
            if next == ROOT {
                return true;
            }
            let sketches = self.goals[next].parents.iter().map(|&sketch| &self.sketches[sketch]);
            left.extend(sketches.filter(|node| !node.is_dead).map(|node| node.parent));
        }
        false
    }

    /// Goals of a sketch, in the order of its holes.
    pub fn goals_of(&self, id: SketchId) -> &[Option<GoalId>] {
        &self.sketches[id].goals
    }

    /// The text of a sketch.
    pub fn sketch(&self, id: SketchId) -> &Sketch {
        &self.sketches[id].sketch
    }

    /// The proof of a goal that leaves the fewest goals open, `sorry` at each, and these goals. Of those that leave as
    /// many, one that has something done.
    pub fn partial(&self, id: GoalId) -> Partial {
        self.partial_below(id, &mut Vec::new())
    }

    fn partial_below(&self, id: GoalId, path: &mut Vec<GoalId>) -> Partial {
        let goal = &self.goals[id];
        if let Some(proof) = &goal.proof {
            return Partial { proof: proof.clone(), open: Vec::new() };
        }
        let bare = Partial::bare(&goal.signature);
        if path.contains(&id) {
            return bare;
        }
        path.push(id);
        let of_sketches = self.sketches.iter().filter(|node| node.parent == id && !node.is_dead);
        let filled: Vec<Partial> =
            of_sketches.filter_map(|node| self.partial_of_sketch(node, path)).collect();
        path.pop();
        let best = filled.into_iter().min_by_key(|it| it.open.len());
        best.filter(|it| it.open.len() <= bare.open.len() || id == ROOT && self.is_given()).unwrap_or(bare)
    }

    /// Whether the statement came with a sketch of its own: then nothing else is tried of it.
    pub fn is_given(&self) -> bool {
        self.goals[ROOT].is_exhausted
    }

    fn partial_of_sketch(&self, node: &SketchNode, path: &mut Vec<GoalId>) -> Option<Partial> {
        let is_given = node.parent == ROOT && self.is_given();
        let mut part_of = |goal: GoalId| {
            let part = self.partial_below(goal, path);
            // What is open of a given proof stays as it was given.
            let is_kept = is_given && !part.open.is_empty();
            if is_kept { Partial::bare(&self.goals[goal].signature) } else { part }
        };
        let parts: Vec<Option<Partial>> = node.goals.iter().map(|goal| goal.map(&mut part_of)).collect();
        let mut open = Vec::new();
        let mut texts = Vec::new();
        for (part, hole) in parts.into_iter().zip(&node.sketch.holes) {
            match part {
                Some(part) => {
                    let is_bare = part.proof == SORRY;
                    open.extend(part.open);
                    texts.push((!is_bare).then_some(part.proof));
                }
                None => {
                    let reason = match &hole.goal {
                        stp_datasets::Goal::Refused { reason } => reason.as_str(),
                        stp_datasets::Goal::Statement { .. } => "",
                    };
                    open.push(format!("(not a theorem of its own: {reason})"));
                    texts.push(None);
                }
            }
        }
        let proof = node.sketch.filled(|hole| texts[hole].as_deref())?;
        Some(Partial { proof, open })
    }
}

/// A proof with `sorry`s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partial {
    /// Its text.
    pub proof: String,
    /// The goals at its `sorry`s: signatures, or why there is none.
    pub open: Vec<String>,
}

/// The proof of nothing.
const SORRY: &str = "by\n  sorry";

impl Partial {
    fn bare(signature: &str) -> Self {
        Self { proof: SORRY.to_owned(), open: vec![signature.to_owned()] }
    }

    /// Nothing is done.
    pub fn is_bare(&self) -> bool {
        self.proof == SORRY
    }
}

#[cfg(test)]
mod tests {
    use super::super::test::sketch;
    use super::*;

    #[test]
    fn proofs_of_goals_complete_a_sketch() {
        let mut tree = Tree::new(": A");
        let first = tree.add(ROOT, sketch("split", &[": B", ": C"]), 1).unwrap();
        let &[Some(b), Some(c)] = tree.goals_of(first) else { panic!() };
        assert_eq!((tree.open_beside(b), tree.open_beside(ROOT)), (Some(1), Some(0)));
        assert!(tree.close(b, "by simp").is_empty());
        assert_eq!((tree.open_beside(b), tree.open_beside(c)), (None, Some(0)));
        assert_eq!(tree.partial(ROOT).proof, "by split; simp; sorry");
        assert_eq!(tree.close(c, "by rfl"), [first]);
        assert_eq!(tree.whole(first).unwrap(), (ROOT, "by split; simp; rfl".to_owned()));
        tree.bury(first);
        assert_eq!((tree.is_complete(first), tree.open_beside(ROOT)), (false, Some(0)));
        assert_eq!(tree.partial(ROOT).proof, "by\n  sorry", "what was refused is not shown");
    }

    #[test]
    fn goals_below_a_proved_one_are_not_wanted() {
        let mut tree = Tree::new(": A");
        let first = tree.add(ROOT, sketch("one", &[": B", ": C"]), 1).unwrap();
        let b = tree.goals_of(first)[0].unwrap();
        let second = tree.add(b, sketch("two", &[": D"]), 2).unwrap();
        let d = tree.goals_of(second)[0].unwrap();
        let third = tree.add(d, sketch("three", &[": E"]), 3).unwrap();
        let e = tree.goals_of(third)[0].unwrap();
        assert_eq!((tree.open_beside(d), tree.open_beside(e)), (Some(0), Some(0)));
        assert!(tree.close(b, "by simp").is_empty());
        assert_eq!((tree.open_beside(d), tree.open_beside(e)), (None, None), "B has its proof");
        let other = tree.add(ROOT, sketch("other", &[": D"]), 1).unwrap();
        assert_eq!(tree.goals_of(other)[0], Some(d));
        assert_eq!(tree.open_beside(e), Some(0), "D is wanted again");
    }

    #[test]
    fn a_goal_at_two_holes_is_alone() {
        let mut tree = Tree::new(": A");
        let id = tree.add(ROOT, sketch("twice", &[": B", ": B"]), 1).unwrap();
        let b = tree.goals_of(id)[0].unwrap();
        assert_eq!(tree.open_beside(b), Some(0));
        assert_eq!(tree.close(b, "by simp"), [id]);
    }

    #[test]
    fn equal_goals_are_one_and_circles_are_refused() {
        let mut tree = Tree::new(": A");
        let first = tree.add(ROOT, sketch("one", &[": B"]), 1).unwrap();
        let second = tree.add(ROOT, sketch("two", &[": B", ": D"]), 1).unwrap();
        let b = tree.goals_of(first)[0].unwrap();
        assert_eq!(tree.goals_of(second)[0], Some(b));
        for goal in [": A", ": B"] {
            assert!(tree.add(b, sketch("back", &[goal]), 2).is_err(), "{goal}");
        }
        assert!(tree.add(ROOT, sketch("one", &[": B"]), 1).is_err(), "once is enough");
        assert_eq!(tree.close(b, "by simp"), [first], "the other one waits for D");
    }

    #[test]
    fn the_best_partial_proof_has_the_fewest_open_goals() {
        let mut tree = Tree::new(": A");
        let many = tree.add(ROOT, sketch("many", &[": B", ": C"]), 1).unwrap();
        assert_eq!(tree.partial(ROOT).proof, "by\n  sorry", "two are more than one");
        let few = tree.add(ROOT, sketch("few", &[": D"]), 1).unwrap();
        assert_eq!(tree.partial(ROOT), Partial { proof: "by few; sorry".into(), open: vec![": D".into()] });
        let d = tree.goals_of(few)[0].unwrap();
        tree.add(d, sketch("deep", &[": E"]), 2).unwrap();
        assert_eq!(tree.partial(ROOT).open, [": E"]);
        let goals: Vec<_> = tree.goals_of(many).iter().flatten().copied().collect();
        goals.into_iter().for_each(|goal| assert!(tree.close(goal, "by simp").len() < 2));
        assert_eq!(tree.partial(ROOT).open.len(), 0);
    }
}
