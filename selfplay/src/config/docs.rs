//! One sentence for each key of the settings, for `stp config show` and for the table in `docs/settings.md`, which is made
//! from here. A new setting needs a line here; a test says so.

use std::fmt::Write as _;

use super::change::{Change, change_of};
use super::presets::PRESETS;
use super::settings::Settings;
use crate::error::UsageError;

/// The tables that are a training each, and have the keys of [`TRAINING`].
const TRAININGS: [&str; 3] = ["stage1", "round", "retraining"];

/// The keys of a training.
const TRAINING: &[(&str, &str)] = &[
    ("batch", "Sequences of one optimiser step."),
    ("epochs", "Passes over the examples."),
    ("final_rate", "Where the learning rate ends, as a share of the peak; `constant` has no use for it."),
    ("learning_rate", "Peak of the learning rate."),
    ("lora.alpha", "Scale of the low-rank adapters: they are multiplied by alpha / rank."),
    (
        "lora.projections",
        "Which projections get adapters: `q_proj`, `k_proj`, `v_proj`, `o_proj`, `gate_proj`, `up_proj`, `down_proj`.",
    ),
    ("lora.rank", "Rank of low-rank adapters that are trained instead of all weights (0: all weights)."),
    ("micro_batch", "Sequences in memory at a time, whose gradients are added up (0: the whole batch)."),
    ("schedule", "How the learning rate falls after warm-up: `cosine`, `linear` or `constant`."),
    ("warmup_steps", "Optimiser steps over which the learning rate rises."),
];

