//! What an experiment has shown so far: one table for each claim, with intervals over seeds.

use std::fmt::Write;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, Table, presets};
use serde::{Deserialize, Serialize};

use super::automation::{Tried, union};
use super::cells;
use super::file::{Claim, ExperimentFile, Metric};
use super::measure::FinishedRun;
use super::took;
use crate::bootstrap::{Paired, Ratio, ratio};
use crate::statistics::{Mean, wilson};

/// The file with all numbers in the folder of the results.
pub(super) const RESULTS: &str = "results.json";

/// All that is finished.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Results {
    /// The runs, in the order of the matrix.
    pub runs: Vec<FinishedRun>,
    /// The tactics.
    pub automation: Vec<Tried>,
    /// What there is to say besides.
    pub notes: Vec<String>,
}

/// The values of one arm: by seed, their mean, and the difference to the baseline on the same seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmRow {
    /// The arm.
    pub arm: String,
    /// (seed, value) of the seeds that are finished.
    pub values: Vec<(u64, f64)>,
    /// Their mean.
    pub mean: Option<Mean>,
    /// Mean of the differences to the baseline, seed by seed; none for the baseline itself.
    pub difference: Option<Mean>,
}

impl Results {
    /// Those that an experiment wrote to a folder; nothing if there are none.
    ///
    /// # Errors
    /// If there are some that cannot be read.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(RESULTS);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            text => text.with_context(|| format!("cannot read {}", path.display()))?,
        };
        serde_json::from_str(&text).with_context(|| {
            format!(
                "{} is damaged, or of another version. Take it away to write results of the runs alone, or write to another \
                 folder with -o.",
                path.display()
            )
        })
    }

    /// The run of this arm and seed.
    pub fn run(&self, arm: &str, seed: u64) -> Option<&FinishedRun> {
        self.runs.iter().find(|run| run.arm == arm && run.seed == seed)
    }

    /// Whether the run of this arm and seed is among them.
    pub fn has(&self, arm: &str, seed: u64) -> bool {
        self.run(arm, seed).is_some()
    }

    /// The rows of a claim, in the order of the arms.
    pub fn rows(&self, file: &ExperimentFile, claim: &Claim) -> Vec<ArmRow> {
        let values = |arm: &str| -> Vec<(u64, f64)> {
            let of_arm = self.runs.iter().filter(|run| run.arm == arm);
            of_arm.filter_map(|run| Some((run.seed, run.value(file, claim)?))).collect()
        };
        let baseline = file.baseline().map(|arm| (arm, values(arm)));
        let row = |arm: &super::file::Arm| {
            let own = values(&arm.name);
            let numbers: Vec<_> = own.iter().map(|(_, value)| *value).collect();
            let others = baseline.as_ref().filter(|(name, _)| *name != arm.name).map(|(_, values)| values);
            let differences: Vec<f64> = own
                .iter()
                .filter_map(|(seed, value)| {
                    let (_, other) = others?.iter().find(|(of, _)| of == seed)?;
                    Some(value - other)
                })
                .collect();
            ArmRow {
                arm: arm.name.clone(),
                mean: Mean::of(&numbers),
                difference: Mean::of(&differences),
                values: own,
            }
        };
        file.arms.iter().map(row).collect()
    }

    /// Everything as JSON, one run or tactic a line: a run names every statement it was measured on.
    ///
    /// # Errors
    /// None that are known.
    pub fn json(&self) -> serde_json::Result<String> {
        fn lines<T: Serialize>(items: &[T]) -> serde_json::Result<String> {
            let lines: Vec<_> = items.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
            Ok(if lines.is_empty() { "[]".to_owned() } else { format!("[\n{}\n]", lines.join(",\n")) })
        }
        let [runs, automation, notes] = [lines(&self.runs)?, lines(&self.automation)?, lines(&self.notes)?];
        Ok(format!("{{\"runs\": {runs},\n\"automation\": {automation},\n\"notes\": {notes}}}\n"))
    }

    /// Everything as one Markdown text; `plots` are the files with the claims' plots, in order.
    pub fn markdown(&self, file: &ExperimentFile, path: &Path, plots: &[Vec<String>]) -> String {
        let mut text = format!("# {}\n\n", file.title);
        let command = path.file_name().unwrap_or_default().to_string_lossy();
        let _ = writeln!(text, "Written by `stp experiment {command}`; the numbers are in `results.json`.\n");
        if !file.arms.is_empty() {
            text += &self.matrix(file);
        }
        for (claim, plots) in file.claims.iter().zip(plots) {
            text += &self.claim(file, claim, plots);
        }
        text += &took::table(file, &self.runs);
        if let Some(automation) = &file.automation {
            text += &self.tactics(&automation.tactics);
        }
        for note in &self.notes {
            let _ = writeln!(text, "{note}\n");
        }
        text
    }

    fn matrix(&self, file: &ExperimentFile) -> String {
        let mut text = format!("Preset `{}`", file.preset);
        if let Some(config) = &file.config {
            let _ = write!(text, ", `{config}` over it,");
        }
        if !file.set.is_empty() {
            let _ = write!(text, " with {}", cells::common(&file.set));
        }
        let (done, all) = (self.runs.len(), file.arms.len() * file.seeds.len());
        let hours = self.runs.iter().map(|run| run.seconds).sum::<f64>() / 3600.0;
        let _ = writeln!(text, "; {done} of {all} runs are finished, {hours:.1} h in all.\n");
        let mut table = markdown(["arm".to_owned(), "differs in".to_owned(), "verified samples".to_owned()]);
        for arm in &file.arms {
            let mut samples: Vec<_> = self
                .runs
                .iter()
                .filter(|run| run.arm == arm.name)
                .filter_map(|run| run.points.last().map(|point| point.samples.to_string()))
                .collect();
            samples.dedup();
            table.add_row([arm.name.clone(), cells::overrides(file, &arm.name), samples.join(", ")]);
        }
        text + &table.to_string() + "\n\n"
    }

    fn claim(&self, file: &ExperimentFile, claim: &Claim, plots: &[String]) -> String {
        let mut text = format!("## {}\n\n{}.\n\n", claim.title, meaning(claim));
        let baseline = file.baseline().unwrap_or_default();
        let mut header = vec!["arm".to_owned()];
        header.extend(file.seeds.iter().map(|seed| format!("seed {seed}")));
        header.extend(["mean (95 %)".to_owned(), format!("against {baseline} (95 %)"), "so".to_owned()]);
        header.extend(["ratio (95 %)", "at equal checks (95 %)"].map(str::to_owned));
        let mut table = markdown(header);
        for row in self.rows(file, claim) {
            let mut cells = vec![row.arm.clone()];
            cells.extend(file.seeds.iter().map(|seed| {
                let value = row.values.iter().find(|(of, _)| of == seed);
                value.map_or_else(|| "–".to_owned(), |(_, value)| number(*value, claim))
            }));
            cells.push(row.mean.map_or_else(|| "–".to_owned(), |mean| with_half(mean, false)));
            cells.push(row.difference.map_or_else(|| "–".to_owned(), |mean| with_half(mean, true)));
            cells.push(row.difference.map_or_else(String::new, said));
            let in_the_end = |arm: &FinishedRun, other: &FinishedRun| arm.beside(other, file, claim);
            let equal_checks =
                |arm: &FinishedRun, other: &FinishedRun| arm.beside_at_equal_checks(other, file, claim);
            let ratios = [self.ratio(file, &row.arm, in_the_end), self.ratio(file, &row.arm, equal_checks)];
            cells.extend(ratios.map(|ratio| ratio.map_or_else(String::new, times)));
            table.add_row(cells);
        }
        for (name, share, low, high) in self.portfolio(file, claim) {
            let mut cells = vec![name];
            cells.extend(file.seeds.iter().map(|_| "–".to_owned()));
            let interval = format!("{share:.1} (over statements: {low:.1}–{high:.1})");
            cells.extend([interval, "–".to_owned(), String::new(), String::new(), String::new()]);
            table.add_row(cells);
        }
        let _ = writeln!(text, "{table}\n");
        for plot in plots {
            let _ = writeln!(text, "![{}]({plot})\n", claim.title);
        }
        text
    }

    /// How many times as much an arm comes to as the baseline, on the same seeds and statements, two runs with the same seed
    /// laid side by side by `beside`; none for the baseline itself, and where it is not known what the runs came to on
    /// each statement.
    pub fn ratio(
        &self,
        file: &ExperimentFile,
        arm: &str,
        beside: impl Fn(&FinishedRun, &FinishedRun) -> Option<Paired>,
    ) -> Option<Ratio> {
        let baseline = file.baseline().filter(|baseline| *baseline != arm)?;
        let pair = |seed: &u64| beside(self.run(arm, *seed)?, self.run(baseline, *seed)?);
        let pairs: Vec<_> = file.seeds.iter().filter_map(pair).collect();
        ratio(&pairs, 0)
    }

    /// For pass@k claims: what the tactics prove of the same set, in per cent, with Wilson's interval.
    pub fn portfolio(&self, file: &ExperimentFile, claim: &Claim) -> Vec<(String, f64, f64, f64)> {
        let Some(index) = file.evaluated(claim).filter(|_| claim.metric == Metric::PassAtK) else {
            return Vec::new();
        };
        let set = self.runs.iter().find_map(|run| run.outcomes.get(index)).map(|outcome| outcome.set.clone());
        let of_set = self.automation.iter().filter(|tried| Some(&tried.set) == set.as_ref());
        of_set
            .map(|tried| {
                let share = tried.proved.len() as f64 / tried.statements.max(1) as f64;
                let (low, high) = wilson(share, tried.statements);
                (format!("`by {}`", tried.tactic), 100.0 * share, 100.0 * low, 100.0 * high)
            })
            .collect()
    }

    fn tactics(&self, tactics: &[String]) -> String {
        let mut sets: Vec<&str> = Vec::new();
        for tried in &self.automation {
            if !sets.contains(&tried.set.as_str()) {
                sets.push(&tried.set);
            }
        }
        let mut text = "## What Lean's own automation proves\n\n".to_owned();
        text += "Each tactic as the proof `by TACTIC`, judged like any other; Wilson's 95 % interval over statements; Lean's \
                 CPU time for all statements of the set.\n\n";
        for set in sets {
            let of_set: Vec<_> = self.automation.iter().filter(|tried| tried.set == set).collect();
            let statements = of_set.first().map_or(0, |tried| tried.statements);
            let mut table = markdown([
                format!("`{set}` ({statements})"),
                "proved".to_owned(),
                "share (95 %)".to_owned(),
                "out of time".to_owned(),
                "CPU s".to_owned(),
            ]);
            for tactic in tactics {
                if let Some(tried) = of_set.iter().find(|tried| tried.tactic == *tactic) {
                    let seconds = format!("{:.1}", tried.lean_seconds);
                    table.add_row([
                        format!("`{tactic}`"),
                        tried.proved.len().to_string(),
                        percent_of(tried.proved.len(), statements),
                        late(tried.timeouts),
                        seconds,
                    ]);
                }
            }
            let any = union(of_set.iter().copied()).len();
            let seconds: f64 = of_set.iter().map(|tried| tried.lean_seconds).sum();
            let row = [
                "any of them, each by itself".to_owned(),
                any.to_string(),
                percent_of(any, statements),
                late(of_set.iter().map(|tried| tried.timeouts).sum()),
                format!("{seconds:.1}"),
            ];
            table.add_row(row);
            text += &format!("{table}\n\n");
        }
        text
    }
}

