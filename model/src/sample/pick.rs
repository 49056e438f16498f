//! Drawing one token from the logits, on the host.

use rand_chacha::ChaCha8Rng;

use super::SampleConfig;
use crate::nn::unit;

/// Draws tokens; keeps its buffers between calls.
#[derive(Default)]
pub(super) struct Picker {
    temperature: f32,
    top_p: f32,
    top_k: usize,
    min_p: f32,
    weights: Vec<f32>,
    nucleus: Vec<u32>,
    allowed: Vec<f32>,
}

/// What became of drawing a token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Picked {
    /// A token and its log-probability under the unmodified logits.
    Token(u32, f64),
    /// No token is allowed.
    Nothing,
    /// The logits are not numbers.
    NotFinite,
}

impl Picker {
    /// Draws as these settings say from now on.
    pub(super) fn aim(&mut self, config: &SampleConfig) {
        let &SampleConfig { temperature, top_p, top_k, min_p, .. } = config;
        (self.temperature, self.top_p, self.top_k, self.min_p) = (temperature, top_p, top_k, min_p);
    }

    /// The `count` most likely tokens with their log-probabilities under the unmodified logits, the likeliest first.
    pub(super) fn likeliest(&mut self, logits: &[f32], count: usize) -> Vec<(u32, f64)> {
        let Some((_, max)) = highest(logits).filter(|_| count > 0) else { return Vec::new() };
        let order = |a: &u32, b: &u32| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b));
        self.nucleus.clear();
        self.nucleus.extend(0..logits.len() as u32);
        if count < logits.len() {
            self.nucleus.select_nth_unstable_by(count, order);
            self.nucleus.truncate(count);
        }
        self.nucleus.sort_unstable_by(order);
        let total = log_total(logits, max);
        self.nucleus.iter().map(|&token| (token, f64::from(logits[token as usize] - max) - total)).collect()
    }

    /// A token and its log-probability under the unmodified logits; `None` if these are not numbers.
    pub(super) fn pick(&mut self, logits: &[f32], rng: &mut ChaCha8Rng) -> Option<(u32, f64)> {
        let (best, max) = highest(logits)?;
        let token = self.choose(logits, best, max, rng);
        Some((token, logprob(logits, token, max)?))
    }

    /// As [`Self::pick`], among the tokens that `allows` takes. Few tokens are refused, so one is drawn of all, and only if
    /// it is refused another of those that are left: each comes with its probability among the allowed ones.
    pub(super) fn pick_allowed(
        &mut self,
        logits: &[f32],
        rng: &mut ChaCha8Rng,
        allows: &dyn Fn(u32) -> bool,
    ) -> Picked {
        let Some((token, probability)) = self.pick(logits, rng) else { return Picked::NotFinite };
        if allows(token) {
            return Picked::Token(token, probability);
        }
        let mut allowed = std::mem::take(&mut self.allowed);
        allowed.clear();
        let among = |(token, &logit)| if allows(token) { logit } else { f32::NEG_INFINITY };
        allowed.extend((0..).zip(logits).map(among));
        let token = highest(&allowed).map(|(best, max)| self.choose(&allowed, best, max, rng));
        self.allowed = allowed;
        let Some(token) = token else { return Picked::Nothing };
        let probability = highest(logits).and_then(|(_, max)| logprob(logits, token, max));
        probability.map_or(Picked::NotFinite, |probability| Picked::Token(token, probability))
    }

    fn choose(&mut self, logits: &[f32], best: u32, max: f32, rng: &mut ChaCha8Rng) -> u32 {
        if self.temperature == 0.0 { best } else { self.draw(logits, max, unit(rng)) }
    }

    fn draw(&mut self, logits: &[f32], max: f32, point: f64) -> u32 {
        let inverse = self.temperature.recip();
        self.weights.clear();
        self.weights.extend(logits.iter().map(|&logit| ((logit - max) * inverse).exp()));
        let total: f64 = self.weights.iter().map(|&weight| f64::from(weight)).sum();
        if self.top_p >= 1.0 && self.top_k == 0 && self.min_p == 0.0 {
            let all = 0..self.weights.len() as u32;
            return walk(&self.weights, all, point * total);
        }
        let mass = self.keep_nucleus(total);
        walk(&self.weights, self.nucleus.iter().copied(), point * mass)
    }

    /// Collects the most likely tokens: `top_k` of them, of these as many as together have the probability
    /// `top_p`, of these the ones within `min_p` of the best. Returns their weight.
    fn keep_nucleus(&mut self, total: f64) -> f64 {
        let mass = self.keep_likeliest(total);
        if self.min_p == 0.0 {
            return mass;
        }
        // The best token has the weight 1.
        let near = self.nucleus.partition_point(|&token| self.weights[token as usize] >= self.min_p);
        self.nucleus.truncate(near.max(1));
        together(&self.weights, &self.nucleus)
    }

    fn keep_likeliest(&mut self, total: f64) -> f64 {
        let weights = &self.weights;
        let order = |a: &u32, b: &u32| weights[*b as usize].total_cmp(&weights[*a as usize]).then(a.cmp(b));
        let mut total = total;
        // All tokens below this weight together have less than what may be left out.
        let floor = (f64::from(1.0 - self.top_p) * total / weights.len() as f64) as f32;
        self.nucleus.clear();
        let all = 0..weights.len() as u32;
        if self.top_k > 0 && self.top_k < weights.len() {
            self.nucleus.extend(all);
            self.nucleus.select_nth_unstable_by(self.top_k - 1, order);
            self.nucleus.truncate(self.top_k);
            self.nucleus.sort_by(order);
            total = together(weights, &self.nucleus);
        } else {
            self.nucleus.extend(all.filter(|&token| weights[token as usize] >= floor));
            self.nucleus.sort_by(order);
        }
        let wanted = f64::from(self.top_p) * total;
        let mut mass = 0.0;
        let enough = self.nucleus.iter().position(|&token| {
            mass += f64::from(weights[token as usize]);
            mass >= wanted
        });
        if let Some(last) = enough {
            self.nucleus.truncate(last + 1);
        }
        mass
    }
}

