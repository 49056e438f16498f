//! Time and money: work divided by speed.

use super::work::Work;

/// Floating-point operations that training and sampling take for each parameter and token.
const TRAINING: f64 = 6.0;
/// See [`TRAINING`].
const SAMPLING: f64 = 2.0;

/// Hardware whose speed is known or assumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hardware {
    /// Two processor cores for the model and Lean together; the speed of sampling is that beside a busy Lean.
    TwoCores,
    /// A GPU with 80 GB (H100) beside 64 cores for Lean. Assumed from others' figures, never measured with this program.
    Gpu80,
}

/// How fast things are done; tokens are of one device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speeds {
    /// Tokens a second while training.
    pub training: f64,
    /// Tokens a second while sampling.
    pub sampling: f64,
    /// Devices that work side by side.
    pub devices: f64,
    /// CPU seconds of a check.
    pub check_seconds: f64,
    /// CPU seconds of a sketch: a failed proof is elaborated two or three times.
    pub sketch_seconds: f64,
    /// Cores that check.
    pub verifier_cores: f64,
    /// Price of an hour of one device, in whatever currency.
    pub price: f64,
}

impl Hardware {
    /// All of it.
    pub const ALL: [Self; 2] = [Self::TwoCores, Self::Gpu80];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TwoCores => "two-cores",
            Self::Gpu80 => "gpu80",
        }
    }

    /// The hardware of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hardware| hardware.as_str() == name)
    }

    /// The speeds with a model of so many parameters; `mathlib` if proofs are checked against it.
    pub fn speeds(self, parameters: usize, mathlib: bool) -> Speeds {
        let parameters = parameters as f64;
        // Core Lean: measured; a sketch is what search steps of `experiments/subgoals` took (`spent` in the `steps` of their
        // ledgers, seeds 0 to 3) less their checks. Mathlib: assumed.
        let (check_seconds, sketch_seconds) = if mathlib { (2.0, 6.0) } else { (0.038, 0.18) };
        match self {
            Self::TwoCores => Speeds {
                // 34,000 and 32,000 tokens/s with 1.33 million parameters.
                training: 271e9 / TRAINING / parameters,
                sampling: 85e9 / SAMPLING / parameters,
                devices: 1.0,
                check_seconds,
                sketch_seconds,
                verifier_cores: 2.0,
                price: 0.0,
            },
            Self::Gpu80 => Speeds {
                training: 200e12 / TRAINING / parameters,
                sampling: 70e12 / SAMPLING / parameters,
                devices: 1.0,
                check_seconds,
                sketch_seconds,
                verifier_cores: 64.0,
                price: 2.5,
            },
        }
    }
}

/// Times of a whole run, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Times {
    /// Training.
    pub training: f64,
    /// Sampling.
    pub sampling: f64,
    /// CPU time of Lean, over all cores.
    pub verifier_core: f64,
    /// From the beginning to the end: proofs are judged while the model samples.
    pub wall: f64,
    /// What the devices cost in that time.
    pub cost: f64,
}

/// The times of some work at these speeds.
pub fn times(work: &Work, speeds: &Speeds) -> Times {
    let training = work.trained_tokens as f64 / (speeds.training * speeds.devices);
    let sampling = work.sampled_tokens as f64 / (speeds.sampling * speeds.devices);
    let verifier_core =
        work.checks as f64 * speeds.check_seconds + work.sketches as f64 * speeds.sketch_seconds;
    let wall = training + sampling.max(verifier_core / speeds.verifier_cores.max(1.0));
    Times { training, sampling, verifier_core, wall, cost: wall / 3600.0 * speeds.devices * speeds.price }
}

#[cfg(test)]
mod tests {
    use super::super::work::tests::measured;
    use super::super::work::{Assumptions, Data, work};
    use super::*;

    #[test]
    fn a_run_takes_about_as_long_as_it_took() {
        let config = measured();
        let data = Data { statements: 1000, proofs: 1604, valid: 294, library: 0 };
        let work = work(&config, data, Assumptions::default());
        let times = times(&work, &Hardware::TwoCores.speeds(1_328_448, false));
        // 5:22 in all, of which 1:44 training.
        assert!((0.6..1.6).contains(&(times.training / 104.0)), "{times:?}");
        assert!((0.6..1.6).contains(&(times.wall / 322.0)), "{times:?}");
    }

    #[test]
    fn hardware_has_names() {
        for hardware in Hardware::ALL {
            assert_eq!(Hardware::parse(hardware.as_str()), Some(hardware));
        }
        assert_eq!(Hardware::parse("abacus"), None);
    }

    #[test]
    fn judging_hides_behind_sampling_or_the_other_way_round() {
        let work = Work {
            proofs: 0,
            valid_proofs: 0,
            conjectures: 0,
            sampled_tokens: 7200,
            trained_tokens: 3600,
            checks: 90,
            sketches: 20,
        };
        let speeds = Speeds {
            training: 1.0,
            sampling: 1.0,
            devices: 2.0,
            check_seconds: 100.0,
            sketch_seconds: 50.0,
            verifier_cores: 10.0,
            price: 3.0,
        };
        let found = times(&work, &speeds);
        assert_eq!((found.training, found.sampling, found.verifier_core), (1800.0, 3600.0, 10_000.0));
        assert_eq!((found.wall, found.cost), (5400.0, 9.0));
        assert_eq!(times(&work, &Speeds { verifier_cores: 1.0, ..speeds }).wall, 11_800.0);
    }
}
