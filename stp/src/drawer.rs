//! What the user sees of a run's events: a bar or lines for each stretch of work, one line for what came of things,
//! and the numbers in the run's metrics.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use stp_selfplay::events::{Event, Events, ServerState};

use crate::abort;
use crate::display::{Display, PhaseProgress};
use crate::metrics::Metrics;

/// Draws events, and writes the numbers of a run where it has metrics.
pub fn drawer(display: Display, metrics: Option<Arc<Metrics>>) -> Events {
    let drawer = Drawer { display, metrics, phases: Mutex::default() };
    Events::new(move |event| drawer.hear(event))
}

struct Drawer {
    display: Display,
    metrics: Option<Arc<Metrics>>,
    /// The stretches of work that go on, by their ids.
    phases: Mutex<HashMap<u64, PhaseProgress>>,
}

impl Drawer {
    fn hear(&self, event: &Event<'_>) {
        self.draw(event);
        if let Some(line) = line_of(event) {
            self.display.line(&line);
        }
        if let Some(metrics) = &self.metrics {
            note(metrics, event);
        }
        abort::count(event);
    }

    fn draw(&self, event: &Event<'_>) {
        let mut phases = self.phases.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { id, work, total } => {
                let phase = self.display.phase_of_run(&work.to_string(), *total, self.metrics.clone());
                phases.insert(*id, phase);
            }
            Event::Advanced { id, count } => phases.get(id).into_iter().for_each(|it| it.advance(*count)),
            Event::Tokens { id, count } => phases.get(id).into_iter().for_each(|it| it.tokens(*count)),
            Event::Judged { id, proved } => phases.get(id).into_iter().for_each(|it| it.judged(*proved)),
            Event::Finished { id, done } => {
                phases.remove(id).into_iter().for_each(|it| it.finish(&done.to_string()));
            }
            Event::Dropped { id } => drop(phases.remove(id)),
            _ => {}
        }
    }
}