/// All other keys.
const SENTENCES: &[(&str, &str)] = &[
    ("corpus", "The statements: `core`, `practice`, or the path of a `.jsonl` file or of a folder of them."),
    (
        "max_supervised",
        "Training statements whose corpus proofs stage 1 is shown (0: all); the others are given without a proof.",
    ),
    ("max_train", "Training statements of the corpus that the run uses, evenly spread (0: all)."),
    ("max_valid", "Validation statements that the run uses, evenly spread (0: all)."),
    (
        "method",
        "`stp` for self-play, `expert-iteration` for the same without conjectures, `plain` for sampling alone.",
    ),
    ("rounds", "Rounds between stage 1 and the final re-training."),
    ("seed", "Seed of all randomness."),
    ("supervised_tactics", "Stage 1 is also shown the single tactics that close a statement."),
    (
        "conjecturing.fates",
        "The conjecturer learns from every conjecture with what became of it, and is asked for one that is barely provable.",
    ),
    (
        "conjecturing.mask",
        "What texts of conjectures keep to while sampled: `off`, `brackets`, `binders` or `names`.",
    ),
    (
        "conjecturing.most_of_fate",
        "Conjectures of each fate but `barely` that a round teaches, at most (0: all).",
    ),
    (
        "conjecturing.one_seed",
        "A statement is a seed once for each trigger lemma, however many proofs it has.",
    ),
    (
        "conjecturing.sources",
        "Where conjectures come from: `model`, `subgoals` of failed proofs (which need `search.enabled`), or both.",
    ),
    (
        "conjecturing.stage1_shared",
        "Stage 1 teaches to conjecture whatever the method; with `false` only where the model's conjectures are wanted.",
    ),
    (
        "model.base",
        "A checkpoint to begin with: a folder, a `.gguf` file or `smollm2`; empty for random weights.",
    ),
    ("prompts.conjecture", "Template of the prompt for a conjecture; empty as the layout has it."),
    ("prompts.conjecture_answer", "Template of the answer to it that is learned."),
    ("prompts.conjecture_stop", "Texts that end a conjecture, beside the model's end tokens."),
    ("prompts.layout", "How the model is asked: the name of a layout, or a TOML file with templates."),
    ("prompts.proof_answer", "Template of the answer to a proof's prompt that is learned."),
    ("prompts.proof_stop", "Texts that end a proof, beside the model's end tokens."),
    ("prompts.prove", "Template of the prompt for a proof; empty as the layout has it."),
    ("prompts.repair", "Template of the prompt for a second attempt."),
    ("proving.conjecture_share", "Largest part of a round's proofs that all conjectures together get."),
    (
        "proving.first_samples",
        "Samples of a conjecture that are drawn first; others follow where they tell something (0: all at once).",
    ),
    ("proving.least_chance", "How likely a conjecture must be barely provable to get the other samples."),
    (
        "proving.max_proofs_per_statement",
        "Proofs of a statement that the final re-training takes, the shortest first (0: all).",
    ),
    ("search.automation", "Lean's tactics are tried on each open goal before any model."),
    ("search.depth", "How deep goals of goals go."),
    (
        "search.enabled",
        "After the samples of a round, failed proofs are cut and what they leave open is tried.",
    ),
    ("search.most_open", "Goals that a cut proof may leave open."),
    ("search.proofs_per_statement", "Failed proofs of a statement that are looked at in a round."),
    (
        "conjecturing.drop_automatic",
        "Count as trivial also what `omega`, `simp_all` or `grind` alone proves.",
    ),
    ("conjecturing.drop_refuted", "Drop conjectures for which a few small instances hold a counterexample."),
    ("conjecturing.drop_trivial", "Drop conjectures that `rfl`, `simp` or `decide` alone proves."),
    (
        "conjecturing.generated_per_round",
        "Generated texts a round (0: as many as it takes to fill the quota).",
    ),
    ("conjecturing.hard_seeds", "Only statements that no single tactic closes are seeds."),
    ("conjecturing.lemma_share", "Largest part of the inputs that one trigger lemma may fill."),
    (
        "conjecturing.most_alike",
        "Conjectures of a run that may be alike but for numbers and names (0: any number).",
    ),
    ("conjecturing.most_samples", "Most conjectures that are asked of one input."),
    ("conjecturing.near_pairs", "Stage 1 pairs each statement to conjecture with a seed that reads alike."),
    ("conjecturing.no_lemma", "Probability of asking without a trigger lemma although there is one."),
    (
        "conjecturing.quota",
        "Conjectures to prove a round, at most (0: as many as there are given statements).",
    ),
    ("conjecturing.replayed_pairs", "Conjecture examples of stage 1 that each round trains on again."),
    (
        "conjecturing.seed_rate",
        "Sampled proofs are seeds if their statement's best pass rate so far is above this.",
    ),
    (
        "conjecturing.stage1_given",
        "Stage 1 also learns to conjecture the given statements whose proofs it is not shown.",
    ),
    (
        "conjecturing.stage1_pairs_per_statement",
        "Conjecture examples of stage 1, at most so many for each corpus proof.",
    ),
    (
        "conjecturing.unproved_seeds",
        "Part of the inputs whose seed is a given statement without any proof so far.",
    ),
    (
        "control.adaptive_budget",
        "A given statement is left alone once it is proved; the rest goes to those near the border.",
    ),
    (
        "control.balance",
        "B-STaR: temperature and samples of a conjecture follow exploration and exploitation.",
    ),
    (
        "control.balance_proofs",
        "Distinct correct proofs of a statement in a round that are enough exploration.",
    ),
    ("control.curriculum", "A bandit over topics gives more samples to those that are learned from most."),
    ("control.curriculum_rate", "Weight of a round's reward against that of earlier rounds."),
    ("control.curriculum_temperature", "Softmax temperature of the choice among topics."),
    ("control.first_share", "Part of the samples that is drawn before the adaptive budget decides."),
    ("control.regret", "Statements whose best attempt is far above their mean get more samples."),
    ("control.temperature_step", "Distance of the temperatures that the balance compares."),
    ("model.ff", "Inner width of the SwiGLU."),
    ("model.heads", "Query heads."),
    ("model.kv_heads", "Key and value heads."),
    ("model.layers", "Decoder blocks."),
    ("model.max_seq", "Longest sequence, prompt and answer together, in tokens."),
    ("model.qkv_bias", "Whether query, key and value have biases, as in Qwen2."),
    ("model.tied_embeddings", "Whether the output projection is the transposed embedding."),
    ("model.vocab_size", "Entries of the tokenizer's vocabulary."),
    ("model.width", "Width of the residual stream."),
    (
        "pretraining.corpus",
        "What the model is shown before stage 1: `library`, a path as for `corpus`, or empty for nothing.",
    ),
    ("pretraining.epochs", "Passes over it."),
    ("pretraining.statements", "Statements of it, evenly spread (0: all)."),
    ("proving.first_round_proofs", "Sampled proofs of the first round (0: as many as in the others)."),
    (
        "proving.highest_pass_rate",
        "Statements with a higher pass rate teach the prover nothing new and are left out.",
    ),
    ("proving.length_decay", "A proof weighs exp(-length_decay * characters)."),
    ("proving.proofs_per_round", "Sampled proofs of a round, the same for all methods."),
    ("proving.replay_rounds", "Rounds whose proofs are trained on again."),
    ("proving.resample_below", "Proved statements with a pass rate below this are always tried again."),
    ("proving.resample_proved", "Probability that any other proved statement is tried again."),
    (
        "proving.retrain_every",
        "Every so many rounds training starts from stage 1, on all proofs (0: only at the end).",
    ),
    ("proving.samples_per_conjecture", "Samples of each conjecture; the given statements share the rest."),
    (
        "proving.seconds_decay",
        "A proof also weighs exp(-seconds_decay * seconds in Lean); above 0 runs do not reproduce.",
    ),
    ("proving.valid_samples", "Samples of each validation statement after each training."),
    (
        "repair.enabled",
        "Failed proofs come back with Lean's message for a second attempt, in the same budget.",
    ),
    ("repair.share", "Part of the given statements' samples that goes to second attempts."),
    ("sampling.batch", "Sequences that are sampled at the same time."),
    ("sampling.cache_mb", "Memory for their keys and values in MiB (0: half of what is available)."),
    ("sampling.engine", "What samples: `own`, this program, or `openai`, servers with that protocol."),
    ("sampling.server.concurrency", "Requests that each server has at a time."),
    (
        "sampling.server.extra",
        "Further fields of each request, as a JSON object, such as `{\"top_k\": -1}` for vLLM; empty for none.",
    ),
    (
        "sampling.server.key_variable",
        "The variable of the environment with the servers' key; not set, none is sent.",
    ),
    ("sampling.server.logprobs", "Ask for log-probabilities, by which failed proofs are put in order."),
    (
        "sampling.server.model",
        "The model to ask for; `{checkpoint}` in it is the checkpoint's folder, `{name}` its name; empty for the only one.",
    ),
    ("sampling.server.prompts", "How prompts are sent: as `text` or as `tokens`."),
    (
        "sampling.server.reload",
        "A shell command that gives the server `STP_URL` the checkpoint in `STP_CHECKPOINT`; empty for none.",
    ),
    ("sampling.server.retries", "Failures in a row after which a server's work is left to the others."),
    ("sampling.server.samples_per_request", "Samples of a prompt that one request asks for, at most."),
    ("sampling.server.timeout_seconds", "How long an answer may take, in seconds."),
    (
        "sampling.server.urls",
        "The servers, such as `http://localhost:8000`, if `sampling.engine` is `openai`.",
    ),
    ("sampling.conjecture_temperature", "Softmax temperature of conjectures."),
    ("sampling.max_conjecture_tokens", "Longest conjecture in tokens."),
    ("sampling.max_proof_tokens", "Longest proof in tokens."),
    ("sampling.temperature", "Softmax temperature of proofs."),
    ("sampling.precision", "Numbers that the processor multiplies when it samples, `f32` or `bf16`."),
    ("sampling.top_p", "Samples come from the smallest set of tokens with this probability."),
    (
        "selection.elegance",
        "Drop the conjectures of each lemma that have the shortest proofs for their length.",
    ),
    (
        "selection.exact_pairs",
        "`transport = \"auto\"` is exact up to so many pairs of a statement and a conjecture.",
    ),
    ("selection.highest_pass_rate", "Highest pass rate of a conjecture that counts as barely provable."),
    ("selection.inelegant_share", "Part of each lemma's conjectures that the elegance filter drops."),
    ("selection.largest_weight", "Largest weight of a conjecture, where the mean is 1."),
    (
        "selection.pass_rate_window",
        "Train only on conjectures that are barely provable; otherwise on all that were proved.",
    ),
    (
        "selection.reweighting",
        "Weigh conjectures by how near they are to the statements that are not proved yet.",
    ),
    (
        "selection.transport",
        "How these weights are found: `auto`, `exact`, `sinkhorn`, or `nearest` as the paper's code does.",
    ),
    (
        "selection.trigger_lemma",
        "A conjecture whose proofs do without its trigger lemma is learned as one without.",
    ),
    (
        "training.command",
        "What trains where `training.engine` is `command`, for `sh -c` (docs/training.md has what it finds).",
    ),
    ("training.devices", "Devices that share each batch, of the kind chosen with `--device`."),
    ("training.engine", "Who trains: this program (`own`) or `training.command` (`command`)."),
    (
        "training.precision",
        "Numbers that a step is computed in, `f32` or `bf16`; weights are `f32` in any case.",
    ),
    (
        "training.recompute",
        "What is computed again for the gradient to save memory: `nothing`, `cheap` or `blocks`.",
    ),
    ("training.state_minutes", "Minutes between two states from which a killed training goes on (0: never)."),
    ("verifier.max_heartbeats", "Lean's own limit for one proof."),
    ("verifier.max_rss_mb", "A Lean process above this resident size is replaced."),
    ("verifier.timeout_s", "Wall-clock limit of one check in seconds."),
    ("verifier.workers", "Lean processes (0: one for each core, of the managed Lean at most 4)."),
];

