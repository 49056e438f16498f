//! What can be seen of a run while it goes on: the dashboard in a browser, and metrics in TensorBoard.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use stp_tests::browser::{Look, fact, look_at};
use stp_tests::played::smoke_run;
use stp_tests::{clients, external, smoke, start_until, stp};

/// A dashboard and its address.
struct Dashboard {
    process: Child,
    address: String,
}

impl Dashboard {
    fn of(run: &Path) -> Self {
        let mut command = Command::new(stp());
        command.args(["dashboard", "--listen", "127.0.0.1:0"]).arg(run);
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap_or_else(|| panic!("{line}"));
        Self { address: address.split_whitespace().next().unwrap().to_owned(), process }
    }

    /// The events as they come, from now on.
    fn events(&self) -> impl Iterator<Item = (String, Value)> + use<> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        write!(stream, "GET /events HTTP/1.0\r\nHost: {}\r\n\r\n", self.address).unwrap();
        let mut name = String::new();
        BufReader::new(stream).lines().map(Result::unwrap).filter_map(move |line| {
            if let Some(event) = line.strip_prefix("event: ") {
                event.clone_into(&mut name);
            }
            let data = serde_json::from_str(line.strip_prefix("data: ")?).unwrap();
            Some((name.clone(), data))
        })
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn page_is_alive(dashboard: &Dashboard) {
    // The page is first loaded and then gets events; a browser in a hurry may show it before the first.
    let page = (0..20)
        .map(|_| look_at(&format!("http://{}/", dashboard.address), Look::light(1200, 900)))
        .find(|page| page.contains("data-updates"))
        .unwrap();
    assert_eq!(fact(&page, "live"), "yes");
    assert!(page.contains("<p id=\"live\"><span>"), "what the run is doing is shown");
}

fn rows(runs: &Value) -> usize {
    runs["runs"][0]["report"]["rows"].as_array().unwrap().len()
}

#[test]
fn a_dashboard_follows_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let (mut training, _) = start_until(&mut smoke(&run, &["--rounds", "12"]), "setup: statements");
    let dashboard = Dashboard::of(&run);

    if external("a_dashboard_follows_a_run, its page in a browser") {
        page_is_alive(&dashboard);
    }

    let (mut tables, mut phases) = (Vec::new(), Vec::new());
    for (name, data) in dashboard.events() {
        match name.as_str() {
            "runs" => tables.push(rows(&data)),
            _ if data[0]["state"] == "finished" => break,
            _ => phases.push(data[0]["phase"].as_str().unwrap_or_default().to_owned()),
        }
    }
    assert!(training.wait().unwrap().success());
    assert!(tables.len() > 1 && tables[0] < *tables.last().unwrap(), "the table grows: {tables:?}");
    phases.dedup();
    assert!(phases.len() > 1 && phases.iter().any(|phase| phase.contains("round")), "{phases:?}");

    let last = dashboard.events().find(|(name, data)| name == "runs" && rows(data) == 14);
    assert!(last.is_some(), "stage 1, twelve rounds and the final model");
    assert!(TcpStream::connect(&dashboard.address).is_ok_and(|mut stream| {
        let _ = stream.write_all(b"GET /other HTTP/1.0\r\n\r\n");
        let mut text = String::new();
        stream.read_to_string(&mut text).is_ok() && text.contains("404")
    }));
}

#[test]
fn a_folder_without_a_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(stp()).arg("dashboard").arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("no run folder"), "{said}");
}

const TENSORBOARD: &str = r#"
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
tags = events.Tags()["scalars"]
print(json.dumps({tag: [[it.step, it.value] for it in events.Scalars(tag)] for tag in tags}))
"#;

#[test]
fn tensorboard_reads_the_numbers_of_the_json_lines() {
    if !external("tensorboard_reads_the_numbers_of_the_json_lines") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    smoke_run(env!("CARGO_TARGET_TMPDIR"), &run);
    let output = Command::new(clients(env!("CARGO_TARGET_TMPDIR")))
        .args(["-c", TENSORBOARD])
        .arg(run.join("tensorboard"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    let lines: Vec<Value> = fs::read_to_string(run.join("metrics.jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for tag in [
        "train/loss",
        "train/learning_rate",
        "speed/tokens_per_second",
        "round/train_proved",
        "conjectures/elaborated",
    ] {
        let written: Vec<_> =
            lines.iter().filter_map(|line| Some((line["step"].as_u64()?, line[tag].as_f64()?))).collect();
        let read = read[tag].as_array().unwrap_or_else(|| panic!("no {tag}: {read}"));
        assert!(written.len() > 1, "{tag}");
        assert_eq!(read.len(), written.len(), "{tag}");
        for (point, (step, number)) in read.iter().zip(written) {
            assert_eq!(point[0].as_u64().unwrap(), step, "{tag}");
            let difference = (point[1].as_f64().unwrap() - number).abs();
            assert!(difference <= 1e-6 * number.abs(), "{tag}: {point} is not {number}");
        }
    }
    let losses = read["train/loss"].as_array().unwrap();
    assert!(losses.windows(2).all(|pair| pair[0][0].as_u64() < pair[1][0].as_u64()), "steps count on");
}
