//! Loss and learning rate of a run's trainings, from the metrics that were written while it went on.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use stp_datasets::Ledger;

/// The file of JSON lines in a run folder that has numbers over time.
pub const METRICS: &str = "metrics.jsonl";
/// Points that a curve has at most.
const MOST_POINTS: usize = 400;

/// The trainings of a run, one after the other.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Trainings {
    points: Vec<LossPoint>,
    /// Where each training begins.
    begins: Vec<Begin>,
}

/// One or several steps of the optimiser.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LossPoint {
    /// The first of them.
    step: u64,
    /// The mean of their losses, in nats.
    loss: f64,
    /// The smallest and the largest.
    low: f64,
    high: f64,
    /// The learning rate of the first.
    rate: f64,
}

/// Where a training begins.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Begin {
    step: u64,
    label: String,
}

/// A line of the metrics.
#[derive(Deserialize)]
struct Line {
    step: u64,
    #[serde(rename = "train/loss")]
    loss: f64,
    #[serde(rename = "train/learning_rate")]
    rate: f64,
}

impl Trainings {
    /// What the folder of a run has; nothing if its metrics are not there.
    pub(super) fn read(folder: &Path, ledger: &Ledger) -> Result<Self> {
        let steps = match File::open(folder.join(METRICS)) {
            Ok(file) => losses(BufReader::new(file)),
            Err(_) => BTreeMap::new(),
        };
        let steps: Vec<_> = steps.into_iter().map(|(step, (loss, rate))| (step, loss, rate)).collect();
        Ok(Self { points: thinned(&steps, MOST_POINTS), begins: begins(ledger)? })
    }
}

/// Loss and learning rate by step. Of a step that was done again the last one counts; lines that are damaged are left out,
/// for metrics are written without care.
fn losses(lines: impl BufRead) -> BTreeMap<u64, (f64, f64)> {
    let lines = lines.split(b'\n').map_while(Result::ok);
    let trained = lines.filter(|line| line.windows(12).any(|part| part == b"\"train/loss\""));
    let parsed = trained.filter_map(|line| serde_json::from_slice::<Line>(&line).ok());
    parsed.map(|line| (line.step, (line.loss, line.rate))).collect()
}

/// As many points as are asked for at most, each of as many steps.
fn thinned(steps: &[(u64, f64, f64)], most: usize) -> Vec<LossPoint> {
    let each = steps.len().div_ceil(most).max(1);
    let point = |steps: &[(u64, f64, f64)]| {
        let losses = steps.iter().map(|(_, loss, _)| *loss);
        LossPoint {
            step: steps[0].0,
            loss: losses.clone().sum::<f64>() / steps.len() as f64,
            low: losses.clone().fold(f64::INFINITY, f64::min),
            high: losses.fold(f64::NEG_INFINITY, f64::max),
            rate: steps[0].2,
        }
    };
    steps.chunks(each).map(point).collect()
}

/// The first step of each finished training.
fn begins(ledger: &Ledger) -> Result<Vec<Begin>> {
    let (mut before, mut all) = (1, Vec::new());
    for step in ledger.steps()? {
        let Some(count) = step.detail["steps"].as_u64().filter(|_| step.name.ends_with("/train")) else {
            continue;
        };
        let label = step.name.trim_end_matches("/train").replace('-', " ").replace("stage1", "stage 1");
        all.push(Begin { step: before, label });
        before += count;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_read_by_step_and_damage_is_left_out() {
        let text = "{\"step\":2,\"train/loss\":3.0,\"train/learning_rate\":0.1}\n{\"step\":9,\"phase\":\"x\"}\nnot JSON \
                    \"train/loss\"\n{\"step\":1,\"train/loss\":4.0,\"train/learning_rate\":0.2}\n{\"step\":2,\"train/loss\":2.0,\
                    \"train/learning_rate\":0.3}\n{\"step\":3,\"train/lo";
        let read: Vec<_> = losses(text.as_bytes()).into_iter().collect();
        assert_eq!(read, [(1, (4.0, 0.2)), (2, (2.0, 0.3))]);
    }

    #[test]
    fn many_steps_become_few_points_that_show_their_spread() {
        let steps: Vec<_> = (0..1000).map(|step| (step, f64::from(step as u32 % 10), 0.5)).collect();
        let points = thinned(&steps, 100);
        assert_eq!(points.len(), 100);
        let first = points[0];
        assert_eq!((first.step, first.loss, first.low, first.high), (0, 4.5, 0.0, 9.0));
        assert_eq!(thinned(&steps[..3], 100).len(), 3);
        assert!(thinned(&[], 100).is_empty());
    }

    #[test]
    fn trainings_begin_where_the_ones_before_end() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).unwrap();
        for (name, steps) in
            [("stage1/train", 240), ("round-1/train", 4), ("round-1/valid", 9), ("final/train", 5)]
        {
            let detail = serde_json::json!({ "steps": steps });
            ledger.finish_step(&stp_datasets::Step { name: name.to_owned(), seconds: 1.0, detail }).unwrap();
        }
        let trainings = Trainings::read(folder.path(), &ledger).unwrap();
        let begins: Vec<_> = trainings.begins.iter().map(|it| (it.step, it.label.as_str())).collect();
        assert_eq!(begins, [(1, "stage 1"), (241, "round 1"), (245, "final")]);
        assert!(trainings.points.is_empty(), "there are no metrics");
    }
}
