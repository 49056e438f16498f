//! The same in PyTorch, by a script in a Python of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use stp_model::{Device, ModelConfig};

use super::shape::{NEW_TOKENS, Other, PROMPT, SAMPLES, Shape, TRAIN_BATCH, TRAIN_LENGTH, on_processor};

/// What is compared with, in the versions that it was tried with.
const PACKAGES: [&str; 4] = ["torch==2.15.0", "transformers==5.23.0", "safetensors==0.8.0", "numpy==2.3.5"];
const SCRIPT: &str = include_str!("../pytorch.py");

/// Measures the shapes with a Python that has PyTorch.
pub(super) fn measure(
    python: &Path,
    shapes: &[Shape],
    seconds: f64,
    threads: usize,
    device: &Device,
) -> Result<Other> {
    let shape = |shape: &Shape| {
        let ModelConfig { vocab_size, width, ff, layers, heads, kv_heads, max_seq, .. } = shape.config;
        json!({
            "vocab_size": vocab_size, "width": width, "ff": ff, "layers": layers, "heads": heads,
            "kv_heads": kv_heads, "max_seq": max_seq,
        })
    };
    let task = json!({
        "device": if on_processor(device) { "cpu" } else { "cuda" }, "threads": threads,
        "seconds": seconds, "train_batch": TRAIN_BATCH, "train_length": TRAIN_LENGTH,
        "prompt": PROMPT, "samples": SAMPLES, "new_tokens": NEW_TOKENS,
        "shapes": shapes.iter().map(shape).collect::<Vec<_>>(),
    });
    let output = Command::new(python)
        .args(["-c", SCRIPT, &task.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("{} cannot be started; give a Python with `--python`.", python.display()))?;
    ensure!(
        output.status.success(),
        "PyTorch's benchmark failed in {}; it needs {}. `--no-pytorch` leaves it out.",
        python.display(),
        PACKAGES.join(", ")
    );
    serde_json::from_slice(&output.stdout)
        .context("PyTorch's benchmark printed something else than its result")
}

/// A Python with PyTorch, made once.
pub(super) fn environment(home: &Path) -> Result<PathBuf> {
    let folder = home.join("bench-python");
    let (python, complete) = (folder.join("bin").join("python"), folder.join("complete"));
    if complete.exists() {
        return Ok(python);
    }
    eprintln!("making a Python with PyTorch in {} (6 GB, some minutes)", folder.display());
    let run = |command: &mut Command| -> Result<()> {
        let status =
            command.status().context("Python 3 cannot be started; install it, or use `--no-pytorch`.")?;
        ensure!(
            status.success(),
            "PyTorch could not be installed. Give a Python that has it with `--python`."
        );
        Ok(())
    };
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES))?;
    std::fs::write(&complete, "").context("the new environment cannot be written to")?;
    Ok(python)
}