/// Checks that ran out of time, where that was counted.
fn late(timeouts: Option<u64>) -> String {
    timeouts.map_or_else(|| "–".to_owned(), |count| count.to_string())
}

/// What the numbers of a claim count, in words.
pub fn meaning(claim: &Claim) -> String {
    let (set, k) = (claim.set.clone().unwrap_or_default(), claim.k.unwrap_or_default());
    match claim.metric {
        Metric::TrainProved => "Training statements proved so far, by samples or by search".to_owned(),
        Metric::NewProved => {
            "Training statements proved so far, by samples or by search, those left out whose proof stage 1 was shown".to_owned()
        }
        Metric::NewHardProved => {
            "Training statements proved so far, by samples or by search, that no single tactic closes, those left out whose \
             proof stage 1 was shown"
                .to_owned()
        }
        Metric::ValidProved => "Validation statements proved by the model at that time".to_owned(),
        Metric::HardValidProved => {
            "Validation statements that no single tactic closes, proved by the model at that time".to_owned()
        }
        Metric::PassAtK => format!("pass@{k} of the last model on `{set}`, in per cent"),
        Metric::HardPassAtK => {
            format!("pass@{k} of the last model on those statements of `{set}` that no single tactic closes, in per cent")
        }
    }
}

/// What a difference to the baseline says.
fn said(difference: Mean) -> String {
    match difference.half {
        None => "one seed".to_owned(),
        Some(_) if !difference.is_clear() => "no clear difference".to_owned(),
        Some(_) if difference.mean > 0.0 => "more".to_owned(),
        Some(_) => "less".to_owned(),
    }
}

