//! `stp train --plan`: what a run would need, before anything is started.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use clap::builder::TypedValueParser;
use comfy_table::CellAlignment;
use stp_model::ModelConfig;
use stp_selfplay::config::{Engine, RunConfig, TrainingEngine};
use stp_selfplay::context::base_path;
use stp_selfplay::context::statements::{is_built_in, load_corpus};
use stp_study::clock::clock;
use stp_study::cost::{
    Assumptions, Data, Hardware, Memory, Speeds, Times, Work, in_memory, memory, times, work,
};
use stp_study::tables::table_for;

use crate::args::one_of;

/// Above this many parameters the default hardware is a GPU.
const SMALL: usize = 200_000_000;

/// `stp train --plan`.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// Start nothing: print the memory, tokens, checks, time and money that the run would need.
    #[arg(long)]
    pub plan: bool,
    /// The hardware to plan for [default: two cores for small models, a GPU of 80 GB for others].
    #[arg(long, value_parser = hardware(), requires = "plan")]
    pub hardware: Option<Hardware>,
    /// Devices that work side by side.
    #[arg(long, value_name = "N", requires = "plan", value_parser = clap::value_parser!(u32).range(1..))]
    pub devices: Option<u32>,
    /// Memory of a device, in GB.
    #[arg(long, value_name = "GB", requires = "plan", default_value_t = 80.0, value_parser = above_zero)]
    pub device_memory: f64,
    /// Tokens a second that a device trains on.
    #[arg(long, value_name = "TOKENS/S", requires = "plan", value_parser = above_zero)]
    pub training_speed: Option<f64>,
    /// Tokens a second that a device samples.
    #[arg(long, value_name = "TOKENS/S", requires = "plan", value_parser = above_zero)]
    pub sampling_speed: Option<f64>,
    /// CPU seconds of a check in Lean.
    #[arg(long, value_name = "SECONDS", requires = "plan", value_parser = above_zero)]
    pub check_seconds: Option<f64>,
    /// Cores for Lean.
    #[arg(long, value_name = "N", requires = "plan", value_parser = clap::value_parser!(u32).range(1..))]
    pub verifier_cores: Option<u32>,
    /// Price of an hour of one device.
    #[arg(long, value_name = "MONEY", requires = "plan")]
    pub price: Option<f64>,
}

/// A number that something is divided by.
fn above_zero(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if number.is_finite() && number > 0.0 { Ok(number) } else { Err("it must be above 0".to_owned()) }
}

fn hardware() -> impl TypedValueParser<Value = Hardware> {
    let help = |hardware| match hardware {
        Hardware::TwoCores => {
            "Two processor cores for the model and Lean together; the speed of sampling is that beside a busy Lean"
        }
        Hardware::Gpu80 => {
            "A GPU with 80 GB (H100) beside 64 cores for Lean. Assumed from others' figures, never measured with this \
             program"
        }
    };
    one_of(Hardware::ALL.map(|hardware| (hardware, hardware.as_str(), help(hardware))))
}

