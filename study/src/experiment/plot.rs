//! The plots of a claim: curves over verified samples, Lean's checks or CPU time, or one dot for each arm; with 95 % intervals.

use std::collections::BTreeMap;

use super::file::{Claim, ExperimentFile};
use super::measure::Along;
use super::results::{Results, meaning};
use super::svg::{Anchor, COLOURS, Frame, Svg, ticks};
use crate::statistics::Mean;

/// A name with its curve: (samples, mean over seeds).
type Curve = (String, Vec<(f64, Mean)>);
/// A name with middle, lower end and upper end.
type Dot = (String, f64, f64, f64);

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
/// Height of a row with a dot.
const ROW: f64 = 34.0;

/// The SVG text.
pub fn plot(results: &Results, file: &ExperimentFile, claim: &Claim) -> String {
    if claim.metric.is_curve() {
        curves(&mean_curves(results, file, claim), claim, label(Along::Samples))
    } else {
        dots(&dots_of(results, file, claim), claim)
    }
}

/// The SVG text of a claim's curves against what it took: after each round, means over seeds of both. None where the claim has no
/// curve, or nobody kept what it took.
pub fn plot_along(results: &Results, file: &ExperimentFile, claim: &Claim, along: Along) -> Option<String> {
    let found = if claim.metric.is_curve() { curves_along(results, file, claim, along) } else { Vec::new() };
    (!found.is_empty()).then(|| curves(&found, claim, label(along)))
}

fn label(along: Along) -> &'static str {
    match along {
        Along::Samples => "verified samples",
        Along::Checks => "Lean's checks of proof texts",
        Along::Cpu => "CPU seconds",
    }
}

/// The means after each round that all finished seeds of an arm have.
fn curves_along(results: &Results, file: &ExperimentFile, claim: &Claim, along: Along) -> Vec<Curve> {
    let curve = |arm: &super::file::Arm| {
        let runs = results.runs.iter().filter(|run| run.arm == arm.name);
        let all: Vec<_> = runs.map(|run| run.curve_along(file, claim, along)).collect();
        let rounds = all.iter().map(Vec::len).min().unwrap_or_default();
        let point = |round: usize| {
            let mean = |number: fn(&(f64, f64)) -> f64| {
                Mean::of(&all.iter().map(|points| number(&points[round])).collect::<Vec<_>>())
            };
            Some((mean(|point| point.0)?.mean, mean(|point| point.1)?))
        };
        (arm.name.clone(), (0..rounds).filter_map(point).collect())
    };
    file.arms.iter().map(curve).filter(|(_, points): &Curve| !points.is_empty()).collect()
}

/// The mean over seeds at every number of samples that all finished seeds of an arm have.
fn mean_curves(results: &Results, file: &ExperimentFile, claim: &Claim) -> Vec<Curve> {
    let curve = |arm: &super::file::Arm| {
        let runs: Vec<_> = results.runs.iter().filter(|run| run.arm == arm.name).collect();
        let mut at: BTreeMap<(usize, u64), Vec<f64>> = BTreeMap::new();
        for run in &runs {
            for (index, (samples, value)) in run.curve(file, claim).into_iter().enumerate() {
                at.entry((index, samples)).or_default().push(value);
            }
        }
        let complete = at.into_iter().filter(|(_, values)| values.len() == runs.len());
        let points = complete.filter_map(|((_, samples), values)| Some((samples as f64, Mean::of(&values)?)));
        (arm.name.clone(), points.collect())
    };
    file.arms.iter().map(curve).filter(|(_, points): &Curve| !points.is_empty()).collect()
}

/// Each arm, and the tactics on the same set.
fn dots_of(results: &Results, file: &ExperimentFile, claim: &Claim) -> Vec<Dot> {
    let arms = results.rows(file, claim).into_iter().filter_map(|row| {
        let mean = row.mean?;
        let (low, high) = mean.ends();
        Some((row.arm, mean.mean, low, high))
    });
    arms.chain(results.portfolio(file, claim)).collect()
}

fn curves(curves: &[Curve], claim: &Claim, label: &str) -> String {
    let points = || curves.iter().flat_map(|(_, points)| points);
    let right = points().map(|(x, _)| *x).fold(1.0, f64::max);
    let top = points().map(|(_, mean)| mean.ends().1).fold(1.0, f64::max);
    let frame = Frame { left: 60.0, right: WIDTH - 20.0, top: 40.0, bottom: HEIGHT - 50.0, x: right, y: top };
    let mut svg = Svg::new(WIDTH, HEIGHT, &claim.title);
    axis(&mut svg, &frame, label);
    for tick in ticks(top) {
        let (_, y) = frame.at(0.0, tick);
        svg.grid((frame.left, y), (frame.right, y));
        svg.text((frame.left - 6.0, y + 4.0), Anchor::End, &format!("{tick}"));
    }
    for (index, (name, points)) in curves.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let upper = points.iter().map(|(x, mean)| frame.at(*x, mean.ends().1));
        let lower = points.iter().rev().map(|(x, mean)| frame.at(*x, mean.ends().0.max(0.0)));
        svg.area(&upper.chain(lower).collect::<Vec<_>>(), colour);
        let middle: Vec<_> = points.iter().map(|(x, mean)| frame.at(*x, mean.mean)).collect();
        svg.line(&middle, colour);
        middle.iter().for_each(|at| svg.dot(*at, 3.0, colour));
        let y = frame.top + 8.0 + 18.0 * index as f64;
        svg.line(&[(frame.left + 12.0, y), (frame.left + 32.0, y)], colour);
        svg.text((frame.left + 38.0, y + 4.0), Anchor::Start, name);
    }
    svg.finish()
}

