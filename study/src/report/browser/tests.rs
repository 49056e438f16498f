use super::*;
use stp_datasets::{Attempt, Goal, Hole, Sketch, Source, Status, Verdict};

fn statement(id: &str, split: Split) -> Statement {
    Statement {
        id: id.to_owned(),
        signature: format!(": {id}"),
        header: String::new(),
        topics: vec!["nat".to_owned()],
        split,
    }
}

fn attempt(ledger: &Ledger, round: u32, phase: Phase, statement: &str, status: Status) {
    let verdict = Some(Verdict::new(status, "2:2: error: unsolved goals"));
    let (statement, proof) = (statement.to_owned(), "by\n  simp".to_owned());
    let attempt = Attempt { round, phase, statement, sample: 0, proof, tokens: 1, logprob: 0.0, verdict };
    ledger.record_attempt(&attempt).unwrap();
}

fn conjecture(ledger: &Ledger, sample: u32, outcome: ConjectureOutcome, statement: Option<&str>) {
    let mut conjecture = Conjecture {
        round: 1,
        input: 0,
        sample,
        seed: "new".to_owned(),
        seed_proof: "by simp".to_owned(),
        lemma: None,
        signature: ": c".to_owned(),
        outcome: None,
        fingerprint: None,
        statement: None,
        header: String::new(),
        source: Source::Model,
    };
    ledger.record_conjecture(&conjecture).unwrap();
    conjecture.outcome = Some(outcome);
    conjecture.statement = statement.map(str::to_owned);
    ledger.record_outcomes(&[conjecture]).unwrap();
}

fn ledger(folder: &std::path::Path) -> Ledger {
    let ledger = Ledger::open(&folder.join("ledger.sqlite")).unwrap();
    for (round, phase, name, status) in [
        (0, Phase::Corpus, "given", Status::Proved),
        (1, Phase::Train, "given", Status::Proved),
        (1, Phase::Train, "new", Status::Failed),
        (2, Phase::Search, "new", Status::Proved),
        (1, Phase::Train, "never", Status::Failed),
        (0, Phase::Valid, "early", Status::Proved),
        (0, Phase::Valid, "late", Status::Failed),
        (1, Phase::Valid, "late", Status::Proved),
    ] {
        attempt(&ledger, round, phase, name, status);
    }
    conjecture(&ledger, 0, ConjectureOutcome::Accepted, Some("conjecture_1_0_0"));
    conjecture(&ledger, 1, ConjectureOutcome::Duplicate, None);
    let goal = Goal::Statement { signature: ": g".to_owned(), setup: Vec::new() };
    let hole = Hole { start: 5, stop: 10, column: 2, goals: 1, is_term: false, goal };
    let sketch = LedgerSketch {
        round: 1,
        number: 0,
        parent: "new".to_owned(),
        depth: 1,
        failed: "by\n  simp".to_owned(),
        sketch: Some(Sketch { proof: "by\n  sorry".to_owned(), holes: vec![hole], messages: Vec::new() }),
        reason: None,
        goals: vec!["subgoal_1_0_0".to_owned()],
    };
    ledger.record_goal(&statement("subgoal_1_0_0", Split::Train)).unwrap();
    ledger.record_sketch(&sketch).unwrap();
    ledger
}

#[test]
fn rows_say_how_far_statements_are_and_what_they_owe() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(folder.path());
    let given = ["given", "new", "never"].map(|id| statement(id, Split::Train));
    let valid = ["early", "late"].map(|id| statement(id, Split::Valid));
    let automation = Automation::of_names(["given".to_owned()], 1, 0);
    let sources =
        Sources { ledger: &ledger, given: &given, valid: &valid, automation: Some(&automation), last: 2 };
    let (browser, topics) = Browser::read(&sources).unwrap();
    let (rows, left_out) = browser.finish(KeptAttempts::default());
    let shown: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.kind, row.state)).collect();
    let expected = [
        ("given", RowKind::Train, State::Stage1),
        ("new", RowKind::Train, State::New),
        ("never", RowKind::Train, State::Never),
        ("early", RowKind::Valid, State::Stage1),
        ("late", RowKind::Valid, State::New),
        ("conjecture_1_0_0", RowKind::Conjecture, State::Never),
        ("subgoal_1_0_0", RowKind::Goal, State::Never),
        ("r1_i0_s1", RowKind::Conjecture, State::Dropped),
    ];
    assert_eq!((shown, left_out), (expected.to_vec(), 0));
    let new = &rows[1];
    assert_eq!((new.first, new.by_search, new.conjectures, new.hard), (Some(2), true, 2, Some(true)));
    assert_eq!(new.sketches[0].goals, ["subgoal_1_0_0"]);
    assert_eq!(new.tallies, [(1, "train", 0, 1), (2, "search", 1, 1)]);
    assert!(!rows[0].by_search && rows[0].hard == Some(false));
    assert_eq!(topics.len(), 1);
}

#[test]
fn a_page_stays_small() {
    let row = |name: usize, state| {
        let mut row = row_of(RowKind::Train, name.to_string(), String::new(), &Tallies::new());
        row.state = state;
        row
    };
    let rows = (0..MOST[0] + 9).map(|name| row(name, if name < 20 { State::Stage1 } else { State::Never }));
    let Browser { mut rows, left_out } = chosen(rows.collect());
    assert_eq!((rows.len(), left_out), (MOST[0], 9));
    assert_eq!(
        rows.iter().filter(|row| row.state == State::Stage1).count(),
        11,
        "what is done is left out first"
    );

    let mut kept = KeptAttempts::of_names(["20"].into_iter());
    for (round, proof) in [(1, "by a"), (2, "by b"), (3, "by c")] {
        let verdict = Some(Verdict::new(Status::Failed, "no"));
        let (statement, proof) = ("20".to_owned(), proof.to_owned());
        let phase = Phase::Train;
        let attempt = Attempt { round, phase, statement, sample: 0, proof, tokens: 1, logprob: 0.0, verdict };
        kept.note(&attempt, None);
    }
    rows[0].attempts = kept.take("20");
    shorten(&mut rows, 12);
    let left: Vec<_> = rows[0].attempts.iter().map(|it| it.proof.as_str()).collect();
    assert_eq!(left, ["by c", "by b"]);
}