/// The log-probability of a token; `None` if it is no number.
fn logprob(logits: &[f32], token: u32, max: f32) -> Option<f64> {
    let logprob = f64::from(logits[token as usize] - max) - log_total(logits, max);
    logprob.is_finite().then_some(logprob)
}

/// The logarithm of what all tokens weigh together, the likeliest with 1.
fn log_total(logits: &[f32], max: f32) -> f64 {
    let total: f64 = logits.iter().map(|&logit| f64::from((logit - max).exp())).sum();
    total.ln()
}

/// The weight of some tokens together.
fn together(weights: &[f32], tokens: &[u32]) -> f64 {
    tokens.iter().map(|&token| f64::from(weights[token as usize])).sum()
}

/// The first token at which the summed weights pass `point`.
fn walk(weights: &[f32], tokens: impl Iterator<Item = u32>, point: f64) -> u32 {
    let (mut sum, mut last) = (0.0, 0);
    for token in tokens {
        let weight = f64::from(weights[token as usize]);
        sum += weight;
        if weight > 0.0 {
            last = token;
        }
        if sum > point {
            break;
        }
    }
    last
}

fn highest(logits: &[f32]) -> Option<(u32, f32)> {
    let mut best = (0, f32::NEG_INFINITY);
    for (token, &logit) in logits.iter().enumerate() {
        if logit.is_nan() {
            return None;
        }
        if logit > best.1 {
            best = (token as u32, logit);
        }
    }
    best.1.is_finite().then_some(best)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn picker_of(config: &SampleConfig) -> Picker {
        let mut picker = Picker::default();
        picker.aim(config);
        picker
    }

    fn picker(temperature: f32, top_p: f32) -> Picker {
        picker_of(&SampleConfig { temperature, top_p, ..SampleConfig::default() })
    }

    fn counts(temperature: f32, top_p: f32) -> [usize; 4] {
        counts_of(picker(temperature, top_p))
    }

    fn counts_of(mut picker: Picker) -> [usize; 4] {
        let logits = [0.5f32, 0.3, 0.15, 0.05].map(f32::ln);
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let mut counts = [0; 4];
        for _ in 0..10_000 {
            counts[picker.pick(&logits, rng).unwrap().0 as usize] += 1;
        }
        counts
    }

    #[test]
    fn tokens_are_drawn_with_their_probability() {
        for (count, expected) in counts(1.0, 1.0).into_iter().zip([5000.0f64, 3000.0, 1500.0, 500.0]) {
            assert!((count as f64 - expected).abs() < 4.0 * expected.sqrt(), "{count} for {expected}");
        }
    }

    #[test]
    fn top_p_keeps_the_smallest_sufficient_set() {
        let [first, second, third, fourth] = counts(1.0, 0.75);
        assert_eq!((third, fourth), (0, 0));
        assert!((first as f64 - 6250.0).abs() < 300.0 && second > 0);
    }

    #[test]
    fn top_k_and_min_p_cut_off_the_tail() {
        let [first, second, third, fourth] =
            counts_of(picker_of(&SampleConfig { top_k: 2, ..SampleConfig::default() }));
        assert_eq!((third, fourth), (0, 0));
        assert!((first as f64 - 6250.0).abs() < 300.0 && second > 0);
        let [first, .., third, fourth] =
            counts_of(picker_of(&SampleConfig { min_p: 0.25, ..SampleConfig::default() }));
        assert!((first as f64 - 5263.0).abs() < 300.0 && third > 0 && fourth == 0);
        let both = SampleConfig { top_k: 3, top_p: 0.6, ..SampleConfig::default() };
        assert_eq!(counts_of(picker_of(&both))[2], 0, "0.5 + 0.3 are 0.84 of the three's 0.95");
    }

    #[test]
    fn temperature_sharpens_and_zero_is_greedy() {
        assert!(counts(0.5, 1.0)[0] > 6500);
        assert_eq!(counts(0.0, 1.0), [10_000, 0, 0, 0]);
    }

    #[test]
    fn allowed_tokens_keep_their_proportions() {
        let logits = [0.5f32, 0.3, 0.15, 0.05].map(f32::ln);
        for settings in [(1.0, 1.0), (1.0, 0.95)] {
            let (mut picker, rng) = (picker(settings.0, settings.1), &mut ChaCha8Rng::seed_from_u64(1));
            let mut counts = [0.0f64; 4];
            for _ in 0..10_000 {
                match picker.pick_allowed(&logits, rng, &|token| token == 1 || token == 2) {
                    Picked::Token(token, logprob) => {
                        counts[token as usize] += 1.0;
                        assert!((logprob - f64::from(logits[token as usize])).abs() < 1e-6);
                    }
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!((counts[0], counts[3]), (0.0, 0.0));
            assert!((counts[1] / counts[2] - 2.0).abs() < 0.15, "{counts:?}");
        }
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let greedy = picker(0.0, 1.0).pick_allowed(&logits, rng, &|token| token > 1);
        assert!(matches!(greedy, Picked::Token(2, _)));
        assert_eq!(picker(1.0, 1.0).pick_allowed(&logits, rng, &|_| false), Picked::Nothing);
        assert_eq!(picker(1.0, 1.0).pick_allowed(&[f32::NAN], rng, &|_| true), Picked::NotFinite);
    }

    #[test]
    fn the_log_probability_is_that_of_the_unmodified_model() {
        let logits = [0.5f32, 0.3, 0.15, 0.05].map(f32::ln);
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let (token, logprob) = picker(0.0, 0.1).pick(&logits, rng).unwrap();
        assert_eq!(token, 0);
        assert!((logprob - 0.5f64.ln()).abs() < 1e-6);
    }

    #[test]
    fn the_likeliest_tokens_come_with_their_log_probabilities() {
        let logits = [0.15f32, 0.5, 0.05, 0.3].map(f32::ln);
        let found = picker(0.0, 0.1).likeliest(&logits, 2);
        assert_eq!(found.iter().map(|(token, _)| *token).collect::<Vec<_>>(), [1, 3]);
        assert!((found[1].1 - 0.3f64.ln()).abs() < 1e-6);
        assert_eq!(picker(1.0, 1.0).likeliest(&logits, 9).len(), 4);
        assert!(picker(1.0, 1.0).likeliest(&logits, 0).is_empty());
    }

    #[test]
    fn logits_that_are_not_numbers_are_refused() {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        assert!(picker(1.0, 1.0).pick(&[0.0, f32::NAN], rng).is_none());
        assert!(picker(1.0, 1.0).pick(&[0.0, f32::INFINITY], rng).is_none());
    }
}
