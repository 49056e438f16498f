//! The frequencies of rotary positions, and the ways in which checkpoints stretch them to longer sequences.
//!
//! Sources: RoPE (Su et al., 2021); linear interpolation (Chen et al., 2023); YaRN (Peng et al., 2023); the
//! variant of Llama 3.1.

use std::f64::consts::PI;

/// How the frequencies are changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RopeScaling {
    /// Not at all. `dynamic` scaling is this too, for sequences no longer than those of pre-training.
    #[default]
    None,
    /// All positions are divided by `factor`.
    Linear {
        /// How much longer sequences get.
        factor: f64,
    },
    /// Slow frequencies are divided by `factor`, fast ones kept, those between blended (Llama 3.1).
    Llama3 {
        /// How much longer sequences get.
        factor: f64,
        /// Frequencies that turn less often than this in the original length are slow.
        low_freq_factor: f64,
        /// Frequencies that turn more often than this are fast.
        high_freq_factor: f64,
        /// Length of the sequences of pre-training.
        original_max_seq: usize,
    },
    /// As `Llama3`, with a ramp over dimensions, and with larger cosines and sines.
    Yarn {
        /// How much longer sequences get.
        factor: f64,
        /// Turns in the original length above which a frequency is kept.
        beta_fast: f64,
        /// Turns under which it is divided by `factor`.
        beta_slow: f64,
        /// Length of the sequences of pre-training.
        original_max_seq: usize,
        /// Factor of cosines and sines.
        attention_factor: f64,
        /// Whether the ramp begins and ends at whole dimensions.
        truncate: bool,
    },
}

impl RopeScaling {
    pub(crate) fn validate(&self) -> Result<(), String> {
        let factor = match self {
            Self::None => return Ok(()),
            Self::Linear { factor } | Self::Llama3 { factor, .. } | Self::Yarn { factor, .. } => *factor,
        };
        if factor.is_finite() && factor >= 1.0 {
            Ok(())
        } else {
            Err(format!("the `factor` of the rotary positions' scaling is {factor}; set it to at least 1"))
        }
    }
}

/// The angle by which each pair of dimensions turns from one position to the next (`dim / 2` values), and the
/// factor of all cosines and sines.
pub(crate) fn frequencies(theta: f64, dim: usize, scaling: &RopeScaling) -> (Vec<f64>, f64) {
    let plain = (0..dim / 2).map(|i| theta.powf(-2.0 * i as f64 / dim as f64));
    match *scaling {
        RopeScaling::None => (plain.collect(), 1.0),
        RopeScaling::Linear { factor } => (plain.map(|frequency| frequency / factor).collect(), 1.0),
        RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_seq } => {
            let blend = |frequency: f64| {
                let turns = original_max_seq as f64 * frequency / (2.0 * PI);
                let share =
                    ((turns - low_freq_factor) / (high_freq_factor - low_freq_factor)).clamp(0.0, 1.0);
                (1.0 - share) * frequency / factor + share * frequency
            };
            (plain.map(blend).collect(), 1.0)
        }
        RopeScaling::Yarn { factor, beta_fast, beta_slow, original_max_seq, attention_factor, truncate } => {
            let dimension = |turns: f64| {
                dim as f64 * (original_max_seq as f64 / (turns * 2.0 * PI)).ln() / (2.0 * theta.ln())
            };
            let (mut low, mut high) = (dimension(beta_fast), dimension(beta_slow));
            if truncate {
                (low, high) = (low.floor(), high.ceil());
            }
            let (low, mut high) = (low.max(0.0), high.min(dim as f64 - 1.0));
            if low == high {
                high += 0.001;
            }
            let blend = |(i, frequency): (usize, f64)| {
                let slow = ((i as f64 - low) / (high - low)).clamp(0.0, 1.0);
                slow * frequency / factor + (1.0 - slow) * frequency
            };
            (plain.enumerate().map(blend).collect(), attention_factor)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_slows_slow_frequencies_and_keeps_fast_ones() {
        let (plain, _) = frequencies(10_000.0, 64, &RopeScaling::None);
        let llama3 = RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_seq: 8192,
        };
        let yarn = RopeScaling::Yarn {
            factor: 8.0,
            beta_fast: 32.0,
            beta_slow: 1.0,
            original_max_seq: 2048,
            attention_factor: 1.2,
            truncate: true,
        };
        for scaling in [llama3, yarn] {
            let (scaled, _) = frequencies(10_000.0, 64, &scaling);
            assert_eq!(scaled[0], plain[0]);
            assert!((scaled[31] - plain[31] / 8.0).abs() < 1e-12);
            assert!(scaled.windows(2).all(|pair| pair[0] > pair[1]));
        }
    }
}
