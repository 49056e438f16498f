//! Samples in two stages: a few of each conjecture first, and the others only where they are likely to make it barely
//! provable. What is always proved, or never, teaches nothing however often it is sampled.
//!
//! The estimate is a Beta distribution of a conjecture's pass rate. Its mean is that of like conjectures, from all of them
//! down to the most alike, each level drawn towards the one above; it counts for one sample, so that the first outcomes say
//! most. What further samples come to is then beta-binomial.

use stp_datasets::Tally;

/// The pass rate that is expected before anything was tried.
const FIRST_GUESS: f64 = 0.2;
/// How many like conjectures the mean of the level above counts for.
const KIN_STRENGTH: f64 = 4.0;
/// How many samples the mean of like conjectures counts for. Most conjectures are proved always or never, so few.
const PRIOR_STRENGTH: f64 = 1.0;

/// Pass rates of conjectures that are alike, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Kin {
    /// The sum of the rates.
    pub rates: f64,
    /// How many conjectures.
    pub conjectures: u32,
}

impl Kin {
    /// With one more, if it was judged.
    pub fn add(&mut self, tally: Tally) {
        if tally.judged > 0 {
            self.rates += tally.rate();
            self.conjectures += 1;
        }
    }

    /// Without one that was added.
    #[must_use]
    pub fn without(self, tally: Tally) -> Self {
        if tally.judged == 0 {
            return self;
        }
        let rates = (self.rates - tally.rate()).max(0.0);
        Self { rates, conjectures: self.conjectures.saturating_sub(1) }
    }
}

/// When a conjecture is sampled on.
#[derive(Clone, Copy, Debug)]
pub struct StageRule {
    /// Samples of a conjecture, the first ones included.
    pub samples: u32,
    /// Highest pass rate that teaches something.
    pub highest_rate: f64,
    /// It is sampled on if the chance that its pass rate will be above 0 and at most that is at least this.
    pub least_chance: f64,
}

/// The pass rate to expect of a conjecture, from those like it; the most alike come last.
pub fn expected(kin: &[Kin]) -> f64 {
    kin.iter().fold(FIRST_GUESS, |mean, kin| {
        (KIN_STRENGTH * mean + kin.rates) / (KIN_STRENGTH + f64::from(kin.conjectures))
    })
}

/// The chance that of `samples` in all, of which `first` has come out, at least one is proved and at most the part
/// `highest`; `mean` is the pass rate that was expected before.
pub fn chance(first: Tally, mean: f64, samples: u32, highest: f64) -> f64 {
    let proved = f64::from(first.proved);
    let a = PRIOR_STRENGTH * mean + proved;
    let b = PRIOR_STRENGTH * (1.0 - mean) + f64::from(first.judged) - proved;
    let left = samples.saturating_sub(first.judged);
    let most = (f64::from(samples) * highest).floor();
    let counts = beta_binomial(left, a, b);
    let good = |further: u32| (1.0..=most).contains(&(proved + f64::from(further)));
    (0..).zip(counts).filter(|(further, _)| good(*further)).map(|(_, chance)| chance).sum()
}

/// The probabilities of 0, 1, … successes in `count` trials whose rate is from a Beta distribution.
fn beta_binomial(count: u32, a: f64, b: f64) -> Vec<f64> {
    let n = f64::from(count);
    let none = (0..count).map(f64::from).map(|i| (b + i) / (a + b + i)).product();
    let mut chances = vec![none];
    for k in (0..count).map(f64::from) {
        let last = chances[chances.len() - 1];
        chances.push(last * (n - k) / (k + 1.0) * (a + k) / (b + n - k - 1.0));
    }
    chances
}

