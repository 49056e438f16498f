//! B-STaR (Zeng et al., "Monitoring and Balancing Exploration and Exploitation in Self-Taught Reasoners", 2024): what a
//! round's samples were good for, and the temperature and number of samples of the next.
//!
//! A round is sampled at several temperatures, which the attempts at a statement take in turn. The balance of a statement
//! is high if there are enough distinct correct proofs and few of the correct ones are the same: at a low temperature all
//! correct proofs are one, at a high one there are none.

use std::collections::{BTreeMap, HashMap};

/// An attempt that was judged.
#[derive(Clone, Copy, Debug)]
pub struct Draw<'a> {
    /// Which statement.
    pub statement: &'a str,
    /// Index of the temperature that it was drawn at.
    pub arm: usize,
    /// Its text.
    pub proof: &'a str,
    /// Whether it holds.
    pub proved: bool,
    /// Mean log-probability of its tokens.
    pub score: f64,
}

/// What samples were good for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Balance {
    /// Distinct correct proofs for each statement.
    pub exploration: f64,
    /// Correct proofs among the attempts.
    pub exploitation: f64,
    /// How well the verdict agrees with what the model finds likely: the chance that of a correct and a wrong attempt at
    /// one statement the correct one is likelier (1/2: not at all); none if no statement has both.
    pub separation: Option<f64>,
    /// min(distinct / enough, 1) · distinct / correct, on average over the statements.
    pub balance: f64,
}

/// How the next round samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draws {
    /// The middle one of the temperatures.
    pub temperature: f64,
    /// Samples of each conjecture.
    pub samples: u32,
}

