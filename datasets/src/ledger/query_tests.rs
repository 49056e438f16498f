//! Each query against the whole table and a filter in Rust, which is what it stands for.

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;

use super::tests::scratch;
use super::*;
use crate::{Split, Statement, Status, Verdict};

const NAMES: [&str; 4] = ["b", "a", "c_10", "c_9"];
const STATUSES: [Option<Status>; 9] = [
    None,
    Some(Status::Proved),
    Some(Status::Failed),
    Some(Status::Rejected),
    Some(Status::StatementError),
    Some(Status::Timeout),
    Some(Status::Crashed),
    Some(Status::Unfinished),
    Some(Status::Malformed),
];
const PHASES: [Phase; 3] = [Phase::Corpus, Phase::Train, Phase::Valid];

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let one =
        (0..4u32, 0..PHASES.len(), 0..NAMES.len(), 0..12u32, 0..3u32, prop::sample::select(&STATUSES[..]))
            .prop_map(|(round, phase, name, sample, proof, status)| Attempt {
                round,
                phase: PHASES[phase],
                statement: NAMES[name].to_owned(),
                sample,
                proof: format!("by {}", "p".repeat(1 + proof as usize)),
                tokens: 3,
                logprob: -0.5,
                verdict: status.map(|status| Verdict { elapsed_ms: sample % 2, ..Verdict::new(status, "m") }),
            });
    prop::collection::vec(one, 0..60)
}

fn conjectures() -> impl Strategy<Value = Vec<Conjecture>> {
    let outcome = prop::option::of(prop::sample::select(&ConjectureOutcome::ALL[..]));
    let one = (0..4u32, 0..12u32, 0..12u32, outcome).prop_map(|(round, input, sample, outcome)| Conjecture {
        round,
        input,
        sample,
        seed: "a".to_owned(),
        seed_proof: "by simp".to_owned(),
        lemma: None,
        signature: format!(": {input} = {sample}"),
        outcome,
        fingerprint: (sample % 2 == 0).then(|| format!("f{input}")),
        statement: (outcome == Some(ConjectureOutcome::Accepted))
            .then(|| format!("c_{round}_{input}_{sample}")),
        header: format!("open H{input}"),
        source: Source::Model,
    });
    prop::collection::vec(one, 0..60)
}

/// A ledger with these attempts, all from one process, and all of its rounds, phases and attempts again.
fn recorded(attempts: &[Attempt]) -> (tempfile::TempDir, Ledger, Vec<Attempt>) {
    let (folder, ledger) = scratch();
    ledger.record_attempts(attempts).unwrap();
    let mut all = Vec::new();
    for round in 0..4 {
        for phase in PHASES {
            all.extend(ledger.attempts(round, phase).unwrap());
        }
    }
    (folder, ledger, all)
}

