//! What a run tells while it goes on. The library emits; whoever holds the callback draws, prints or counts.
//!
//! Nothing is computed from events: a run without a listener does the same.

mod work;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stp_datasets::ConjectureOutcome;
use stp_model::TrainStep;

pub use self::work::{Done, ProvePart, SearchPart, Work};
use crate::config::Method;
use crate::plan::Step;
use crate::records::{BalanceRecord, ConjectureRecord, SearchRecord};

/// One thing that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A run's folder is locked and its ledger open; no step has begun.
    RunOpened {
        /// The run's folder.
        folder: &'a Path,
        /// Training statements.
        train: usize,
        /// Validation statements.
        valid: usize,
        /// What the rounds do.
        method: Method,
        /// The run's seed.
        seed: u64,
    },
    /// A step begins; finished steps of an earlier process are passed over in silence.
    StepStarted(Step),
    /// A step is in the ledger.
    StepFinished {
        /// The step.
        step: Step,
        /// Its wall time.
        seconds: f64,
    },
    /// A stretch of work of `total` units begins; `id` tells stretches apart that go on side by side.
    Started {
        /// Whose progress later events are.
        id: u64,
        /// What is done.
        work: &'a Work,
        /// Units of work: statements, texts, proofs or training steps.
        total: u64,
    },
    /// Units of a stretch are done.
    Advanced {
        /// The stretch.
        id: u64,
        /// How many units.
        count: u64,
    },
    /// Tokens were sampled or trained on.
    Tokens {
        /// The stretch.
        id: u64,
        /// How many.
        count: u64,
    },
    /// A proof was judged, which is one unit of work.
    Judged {
        /// The stretch.
        id: u64,
        /// Whether Lean accepted it.
        proved: bool,
    },
    /// A stretch came to its end.
    Finished {
        /// The stretch.
        id: u64,
        /// What it came to.
        done: Done,
    },
    /// A stretch ends without a result: it was interrupted, or it was only a preparation.
    Dropped {
        /// The stretch.
        id: u64,
    },
    /// A row is in the ledger, or a file in the folder: the points at which a killed process may have stopped.
    Recorded(Recorded),
    /// What stage 1 trains on.
    Stage1 {
        /// Corpus proofs.
        proofs: usize,
        /// Conjecture pairs.
        pairs: usize,
        /// The model's parameters.
        parameters: usize,
    },
    /// Proofs that a training leaves out: the layout's answers cannot have them, or models think first and nobody has thought
    /// before these.
    ProofsLeftOut {
        /// How many.
        proofs: usize,
    },
    /// A training had no examples; the checkpoint is the one before.
    NothingToTrain {
        /// Its name.
        checkpoint: &'a str,
    },
    /// A training used low-rank adapters.
    Adapters {
        /// The checkpoint's name.
        checkpoint: &'a str,
        /// Parameters that were trained.
        trained: usize,
        /// Parameters of the whole model, into which they were merged.
        parameters: usize,
    },
    /// What became of a round's texts.
    Screened {
        /// The round.
        round: u32,
        /// Texts by outcome.
        counts: &'a ConjectureRecord,
        /// Outcomes that the settings have switched off.
        off: &'a [ConjectureOutcome],
    },
    /// Kept conjectures were matched with unproved statements.
    Weighed {
        /// The round.
        round: u32,
        /// Conjectures with a weight above 0.
        matched: usize,
        /// Kept conjectures.
        kept: usize,
        /// Unproved statements.
        statements: usize,
        /// Mean cosine distance of the matching.
        cost: f64,
        /// Wall time.
        seconds: f64,
    },
    /// The controllers looked back at a round.
    Controlled {
        /// The round.
        round: u32,
        /// What the controller of exploration found, if it is on.
        balance: Option<&'a BalanceRecord>,
        /// All numbers of the controllers, by name.
        scalars: &'a [(String, f64)],
    },
    /// Second attempts were judged.
    Repaired {
        /// The round.
        round: u32,
        /// Second attempts that Lean accepted.
        proved: usize,
        /// Second attempts.
        attempts: usize,
        /// Statements that have a proof by a second attempt.
        statements: usize,
    },
    /// A search came to its end.
    Searched {
        /// The round.
        round: u32,
        /// What it found.
        record: &'a SearchRecord,
    },
    /// A training is left to the user's command.
    TrainCommand {
        /// The checkpoint's name.
        checkpoint: &'a str,
        /// The file with all that the command prints.
        log: &'a Path,
    },
    /// A line that the command of a training printed.
    TrainLine {
        /// The checkpoint's name.
        checkpoint: &'a str,
        /// The line.
        line: &'a str,
    },
    /// What the command of a training told of a step.
    TrainTold {
        /// Steps of the run's earlier trainings.
        before: u64,
        /// The step, from 1.
        step: u64,
        /// What was told of it, by name: `loss`, `learning_rate`, whatever there is.
        numbers: &'a [(String, f64)],
    },
    /// How a server that samples is.
    Server {
        /// Where it is.
        url: &'a str,
        /// What is new.
        state: ServerState<'a>,
    },
    /// One optimiser step.
    TrainStep {
        /// Steps of the run's earlier trainings.
        before: u64,
        /// The step.
        step: TrainStep,
    },
}

