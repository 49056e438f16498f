//! A finished run that gets more rounds: its final model keeps its place in the record under another name, and the run goes
//! on where its last round ended.
//!
//! Everything is read off the ledger, so a process that was killed in between changes nothing: the next one finds the same
//! to do.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use stp_datasets::Ledger;

use crate::plan::{EarlierFinal, Step};

/// The checkpoint of the final model.
const FINAL: &str = "final";

/// Gives the final model of a run that is to have `rounds` rounds another name if it was made after fewer; returns it then.
///
/// # Errors
/// If the ledger cannot be read or written, or a file not renamed.
pub fn set_final_aside(run: &Path, ledger: &Ledger, rounds: u32) -> Result<Option<EarlierFinal>> {
    let finished = |step: Step| Ok::<_, anyhow::Error>(ledger.step(&step.name())?.is_some());
    if !finished(Step::FinalTrain)? {
        // A half-done training of it knows fewer rounds than it will have.
        let had = rounds_done(ledger)?;
        if had < rounds {
            // A command's own is told by its training set.
            remove(&run.join("checkpoints").join(format!("{FINAL}.state.safetensors")))?;
        }
        return Ok(None);
    }
    let earlier = EarlierFinal { rounds: rounds_done(ledger)? };
    if earlier.rounds >= rounds {
        return Ok(None);
    }
    let (name, own_round) = (earlier.checkpoint(), Step::FinalValid.round(earlier.rounds));
    move_aside(&run.join("checkpoints"), |found| (found == FINAL).then(|| name.clone()))?;
    // What was measured of `final` is about this model, not about the next one of that name.
    let of_final = |found: &str| found.strip_suffix("-final").map(|set| format!("{set}-{name}"));
    move_aside(&run.join("evals"), of_final)?;
    ledger.rename_end(
        [&Step::FinalTrain.name(), &earlier.training()],
        [&Step::FinalValid.name(), &earlier.validation()],
        [FINAL, &name],
        [own_round, earlier.round()],
    )?;
    Ok(Some(earlier))
}

/// Rounds that are finished for good.
///
/// # Errors
/// If the ledger cannot be read.
pub fn rounds_done(ledger: &Ledger) -> Result<u32> {
    let mut done = 0;
    while ledger.step(&Step::Valid(done + 1).name())?.is_some() {
        done += 1;
    }
    Ok(done)
}

/// Renames what is in a folder by its name.
fn move_aside(folder: &Path, new_name: impl Fn(&str) -> Option<String>) -> Result<()> {
    let items = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        items => items.with_context(|| format!("cannot read {}", folder.display()))?,
    };
    for item in items {
        let item = item?;
        if let Some(new) = new_name(&item.file_name().to_string_lossy()) {
            fs::rename(item.path(), folder.join(&new)).with_context(|| {
                format!("cannot rename {} to {new}. Make the run folder writable.", item.path().display())
            })?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot delete {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stp_datasets::Phase;

    use super::*;
    use crate::plan;
    use crate::test;

    /// A finished run of two rounds, with a final model that proved something.
    fn finished(run: &Path) -> Ledger {
        let ledger = Ledger::open(&run.join("ledger.sqlite")).unwrap();
        for step in plan::all_steps(2) {
            let step = stp_datasets::Step { name: step.name(), seconds: 1.0, detail: json!({}) };
            ledger.finish_step(&step).unwrap();
        }
        ledger.record_checkpoint("final", &json!({})).unwrap();
        let attempt = test::attempt(3, Phase::Valid, "v", 0, "by rfl", stp_datasets::Status::Proved);
        ledger.record_attempt(&attempt).unwrap();
        for folder in ["checkpoints/final", "checkpoints/round-2", "evals/test-final", "evals/test-round-2"] {
            fs::create_dir_all(run.join(folder)).unwrap();
        }
        ledger
    }

    #[test]
    fn the_final_model_of_fewer_rounds_makes_room_and_keeps_its_record() {
        let run = tempfile::tempdir().unwrap();
        let ledger = finished(run.path());
        for rounds in [1, 2] {
            assert_eq!(set_final_aside(run.path(), &ledger, rounds).unwrap(), None);
        }
        assert_eq!(set_final_aside(run.path(), &ledger, 3).unwrap(), Some(EarlierFinal { rounds: 2 }));
        assert_eq!(set_final_aside(run.path(), &ledger, 3).unwrap(), None, "once");
        let there = |name: &str| run.path().join(name).exists();
        assert!(there("checkpoints/final-2") && there("checkpoints/round-2") && !there("checkpoints/final"));
        assert!(there("evals/test-final-2") && there("evals/test-round-2") && !there("evals/test-final"));
        assert!(ledger.step("final-2/valid").unwrap().is_some());
        assert!(ledger.attempts(3, Phase::Valid).unwrap().is_empty(), "round 3 has room");
        assert_eq!(ledger.attempts(EarlierFinal { rounds: 2 }.round(), Phase::Valid).unwrap().len(), 1);
    }

    #[test]
    fn a_process_that_was_killed_in_between_is_made_up_for() {
        let run = tempfile::tempdir().unwrap();
        let ledger = finished(run.path());
        fs::rename(run.path().join("checkpoints/final"), run.path().join("checkpoints/final-2")).unwrap();
        assert!(set_final_aside(run.path(), &ledger, 3).unwrap().is_some());
        assert!(run.path().join("checkpoints/final-2").exists());
        assert!(ledger.step("final/train").unwrap().is_none());
    }

    #[test]
    fn the_state_of_a_final_training_that_knew_fewer_rounds_is_no_use() {
        let run = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&run.path().join("ledger.sqlite")).unwrap();
        let state = run.path().join("checkpoints/final.state.safetensors");
        fs::create_dir_all(state.parent().unwrap()).unwrap();
        for (rounds, stays) in [(0, true), (1, false)] {
            fs::write(&state, "x").unwrap();
            assert_eq!(set_final_aside(run.path(), &ledger, rounds).unwrap(), None);
            assert_eq!(state.exists(), stays, "{rounds}");
        }
    }
}
