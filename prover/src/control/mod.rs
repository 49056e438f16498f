//! Controllers from related papers, which decide where a round's samples go and how they are drawn. Each is pure: what it
//! decides is a function of the attempts so far. None is part of the paper's recipe; the loop asks those that are switched
//! on.

pub mod balance;
pub mod border;
pub mod curriculum;
pub mod regret;
pub mod stages;

/// `total` shared out in proportion to weights, by largest remainders; each gets at least one if there is enough. Equal
/// weights give equal shares, the first ones one more where it does not divide.
pub fn share(total: usize, weights: &[f64]) -> Vec<u32> {
    let count = weights.len();
    if count == 0 {
        return Vec::new();
    }
    let least = u32::from(total >= count);
    let rest = total - least as usize * count;
    let sum: f64 = weights.iter().sum();
    let usable = sum > 0.0 && sum.is_finite();
    let wanted = |weight: &f64| rest as f64 * if usable { weight / sum } else { 1.0 / count as f64 };
    // So that sums like 3 · (1/3) are not just below a whole number.
    let wanted: Vec<f64> = weights.iter().map(wanted).map(|share| (share * 1e9).round() / 1e9).collect();
    let mut shares: Vec<usize> = wanted.iter().map(|share| share.floor() as usize).collect();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| wanted[b].fract().total_cmp(&wanted[a].fract()).then(a.cmp(&b)));
    let given: usize = shares.iter().sum();
    let missing = rest.saturating_sub(given);
    for &index in order.iter().cycle().take(missing) {
        shares[index] += 1;
    }
    for &index in order.iter().rev().cycle().take(given.saturating_sub(rest)) {
        shares[index] = shares[index].saturating_sub(1);
    }
    shares.into_iter().map(|share| least + u32::try_from(share).unwrap_or(u32::MAX - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shares_follow_weights() {
        assert_eq!(share(10, &[3.0, 1.0, 0.0]), [6, 3, 1]);
        assert_eq!(share(2, &[0.0, 5.0, 4.0]), [0, 1, 1]);
        assert_eq!(share(7, &[0.0, 0.0]), [4, 3]);
        assert!(share(7, &[]).is_empty());
    }

    proptest! {
        #[test]
        fn all_is_shared_out(total in 0usize..3000, weights in proptest::collection::vec(0.0f64..9.0, 1..60)) {
            let shares = share(total, &weights);
            prop_assert_eq!(shares.iter().map(|&share| share as usize).sum::<usize>(), total);
            if total >= weights.len() {
                prop_assert!(shares.iter().all(|&share| share > 0));
            }
        }

        #[test]
        fn equal_weights_are_an_even_share(total in 0usize..3000, count in 1usize..200, weight in 0.0f64..3.0) {
            let even: Vec<u32> =
                (0..count).map(|i| (total / count + usize::from(i < total % count)) as u32).collect();
            prop_assert_eq!(share(total, &vec![weight; count]), even);
        }
    }
}
