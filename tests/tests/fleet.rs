//! A pretrained model in a run as a fleet has it: a server samples and is started again with each checkpoint, a command of
//! others trains, the managed Lean judges.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use stp_datasets::Phase;
use stp_tests::manual::repository;
use stp_tests::{attempts, counts, external, finish, is_running, stp, transformers};

/// Two rounds of a few samples: the model has 135 million weights.
const SETTINGS: &str = r#"
rounds = 2
corpus = "practice"
max_train = 4
max_valid = 1
max_supervised = 4
supervised_tactics = false
[model]
max_seq = 256
[stage1]
epochs = 0
[retraining]
epochs = 0
[round]
epochs = 1
lora.rank = 0
[sampling]
engine = "openai"
max_proof_tokens = 8
max_conjecture_tokens = 8
[proving]
proofs_per_round = 8
samples_per_conjecture = 2
valid_samples = 2
[search]
enabled = false
[conjecturing]
sources = ["model"]
generated_per_round = 2
drop_trivial = false
drop_refuted = false
[repair]
enabled = false
[training]
engine = "command"
"#;

/// What the hook of this port started, until the end of the test.
struct Served(PathBuf);

impl Served {
    fn pid(&self) -> u32 {
        fs::read_to_string(&self.0).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Ok(pid) = fs::read_to_string(&self.0) {
            Command::new("kill").args(["-9", pid.trim()]).status().unwrap();
        }
    }
}

#[test]
fn a_pretrained_model_is_sampled_and_trained_by_programs_of_others() {
    if !external("a_pretrained_model_is_sampled_and_trained_by_programs_of_others") {
        return;
    }
    let python = transformers(env!("CARGO_TARGET_TMPDIR"));
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let served = Served(folder.path().join(format!("stp-transformers-{port}.pid")));
    let log = folder.path().join("started");
    let examples = repository().join("examples");
    let settings = format!(
        "{SETTINGS}command = \"'{}' '{}'\"\n\
         [sampling.server]\nurls = [\"http://127.0.0.1:{port}\"]\nmodel = \"{{checkpoint}}\"\nconcurrency = 4\n\
         reload = \"sh '{}' && cat '{}' >> '{}'\"\n",
        python.display(),
        examples.join("train-transformers.py").display(),
        examples.join("serve-transformers.sh").display(),
        served.0.display(),
        log.display(),
    );
    let (config, run) = (folder.path().join("fleet.toml"), folder.path().join("run"));
    fs::write(&config, settings).unwrap();
    let train = |more: &[&str]| {
        let mut command = Command::new(stp());
        command.args(["train", "--preset", "smollm2", "--quiet", "--config"]).arg(&config).args(more);
        command.env("TMPDIR", folder.path()).env("SERVE_OPTIONS", "--device cpu");
        command.env("TRANSFORMERS", python.with_file_name("transformers"));
        command.env("HF_HOME", folder.path()).env("HF_HUB_OFFLINE", "1");
        command
    };
    let plan = String::from_utf8(train(&["--plan"]).output().unwrap().stdout).unwrap();
    for counted in ["134.52 million", "in the command", "a server", "time: training", "time: sampling"] {
        assert!(plan.contains(counted), "{plan}");
    }

    let said = finish(train(&["--run-dir"]).arg(&run));
    let found = attempts(&run, 2);
    let counts = counts(&found);
    assert_eq!([counts[&(1, "train")], counts[&(2, "train")]], [8, 8], "{counts:?}");
    let sampled: Vec<_> =
        found.iter().filter(|((_, phase, ..), _)| *phase != Phase::Corpus.as_str()).collect();
    assert!(sampled.iter().all(|(_, attempt)| attempt.verdict.is_some()), "each is judged: {said}");
    let texts: BTreeSet<_> = sampled.iter().map(|(_, attempt)| &attempt.proof).collect();
    assert!(texts.len() > 8, "a server that draws nothing says the same again and again: {texts:?}");

    // Started once for each checkpoint, and the last one still runs.
    let started = fs::read_to_string(&log).unwrap();
    let started: Vec<u32> = started.lines().map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(started.len(), 4, "the checkpoint as it came, two rounds, and the last: {started:?}");
    assert_eq!(started[3], served.pid());
    assert!(started[..3].iter().all(|pid| !is_running(*pid)) && is_running(started[3]));

    // Each round changed the weights, by the command.
    let weights =
        |name: &str| fs::read(run.join("checkpoints").join(name).join("model.safetensors")).unwrap();
    let distinct: BTreeSet<_> = ["stage1", "round-1", "round-2"].map(weights).into_iter().collect();
    assert_eq!(distinct.len(), 3);
    for name in ["round-1", "round-2"] {
        let told = fs::read_to_string(run.join("training").join(name).join("log.txt")).unwrap();
        assert!(told.lines().any(|line| line.contains("\"loss\"")), "{name}: {told}");
    }
}