/// What a setting is for, in one sentence.
pub fn sentence(key: &str) -> Option<&'static str> {
    let of = |table: &[(&str, &'static str)], key: &str| {
        table.iter().find(|(known, _)| *known == key).map(|(_, sentence)| *sentence)
    };
    match key.split_once('.') {
        Some((table, rest)) if TRAININGS.contains(&table) => of(TRAINING, rest),
        _ => of(SENTENCES, key),
    }
}

/// All settings as a page in Markdown: the text of `docs/settings.md`.
///
/// # Errors
/// If a preset is not valid.
pub fn markdown() -> Result<String, UsageError> {
    let settings = Settings::preset("tiny")?;
    let mut text = INTRODUCTION.to_owned();
    let _ = writeln!(text, "Presets: {}.", PRESETS.map(|(name, _)| format!("`{name}`")).join(", "));
    let mut table = None;
    for (key, value, _) in settings.values() {
        let (of, name) = key.rsplit_once('.').unwrap_or(("", &key));
        if table.as_deref() != Some(of) {
            let title = if of.is_empty() { "The run".to_owned() } else { format!("`[{of}]`") };
            let _ =
                write!(text, "\n## {title}\n\n| key | in `tiny` | changes | meaning |\n|---|---|---|---|\n");
            table = Some(of.to_owned());
        }
        let meaning = sentence(&key).unwrap_or_default();
        let _ = writeln!(text, "| `{name}` | `{value}` | {} | {meaning} |", changes(change_of(&key)));
    }
    Ok(text)
}