/// Prints the table and what it rests on.
pub fn estimate(config: &RunConfig, args: &PlanArgs) -> Result<ExitCode> {
    config.require_followers()?;
    let (data, here) = data(config)?;
    let model = model(config)?;
    let parameters = model.parameters();
    let hardware =
        args.hardware.unwrap_or(if parameters > SMALL { Hardware::Gpu80 } else { Hardware::TwoCores });
    let mathlib = !is_built_in(&config.corpus);
    let speeds = speeds(args, hardware.speeds(parameters, mathlib));
    let assumptions = Assumptions::default();
    let work = work(config, data, assumptions);
    let times = times(&work, &speeds);
    let memory = memory(&model, config);
    println!("{}", table(config, parameters, &memory, &work, &times, &speeds));
    for note in notes(config, args, data, here, &memory, hardware, assumptions) {
        println!("{note}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The shape of the run's model: that of the checkpoint that it begins with if it is there, or that of the settings.
fn model(config: &RunConfig) -> Result<ModelConfig> {
    let base = &config.model.base;
    let path = if base.is_empty() { None } else { Some(base_path(base, None)?) };
    match path.filter(|path| path.exists()) {
        None => Ok(config.model.config(config.model.vocab_size)),
        Some(path) => {
            let shape = ModelConfig::of_checkpoint(&path)?;
            Ok(ModelConfig { max_seq: shape.max_seq.min(config.model.max_seq), ..shape })
        }
    }
}

/// How much data the settings name, and whether their corpus is there to be counted.
fn data(config: &RunConfig) -> Result<(Data, bool)> {
    if !is_built_in(&config.corpus) && !std::path::Path::new(&config.corpus).exists() {
        let proofs = if config.max_supervised > 0 { config.max_supervised } else { config.max_train };
        return Ok((
            Data { statements: config.max_train, proofs, valid: config.max_valid, library: 0 },
            false,
        ));
    }
    Ok((Data::of(config, &load_corpus(&config.corpus)?), true))
}

fn speeds(args: &PlanArgs, default: Speeds) -> Speeds {
    let check_seconds = args.check_seconds.unwrap_or(default.check_seconds);
    Speeds {
        training: args.training_speed.unwrap_or(default.training),
        sampling: args.sampling_speed.unwrap_or(default.sampling),
        devices: args.devices.map_or(default.devices, f64::from),
        check_seconds,
        // As many checks as by default.
        sketch_seconds: default.sketch_seconds / default.check_seconds * check_seconds,
        verifier_cores: args.verifier_cores.map_or(default.verifier_cores, f64::from),
        price: args.price.unwrap_or(default.price),
    }
}

fn table(
    config: &RunConfig,
    parameters: usize,
    memory: &Memory,
    work: &Work,
    times: &Times,
    speeds: &Speeds,
) -> String {
    let mut table = table_for(false);
    table.set_header(["what", "amount", "how"]);
    let gigabytes = |bytes: u64| format!("{:.2} GB", bytes as f64 / 1e9);
    let hours = |seconds: f64| format!("{:.2} h", seconds / 3600.0);
    let [weight, gradient, moments] = if memory.shared {
        ["2 bytes each, in the command", "2 bytes, in the command", "AdamW in mixed precision: 12 bytes each"]
    } else {
        ["4 bytes each", "4 bytes, twice if added up, while training", "AdamW: 8 bytes each, while training"]
    };
    let memory_rows = [
        ("parameters", millions(parameters as u64), String::new()),
        ("memory: weights", gigabytes(memory.weights), weight.to_owned()),
        ("memory: 16-bit copy", gigabytes(memory.half_weights), "while training in bf16".to_owned()),
        ("memory: gradients", gigabytes(memory.gradients), gradient.to_owned()),
        ("memory: optimiser", gigabytes(memory.optimiser), moments.to_owned()),
        (
            "memory: activations",
            gigabytes(memory.activations),
            format!("{} of the longest sequences at a time, while training", longest(config)),
        ),
        (
            "memory: KV cache",
            gigabytes(memory.kv_cache),
            format!("{} sequences, while sampling", config.sampling.batch),
        ),
        (
            "memory: training in all",
            gigabytes(memory.training_on(speeds.devices as u64)),
            if memory.shared { format!("on each of {} devices", speeds.devices) } else { String::new() },
        ),
        ("memory: sampling in all", gigabytes(memory.sampling()), String::new()),
    ];
    let of_server = || {
        let requests = config.sampling.server.concurrency;
        let how = format!("in 16 bits; {requests} requests at a time");
        ("memory: a server", gigabytes(memory.server), how)
    };
    let server = (config.sampling.engine == Engine::Openai).then(of_server);
    let (checkpoints, bytes) = (u64::from(config.rounds) + 2, bytes_of_a_saved_number(config));
    let disk = (
        "disk: checkpoints",
        gigabytes(checkpoints * bytes * parameters as u64),
        format!("{checkpoints} of {bytes} bytes a number; none is removed"),
    );
    let work_and_time = [
        ("verified samples", millions(work.proofs), "proofs of the rounds".to_owned()),
        ("validation samples", millions(work.valid_proofs), String::new()),
        ("conjectures", millions(work.conjectures), String::new()),
        (
            "tokens to sample",
            millions(work.sampled_tokens),
            format!("{:.0} tokens/s a device", speeds.sampling),
        ),
        (
            "tokens to train on",
            millions(work.trained_tokens),
            format!("{:.0} tokens/s a device", speeds.training),
        ),
        ("checks in Lean", millions(work.checks), format!("{} CPU s each", speeds.check_seconds)),
        ("sketches in Lean", millions(work.sketches), format!("{:.2} CPU s each", speeds.sketch_seconds)),
        (
            "verifier core-hours",
            format!("{:.1}", times.verifier_core / 3600.0),
            format!("on {} cores", speeds.verifier_cores),
        ),
        ("time: training", hours(times.training), format!("on {} devices", speeds.devices)),
        ("time: sampling", hours(times.sampling), format!("on {} devices", speeds.devices)),
        (
            "time: in all",
            clock(std::time::Duration::from_secs_f64(times.wall)),
            "Lean judges while the model samples".to_owned(),
        ),
        ("cost", format!("{:.2}", times.cost), format!("{:.2} an hour and device", speeds.price)),
    ];
    for (what, amount, how) in memory_rows.into_iter().chain(server).chain([disk]).chain(work_and_time) {
        table.add_row([what.to_owned(), amount, how]);
    }
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// Full training keeps numbers of 32 bits; a command that merges adapters keeps those of the checkpoint.
fn bytes_of_a_saved_number(config: &RunConfig) -> u64 {
    let has_adapters = config.round.lora.rank > 0 && config.training.engine == TrainingEngine::Command;
    if has_adapters { 2 } else { 4 }
}

fn longest(config: &RunConfig) -> usize {
    [&config.stage1, &config.round, &config.retraining].into_iter().map(in_memory).max().unwrap_or_default()
}

fn millions(count: u64) -> String {
    match count {
        1_000_000_000.. => format!("{:.2} billion", count as f64 / 1e9),
        1_000_000.. => format!("{:.2} million", count as f64 / 1e6),
        _ => count.to_string(),
    }
}

fn notes(
    config: &RunConfig,
    args: &PlanArgs,
    data: Data,
    here: bool,
    memory: &Memory,
    hardware: Hardware,
    assumptions: Assumptions,
) -> Vec<String> {
    let mut notes = vec![
        format!(
            "data: {} training statements, {} corpus proofs in stage 1, {} validation statements{}",
            data.statements,
            data.proofs,
            data.valid,
            if here {
                ""
            } else {
                ": the corpus is not there, so max_train, max_supervised and max_valid stand for it"
            }
        ),
        format!(
            "assumed: texts are {:.0} % of the longest allowed on average, Lean is asked about {:.0} % of the proofs, a round \
             trains on {:.0} % of them (measured with `tiny`)",
            100.0 * assumptions.length_share,
            100.0 * assumptions.judged_share,
            100.0 * assumptions.trained_share
        ),
    ];
    let base = &config.model.base;
    if !base.is_empty() && base_path(base, None).is_ok_and(|path| !path.exists()) {
        notes.push(format!("the checkpoint {base} is not there (yet): its shape is that of the settings"));
    }
    if hardware == Hardware::Gpu80 {
        notes.push(
            "speeds: assumed from others' figures for this kind of GPU, not measured with this program; give your own with \
             --training-speed, --sampling-speed and --check-seconds"
                .to_owned(),
        );
    }
    notes.extend(of_command(config, memory));
    if config.sampling.engine == Engine::Openai {
        notes.push(format!(
            "servers sample ({}): they have the memory of other devices, or a share of these, and their speed is for you to \
             say with --sampling-speed; this program itself reads each checkpoint, too: {:.1} GB on its --device",
            config.sampling.server.urls.join(", "),
            memory.sampled as f64 / 1e9
        ));
    }
    let (device, needed) = (args.device_memory * 1e9, memory.peak(args.devices.map_or(1, u64::from)));
    if hardware == Hardware::Gpu80 && needed as f64 > device {
        let remedy = if memory.shared && memory.sampling() as f64 <= device {
            "A command may share a training over several: say how many with --devices."
        } else {
            "Each device holds the whole model; splitting it over several is not implemented."
        };
        notes.push(format!(
            "it does not fit: {:.0} GB are needed at a time and a device has {:.0} GB. {remedy} Low-rank adapters (lora.rank) \
             need less.",
            needed as f64 / 1e9,
            args.device_memory
        ));
    }
    if config.model.base.is_empty() && !is_built_in(&config.corpus) {
        notes.push(
            "stage 1 begins with random weights: set model.base to a checkpoint, and prompts.layout to the layout that it \
             was trained with (docs/models.md)"
                .to_owned(),
        );
    }
    notes
}

/// What a training by a command adds to what is known of it.
fn of_command(config: &RunConfig, memory: &Memory) -> Option<String> {
    (config.training.engine == TrainingEngine::Command).then(|| {
        // Read as 32-bit numbers; those of the command have 16.
        let read = 2 * memory.weights;
        format!(
            "training.command trains: its memory is counted as trainers of large models usually have it, shared over the \
             devices; each time this program itself reads the checkpoint, too, to write the training set: {:.0} GB on its \
             --device",
            read as f64 / 1e9
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use stp_selfplay::config::PRESETS;

    #[test]
    fn every_preset_has_a_plan() {
        for (name, _) in PRESETS {
            let config = RunConfig::load(name, None).unwrap();
            let (data, here) = data(&config).unwrap();
            assert!(data.statements > 0 && data.proofs > 0, "{name}");
            let small = ["tiny", "smoke", "small", "smollm2"].contains(&name);
            assert_eq!(here, small, "{name}");
        }
    }

    #[test]
    fn nothing_is_divided_by_zero() {
        for text in ["0", "-1", "inf", "NaN", "x"] {
            assert!(above_zero(text).is_err(), "{text}");
        }
        assert_eq!(above_zero("0.5"), Ok(0.5));
    }

    #[test]
    fn what_stage_1_is_shown_is_counted() {
        let mut config = RunConfig::load("small", None).unwrap();
        config.max_supervised = 10;
        let few = data(&config).unwrap().0;
        config.max_supervised = 0;
        let all = data(&config).unwrap().0;
        assert!((10..20).contains(&few.proofs) && all.proofs > 1700 && few.statements == all.statements);
    }
}
