//! The suites of `tests/cheats/` and `tests/honest/`: nothing that cheats is proved, by the whole judge or by
//! its checker alone, and every honest proof is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::common::{POOL, RUNTIME};
use stp_datasets::{Status, Verdict};
use stp_verifier::toolchain::Toolchain;
use stp_verifier::{Candidate, Pool, PoolConfig, Trust, gate};

struct Cheat {
    name: String,
    gate: bool,
    candidate: Candidate,
}

fn suite(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests").join(name)
}

fn cheats() -> Vec<Cheat> {
    let mut paths: Vec<_> =
        std::fs::read_dir(suite("cheats")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "lean"));
    paths.sort();
    paths.iter().map(|path| read_cheat(path)).collect()
}

fn read_cheat(path: &Path) -> Cheat {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.splitn(4, '\n');
    let mut head = |key: &str| {
        let line = lines.next().unwrap_or_default();
        let value = line.strip_prefix(&format!("-- {key}: "));
        value.unwrap_or_else(|| panic!("{}: no line `-- {key}: …`", path.display())).to_owned()
    };
    assert!(!head("cheat").is_empty());
    let wall = head("wall");
    assert!(["gate", "lean"].contains(&wall.as_str()), "{}: wall {wall}", path.display());
    let signature = head("statement");
    let rest = lines.next().unwrap_or_default();
    let (header, proof) = match rest.strip_prefix("-- header: ") {
        Some(rest) => rest.split_once('\n').unwrap(),
        None => ("", rest),
    };
    let header = header.replace("\\n", "\n").replace("\\0", "\0");
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let candidate = Candidate::new(header, signature, proof.trim_end_matches('\n')).foreign();
    Cheat { name, gate: wall == "gate", candidate }
}

/// What the gate says of all that a stranger sends.
fn gate_on(Candidate { header, signature, proof, .. }: &Candidate) -> Result<(), String> {
    gate::check_header(header)
        .and_then(|()| gate::check_signature(signature))
        .and_then(|()| gate::check_proof(proof))
}

/// Verdicts in order; the pool works on all at once.
fn judge(pool: &Pool, candidates: impl Iterator<Item = Candidate>, gated: bool) -> Vec<Verdict> {
    let checks: Vec<_> = candidates
        .map(|candidate| {
            let pool = pool.clone();
            RUNTIME.spawn(async move {
                match gate_on(&candidate) {
                    Err(reason) if gated && candidate.trust == Trust::Foreign => {
                        Ok(Verdict::new(Status::Rejected, reason))
                    }
                    _ if gated => pool.check(candidate).await,
                    _ => pool.check_ungated(candidate).await,
                }
            })
        })
        .collect();
    checks.into_iter().map(|check| RUNTIME.block_on(check).unwrap().unwrap()).collect()
}

/// A pool whose elaborators go on after what was done to them, so that the checker alone can hold.
fn pool_of_poisoned() -> Pool {
    let _inside = RUNTIME.enter();
    let config = PoolConfig {
        check_timeout: Duration::from_secs(20),
        replaces_suspects: false,
        ..PoolConfig::default()
    };
    Pool::start(&Toolchain::Managed(crate::common::managed()), config)
}

#[test]
fn no_cheat_is_proved_by_the_whole_judge() {
    let cheats = cheats();
    assert_eq!(cheats.len(), 393);
    let gate_differs = |cheat: &&Cheat| gate_on(&cheat.candidate).is_err() != cheat.gate;
    let differs: Vec<_> = cheats.iter().filter(gate_differs).map(|cheat| &cheat.name).collect();
    assert!(differs.is_empty(), "what the gate says of these is not what their files say: {differs:?}");
    let verdicts = judge(&POOL, cheats.iter().map(|cheat| cheat.candidate.clone()), true);
    for (cheat, verdict) in cheats.iter().zip(verdicts) {
        assert_ne!(verdict.status, Status::Proved, "{}", cheat.name);
        assert!(!cheat.gate || verdict.status == Status::Rejected, "{}: {verdict:?}", cheat.name);
    }
}

#[test]
fn no_cheat_is_proved_by_the_checker_alone() {
    let cheats = cheats();
    let pool = pool_of_poisoned();
    let verdicts = judge(&pool, cheats.iter().map(|cheat| cheat.candidate.clone()), false);
    let proved: Vec<_> = cheats
        .iter()
        .zip(&verdicts)
        .filter(|(_, verdict)| verdict.is_proved())
        .map(|(cheat, _)| &cheat.name)
        .collect();
    assert!(proved.is_empty(), "{proved:?}");
    let count = |status| verdicts.iter().filter(|verdict| verdict.status == status).count();
    let [failed, rejected, timeout, crashed] =
        [Status::Failed, Status::Rejected, Status::Timeout, Status::Crashed].map(count);
    println!(
        "{} cheats: {failed} failed, {rejected} rejected, {timeout} timeouts, {crashed} crashes",
        cheats.len()
    );
    assert!(
        rejected >= 15,
        "many are elaborated without an error, and refused for what they are: {rejected}"
    );
    let honest = Candidate::new("", "(a b : Nat) : a + b = b + a", "by omega");
    assert!(RUNTIME.block_on(POOL.check(honest)).unwrap().is_proved());
    RUNTIME.block_on(pool.shutdown());
}

#[test]
fn the_kernel_is_asked_again() {
    let skip = "by set_option debug.skipKernelTC true in decide +kernel";
    let check = |signature: &str| {
        let candidate = Candidate::new("", signature, skip);
        RUNTIME.block_on(POOL.check_ungated(candidate)).unwrap()
    };
    assert_eq!(check(": 1 = 1").status, Status::Proved);
    let verdict = check(": 1 = 2");
    assert_eq!(verdict.status, Status::Failed);
    assert!(verdict.messages[0].starts_with("(kernel)"), "{verdict:?}");
}

#[test]
fn honest_proofs_are_proved() {
    let mut candidates = Vec::new();
    for entry in std::fs::read_dir(suite("honest")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            for line in std::fs::read_to_string(&path).unwrap().lines() {
                let row: serde_json::Value = serde_json::from_str(line).unwrap();
                let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
                let candidate = Candidate::new(text("header"), text("statement"), text("proof"));
                candidates.push((text("id"), candidate));
            }
        }
    }
    assert_eq!(candidates.len(), 684);
    let verdicts = judge(&POOL, candidates.iter().map(|(_, candidate)| candidate.clone()), true);
    let refused: Vec<_> =
        candidates.iter().zip(verdicts).filter(|(_, verdict)| !verdict.is_proved()).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}
