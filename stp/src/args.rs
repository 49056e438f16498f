//! Arguments that several commands share.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use stp_model::Numbers;
use stp_selfplay::config::Method;

/// Which Lean to use.
#[derive(Clone, Debug, Default, Args)]
pub struct LeanArgs {
    /// A `lean` program to use instead of the managed one.
    #[arg(long, value_name = "PATH", env = "STP_LEAN")]
    pub lean: Option<PathBuf>,
    /// A Lake project whose `lake env lean` is to be used (needs elan or lake).
    #[arg(long, value_name = "FOLDER")]
    pub project: Option<PathBuf>,
    /// Where the managed Lean is kept [default: the user's cache folder].
    #[arg(long, value_name = "FOLDER", env = "STP_HOME")]
    pub home: Option<PathBuf>,
    /// A program of the Lean community's REPL, for --lean or --project: it looks at proofs before they are judged.
    #[arg(long, value_name = "PATH")]
    pub repl: Option<PathBuf>,
    /// Another kernel, such as nanoda_bin or con-ron: a proof counts only if it agrees.
    #[arg(long, value_name = "PATH")]
    pub kernel: Option<PathBuf>,
    /// Ask Lean again even where an earlier run got an answer.
    #[arg(long)]
    pub no_cache: bool,
}

/// What a run does: each option replaces what the environment, the file and the preset say.
#[derive(Clone, Debug, Default, Args)]
pub struct SettingsArgs {
    /// Settings to start from: `tiny`, `smoke`, `small`, `smollm2`, `deepseek-prover-7b` or `kimina-1.5b`.
    #[arg(long, env = "STP_PRESET", default_value = "tiny")]
    pub preset: String,
    /// A TOML file whose keys replace the preset's.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What is done with the proofs that were found.
    #[arg(long, value_parser = methods())]
    pub method: Option<Method>,
    /// Seed of all randomness.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Rounds of self-play.
    #[arg(long)]
    pub rounds: Option<u32>,
    /// `core`, `practice`, or a `.jsonl` file or a folder of them.
    #[arg(long)]
    pub corpus: Option<String>,
    /// Any setting, for example `--set sampling.temperature=0.9`; `stp config show` lists them.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// What samples and judges: the model's device and Lean's processes.
#[derive(Clone, Debug, Args)]
pub struct MachineArgs {
    /// Lean processes.
    #[arg(long)]
    pub workers: Option<usize>,
    /// Where the model runs: auto, cpu, wgpu or cuda.
    #[arg(long, env = "STP_DEVICE", default_value = "auto")]
    pub device: String,
    /// Plain log lines in place of progress bars.
    #[arg(long)]
    pub quiet: bool,
    /// Which Lean to use.
    #[command(flatten)]
    pub lean: LeanArgs,
}

/// The numbers of a model that is only sampled from.
#[derive(Clone, Copy, Debug, Args)]
pub struct PrecisionArgs {
    /// Numbers of the model and of its cache on a GPU, or that the processor multiplies.
    #[arg(long, value_name = "NUMBERS", value_parser = precision(), default_value = Numbers::F32.as_str())]
    pub precision: Numbers,
}

fn precision() -> impl TypedValueParser<Value = Numbers> {
    let help = |numbers| match numbers {
        Numbers::F32 => "32 bits, as in training",
        Numbers::F16 => "16 bits: half the memory; most GPUs know them",
        Numbers::Bf16 => "16 bits with the range of 32, by cuda and the processor",
    };
    one_of(Numbers::ALL.map(|numbers| (numbers, numbers.as_str(), help(numbers))))
}

/// A parser that knows values by their names; the second text is what `--help` says of a value.
pub fn one_of<T: Copy + Send + Sync + 'static>(
    values: impl IntoIterator<Item = (T, &'static str, &'static str)>,
) -> impl TypedValueParser<Value = T> {
    let values: Vec<_> = values.into_iter().collect();
    let shown = values.iter().map(|(_, name, help)| PossibleValue::new(*name).help(*help));
    PossibleValuesParser::new(shown.collect::<Vec<_>>()).try_map(move |given| {
        let value = values.iter().find(|(_, name, _)| *name == given).map(|(value, ..)| *value);
        value.ok_or_else(|| format!("there is no `{given}`"))
    })
}

fn methods() -> impl TypedValueParser<Value = Method> {
    let help = |method| match method {
        Method::Stp => {
            "Self-play: rounds also prove conjectures, of the sources in conjecturing.sources (paper, section 3)"
        }
        Method::ExpertIteration => "The same loop without conjectures, at the same number of sampled proofs",
        Method::Plain => "As many sampled proofs from the stage-1 model, and no training in the rounds",
    };
    one_of(Method::ALL.map(|method| (method, method.as_str(), help(method))))
}
