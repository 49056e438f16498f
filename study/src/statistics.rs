//! Intervals: how far a number may be from what more statements or more seeds would give.

/// The 97.5 % quantile of the normal distribution.
const NORMAL: f64 = 1.959_963_984_540_054;
/// The 97.5 % quantiles of Student's distribution with 1, 2, … degrees of freedom.
const STUDENT: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// Wilson's 95 % interval of a share `p` of `n` statements; (0, 1) for no statement.
///
/// It is meant for counts. For a mean of numbers between 0 and 1, such as pass@k below the number of samples, it is too
/// wide rather than too narrow: no such number varies more than p(1 − p).
pub fn wilson(p: f64, n: usize) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let (n, z) = (n as f64, NORMAL);
    let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// A mean over seeds with half of its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// What to add and subtract, by Student's distribution; none from a single seed.
    pub half: Option<f64>,
    /// How many numbers it is of.
    pub count: usize,
}

impl Mean {
    /// Of some numbers; `None` of none.
    pub fn of(numbers: &[f64]) -> Option<Self> {
        let count = numbers.len();
        if count == 0 {
            return None;
        }
        let mean = numbers.iter().sum::<f64>() / count as f64;
        let half = (count > 1).then(|| {
            let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
            let quantile = STUDENT.get(count - 2).copied().unwrap_or(NORMAL);
            quantile * (squares / (count - 1) as f64 / count as f64).sqrt()
        });
        Some(Self { mean, half, count })
    }

    /// The lower and the upper end; both are the mean for a single seed.
    pub fn ends(self) -> (f64, f64) {
        let half = self.half.unwrap_or_default();
        (self.mean - half, self.mean + half)
    }

    /// Whether the interval is wholly above or below zero: for differences.
    pub fn is_clear(self) -> bool {
        self.half.is_some_and(|half| self.mean.abs() > half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wilson_gives_the_textbook_numbers() {
        let (low, high) = wilson(0.5, 100);
        assert!((low - 0.4038).abs() < 1e-4 && (high - 0.5962).abs() < 1e-4, "{low} {high}");
        let (low, high) = wilson(0.0, 54);
        assert!(low == 0.0 && (high - 0.0664).abs() < 1e-4, "{high}");
    }

    #[test]
    fn a_mean_over_three_seeds_has_students_interval() {
        let mean = Mean::of(&[1.0, 2.0, 3.0]).unwrap();
        // Standard deviation 1, so 4.303 / √3.
        assert!((mean.mean - 2.0).abs() < 1e-12 && (mean.half.unwrap() - 2.4843).abs() < 1e-3);
        assert!(!mean.is_clear() && Mean::of(&[5.0, 5.1, 4.9]).unwrap().is_clear());
        assert_eq!(Mean::of(&[7.0]).unwrap().half, None);
        assert_eq!(Mean::of(&[]), None);
    }

    proptest! {
        #[test]
        fn wilson_holds_the_share_and_stays_in_bounds(hits in 0usize..500, more in 0usize..500) {
            let n = hits + more;
            prop_assume!(n > 0);
            let p = hits as f64 / n as f64;
            let (low, high) = wilson(p, n);
            prop_assert!(0.0 <= low && low <= p + 1e-12 && p <= high + 1e-12 && high <= 1.0);
            prop_assert!(wilson(p, 4 * n).1 - wilson(p, 4 * n).0 < high - low);
        }
    }
}