/// How many more samples each conjecture gets, `left` at most in all: the most promising ones all that are missing, the
/// last one what is left. `drawn` is how many samples each has, of which `first` has come out, `means` what was expected.
///
/// What was always proved so far is left alone, and so is what has too little chance.
pub fn further(drawn: &[u32], first: &[Tally], means: &[f64], rule: StageRule, left: usize) -> Vec<u32> {
    let chance = |index: &usize| {
        let (tally, mean) = (first[*index], means[*index]);
        let always = tally.judged > 0 && tally.proved == tally.judged;
        if always { 0.0 } else { chance(tally, mean, rule.samples, rule.highest_rate) }
    };
    let mut promising: Vec<(usize, f64)> = (0..drawn.len())
        .map(|index| (index, chance(&index)))
        .filter(|(_, chance)| *chance > 0.0 && *chance >= rule.least_chance)
        .collect();
    promising.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let (mut more, mut left) = (vec![0; drawn.len()], left);
    for (index, _) in promising {
        let missing = rule.samples.saturating_sub(drawn[index]);
        let given = missing.min(u32::try_from(left).unwrap_or(u32::MAX));
        more[index] = given;
        left -= given as usize;
    }
    more
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tally(proved: u32, judged: u32) -> Tally {
        Tally { proved, judged }
    }

    const RULE: StageRule = StageRule { samples: 16, highest_rate: 0.5, least_chance: 0.25 };

    #[test]
    fn two_of_two_stops_and_one_of_two_goes_on() {
        let first = [tally(2, 2), tally(1, 2), tally(0, 2)];
        let more = |mean: f64| further(&[2; 3], &first, &[mean; 3], RULE, 1000);
        assert_eq!(more(0.5), [0, 14, 14]);
        assert_eq!(more(0.02), [0, 14, 0], "nothing like the third was ever proved");
    }

    #[test]
    fn the_best_come_first_where_little_is_left() {
        let first = [tally(0, 2), tally(1, 2), tally(0, 2)];
        assert_eq!(further(&[2; 3], &first, &[0.3, 0.3, 0.6], RULE, 20), [0, 14, 6]);
        assert_eq!(further(&[2; 3], &first, &[0.3, 0.3, 0.6], RULE, 0), [0; 3]);
    }

    #[test]
    fn what_is_like_it_says_what_to_expect() {
        let of = |rates, conjectures| Kin { rates, conjectures };
        assert!((expected(&[]) - FIRST_GUESS).abs() < 1e-12);
        let (good, bad) = (expected(&[of(5.0, 20), of(3.0, 4)]), expected(&[of(5.0, 20), of(0.0, 4)]));
        let all = expected(&[of(5.0, 20)]);
        assert!(bad < all && all < good, "{bad} {all} {good}");
        let mut kin = Kin::default();
        for one in [tally(1, 2), tally(0, 0), tally(2, 2)] {
            kin.add(one);
        }
        assert_eq!((kin, kin.without(tally(2, 2)), kin.without(tally(0, 0))), (of(1.5, 2), of(0.5, 1), kin));
    }

    #[test]
    fn chances_are_those_of_the_beta_binomial() {
        // A uniform rate makes all counts alike.
        for chance in beta_binomial(4, 1.0, 1.0) {
            assert!((chance - 0.2).abs() < 1e-12);
        }
        // With PRIOR_STRENGTH 1 and mean 1/2, one of two is Beta(3/2, 3/2); of two more, none with 5/16.
        let none = beta_binomial(2, 1.5, 1.5)[0];
        assert!((none - 5.0 / 16.0).abs() < 1e-12, "{none}");
        // 1, 2 or 3 of four, of which one is there already: at most two more, which is all.
        assert!((chance(tally(1, 2), 0.5, 4, 0.75) - 1.0).abs() < 1e-12);
        assert!((chance(tally(1, 2), 0.5, 4, 0.25) - none).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn chances_add_up(count in 0u32..200, a in 0.01f64..9.0, b in 0.01f64..9.0) {
            let sum: f64 = beta_binomial(count, a, b).iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-6, "{}", sum);
        }

        #[test]
        fn nothing_is_overspent(
            outcomes in proptest::collection::vec((0u32..3, 0.0f64..1.0), 0..60), left in 0usize..400,
        ) {
            let first: Vec<_> = outcomes.iter().map(|(proved, _)| tally(*proved, 2)).collect();
            let means: Vec<_> = outcomes.iter().map(|(_, mean)| *mean).collect();
            let more = further(&vec![2; first.len()], &first, &means, RULE, left);
            prop_assert!(more.iter().sum::<u32>() as usize <= left);
            for (more, first) in more.iter().zip(&first) {
                prop_assert!(*more <= 14 && (first.proved < 2 || *more == 0));
            }
        }
    }
}