fn is(attempt: &Attempt, status: Status) -> bool {
    attempt.verdict.as_ref().is_some_and(|verdict| verdict.status == status)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn attempts_are_those_of_the_whole_table(found in attempts(), first in 0..4u32, last in 0..4u32) {
        let (_folder, ledger, all) = recorded(&found);
        for phase in PHASES {
            let proved = all.iter().filter(|it| {
                it.phase == phase && (first..=last).contains(&it.round) && is(it, Status::Proved)
            });
            prop_assert_eq!(ledger.proofs_of(phase, first..=last).unwrap(), proved.cloned().collect::<Vec<_>>());

            let of: Vec<_> = all.iter().filter(|it| (it.round, it.phase) == (first, phase)).cloned().collect();
            let mut shown = Vec::new();
            ledger.each_attempt(first, phase, |attempt| shown.push(attempt)).unwrap();
            prop_assert_eq!(&shown, &of);
            let keys: HashSet<_> = of.iter().map(|it| (it.statement.clone(), it.sample)).collect();
            prop_assert_eq!(ledger.attempt_keys(first, phase).unwrap(), keys);
            let open: Vec<_> = of.iter().filter(|it| it.verdict.is_none()).cloned().collect();
            prop_assert_eq!(ledger.unjudged(first, phase).unwrap(), open);
        }
        let names = ["c_9", "b", "unknown"];
        let refused = all.iter().filter(|it| {
            (it.round, it.phase) == (first, Phase::Train)
                && is(it, Status::Failed)
                && names.contains(&it.statement.as_str())
        });
        prop_assert_eq!(ledger.refused_of(first, &names).unwrap(), refused.cloned().collect::<Vec<_>>());
        let mut shortest: HashMap<String, String> = HashMap::new();
        for it in ledger.proofs_of(Phase::Train, first..=last).unwrap() {
            if names.contains(&it.statement.as_str()) {
                let known = shortest.entry(it.statement).or_insert_with(|| it.proof.clone());
                if it.proof.len() < known.len() {
                    *known = it.proof;
                }
            }
        }
        let found = ledger.shortest_proofs(Phase::Train, first..=last, &names).unwrap();
        prop_assert_eq!(found, shortest);
    }

    #[test]
    fn efforts_are_those_of_the_whole_table(found in attempts(), from in 0..12u32) {
        let (_folder, ledger, all) = recorded(&found);
        for phase in PHASES {
            let mut efforts: HashMap<(u32, bool), Effort> = HashMap::new();
            for it in all.iter().filter(|it| it.phase == phase) {
                let Some(verdict) = &it.verdict else { continue };
                let effort = efforts.entry((it.round, it.sample >= from)).or_default();
                effort.tokens += u64::from(it.tokens);
                if !matches!(verdict.status, Status::Unfinished | Status::Malformed) {
                    effort.judged += 1;
                    effort.known += u64::from(verdict.elapsed_ms == 0);
                }
            }
            prop_assert_eq!(ledger.efforts(phase, from).unwrap(), efforts);
        }
    }

    #[test]
    fn tallies_are_those_of_the_whole_table(found in attempts(), first in 0..4u32, last in 0..5u32) {
        let (_folder, ledger, all) = recorded(&found);
        for phase in PHASES {
            let mut tallies: HashMap<(u32, String), Tally> = HashMap::new();
            for it in all.iter().filter(|it| it.phase == phase && it.verdict.is_some()) {
                let tally = tallies.entry((it.round, it.statement.clone())).or_default();
                tally.judged += 1;
                tally.proved += u32::from(is(it, Status::Proved));
            }
            prop_assert_eq!(ledger.tallies_of(phase, 0..=u32::MAX).unwrap(), tallies.clone());
            tallies.retain(|(round, _), _| (first..=last).contains(round));
            prop_assert_eq!(ledger.tallies_of(phase, first..=last).unwrap(), tallies);
            let proved = all.iter().filter(|it| it.phase == phase && it.round < last && is(it, Status::Proved));
            let proved: HashSet<_> = proved.map(|it| it.statement.clone()).collect();
            prop_assert_eq!(ledger.proved_names(phase, last).unwrap(), proved);
        }
        let mut best: BTreeMap<String, Tally> = BTreeMap::new();
        let tallies: BTreeMap<_, _> = ledger.tallies_of(Phase::Train, 0..=9).unwrap().into_iter().collect();
        for ((_, name), tally) in tallies.into_iter().filter(|((round, _), _)| *round < last) {
            let rate = |tally: &Tally| f64::from(tally.proved) / f64::from(tally.judged);
            match best.get_mut(&name) {
                Some(known) if rate(&tally) <= rate(known) => {}
                _ => drop(best.insert(name, tally)),
            }
        }
        prop_assert_eq!(ledger.best_rates(last).unwrap().into_iter().collect::<BTreeMap<_, _>>(), best);
    }

    #[test]
    fn known_verdicts_are_those_of_the_whole_table(found in attempts()) {
        let (_folder, ledger, all) = recorded(&found);
        let names = ["a", "c_10", "unknown"];
        let known = ledger.verdicts_of(&names).unwrap();
        let settled = |it: &&Attempt| it.verdict.as_ref().is_some_and(|verdict| verdict.status.is_settled());
        let named = all.iter().filter(settled).filter(|it| names.contains(&it.statement.as_str()));
        let expected: HashSet<_> = named.map(|it| (&it.statement, &it.proof)).collect();
        prop_assert_eq!(known.len(), expected.len());
        prop_assert_eq!(known.is_empty(), expected.is_empty());
        for it in &all {
            let verdict = ledger.known_verdict(&known, &it.statement, &it.proof).unwrap();
            let same = |other: &&Attempt| (&other.statement, &other.proof) == (&it.statement, &it.proof);
            let possible: Vec<_> = all.iter().filter(settled).filter(same).map(|it| it.verdict.clone()).collect();
            match verdict {
                Some(_) => prop_assert!(names.contains(&it.statement.as_str()) && possible.contains(&verdict)),
                None => prop_assert!(!names.contains(&it.statement.as_str()) || possible.is_empty()),
            }
        }
    }

    #[test]
    fn conjectures_are_those_of_the_whole_table(
        found in conjectures(),
        first in 0..4u32,
        last in 0..4u32,
        below in 0..12u32,
    ) {
        let (_folder, ledger) = scratch();
        found.iter().for_each(|conjecture| ledger.record_conjecture(conjecture).unwrap());
        // Of several with one key the first stays.
        let mut all: Vec<Conjecture> = Vec::new();
        for it in &found {
            if !all.iter().any(|known| (known.round, known.input, known.sample) == (it.round, it.input, it.sample)) {
                all.push(it.clone());
            }
        }
        all.sort_by_key(|it| (it.round, it.input, it.sample));
        let of: Vec<_> = all.iter().filter(|it| it.round == first).cloned().collect();
        prop_assert_eq!(ledger.conjectures_of(first).unwrap(), of.clone());
        let keys: HashSet<_> = of.iter().map(|it| (it.input, it.sample)).collect();
        prop_assert_eq!(ledger.conjecture_keys(first).unwrap(), keys);
        let open = of.iter().filter(|it| it.outcome.is_none() && it.sample < below).cloned();
        prop_assert_eq!(ledger.open_conjectures(first, below).unwrap(), open.collect::<Vec<_>>());
        let accepted = || all.iter().filter(|it| it.outcome == Some(ConjectureOutcome::Accepted));
        let between = accepted().filter(|it| (first..=last).contains(&it.round)).cloned();
        prop_assert_eq!(ledger.accepted_of(first..=last).unwrap(), between.collect::<Vec<_>>());
        let mut shown = Vec::new();
        ledger
            .each_accepted(last, |round, signature, print| {
                shown.push((round, signature.to_owned(), print.map(str::to_owned)));
            })
            .unwrap();
        let up_to = accepted().filter(|it| it.round <= last);
        let up_to: Vec<_> =
            up_to.map(|it| (it.round, it.signature.clone(), it.fingerprint.clone())).collect();
        prop_assert_eq!(shown, up_to);
        let mut counts: BTreeMap<u32, BTreeMap<Option<ConjectureOutcome>, usize>> = BTreeMap::new();
        for it in &all {
            *counts.entry(it.round).or_default().entry(it.outcome).or_default() += 1;
        }
        prop_assert_eq!(ledger.conjecture_counts().unwrap(), counts);
    }
}

