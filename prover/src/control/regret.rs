//! `eva`-style regret (Ye et al., "Evolving Alignment via Asymmetric Self-Play", 2024): a prompt whose best answer is
//! far above its mean answer is one that there is most to learn from.

use stp_datasets::Tally;

/// Weight of statements without regret; without it, what was never proved would never be tried again.
const FLOOR: f64 = 0.5;

/// Best reward minus mean reward of a statement's attempts, where a proof is worth 1: high for what is proved seldom, 0
/// for what is proved never or always.
pub fn regret(rate: Tally) -> f64 {
    if rate.proved == 0 { 0.0 } else { 1.0 - rate.rate() }
}

/// The weight of a statement in the choice of what to sample.
pub fn weight(rate: Tally) -> f64 {
    FLOOR + regret(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seldom_proved_is_regretted_most() {
        let of = |correct| regret(Tally { proved: correct, judged: 8 });
        assert_eq!((of(0), of(8)), (0.0, 0.0));
        assert!(of(1) > of(4) && of(4) > 0.0);
        assert!(weight(Tally::default()) > 0.0);
    }
}