/// `1.31 (1.12–1.58)`.
fn times(ratio: Ratio) -> String {
    format!("{:.2} ({:.2}–{:.2})", ratio.ratio, ratio.low, ratio.high)
}

fn number(value: f64, claim: &Claim) -> String {
    if claim.metric.is_curve() { format!("{value:.0}") } else { format!("{value:.1}") }
}

fn with_half(mean: Mean, signed: bool) -> String {
    let middle = if signed { format!("{:+.1}", mean.mean) } else { format!("{:.1}", mean.mean) };
    mean.half.map_or(middle.clone(), |half| format!("{middle} ± {half:.1}"))
}

fn percent_of(proved: usize, of: usize) -> String {
    let share = proved as f64 / of.max(1) as f64;
    let (low, high) = wilson(share, of);
    format!("{:.1} % ({:.1}–{:.1})", 100.0 * share, 100.0 * low, 100.0 * high)
}

fn markdown(header: impl IntoIterator<Item = String>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::measure::{PerStatement, Point};
    use super::*;

    fn file() -> ExperimentFile {
        let text = "title = \"x\"\nseeds = [0, 1, 2]\n[[arms]]\nname = \"stp\"\n[[arms]]\nname = \"ei\"\nset = { method = \
                    \"expert-iteration\" }\n[[claims]]\ntitle = \"more\"\nmetric = \"new-proved\"\n[automation]\nsets = \
                    [\"test\"]\ntactics = [\"simp\", \"rfl\"]\n";
        toml::from_str(text).unwrap()
    }

    fn run(arm: &str, seed: u64, proved: usize) -> FinishedRun {
        let point = |samples, new_proved| Point { samples, new_proved, ..Point::default() };
        FinishedRun {
            arm: arm.to_owned(),
            seed,
            from: None,
            points: vec![point(0, 0), point(100, proved)],
            outcomes: Vec::new(),
            seconds: 1.0,
            per_statement: PerStatement::default(),
            settings: serde_json::Value::Null,
            corpus: String::new(),
        }
    }

    #[test]
    fn a_run_is_one_line_of_json() {
        let results = Results { runs: vec![run("stp", 0, 10), run("ei", 0, 8)], ..Results::default() };
        let text = results.json().unwrap();
        assert_eq!(text.lines().count(), 6, "{text}");
        let back: Results = serde_json::from_str(&text).unwrap();
        assert_eq!(back.runs, results.runs);
    }

    #[test]
    fn differences_are_taken_seed_by_seed() {
        let results = Results {
            runs: vec![
                run("stp", 0, 10),
                run("ei", 0, 8),
                run("stp", 1, 30),
                run("ei", 1, 29),
                run("stp", 2, 50),
            ],
            ..Results::default()
        };
        let file = file();
        let rows = results.rows(&file, &file.claims[0]);
        assert_eq!((rows[0].mean.unwrap().mean, rows[0].difference), (30.0, None));
        let difference = rows[1].difference.unwrap();
        assert_eq!((difference.mean, difference.count), (-1.5, 2));
        assert_eq!(said(difference), "no clear difference");
        assert_eq!(said(Mean::of(&[2.0, 2.1, 1.9]).unwrap()), "more");
        let text = results.markdown(&file, Path::new("a/x.toml"), &[vec!["claim-1.svg".to_owned()]]);
        assert!(
            text.contains("5 of 6 runs") && text.contains("(claim-1.svg)") && text.contains("-1.5 ±"),
            "{text}"
        );
    }

    #[test]
    fn tactics_are_counted_alone_and_together() {
        let tried = |tactic: &str, proved: &[&str]| Tried {
            set: "test".to_owned(),
            tactic: tactic.to_owned(),
            statements: 4,
            proved: proved.iter().map(|id| (*id).to_owned()).collect(),
            lean_seconds: 1.25,
            seconds: 2.0,
            timeouts: Some(1),
        };
        let results = Results {
            automation: vec![tried("simp", &["a", "b"]), tried("rfl", &["b"])],
            ..Results::default()
        };
        let text = results.tactics(&file().automation.unwrap().tactics);
        assert!(text.contains("50.0 % (15.0–85.0)"), "{text}");
        let last = text.lines().find(|line| line.contains("any of them")).unwrap();
        assert!(last.contains(" 2 | 50.0") && last.contains("2.5"), "{last}");
    }
}