const INTRODUCTION: &str = "\
# Settings

This page is what `stp config docs` prints; it is made from the code. A key in a table, such as `temperature` in
`[sampling]`, is written `sampling.temperature` in `--set`, and `STP_CONFIG__SAMPLING__TEMPERATURE` as a variable. Later ones
win: preset, `--config FILE`, variables, `--set` and other options. `stp config show` prints all values that hold, and
where each comes from.

When it may change: *any time* means that a run goes on with another value; *more* that the value may grow; *fork* that a run
forked with `--from` may have another value; *never* that what a fork takes over was made with it ([runs.md](runs.md)).

";

fn changes(change: Change) -> &'static str {
    match change {
        Change::AnyTime => "any time",
        Change::More => "more, fork",
        Change::Fork => "fork",
        Change::Never => "never",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_key_has_a_sentence_and_every_sentence_a_key() {
        let values = Settings::preset("tiny").unwrap().values();
        let keys: BTreeSet<_> = values.into_iter().map(|(key, ..)| key).collect();
        for key in &keys {
            let sentence = sentence(key).unwrap_or_else(|| panic!("`{key}` has no line in config/docs.rs"));
            assert!(sentence.ends_with('.') && sentence.len() > 10, "{key}: {sentence}");
        }
        let of_trainings = TRAININGS
            .into_iter()
            .flat_map(|table| TRAINING.iter().map(move |(key, _)| format!("{table}.{key}")));
        let explained = SENTENCES.iter().map(|(key, _)| (*key).to_owned()).chain(of_trainings);
        for key in explained {
            assert!(keys.contains(&key), "`{key}` is no setting");
        }
        let distinct: BTreeSet<_> = SENTENCES.iter().map(|(key, _)| key).collect();
        assert_eq!(distinct.len(), SENTENCES.len());
    }

    #[test]
    fn the_page_in_docs_is_the_one_that_is_made_from_here() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/settings.md");
        let kept = std::fs::read_to_string(path).unwrap();
        assert!(kept == markdown().unwrap(), "write it anew: stp config docs > docs/settings.md");
    }
}
