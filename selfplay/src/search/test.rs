//! What unit tests of the search share.

use stp_datasets::{Goal, Hole, Sketch};

/// A sketch `by NAME; sorry; sorry …`: a hole for each goal.
pub fn sketch(name: &str, goals: &[&str]) -> Sketch {
    let proof = format!("by {name}{}", "; sorry".repeat(goals.len()));
    let places = proof.match_indices("sorry").map(|(start, _)| start);
    let hole = |(start, goal): (usize, &&str)| Hole {
        start,
        stop: start + 5,
        column: start,
        goals: 1,
        is_term: false,
        goal: Goal::Statement { signature: (*goal).to_owned(), setup: Vec::new() },
    };
    let holes = places.zip(goals).map(hole).collect();
    Sketch { proof, holes, messages: Vec::new() }
}