/// The line that stays of an event.
fn line_of(event: &Event<'_>) -> Option<String> {
    Some(match event {
        Event::RunOpened { folder, train, valid, method, seed } => format!(
            "run folder {} · {train} train and {valid} valid statements · {} · seed {seed}",
            folder.display(),
            method.as_str()
        ),
        Event::Stage1 { proofs, pairs, parameters } => format!(
            "stage 1: {proofs} proofs and {pairs} conjecture pairs, a model of {parameters} parameters"
        ),
        Event::ProofsLeftOut { proofs } => format!(
            "{proofs} proofs are not learned: the layout's answers are not of their kind, or have a thought before the proof, \
             which these lack"
        ),
        Event::NothingToTrain { checkpoint } => {
            format!("{checkpoint}: nothing to train on; the model stays as it is")
        }
        Event::TrainCommand { checkpoint, log } => {
            format!("{checkpoint}: training.command trains, and prints into {}", log.display())
        }
        Event::Adapters { checkpoint, trained, parameters } => {
            format!("{checkpoint}: adapters of {trained} parameters, merged into {parameters}")
        }
        Event::Screened { round, counts, off } => {
            let is_off = |name: &str| off.iter().any(|outcome| outcome.as_str() == name);
            let counts = BTreeMap::<String, usize>::from((*counts).clone());
            let shown = counts.iter().filter(|(name, _)| !is_off(name));
            let text: Vec<_> =
                shown.map(|(name, count)| format!("{count} {}", name.replace('_', " "))).collect();
            format!("round {round}: conjectures: {}", text.join(", "))
        }
        Event::Weighed { round, matched, kept, statements, cost, seconds } => format!(
            "round {round}: {matched} of {kept} conjectures matched with {statements} unproved statements, mean \
             distance {cost:.4}, {seconds:.1} s"
        ),
        Event::Controlled { round, balance: Some(found), .. } => format!(
            "round {round}: balance {:.3} of exploration {:.2} and exploitation {:.2}; next temperature {:.2}, {} \
             samples of a conjecture",
            found.balance, found.exploration, found.exploitation, found.next.temperature, found.next.samples
        ),
        Event::Repaired { round, proved, attempts, statements } => format!(
            "round {round}: repair: {proved} of {attempts} second attempts proved, {statements} statements"
        ),
        Event::Searched { round, record } => format!(
            "round {round}: search: {} of {} failed proofs leave {} new goals, {} of them closed; {} of {} wholes proved, {} \
             statements newly; {} checks",
            record.sketches,
            record.failed,
            record.goals,
            record.closed,
            record.whole,
            record.assembled,
            record.proved.len(),
            record.checks
        ),
        Event::Server { url, state: ServerState::Reloads(checkpoint) } => {
            format!("{url} is given {checkpoint}")
        }
        Event::Server { url, state: ServerState::Fails(reason) } => {
            format!("{url} is tried again, for it failed: {reason}")
        }
        Event::Server { url, state: ServerState::Down(reason) } => {
            format!(
                "{url} is left to itself, and its work to other servers; it is tried once a minute: {reason}"
            )
        }
        Event::Server { url, state: ServerState::Back } => format!("{url} answers again"),
        Event::Server { url, state: ServerState::Busy(reason) } => {
            format!("{url} is busy at times, and is asked again later: {reason}")
        }
        Event::Server { url, state: ServerState::Aside(reason) } => {
            format!(
                "{url} is set aside until the next checkpoint, and its work left to other servers: {reason}"
            )
        }
        Event::Server { url, state: ServerState::OtherTokens { ours, theirs } } => format!(
            "{url} makes {theirs} tokens of a prompt that has {ours} here: its tokenizer differs from the checkpoint's, so \
             what it samples is not what is trained. See docs/models.md."
        ),
        Event::Server { url, state: ServerState::Repeats } => format!(
            "{url} gave the same text for every sample of a request, three times in a row. It is asked for one sample at a time \
             from now on; those up to here count as samples of their own. With sampling.server.samples_per_request = 1 it is \
             asked so from the beginning."
        ),
        Event::Server { url, state: ServerState::OneByOne } => format!(
            "{url} refuses several samples in one request, so it is asked for one at a time. With \
             sampling.server.samples_per_request = 1 it is asked so from the beginning."
        ),
        Event::Server { url, state: ServerState::EndsEarly { tokens, allowed } } => format!(
            "{url} ended a text after {tokens} tokens, though {allowed} were allowed: its context is too short, and what it \
             cuts off is lost as unfinished. Start it with a longer one; llama-server divides its --ctx-size by --parallel."
        ),
        _ => return None,
    })
}

