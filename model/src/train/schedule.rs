//! How the learning rate changes over a training.

use std::f64::consts::PI;

use super::{Schedule, TrainConfig};

impl Schedule {
    /// What is left of the way from the peak (1) to the floor (0) when `progress` of the steps are done.
    fn remaining(self, progress: f64) -> f64 {
        match self {
            Self::Cosine => 0.5 * (1.0 + (PI * progress).cos()),
            Self::Linear => 1.0 - progress,
            Self::Constant => 1.0,
        }
    }
}

/// The learning rate of a step counted from 0: it rises on a line over the warm-up, then follows the schedule.
pub(super) fn rate(config: &TrainConfig, step: usize, steps: usize) -> f64 {
    let warmup = config.warmup_steps;
    if step < warmup {
        return config.learning_rate * (step + 1) as f64 / (warmup + 1) as f64;
    }
    let progress = (step - warmup) as f64 / steps.saturating_sub(warmup).max(1) as f64;
    let floor = config.final_rate;
    config.learning_rate * (floor + (1.0 - floor) * config.schedule.remaining(progress))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn config(schedule: Schedule, final_rate: f64) -> TrainConfig {
        TrainConfig { learning_rate: 1.0, warmup_steps: 9, schedule, final_rate, ..TrainConfig::default() }
    }

    fn rates(schedule: Schedule, final_rate: f64) -> Vec<f64> {
        (0..110).map(|step| rate(&config(schedule, final_rate), step, 110)).collect()
    }

    #[test]
    fn every_schedule_rises_alike() {
        for schedule in [Schedule::Cosine, Schedule::Linear, Schedule::Constant] {
            let rates = rates(schedule, 0.1);
            assert!((rates[0] - 0.1).abs() < 1e-9 && (rates[9] - 1.0).abs() < 1e-9, "{rates:?}");
        }
    }

    #[test]
    fn the_cosine_falls_to_the_floor() {
        let rates = rates(Schedule::Cosine, 0.1);
        assert!((rates[9 + 101 / 2] - 0.55).abs() < 0.01, "half way");
        assert!(rates[109] > 0.1 && rates[109] < 0.101, "{}", rates[109]);
    }

    #[test]
    fn the_line_falls_evenly() {
        let rates = rates(Schedule::Linear, 0.0);
        assert!(rates[9..].windows(2).all(|two| (two[0] - two[1] - 1.0 / 101.0).abs() < 1e-9));
        assert!((rates[109] - 1.0 / 101.0).abs() < 1e-9);
    }

    #[test]
    fn the_constant_stays() {
        assert!(rates(Schedule::Constant, 0.1)[9..].iter().all(|rate| (rate - 1.0).abs() < 1e-12));
    }

    #[test]
    fn names_are_those_of_the_settings() {
        let named = |name: &str| serde_json::from_value::<Schedule>(name.into()).unwrap();
        assert_eq!(named("cosine"), Schedule::Cosine);
        assert_eq!(named("linear"), Schedule::Linear);
        assert_eq!(named("constant"), Schedule::Constant);
        assert!(serde_json::from_value::<Schedule>("step".into()).is_err());
    }

    proptest! {
        #[test]
        fn a_rate_is_never_above_the_peak_nor_under_the_floor(
            steps in 1usize..400, warmup in 0usize..50, floor in 0.0..=1.0f64, linear: bool,
        ) {
            let schedule = if linear { Schedule::Linear } else { Schedule::Cosine };
            let config = TrainConfig { warmup_steps: warmup, ..config(schedule, floor) };
            for step in 0..steps {
                let rate = rate(&config, step, steps);
                prop_assert!(rate > 0.0 || floor == 0.0);
                prop_assert!(rate <= 1.0 + 1e-12);
                prop_assert!(step < warmup || rate >= floor - 1e-12);
            }
        }
    }
}
