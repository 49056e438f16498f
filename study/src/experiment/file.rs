//! The file of an experiment: what is compared, on what, and which claims the numbers are for.

use std::collections::HashSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use stp_selfplay::error::UsageError;
use toml::Table;

/// An experiment, as it stands in its file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentFile {
    /// What it is about, in one line.
    pub title: String,
    /// The preset that arms begin with.
    #[serde(default = "tiny")]
    pub preset: String,
    /// A file of settings over the preset, as `--config`; seen from the folder of the experiment's file.
    #[serde(default)]
    pub config: Option<String>,
    /// The seeds; each arm is run with each.
    #[serde(default)]
    pub seeds: Vec<u64>,
    /// Settings of all arms, with the keys of `--set`.
    #[serde(default)]
    pub set: Table,
    /// What is compared.
    #[serde(default)]
    pub arms: Vec<Arm>,
    /// The arm that the others are compared with [default: the first].
    #[serde(default)]
    pub baseline: Option<String>,
    /// What the last model of each run is measured on.
    #[serde(default)]
    pub evaluate: Vec<Evaluate>,
    /// Lean's own tactics, as another way to prove statements.
    #[serde(default)]
    pub automation: Option<Automation>,
    /// What the numbers are to show; each gets a table and a plot.
    #[serde(default)]
    pub claims: Vec<Claim>,
}

/// One of the variants that are compared.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Its name in tables; folders are named after it.
    pub name: String,
    /// The preset that it begins with, in place of the one of all arms.
    #[serde(default)]
    pub preset: Option<String>,
    /// The run that it goes on from, if it does not begin with a stage 1.
    #[serde(default)]
    pub from: Option<Branch>,
    /// Its own settings, over those of all arms.
    #[serde(default)]
    pub set: Table,
}

/// Where an arm leaves another one: its run is a fork of that one's with the same seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// An arm above it.
    pub arm: String,
    /// The last round that it takes over; 0 is stage 1.
    pub round: u32,
}

/// A set that models are measured on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluate {
    /// `valid`, `test`, or a file, seen from the folder of the experiment's file.
    pub set: String,
    /// Samples of each statement.
    pub samples: u32,
    /// The k of pass@k.
    pub k: Vec<u32>,
    /// At most so many statements (0: all).
    #[serde(default)]
    pub max: usize,
}

/// Lean's own tactics on some sets.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Automation {
    /// Splits of the corpus, or files seen from the folder of the experiment's file; one that is not there is left out.
    pub sets: Vec<String>,
    /// Tactics: each is tried as the proof `by TACTIC`.
    pub tactics: Vec<String>,
    /// At most so many statements of each set (0: all).
    #[serde(default)]
    pub max: usize,
}

/// What a claim counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Given training statements with a sampled proof so far.
    TrainProved,
    /// Of these, those whose corpus proof stage 1 did not see.
    NewProved,
    /// Of these, those that no single tactic closes.
    NewHardProved,
    /// Validation statements proved by the model after so many samples.
    ValidProved,
    /// Of these, those that no single tactic closes.
    HardValidProved,
    /// pass@k of the last model on a set.
    PassAtK,
    /// The same on those of its statements that no single tactic closes.
    HardPassAtK,
}

impl Metric {
    /// Whether it is known after every round, so that there is a curve.
    pub fn is_curve(self) -> bool {
        !matches!(self, Self::PassAtK | Self::HardPassAtK)
    }
}

/// Something that the experiment is to show or to refute.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The claim, in one sentence.
    pub title: String,
    /// What is counted.
    pub metric: Metric,
    /// For `pass-at-k` and `hard-pass-at-k`: the set, as under `evaluate`.
    #[serde(default)]
    pub set: Option<String>,
    /// For `pass-at-k` and `hard-pass-at-k`: the k.
    #[serde(default)]
    pub k: Option<u32>,
}

fn tiny() -> String {
    "tiny".to_owned()
}

impl ExperimentFile {
    /// Reads and checks it.
    ///
    /// # Errors
    /// [`UsageError`] naming the file and what is wrong in it.
    pub fn read(path: &Path) -> Result<Self, UsageError> {
        let wrong = |reason: String| UsageError(format!("{}: {reason}", path.display()));
        let text = std::fs::read_to_string(path)
            .map_err(|error| wrong(format!("the experiment cannot be read ({error}). Check the path.")))?;
        let file: Self =
            toml::from_str(&text).map_err(|error| wrong(format!("it is no experiment: {error}")))?;
        file.problem().map_or(Ok(file), |problem| Err(wrong(problem)))
    }

    /// The arm that the others are compared with.
    pub fn baseline(&self) -> Option<&str> {
        self.baseline.as_deref().or_else(|| Some(&self.arms.first()?.name))
    }

    /// Which of the evaluations a claim is about.
    pub fn evaluated(&self, claim: &Claim) -> Option<usize> {
        let (set, k) = (claim.set.as_ref()?, claim.k?);
        self.evaluate.iter().position(|it| it.set == *set && it.k.contains(&k))
    }

