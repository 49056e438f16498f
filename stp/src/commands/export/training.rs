//! The training set as a table: what the prover and the conjecturer learn from, with weights.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Result;
use serde_json::{Value, json};
use stp_datasets::export::Kind::{Number, Text};
use stp_datasets::export::{Column, Kind, Table};
use stp_datasets::{Ledger, LedgerStatement, Origin, Split};
use stp_selfplay::config::RunConfig;
use stp_selfplay::steps::train::select::{self, TrainingSet};

const fn column(name: &'static str, kind: Kind, meaning: &'static str) -> Column {
    Column { name, kind, meaning }
}

const COLUMNS: [Column; 11] = [
    column("role", Text, "prover (statement → proof) or conjecturer (lemma, seed with proof → statement)"),
    column("statement", Text, "name of the statement"),
    column("signature", Text, "its binders and type; the conjecturer's target"),
    column("header", Text, "Lean text before it"),
    column("split", Text, "train"),
    column("proof", Text, "the prover's target: the text after `:=`"),
    column("thought", Text, "what the model wrote before it, where the layout learns that, too"),
    column("lemma", Text, "trigger lemma in the conjecturer's prompt"),
    column("seed", Text, "signature of the seed in the conjecturer's prompt"),
    column("seed_proof", Text, "its proof there"),
    column("weight", Number, "factor on the loss"),
];

/// The set of a round, or that of the final re-training.
pub(super) fn table(ledger: &Ledger, config: &RunConfig, round: Option<u32>) -> Result<Table> {
    let statements: HashMap<String, LedgerStatement> = ledger
        .statements()?
        .into_iter()
        .map(|statement| (statement.statement.id.clone(), statement))
        .collect();
    let given: HashSet<String> = statements
        .values()
        .filter(|it| it.origin == Origin::Corpus && it.statement.split == Split::Train)
        .map(|it| it.statement.id.clone())
        .collect();
    let set = round.map_or(TrainingSet::All(config.rounds + 1), |round| TrainingSet::of_round(config, round));
    let proofs = select::proofs(ledger, &given, config, set)?.proofs;
    let signature = |id: &str| statements.get(id).map(|it| it.statement.signature.clone());
    let mut rows: Vec<Value> = proofs
        .into_iter()
        .map(|proof| {
            let statement = statements.get(&proof.statement).map(|it| &it.statement);
            json!({
                "role": "prover",
                "statement": proof.statement,
                "signature": statement.map(|it| &it.signature),
                "header": statement.map(|it| &it.header),
                "split": statement.map_or(Split::Train, |it| it.split),
                "proof": proof.proof,
                "thought": proof.thought,
                "weight": proof.weight,
            })
        })
        .collect();
    let kept = select::conjectures(ledger, config, set.rounds(config))?;
    let kept = select::with_fates(ledger, config, set.rounds(config), kept)?;
    rows.extend(kept.into_iter().filter(|chosen| chosen.weight > 0.0).map(|chosen| {
        let seed_proof = chosen.shown_proof();
        let conjecture = chosen.conjecture;
        json!({
            "role": "conjecturer",
            "statement": conjecture.statement,
            "signature": conjecture.signature,
            "header": conjecture.header,
            "split": "train",
            "lemma": chosen.lemma,
            "seed": signature(&conjecture.seed),
            "seed_proof": seed_proof,
            "weight": chosen.weight,
        })
    }));
    // Whatever a ledger says, what is held out stays out.
    rows.retain(|row| row["split"] == "train");
    Ok(Table {
        title: "training set",
        for_training: true,
        columns: &COLUMNS,
        rows: BTreeMap::from([(Split::Train, rows)]),
    })
}