/// Measures a round; `enough` distinct proofs of a statement are enough.
pub fn measure(draws: &[Draw<'_>], enough: u32) -> Balance {
    let statements = by_statement(draws);
    let count = statements.len().max(1) as f64;
    let mean =
        |of: &dyn Fn(&[Draw<'_>]) -> f64| statements.values().map(|draws| of(draws)).sum::<f64>() / count;
    let separations: Vec<f64> = statements.values().filter_map(|draws| separation(draws)).collect();
    let separated = separations.iter().sum::<f64>() / separations.len() as f64;
    Balance {
        exploration: mean(&|draws| f64::from(tally(draws).1)),
        exploitation: mean(&|draws| f64::from(tally(draws).0) / draws.len() as f64),
        separation: (!separations.is_empty()).then_some(separated),
        balance: mean(&|draws| score(draws, enough)),
    }
}

/// The temperature that was best, if it was better than the middle one by more than chance (one standard error of the
/// difference over the statements); and twice the samples if doubling them still found half as many distinct proofs
/// again, or half of them if it found hardly any.
pub fn next(
    now: Draws,
    temperatures: &[f64],
    draws: &[Draw<'_>],
    enough: u32,
    samples: std::ops::RangeInclusive<u32>,
) -> Draws {
    let middle = temperatures.len() / 2;
    let better = (0..temperatures.len())
        .filter(|&arm| arm != middle)
        .filter_map(|arm| Some((arm, advantage(draws, arm, middle, enough)?)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    let temperature = better.map_or(now.temperature, |(arm, _)| temperatures[arm]);
    let wanted = match growth(draws) {
        Some(growth) if growth > 1.5 => now.samples * 2,
        Some(growth) if growth < 1.15 => now.samples / 2,
        _ => now.samples,
    };
    Draws { temperature, samples: wanted.clamp(*samples.start(), *samples.end()) }
}

fn by_statement<'a, 'b>(draws: &'b [Draw<'a>]) -> BTreeMap<&'a str, Vec<Draw<'a>>> {
    let mut statements: BTreeMap<&str, Vec<Draw<'a>>> = BTreeMap::new();
    for draw in draws {
        statements.entry(draw.statement).or_default().push(*draw);
    }
    statements
}

/// Correct ones, and distinct correct ones.
fn tally(draws: &[Draw<'_>]) -> (u32, u32) {
    let counts = counts(draws);
    (counts.values().sum(), u32::try_from(counts.len()).unwrap_or(u32::MAX))
}

fn counts<'a>(draws: &[Draw<'a>]) -> HashMap<&'a str, u32> {
    let mut counts = HashMap::new();
    for draw in draws.iter().filter(|draw| draw.proved) {
        *counts.entry(draw.proof).or_default() += 1;
    }
    counts
}

fn score(draws: &[Draw<'_>], enough: u32) -> f64 {
    let (correct, distinct) = tally(draws);
    let (correct, distinct) = (f64::from(correct), f64::from(distinct));
    if correct == 0.0 { 0.0 } else { (distinct / f64::from(enough.max(1))).min(1.0) * distinct / correct }
}

fn separation(draws: &[Draw<'_>]) -> Option<f64> {
    let scores = |proved| draws.iter().filter(move |draw| draw.proved == proved).map(|draw| draw.score);
    let pairs: Vec<f64> = scores(true)
        .flat_map(|right| {
            scores(false).map(move |wrong| match right.total_cmp(&wrong) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            })
        })
        .collect();
    (!pairs.is_empty()).then(|| pairs.iter().sum::<f64>() / pairs.len() as f64)
}

/// How much better an arm is than another on the same statements, if by more than one standard error.
fn advantage(draws: &[Draw<'_>], arm: usize, other: usize, enough: u32) -> Option<f64> {
    let differences: Vec<f64> = by_statement(draws)
        .values()
        .map(|draws| (of_arm(draws, arm), of_arm(draws, other)))
        .filter(|(a, b)| !a.is_empty() && !b.is_empty())
        .map(|(a, b)| score(&a, enough) - score(&b, enough))
        .collect();
    let count = differences.len() as f64;
    if count < 2.0 {
        return None;
    }
    let mean = differences.iter().sum::<f64>() / count;
    let variance = differences.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean > 0.0 && mean > (variance / count).sqrt()).then_some(mean)
}

fn of_arm<'a>(draws: &[Draw<'a>], arm: usize) -> Vec<Draw<'a>> {
    draws.iter().filter(|draw| draw.arm == arm).copied().collect()
}

/// Distinct correct proofs of all samples over the expected number in half of them; none if nothing was proved.
fn growth(draws: &[Draw<'_>]) -> Option<f64> {
    let (mut whole, mut half) = (0.0, 0.0);
    for draws in by_statement(draws).values().filter(|draws| draws.len() >= 2) {
        let all = draws.len() as f64;
        let kept = (draws.len() / 2) as u32;
        for count in counts(draws).into_values() {
            // The chance that none of its copies is among those kept.
            let missed: f64 = (0..kept)
                .map(|i| ((all - f64::from(count) - f64::from(i)) / (all - f64::from(i))).max(0.0))
                .product();
            whole += 1.0;
            half += 1.0 - missed;
        }
    }
    (half > 0.0).then(|| whole / half)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw<'a>(statement: &'a str, arm: usize, proof: &'a str, proved: bool, score: f64) -> Draw<'a> {
        Draw { statement, arm, proof, proved, score }
    }

    const RANGE: std::ops::RangeInclusive<u32> = 4..=32;

    #[test]
    fn a_round_is_measured_by_statement() {
        let draws = [
            draw("a", 0, "p", true, -1.0),
            draw("a", 0, "p", true, -1.0),
            draw("a", 0, "q", true, -1.0),
            draw("a", 0, "no", false, -2.0),
            draw("b", 0, "no", false, -1.0),
        ];
        let found = measure(&draws, 2);
        assert!((found.exploration - 1.0).abs() < 1e-12);
        assert!((found.exploitation - 0.375).abs() < 1e-12);
        assert_eq!(found.separation, Some(1.0));
        assert!((found.balance - 0.5 * 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(measure(&[], 2), Balance::default());
    }

    #[test]
    fn the_temperature_with_more_distinct_proofs_is_taken() {
        let names: Vec<String> = (0..6).map(|i| format!("s{i}")).collect();
        let draws: Vec<_> = names
            .iter()
            .flat_map(|name| {
                [
                    draw(name, 0, "p", true, 0.0),
                    draw(name, 0, "p", true, 0.0),
                    draw(name, 1, "p", true, 0.0),
                    draw(name, 1, "p", true, 0.0),
                    draw(name, 2, "p", true, 0.0),
                    draw(name, 2, "q", true, 0.0),
                ]
            })
            .collect();
        let now = Draws { temperature: 1.0, samples: 8 };
        assert_eq!(next(now, &[0.8, 1.0, 1.2], &draws, 2, RANGE).temperature, 1.2);
        let same: Vec<_> = draws.iter().map(|it| Draw { proof: "p", ..*it }).collect();
        assert_eq!(next(now, &[0.8, 1.0, 1.2], &same, 2, RANGE).temperature, 1.0);
        assert_eq!(next(now, &[0.8, 1.0, 1.2], &[], 2, RANGE), now);
    }

    #[test]
    fn samples_follow_what_more_of_them_find() {
        let now = Draws { temperature: 1.0, samples: 8 };
        let proofs: Vec<String> = (0..8).map(|i| format!("p{i}")).collect();
        let all_new: Vec<_> = proofs.iter().map(|proof| draw("a", 0, proof, true, 0.0)).collect();
        assert_eq!(next(now, &[1.0], &all_new, 2, RANGE).samples, 16);
        let all_same: Vec<_> = (0..8).map(|_| draw("a", 0, "p", true, 0.0)).collect();
        assert_eq!(next(now, &[1.0], &all_same, 2, RANGE).samples, 4);
        assert_eq!(next(Draws { samples: 4, ..now }, &[1.0], &all_same, 2, RANGE).samples, 4);
        let none: Vec<_> = (0..8).map(|_| draw("a", 0, "p", false, 0.0)).collect();
        assert_eq!(next(now, &[1.0], &none, 2, RANGE).samples, 8);
    }
}