    /// The first thing in it that does not fit.
    fn problem(&self) -> Option<String> {
        let mut slugs = HashSet::new();
        if let Some(arm) =
            self.arms.iter().find(|arm| slug(&arm.name).is_empty() || !slugs.insert(slug(&arm.name)))
        {
            return Some(format!("two arms are named like `{}`; give each a name of its own.", arm.name));
        }
        if self.arms.is_empty() && self.automation.is_none() {
            return Some("it has neither [[arms]] nor [automation], so there is nothing to do.".to_owned());
        }
        if self.arms.is_empty() != self.seeds.is_empty() {
            return Some("[[arms]] and `seeds` need each other.".to_owned());
        }
        if self.seeds.iter().collect::<HashSet<_>>().len() != self.seeds.len() {
            return Some("a seed stands twice in `seeds`.".to_owned());
        }
        if let Some(name) = &self.baseline
            && !self.arms.iter().any(|arm| arm.name == *name)
        {
            return Some(format!("`baseline` names the arm `{name}`, which is not there."));
        }
        if let Some(problem) = self.branch_problem() {
            return Some(problem);
        }
        let bad =
            self.evaluate.iter().find(|it| it.k.is_empty() || it.k.iter().any(|&k| k == 0 || k > it.samples));
        if let Some(bad) = bad {
            return Some(format!("`k` of the set `{}` must be numbers from 1 to `samples`.", bad.set));
        }
        self.claims.iter().find_map(|claim| self.problem_of(claim))
    }

    fn branch_problem(&self) -> Option<String> {
        self.arms.iter().enumerate().find_map(|(place, arm)| {
            let from = arm.from.as_ref()?;
            let is_above = self.arms[..place].iter().any(|other| other.name == from.arm);
            (!is_above).then(|| {
                format!(
                    "the arm `{}` goes on from `{}`, which is not among the arms above it.",
                    arm.name, from.arm
                )
            })
        })
    }

    fn problem_of(&self, claim: &Claim) -> Option<String> {
        if claim.metric.is_curve() {
            return claim.set.is_some().then(|| format!("the claim `{}` needs no `set`.", claim.title));
        }
        self.evaluated(claim).is_none().then(|| {
            format!(
                "the claim `{}` needs a `set` and a `k` that stand under [[evaluate]], so that there are numbers.",
                claim.title
            )
        })
    }
}

/// A name as part of a file's name.
pub fn slug(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let text: String = name.chars().map(letter).collect();
    text.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// A path that is seen from the folder of the experiment's file; names of splits stay as they are.
pub fn seen_from(file: &Path, set: &str) -> String {
    if matches!(set, "train" | "valid" | "test") {
        return set.to_owned();
    }
    let folder = file.parent().map(Path::to_owned).unwrap_or_default();
    folder.join(set).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        title = "x"
        preset = "smoke"
        seeds = [0, 1]
        set = { rounds = 1, "sampling.top_p" = 0.9 }
        [[arms]]
        name = "Self-play"
        [[arms]]
        name = "expert iteration"
        set = { method = "expert-iteration" }
        [[evaluate]]
        set = "test"
        samples = 4
        k = [1, 4]
        [[claims]]
        title = "more"
        metric = "pass-at-k"
        set = "test"
        k = 4
    "#;

    fn read(text: &str) -> Result<ExperimentFile, UsageError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        std::fs::write(&path, text).unwrap();
        ExperimentFile::read(&path)
    }

    #[test]
    fn a_whole_file_is_read() {
        let file = read(GOOD).unwrap();
        assert_eq!((file.arms.len(), file.baseline()), (2, Some("Self-play")));
        assert_eq!(slug(&file.arms[1].name), "expert-iteration");
    }

    #[test]
    fn mistakes_are_named() {
        for (old, new, hint) in [
            ("\"expert iteration\"", "\"self play\"", "named like"),
            ("seeds = [0, 1]", "", "need each other"),
            ("seeds = [0, 1]", "seeds = [1, 1]", "twice"),
            ("seeds = [0, 1]", "seeds = [0]\nbaseline = \"y\"", "`y`"),
            ("\"expert iteration\"", "\"b\"\nfrom = { arm = \"b\", round = 1 }", "above it"),
            ("k = [1, 4]", "k = [8]", "from 1 to"),
            ("k = 4", "k = 2", "[[evaluate]]"),
            ("title = \"x\"", "titel = \"x\"", "titel"),
            ("pass-at-k", "pass", "pass"),
        ] {
            let error = read(&GOOD.replacen(old, new, 1)).unwrap_err().to_string();
            assert!(error.contains(hint), "{new}: {error}");
        }
        assert!(read("title = \"x\"").unwrap_err().to_string().contains("[[arms]]"));
    }

    #[test]
    fn sets_that_are_files_are_seen_from_the_experiment() {
        let file = Path::new("experiments/x.toml");
        assert_eq!(seen_from(file, "test"), "test");
        assert_eq!(seen_from(file, "../a.jsonl"), "experiments/../a.jsonl");
    }
}
