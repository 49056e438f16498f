//! What an example's weight is measured by: the mean over all that is trained on, so that a batch of weighty examples
//! moves the model further than a batch of light ones.

use crate::Example;

/// The mean weight of a target token.
pub(super) enum MeanWeight {
    /// All examples weigh the same.
    Even,
    /// They weigh different, and this is the mean.
    Of(f64),
}

impl MeanWeight {
    /// The mean over these examples.
    pub(super) fn of(examples: &[&Example]) -> Self {
        if examples.windows(2).all(|pair| pair[0].weight == pair[1].weight) {
            return Self::Even;
        }
        Self::Of(total_weight(examples) / target_tokens(examples) as f64)
    }

    /// Whether all examples weigh the same.
    pub(super) fn is_even(&self) -> bool {
        matches!(self, Self::Even)
    }

    /// What the weighted losses of a batch are divided by: the weight that its target tokens would have on average.
    pub(super) fn expected(&self, batch: &[&Example]) -> f64 {
        match self {
            // To the last bit, which a mean times a count need not be.
            Self::Even => total_weight(batch),
            Self::Of(mean) => mean * target_tokens(batch) as f64,
        }
    }
}

/// Sum of the weights of all target tokens.
pub(super) fn total_weight(examples: &[&Example]) -> f64 {
    examples.iter().map(|example| f64::from(example.weight) * example.target.len() as f64).sum()
}

fn target_tokens(examples: &[&Example]) -> usize {
    examples.iter().map(|example| example.target.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(weight: f32, length: usize) -> Example {
        Example { prompt: vec![9], target: vec![8; length], weight }
    }

    #[test]
    fn equal_weights_cancel_to_the_last_bit() {
        let examples = [3, 7, 1].map(|length| example(0.1, length));
        let examples: Vec<_> = examples.iter().collect();
        let mean = MeanWeight::of(&examples);
        assert!(mean.is_even());
        assert_eq!(mean.expected(&examples[..2]), total_weight(&examples[..2]));
    }

    #[test]
    fn the_mean_is_over_target_tokens() {
        let examples = [example(3.0, 2), example(1.0, 6)];
        let examples: Vec<_> = examples.iter().collect();
        let mean = MeanWeight::of(&examples);
        assert!(!mean.is_even());
        assert_eq!(mean.expected(&examples[..1]), 1.5 * 2.0);
        assert_eq!(
            mean.expected(&examples),
            total_weight(&examples),
            "over a whole epoch it is the weight itself"
        );
    }
}
