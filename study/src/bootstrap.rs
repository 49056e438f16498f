//! How many times as much an arm proves as its baseline, with an interval over seeds and statements.

use rand::{Rng, RngExt};
use stp_selfplay::random::generator_for;

/// Samples that an interval is made of.
const RESAMPLES: usize = 1000;
/// Parts of the samples below and above a 95 % interval.
const TAIL: f64 = 0.025;

/// What two arms came to with the same seed on the same statements, in the same order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Paired {
    /// The arm.
    pub arm: Vec<f64>,
    /// Its baseline.
    pub baseline: Vec<f64>,
}

/// A ratio with the 95 % interval of its bootstrap.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Ratio {
    /// All that the arm came to by all that the baseline came to.
    pub ratio: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end; infinite where the baseline often comes to nothing.
    pub high: f64,
}

/// The ratio of an arm to its baseline over paired seeds. Its interval is the middle 95 % of a bootstrap in two levels: seeds are
/// drawn with replacement, the same for both arms, and of each drawn seed its statements, the same for both. With one
/// seed it is over statements alone.
///
/// None without a seed, or if the baseline comes to nothing.
pub fn ratio(seeds: &[Paired], seed: u64) -> Option<Ratio> {
    let total = |numbers: fn(&Paired) -> &Vec<f64>| seeds.iter().flat_map(numbers).sum::<f64>();
    let (arm, baseline) = (total(|pair| &pair.arm), total(|pair| &pair.baseline));
    if baseline <= 0.0 {
        return None;
    }
    let mut generator = generator_for(seed, &["bootstrap"]);
    let mut ratios: Vec<f64> = (0..RESAMPLES).map(|_| resampled(seeds, &mut generator)).collect();
    ratios.retain(|ratio| !ratio.is_nan());
    ratios.sort_by(f64::total_cmp);
    let at = |part: f64| ratios.get(((ratios.len() as f64 - 1.0) * part).round() as usize).copied();
    Some(Ratio { ratio: arm / baseline, low: at(TAIL)?, high: at(1.0 - TAIL)? })
}

/// The ratio in one sample; no number if both arms come to nothing in it.
fn resampled(seeds: &[Paired], generator: &mut impl Rng) -> f64 {
    let (mut arm, mut baseline) = (0.0, 0.0);
    for _ in seeds {
        let pair = &seeds[generator.random_range(0..seeds.len())];
        for _ in &pair.arm {
            let statement = generator.random_range(0..pair.arm.len());
            arm += pair.arm[statement];
            baseline += pair.baseline[statement];
        }
    }
    arm / baseline
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pair(arm: &[f64], baseline: &[f64]) -> Paired {
        Paired { arm: arm.to_vec(), baseline: baseline.to_vec() }
    }

    /// So many statements, of which the first ones are proved.
    fn proved(arm: usize, baseline: usize, of: usize) -> Paired {
        let first = |count: usize| (0..of).map(|at| f64::from(u8::from(at < count))).collect::<Vec<_>>();
        pair(&first(arm), &first(baseline))
    }

    #[test]
    fn twice_as_many_are_twice_as_many() {
        let found = ratio(&[proved(60, 30, 200), proved(58, 29, 200), proved(62, 31, 200)], 0).unwrap();
        assert!((found.ratio - 2.0).abs() < 1e-12);
        // Of 600 statements 90 are proved by both and 90 by the arm alone: √(1/90 − 1/180 + …) is some 7 % of the ratio.
        assert!((1.6..1.9).contains(&found.low) && (2.1..2.5).contains(&found.high), "{found:?}");
        assert_eq!(ratio(&[proved(60, 30, 200), proved(58, 29, 200), proved(62, 31, 200)], 0), Some(found));
        assert_ne!(ratio(&[proved(60, 30, 200), proved(58, 29, 200), proved(62, 31, 200)], 1), Some(found));
    }

    #[test]
    fn seeds_that_differ_widen_the_interval() {
        let alike = ratio(&[proved(40, 20, 200), proved(40, 20, 200), proved(40, 20, 200)], 0).unwrap();
        let apart = ratio(&[proved(20, 20, 200), proved(40, 20, 200), proved(60, 20, 200)], 0).unwrap();
        assert!((alike.ratio - apart.ratio).abs() < 1e-12);
        assert!(apart.high - apart.low > 1.3 * (alike.high - alike.low), "{alike:?} {apart:?}");
    }

    #[test]
    fn nothing_has_no_ratio_and_nothing_of_the_arm_is_none_of_it() {
        assert_eq!(ratio(&[], 0), None);
        assert_eq!(ratio(&[proved(3, 0, 9)], 0), None);
        let none = ratio(&[proved(0, 9, 9)], 0).unwrap();
        assert_eq!((none.ratio, none.low, none.high), (0.0, 0.0, 0.0));
        let rare = ratio(&[proved(3, 1, 9)], 0).unwrap();
        assert!(rare.high.is_infinite(), "often the one statement is not drawn: {rare:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn equal_arms_have_ratio_one_and_a_factor_goes_through(
            numbers in prop::collection::vec(prop::collection::vec(0.1f64..1.0, 1..30), 1..5),
            factor in 0.5f64..4.0,
        ) {
            let times = |factor: f64| {
                let scaled = |it: &Vec<f64>| it.iter().map(|number| factor * number).collect::<Vec<_>>();
                numbers.iter().map(|it| Paired { arm: scaled(it), baseline: it.clone() }).collect::<Vec<_>>()
            };
            let found = ratio(&times(factor), 7).unwrap();
            for value in [found.ratio, found.low, found.high] {
                prop_assert!((value - factor).abs() < 1e-9, "{:?}", found);
            }
        }

        #[test]
        fn the_interval_holds_the_ratio(
            proofs in prop::collection::vec(prop::collection::vec((any::<bool>(), any::<bool>()), 40..80), 1..5),
        ) {
            let pairs: Vec<_> = proofs.iter().map(|seed| Paired {
                arm: seed.iter().map(|it| f64::from(u8::from(it.0))).collect(),
                baseline: seed.iter().map(|it| f64::from(u8::from(it.1))).collect(),
            }).collect();
            let found = ratio(&pairs, 7).unwrap();
            prop_assert!(found.low <= found.ratio && found.ratio <= found.high, "{:?}", found);
        }
    }
}
