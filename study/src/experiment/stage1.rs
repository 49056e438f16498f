//! A stage 1 that several runs begin with: each gets a copy of its checkpoint and its ledger.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use stp_datasets::Ledger;

use super::state::LEDGER;

/// Copies checkpoint and ledger of a stage 1 to a run that has neither; the ledger, by which a run is known to have
/// begun, comes last and whole.
pub(super) fn copy_stage1(shared: &Path, own: &Path) -> Result<()> {
    let failed = || format!("cannot copy the stage 1 of {} to {}", shared.display(), own.display());
    let (from, to) = (shared.join("checkpoints/stage1"), own.join("checkpoints/stage1"));
    // The folder of a copy that was killed has no ledger: all of it is copied again.
    stp_files::remove(&to).and_then(|()| fs::create_dir_all(own.join("checkpoints"))).with_context(failed)?;
    stp_files::replace(&to, |draft| {
        fs::create_dir(draft)?;
        for item in fs::read_dir(&from)? {
            let item = item?;
            fs::copy(item.path(), draft.join(item.file_name()))?;
        }
        Ok::<_, std::io::Error>(())
    })
    .with_context(failed)?;
    let ledger = Ledger::open(&shared.join(LEDGER))?;
    stp_files::replace(&own.join(LEDGER), |draft| {
        ledger.copy_to(draft)?;
        let copy = Ledger::open(draft)?;
        copy.record_event(
            "stage 1 copied",
            &json!({ "from": shared.file_name().map(|name| name.to_string_lossy()) }),
        )?;
        Ok::<_, anyhow::Error>(())
    })
    .with_context(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stp_datasets::Step;

    #[test]
    fn a_copied_stage_1_is_whole_and_its_owner_goes_on_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (shared, own) = (folder.path().join("shared"), folder.path().join("own"));
        fs::create_dir_all(shared.join("checkpoints/stage1")).unwrap();
        fs::write(shared.join("checkpoints/stage1/config.json"), "{}").unwrap();
        let step = |name: &str| Step { name: name.to_owned(), seconds: 1.0, detail: json!({}) };
        let ledger = Ledger::open(&shared.join(LEDGER)).unwrap();
        ledger.finish_step(&step("stage1/valid")).unwrap();
        // What an earlier copy that was killed may have left.
        fs::create_dir_all(own.join("checkpoints/stage1.part")).unwrap();
        fs::write(own.join("ledger.sqlite.part"), "half").unwrap();
        copy_stage1(&shared, &own).unwrap();
        let copy = Ledger::open(&own.join(LEDGER)).unwrap();
        copy.finish_step(&step("round-1/prove")).unwrap();
        assert_eq!((copy.steps().unwrap().len(), ledger.steps().unwrap().len()), (2, 1));
        assert_eq!(fs::read_to_string(own.join("checkpoints/stage1/config.json")).unwrap(), "{}");
        assert!(!own.join("ledger.sqlite.part").exists() && !own.join("checkpoints/stage1.part").exists());
    }
}
