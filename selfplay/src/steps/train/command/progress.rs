//! How far a command has come, by the lines that it prints: JSON objects with the number of a `step`.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What was told of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The optimiser step, from 1.
    pub step: u64,
    /// Every other number, by name.
    pub numbers: Vec<(String, f64)>,
}

impl Told {
    /// What a line tells; `None` if it is not for us.
    pub fn parse(line: &str) -> Option<Self> {
        let Value::Object(fields) = serde_json::from_str(line.trim()).ok()? else { return None };
        let step = fields.get("step")?.as_u64()?;
        let number = |(name, value): (String, Value)| Some((known(&name).to_owned(), value.as_f64()?));
        let others = fields.into_iter().filter(|(name, _)| name != "step");
        Some(Self { step, numbers: others.filter_map(number).collect() })
    }

    /// The number of that name.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.numbers.iter().find(|(known, _)| known == name).map(|(_, number)| *number)
    }
}

/// The name that we have for what others call otherwise.
fn known(name: &str) -> &str {
    match name {
        "grad_norm" => "gradient_norm",
        "num_input_tokens_seen" => "tokens",
        other => other,
    }
}

/// How far a training is, by what was told; kept once it is finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reached {
    /// The last step.
    pub step: u64,
    /// The loss of the last step that had one.
    pub loss: Option<f32>,
    /// Tokens read up to then.
    pub tokens: Option<usize>,
}

impl Reached {
    /// What the commands of earlier processes told, by their log.
    pub fn of_log(log: &Path) -> Self {
        let mut reached = Self::default();
        let text = std::fs::read(log).unwrap_or_default();
        for line in String::from_utf8_lossy(&text).split(['\n', '\r']) {
            if let Some(told) = Told::parse(line) {
                reached.take(&told);
            }
        }
        reached
    }

    /// Whether it is news: of a step that was not told yet, or of the last one without a loss, as evaluations are. Several
    /// processes may tell the same.
    pub fn take(&mut self, told: &Told) -> bool {
        let loss = told.number("loss");
        let news = told.step > self.step || told.step == self.step && loss.is_none();
        if news {
            self.step = told.step;
            self.loss = loss.map(|loss| loss as f32).or(self.loss);
            self.tokens = told.number("tokens").map(|tokens| tokens as usize).or(self.tokens);
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_tell_a_step_are_understood_and_others_are_not() {
        let told =
            Told::parse(r#" {"step": 3, "loss": 0.5, "grad_norm": 2, "note": "x", "done": true} "#).unwrap();
        assert_eq!((told.step, told.number("loss"), told.number("gradient_norm")), (3, Some(0.5), Some(2.0)));
        assert_eq!(told.numbers.len(), 2);
        for other in
            ["3", "step 3", "{'step': 3}", r#"{"loss": 1}"#, r#"{"step": -1}"#, r#"{"step": 1, "loss": NaN}"#]
        {
            assert_eq!(Told::parse(other), None, "{other}");
        }
    }

    #[test]
    fn every_step_counts_once() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        std::fs::write(
            &log,
            "begin\n{\"step\": 1, \"loss\": 2, \"tokens\": 9}\r\n{\"step\": 2, \"loss\": 1.5}\n{",
        )
        .unwrap();
        let mut reached = Reached::of_log(&log);
        assert_eq!(reached, Reached { step: 2, loss: Some(1.5), tokens: Some(9) });
        let told = |line: &str| Told::parse(line).unwrap();
        assert!(!reached.take(&told(r#"{"step": 2, "loss": 1.5}"#)));
        assert!(!reached.take(&told(r#"{"step": 1}"#)));
        assert!(reached.take(&told(r#"{"step": 2, "eval_loss": 1.5}"#)));
        assert!(reached.take(&told(r#"{"step": 4, "loss": 1}"#)));
        assert_eq!((reached.step, reached.loss), (4, Some(1.0)));
        assert_eq!(Reached::of_log(&folder.path().join("none")), Reached::default());
    }
}
