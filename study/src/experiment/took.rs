//! What the arms of an experiment took, as a table of means over seeds.

use comfy_table::CellAlignment;

use super::file::ExperimentFile;
use super::measure::FinishedRun;
use crate::effort::{Count, Effort};
use crate::tables::table_for;

/// What is not known.
const UNKNOWN: &str = "unknown";

/// The table in Markdown, with its heading; nothing without a run.
pub(super) fn table(file: &ExperimentFile, runs: &[FinishedRun]) -> String {
    let Some(first) = runs.iter().find_map(effort) else { return String::new() };
    let mut table = table_for(true);
    let mut header = vec!["arm".to_owned(), "checks".to_owned()];
    header.extend(first.checks.kinds().map(|(kind, _)| kind.to_owned()));
    header.extend(
        ["not by Lean", "statements", "tokens sampled", "tokens trained", "CPU s"].map(str::to_owned),
    );
    table.set_header(header);
    for arm in &file.arms {
        let efforts: Vec<Effort> = runs.iter().filter(|run| run.arm == arm.name).filter_map(effort).collect();
        if !efforts.is_empty() {
            table.add_row(row(&arm.name, &efforts));
        }
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!(
        "## What it took\n\nMeans over seeds, validation left out. `checks` are Lean's checks of proof texts of all kinds. Those \
         `not by Lean` are among them and took no CPU time: the cache or an equal text of the run had the answer, or the text \
         gate refused the proof. `≥`: there may have been more, for nobody kept how many.\n\n{table}\n\n"
    )
}

/// All that a run took.
fn effort(run: &FinishedRun) -> Option<Effort> {
    run.points.last().map(|point| point.effort)
}

fn row(arm: &str, efforts: &[Effort]) -> Vec<String> {
    let count = |of: &dyn Fn(&Effort) -> Count| {
        let at_least = efforts.iter().any(|effort| of(effort).at_least);
        let number = mean(efforts, &|effort| Some(of(effort).all as f64));
        format!("{}{number}", if at_least { "≥ " } else { "" })
    };
    let mut cells = vec![arm.to_owned(), count(&|effort| effort.checks.total())];
    cells.extend((0..5).map(|kind| count(&move |effort| effort.checks.kinds()[kind].1)));
    cells.extend([
        mean(efforts, &|effort| effort.checks.total().known.map(|known| known as f64)),
        mean(efforts, &|effort| effort.statements.map(|statements| statements as f64)),
        mean(efforts, &|effort| Some(effort.sampled_tokens as f64)),
        mean(efforts, &|effort| Some(effort.trained_tokens as f64)),
        mean(efforts, &|effort| effort.cpu_seconds),
    ]);
    cells
}

fn mean(efforts: &[Effort], of: &dyn Fn(&Effort) -> Option<f64>) -> String {
    let sum: Option<f64> = efforts.iter().map(of).sum();
    sum.map_or_else(|| UNKNOWN.to_owned(), |sum| format!("{:.0}", sum / efforts.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::super::measure::{PerStatement, Point};
    use super::*;

    #[test]
    fn means_are_over_seeds_and_the_unknown_is_told() {
        let run = |arm: &str, seed, samples, cpu_seconds| {
            let mut effort = Effort { cpu_seconds, ..Effort::default() };
            effort.checks.samples.all = samples;
            effort.checks.refutations = Count { all: 10, known: None, at_least: arm == "old" };
            FinishedRun {
                arm: arm.to_owned(),
                seed,
                from: None,
                points: vec![Point { effort, ..Point::default() }],
                outcomes: Vec::new(),
                seconds: 1.0,
                per_statement: PerStatement::default(),
                settings: serde_json::Value::Null,
                corpus: String::new(),
            }
        };
        let text = "title = \"x\"\nseeds = [0, 1]\n[[arms]]\nname = \"old\"\n[[arms]]\nname = \"new\"\n[[arms]]\nname = \"none\"\n";
        let file: ExperimentFile = toml::from_str(text).unwrap();
        let runs = [run("old", 0, 100, None), run("new", 0, 100, Some(3.0)), run("new", 1, 200, Some(5.0))];
        let text = table(&file, &runs);
        let cells = |arm: &str| -> Vec<String> {
            let line = text.lines().find(|line| line.contains(&format!("| {arm} "))).unwrap();
            line.split('|').map(|cell| cell.trim().to_owned()).collect()
        };
        assert_eq!(cells("old")[2..4], ["≥ 110", "100"]);
        assert_eq!((cells("old")[6].as_str(), cells("old")[12].as_str()), ("≥ 10", UNKNOWN));
        assert_eq!((cells("new")[2].as_str(), cells("new")[12].as_str()), ("160", "4"));
        assert!(!text.contains("none"));
        assert_eq!(table(&file, &[]), "");
    }
}