fn attempt(statement: &str, sample: u32, proof: &str) -> Attempt {
    Attempt {
        round: 1,
        phase: Phase::Train,
        statement: statement.to_owned(),
        sample,
        proof: proof.to_owned(),
        tokens: 3,
        logprob: -0.5,
        verdict: None,
    }
}

#[test]
fn known_verdicts_are_read_of_the_named_statements_alone_and_learn() {
    let (_folder, ledger) = scratch();
    for statement in ["a", "b"] {
        let verdict = Some(Verdict::new(Status::Failed, "no"));
        ledger.record_attempt(&Attempt { verdict, ..attempt(statement, 0, "by x") }).unwrap();
    }
    let mut known = ledger.verdicts_of(&["a"]).unwrap();
    assert_eq!(known.len(), 1);
    let of = |known: &KnownVerdicts, statement, proof| ledger.known_verdict(known, statement, proof).unwrap();
    assert_eq!(of(&known, "a", "by x").unwrap().messages, ["no"]);
    assert_eq!((of(&known, "b", "by x"), of(&known, "a", "by y")), (None, None));
    for (sample, (proof, status)) in
        [("by y", Status::Proved), ("by z", Status::Unfinished)].into_iter().enumerate()
    {
        let attempt = attempt("a", 1 + sample as u32, proof);
        ledger.record_attempt(&attempt).unwrap();
        ledger.record_and_know(&mut known, &attempt, &Verdict::new(status, "m")).unwrap();
    }
    assert_eq!(of(&known, "a", "by y").unwrap().status, Status::Proved);
    assert_eq!(of(&known, "a", "by z"), None);
    assert_eq!(
        ledger.attempts(1, Phase::Train).unwrap()[2].verdict.clone().unwrap().status,
        Status::Unfinished
    );
}

#[test]
fn statements_are_found_by_name_with_the_headers_of_conjectures() {
    let (_folder, ledger) = scratch();
    let statement = Statement {
        id: "a".to_owned(),
        signature: ": True".to_owned(),
        header: String::new(),
        topics: vec!["logic".to_owned()],
        split: Split::Train,
    };
    ledger.record_statements(std::slice::from_ref(&statement)).unwrap();
    let conjecture = Conjecture {
        round: 1,
        input: 0,
        sample: 0,
        seed: "a".to_owned(),
        seed_proof: String::new(),
        lemma: None,
        signature: ": succ 0 = 1".to_owned(),
        outcome: Some(ConjectureOutcome::Accepted),
        fingerprint: None,
        statement: Some("c".to_owned()),
        header: "open Nat".to_owned(),
        source: Source::Model,
    };
    ledger.record_conjecture(&conjecture).unwrap();
    ledger.record_outcomes(&[conjecture]).unwrap();
    let found = ledger.statements_of(&["c", "a", "unknown"]).unwrap();
    assert_eq!((found.len(), &found["a"]), (2, &statement));
    assert_eq!((found["c"].header.as_str(), found["c"].signature.as_str()), ("open Nat", ": succ 0 = 1"));
    assert_eq!(ledger.statements().unwrap()[1].statement, found["c"]);
}
