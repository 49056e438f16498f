//! Round 11, as the run does it.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use stp_selfplay::context::{Cancel, Checkpoints, CpuMeter, RunFolder};
use stp_selfplay::events::Events;
use stp_selfplay::run::{Run, RunParts};
use stp_selfplay::steps::train::select::{self, TrainingSet};
use stp_selfplay::steps::{conjecture, prove};
use stp_study::report::RecordedRun;
use stp_verifier::{Pool, Script};

use super::made::{self, ROUNDS};
use super::memory::Meter;
use super::script::Scripted;

pub fn play(path: &Path) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let round = ROUNDS + 1;
    let mut meter = Meter::new()?;
    let run = meter.part("opening the run", || open(path))?;
    let context = run.context();
    meter.part("conjecture: 200 texts", || runtime.block_on(conjecture::conjecture(context, round)))?;
    meter.part("prove: 20,000 proofs", || runtime.block_on(prove::prove(context, round)))?;
    meter.part("prove, when all is recorded", || runtime.block_on(prove::prove(context, round)))?;
    let (ledger, config) = (&context.ledger, &context.config);
    let given = context.statements.given_names();
    let sets = [("training set", TrainingSet::Round(round)), ("re-training set", TrainingSet::All(round))];
    for (name, set) in sets {
        meter.part(name, || {
            let proofs = select::proofs(ledger, &given, config, set)?.proofs.len();
            let kept = select::conjectures(ledger, config, set.rounds(config))?.len();
            eprintln!("{name}: {proofs} proofs, {kept} conjectures");
            Ok(())
        })?;
    }
    meter.part("report", || RecordedRun::open(path)?.report())?;
    meter.print("round 11");
    Ok(())
}

fn open(path: &Path) -> Result<Run> {
    let config = made::config()?;
    let script = Script::new(|candidate| made::verdict(&candidate.signature, &candidate.proof)).workers(2);
    let parts = RunParts {
        verifier: Pool::scripted(script),
        judge: "a script".to_owned(),
        checkpoints: Checkpoints::scripted(path, Arc::new(Scripted)),
        events: Events::none(),
        cancel: Cancel::new(),
        cpu: CpuMeter::none(),
    };
    Run::open(RunFolder::open(path, &config)?, config, made::corpus(), parts)
}
