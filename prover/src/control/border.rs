//! An adaptive budget: a given statement is sampled no further once it is proved, and what is left goes to those that
//! seem nearest to being proved. (Their pass rates are then those of fewer attempts.)

use stp_datasets::Tally;

use super::share;

/// The prior of every statement's pass rate, as attempts that it counts for: correct ones, and all.
const PRIOR: (f64, f64) = (0.5, 4.0);

/// Extra samples for each statement, `left` in all. `now` is what this round's attempts came to so far, `before` what
/// all attempts of earlier rounds did.
///
/// Proved ones get none. The others share by p(1 − p), where p is the expected pass rate: what was proved in another
/// round, or was tried seldom, is near the border; what failed many times is far. If all are proved, all share alike.
pub fn extra(now: &[Tally], before: &[Tally], left: usize) -> Vec<u32> {
    let open: Vec<usize> = (0..now.len()).filter(|&index| now[index].proved == 0).collect();
    if open.is_empty() {
        return share(left, &vec![1.0; now.len()]);
    }
    let weight = |&index: &usize| {
        let (now, before) = (now[index], before[index]);
        let correct = PRIOR.0 + f64::from(before.proved);
        let all = PRIOR.1 + f64::from(before.judged) + f64::from(now.judged);
        let expected = correct / all;
        expected * (1.0 - expected)
    };
    let weights: Vec<f64> = open.iter().map(weight).collect();
    let mut extra = vec![0; now.len()];
    for (index, samples) in open.iter().zip(share(left, &weights)) {
        extra[*index] = samples;
    }
    extra
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(correct: u32, attempts: u32) -> Tally {
        Tally { proved: correct, judged: attempts }
    }

    #[test]
    fn proved_statements_stop_and_near_ones_go_on() {
        let now = [rate(1, 2), rate(0, 2), rate(0, 2), rate(0, 2)];
        let before = [rate(0, 4), rate(2, 8), rate(0, 0), rate(0, 60)];
        let extra = extra(&now, &before, 30);
        assert_eq!(extra[0], 0);
        assert!(extra[1] > extra[2] && extra[2] > extra[3], "{extra:?}");
    }

    #[test]
    fn when_all_are_proved_all_share() {
        assert_eq!(extra(&[rate(1, 1), rate(2, 2)], &[rate(0, 0); 2], 3), [2, 1]);
    }

    proptest! {
        #[test]
        fn the_budget_is_spent(now in proptest::collection::vec(0u32..3, 1..50), left in 0usize..500) {
            let now: Vec<_> = now.into_iter().map(|correct| rate(correct, 4)).collect();
            let extra = extra(&now, &vec![rate(0, 3); now.len()], left);
            prop_assert_eq!(extra.iter().map(|&n| n as usize).sum::<usize>(), left);
        }
    }
}