/// What is new of a server that samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerState<'a> {
    /// It is given the checkpoint of that name.
    Reloads(&'a str),
    /// It failed, for that reason, and is tried again.
    Fails(&'a str),
    /// It failed too often; the others have its work, and it is tried once a minute.
    Down(&'a str),
    /// It answers again.
    Back,
    /// It has too much to do or is not ready, for that reason, and is asked again later. Told once of each server.
    Busy(&'a str),
    /// It could not be given the checkpoint, for that reason, and is not asked before there is another; the others have its
    /// work.
    Aside(&'a str),
    /// It makes other tokens of a prompt's text than the checkpoint does. Told once of each server.
    OtherTokens {
        /// How many the prompt has here.
        ours: usize,
        /// How many the server counts.
        theirs: usize,
    },
    /// The texts of its answers are the same again and again; it is asked for one at a time from now on. Told once of each
    /// server.
    Repeats,
    /// It refuses requests for several texts; it is asked for one at a time. Told once of each server.
    OneByOne,
    /// It ended a text before its limit, as one whose context is too short does. Told once of each server.
    EndsEarly {
        /// How many tokens the text has.
        tokens: usize,
        /// How many it might have had.
        allowed: usize,
    },
}

/// What a crash after this point cannot lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recorded {
    /// A sampled proof.
    Attempt,
    /// Lean's verdict on one.
    Verdict,
    /// A generated text.
    Conjecture,
    /// The outcomes of a wave of texts.
    Outcomes,
    /// A sketch of a failed proof.
    Sketch,
    /// A finished step.
    Step,
    /// A checkpoint.
    Checkpoint,
    /// All that a fork takes over, beside its place; it is moved there next.
    Fork,
}

impl Recorded {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Attempt,
        Self::Verdict,
        Self::Conjecture,
        Self::Outcomes,
        Self::Sketch,
        Self::Step,
        Self::Checkpoint,
        Self::Fork,
    ];

    /// Its name in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attempt => "attempt",
            Self::Verdict => "verdict",
            Self::Conjecture => "conjecture",
            Self::Outcomes => "outcomes",
            Self::Sketch => "sketch",
            Self::Step => "step",
            Self::Checkpoint => "checkpoint",
            Self::Fork => "fork",
        }
    }
}

/// Where events go: a callback that is cheap to clone and is called from any thread.
#[derive(Clone)]
pub struct Events(Arc<dyn Fn(&Event<'_>) + Send + Sync>);

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}

impl Events {
    /// Events go to `listener`.
    pub fn new(listener: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    /// Nobody listens.
    pub fn none() -> Self {
        Self::new(|_| {})
    }

    /// Tells the listener.
    pub fn emit(&self, event: &Event<'_>) {
        (self.0)(event);
    }

    /// Tells that something is kept.
    pub fn recorded(&self, what: Recorded) {
        self.emit(&Event::Recorded(what));
    }

    /// Begins a stretch of `total` units of work.
    pub fn work(&self, work: &Work, total: u64) -> Progress {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        self.emit(&Event::Started { id, work, total });
        Progress { events: self.clone(), id, finished: false }
    }
}

/// A stretch of work that goes on. Shared by the sampler's thread and the judge's task.
#[derive(Debug)]
pub struct Progress {
    events: Events,
    id: u64,
    finished: bool,
}

impl Progress {
    /// `count` units are done.
    pub fn advance(&self, count: u64) {
        self.events.emit(&Event::Advanced { id: self.id, count });
    }

    /// `count` tokens were sampled or trained on.
    pub fn tokens(&self, count: u64) {
        self.events.emit(&Event::Tokens { id: self.id, count });
    }

    /// One proof was judged.
    pub fn judged(&self, proved: bool) {
        self.events.emit(&Event::Judged { id: self.id, proved });
    }

    /// It is done, and this came of it.
    pub fn finish(mut self, done: Done) {
        self.finished = true;
        self.events.emit(&Event::Finished { id: self.id, done });
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if !self.finished {
            self.events.emit(&Event::Dropped { id: self.id });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_stretch_is_told_from_begin_to_end() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let events = Events::new({
            let told = told.clone();
            move |event| told.lock().unwrap().push(format!("{event:?}"))
        });
        let progress = events.work(&Work::SetupProofs, 2);
        progress.judged(true);
        progress.finish(Done::Held { proved: 1, of: 2 });
        drop(events.work(&Work::SetupStatements, 1));
        let told = told.lock().unwrap();
        let kinds: Vec<_> =
            told.iter().map(|text| text.split([' ', '(']).next().unwrap_or_default()).collect();
        assert_eq!(kinds, ["Started", "Judged", "Finished", "Started", "Dropped"]);
    }
}