fn dots(rows: &[Dot], claim: &Claim) -> String {
    let height = 100.0 + ROW * rows.len() as f64;
    let right = rows.iter().map(|(.., high)| *high).fold(1.0, f64::max);
    let frame =
        Frame { left: 240.0, right: WIDTH - 20.0, top: 40.0, bottom: height - 50.0, x: right, y: 1.0 };
    let mut svg = Svg::new(WIDTH, height, &claim.title);
    axis(&mut svg, &frame, &meaning(claim));
    for (index, (name, middle, low, high)) in rows.iter().enumerate() {
        let (y, colour) = (frame.top + ROW * (index as f64 + 0.5), COLOURS[index % COLOURS.len()]);
        let across = |value: f64| (frame.at(value.max(0.0), 0.0).0, y);
        svg.line(&[across(*low), across(*high)], colour);
        svg.dot(across(*middle), 5.0, colour);
        svg.text((frame.left - 8.0, y + 4.0), Anchor::End, &cut(name));
    }
    svg.finish()
}

/// The axis below, with its numbers and what they are.
fn axis(svg: &mut Svg, frame: &Frame, label: &str) {
    for tick in ticks(frame.x) {
        let (x, _) = frame.at(tick, 0.0);
        svg.grid((x, frame.top), (x, frame.bottom));
        svg.text((x, frame.bottom + 16.0), Anchor::Middle, &format!("{tick}"));
    }
    svg.text(((frame.left + frame.right) / 2.0, frame.bottom + 38.0), Anchor::Middle, label);
}

/// A name that fits beside the axis.
fn cut(name: &str) -> String {
    if name.chars().count() <= 34 { name.to_owned() } else { name.chars().take(33).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::super::measure::{FinishedRun, PerStatement, Point};
    use super::*;
    use crate::effort::Effort;

    fn results() -> Results {
        let run = |arm: &str, seed, proved: [usize; 3]| FinishedRun {
            arm: arm.to_owned(),
            seed,
            from: None,
            points: proved
                .into_iter()
                .zip([0, 100, 200])
                .map(|(new_proved, samples)| {
                    let cpu_seconds = (arm == "self-play").then_some((samples * (seed + 1)) as f64);
                    let effort = Effort { cpu_seconds, ..Effort::default() };
                    Point { samples, new_proved, effort, ..Point::default() }
                })
                .collect(),
            outcomes: Vec::new(),
            seconds: 1.0,
            per_statement: PerStatement::default(),
            settings: serde_json::Value::Null,
            corpus: String::new(),
        };
        let runs =
            vec![run("self-play", 0, [0, 4, 9]), run("self-play", 1, [0, 6, 11]), run("a < b", 0, [0, 5, 5])];
        Results { runs, ..Results::default() }
    }

    fn file() -> ExperimentFile {
        toml::from_str(
            "title = \"x\"\nseeds = [0, 1]\n[[arms]]\nname = \"self-play\"\n[[arms]]\nname = \"a < b\"\n[[claims]]\ntitle = \
             \"goes on\"\nmetric = \"new-proved\"\n",
        )
        .unwrap()
    }

    #[test]
    fn curves_are_means_over_seeds() {
        let curves = mean_curves(&results(), &file(), &file().claims[0]);
        let means: Vec<_> = curves[0].1.iter().map(|(x, mean)| (*x, mean.mean)).collect();
        assert_eq!(means, [(0.0, 0.0), (100.0, 5.0), (200.0, 10.0)]);
    }

    #[test]
    fn curves_along_what_it_took_are_means_of_both() {
        let (results, file) = (results(), file());
        let found = curves_along(&results, &file, &file.claims[0], Along::Cpu);
        assert_eq!(found.len(), 1, "of the other arm nobody kept it");
        let means: Vec<_> = found[0].1.iter().map(|(x, mean)| (*x, mean.mean)).collect();
        assert_eq!(means, [(0.0, 0.0), (150.0, 5.0), (300.0, 10.0)]);
        let text = plot_along(&results, &file, &file.claims[0], Along::Cpu).unwrap();
        assert!(text.contains("CPU seconds") && text.matches("<circle").count() == 3, "{text}");
        let share = Claim { metric: super::super::file::Metric::PassAtK, ..file.claims[0].clone() };
        assert_eq!(plot_along(&results, &file, &share, Along::Checks), None);
    }

    #[test]
    fn the_plot_shows_every_arm_and_its_points() {
        let text = plot(&results(), &file(), &file().claims[0]);
        assert!(
            text.contains("self-play") && text.contains("a &lt; b") && text.contains("goes on"),
            "{text}"
        );
        assert_eq!(text.matches("<circle").count(), 6);
        assert_eq!(plot(&Results::default(), &file(), &file().claims[0]).matches("<circle").count(), 0);
    }
}