/// Writes the numbers of an event.
fn note(metrics: &Metrics, event: &Event<'_>) {
    match event {
        Event::TrainStep { before, step } => metrics.training(*before, *step),
        Event::TrainTold { before, step, numbers } => metrics.told(before + step, numbers),
        Event::StepFinished { step, .. } => metrics.step(*step),
        Event::Controlled { round, scalars, .. } if !scalars.is_empty() => metrics.control(*round, scalars),
        Event::Searched { round, record } => {
            let count = |name: &str, count: usize| (format!("search/{name}"), count as f64);
            let scalars = [
                count("goals", record.goals),
                count("closed", record.closed),
                count("statements", record.proved.len()),
                count("checks", record.checks),
            ];
            metrics.control(*round, &scalars);
        }
        Event::Repaired { round, proved, attempts, statements } => {
            let rate = *proved as f64 / (*attempts).max(1) as f64;
            metrics.control(
                *round,
                &[
                    ("repair/pass_rate".to_owned(), rate),
                    ("repair/statements".to_owned(), *statements as f64),
                ],
            );
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use stp_datasets::ConjectureOutcome;
    use stp_selfplay::config::Method;
    use stp_selfplay::events::{Done, Work};
    use stp_selfplay::records::{BalanceRecord, ConjectureRecord, NextSampling, SearchRecord};

    use super::*;

    fn said(event: &Event<'_>) -> String {
        line_of(event).unwrap_or_default()
    }

    #[test]
    fn events_become_the_lines_that_people_know() {
        let opened = Event::RunOpened {
            folder: Path::new("runs/x"),
            train: 9,
            valid: 3,
            method: Method::ExpertIteration,
            seed: 7,
        };
        assert_eq!(
            said(&opened),
            "run folder runs/x · 9 train and 3 valid statements · expert-iteration · seed 7"
        );
        let counts: ConjectureRecord =
            [ConjectureOutcome::Accepted, ConjectureOutcome::NotElaborated, ConjectureOutcome::Trivial]
                .into_iter()
                .zip([5, 2, 0])
                .collect();
        let screened = Event::Screened { round: 1, counts: &counts, off: &[ConjectureOutcome::Trivial] };
        assert_eq!(said(&screened), "round 1: conjectures: 5 accepted, 2 not elaborated");
        let weighed =
            Event::Weighed { round: 2, matched: 3, kept: 4, statements: 5, cost: 0.25, seconds: 1.04 };
        assert_eq!(
            said(&weighed),
            "round 2: 3 of 4 conjectures matched with 5 unproved statements, mean distance 0.2500, 1.0 s"
        );
        let repaired = Event::Repaired { round: 2, proved: 1, attempts: 8, statements: 1 };
        assert_eq!(said(&repaired), "round 2: repair: 1 of 8 second attempts proved, 1 statements");
        let record = SearchRecord {
            failed: 9,
            sketches: 5,
            goals: 4,
            closed: 3,
            assembled: 2,
            whole: 1,
            checks: 11,
            proved: vec!["a".to_owned()],
            ..SearchRecord::default()
        };
        assert_eq!(
            said(&Event::Searched { round: 1, record: &record }),
            "round 1: search: 5 of 9 failed proofs leave 4 new goals, 3 of them closed; 1 of 2 wholes proved, 1 statements \
             newly; 11 checks"
        );
    }

    #[test]
    fn a_server_with_another_tokenizer_is_told() {
        let state = ServerState::OtherTokens { ours: 58, theirs: 57 };
        assert_eq!(
            said(&Event::Server { url: "http://gpu1:8000", state }),
            "http://gpu1:8000 makes 57 tokens of a prompt that has 58 here: its tokenizer differs from the checkpoint's, so \
             what it samples is not what is trained. See docs/models.md."
        );
    }

    #[test]
    fn a_server_whose_answers_lose_samples_is_told() {
        let told = |state| said(&Event::Server { url: "http://gpu1:8000", state });
        let repeats = told(ServerState::Repeats);
        assert!(repeats.starts_with("http://gpu1:8000 gave the same text"), "{repeats}");
        assert!(repeats.contains("sampling.server.samples_per_request = 1"), "{repeats}");
        let early = told(ServerState::EndsEarly { tokens: 1024, allowed: 8096 });
        assert!(early.contains("after 1024 tokens, though 8096") && early.contains("--parallel"), "{early}");
    }

    #[test]
    fn the_controllers_line_names_what_comes_next() {
        let found = BalanceRecord {
            temperatures: vec![1.0],
            exploration: 0.5,
            exploitation: 0.25,
            separation: None,
            balance: 0.375,
            next: NextSampling { temperature: 0.9, samples: 6 },
        };
        let controlled = Event::Controlled { round: 3, balance: Some(&found), scalars: &[] };
        assert_eq!(
            said(&controlled),
            "round 3: balance 0.375 of exploration 0.50 and exploitation 0.25; next temperature 0.90, 6 samples of a \
             conjecture"
        );
        assert!(line_of(&Event::Controlled { round: 3, balance: None, scalars: &[] }).is_none());
    }

    #[test]
    fn a_stretch_is_forgotten_when_it_ends() {
        let drawer = Drawer { display: Display::new(true), metrics: None, phases: Mutex::default() };
        let open = |drawer: &Drawer| drawer.phases.lock().unwrap().len();
        for id in [1, 2] {
            drawer.hear(&Event::Started { id, work: &Work::SetupProofs, total: 2 });
        }
        drawer.hear(&Event::Judged { id: 1, proved: true });
        drawer.hear(&Event::Finished { id: 1, done: Done::Held { proved: 1, of: 2 } });
        assert_eq!(open(&drawer), 1);
        drawer.hear(&Event::Dropped { id: 2 });
        assert_eq!(open(&drawer), 0);
        // Of a stretch that nobody knows, nothing is drawn.
        drawer.hear(&Event::Advanced { id: 3, count: 1 });
    }
}
