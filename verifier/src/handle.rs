//! The handle that callers have: the text gate, earlier answers, and a backend that gives the others.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stp_datasets::{Status, Verdict, theorem_names};

use crate::cache::{self, VerdictCache};
use crate::gate;
use crate::pool::{LocalPool, PoolConfig};
use crate::protocol::{
    Backend, Candidate, FileJudgement, FileOutcome, PoolStats, QueueError, Reply, Request, SketchReport,
    StatementReport, Trust, VerifierError,
};
use crate::queue::{RemoteConfig, RemotePool};
use crate::recording::{Recorder, Recording, RecordingError};
use crate::scripted::{Script, ScriptedPool};
use crate::toolchain::Toolchain;

/// A text that is judged for one theorem gets the time of at most so many: its writer chooses how many it has.
const MOST_LEMMAS: u32 = 8;

/// A handle on a pool; clones share it. The processes end when the last handle is dropped.
#[derive(Clone, Debug)]
pub struct Pool {
    backend: Arc<dyn Backend>,
    /// Earlier answers, which only a pool of this machine may have.
    remembered: Option<Arc<Remembered>>,
}

/// Answers of earlier checks, and all that their keys hold besides the question.
#[derive(Debug)]
struct Remembered {
    cache: Arc<VerdictCache>,
    toolchain: String,
    heartbeats: u64,
    messages: usize,
    /// Wall-clock limit of one check.
    limit: Duration,
}

impl Remembered {
    fn of(toolchain: &Toolchain, config: &PoolConfig) -> Option<Self> {
        Some(Self {
            cache: config.cache.clone()?,
            toolchain: toolchain.identity(),
            heartbeats: config.max_heartbeats,
            messages: config.messages,
            limit: config.check_timeout,
        })
    }
}

impl Pool {
    /// Starts the processes in the background; requests wait until one is ready.
    ///
    /// Must be called inside a tokio runtime.
    pub fn start(toolchain: &Toolchain, config: PoolConfig) -> Self {
        let remembered = Remembered::of(toolchain, &config).map(Arc::new);
        Self { backend: Arc::new(LocalPool::start(toolchain, &config)), remembered }
    }

    /// A handle on workers of other machines (`stp worker`), reached through NATS JetStream at `url`.
    ///
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`QueueError`] if the server cannot be reached or is not set up for it.
    pub async fn connect(url: &str, config: RemoteConfig) -> Result<Self, QueueError> {
        let remote = RemotePool::connect(url, config).await?;
        Ok(Self { backend: Arc::new(remote), remembered: None })
    }

    /// A pool that answers from functions, at once: for tests of what asks. The text gate stands before it, too.
    pub fn scripted(script: Script) -> Self {
        Self { backend: Arc::new(ScriptedPool::new(script)), remembered: None }
    }

    /// The same pool, whose answers are also written to a file for [`Self::replayed`]; what a cache answers is not among them.
    ///
    /// # Errors
    /// [`RecordingError`] if the file cannot be written.
    pub fn recorded(self, path: &Path) -> Result<Self, RecordingError> {
        Ok(Self { backend: Arc::new(Recorder::new(self.backend, path)?), remembered: self.remembered })
    }

    /// A pool without Lean, which knows the answers in a file alone: any other proof is `crashed`. For trying the rest of
    /// the program on a machine on which Lean cannot be installed; its verdicts are worth what the file is.
    ///
    /// # Errors
    /// [`RecordingError`] if the file cannot be read, or is none.
    pub fn replayed(path: &Path) -> Result<Self, RecordingError> {
        Ok(Self { backend: Arc::new(Recording::open(path)?), remembered: None })
    }

    /// How many processes work side by side; for workers of other machines, as many as were promised.
    pub fn workers(&self) -> usize {
        self.backend.workers()
    }

    /// Judges one proof.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all; whatever the proof does is a verdict.
    pub async fn check(&self, candidate: Candidate) -> Result<Verdict, VerifierError> {
        if let Err(reason) = gated(&candidate) {
            return Ok(Verdict::new(Status::Rejected, reason));
        }
        let Some(known) = &self.remembered else { return self.ask_check(candidate).await };
        let key = cache::check_key(&known.toolchain, known.heartbeats, known.messages, &candidate);
        if let Some(verdict) = known.cache.verdict(&key, known.limit) {
            return Ok(verdict);
        }
        let verdict = self.ask_check(candidate).await?;
        known.cache.keep_verdict(key, known.limit, &verdict);
        Ok(verdict)
    }

    /// Judges a proof without the text gate and without the cache: for tests of what stands behind them.
    ///
    /// # Errors
    /// As [`Self::check`].
    #[doc(hidden)]
    pub async fn check_ungated(&self, candidate: Candidate) -> Result<Verdict, VerifierError> {
        self.ask_check(candidate).await
    }

    async fn ask_check(&self, candidate: Candidate) -> Result<Verdict, VerifierError> {
        match self.request(Request::Check(candidate)).await? {
            Reply::Verdict(verdict) => Ok(verdict),
            _ => Err(VerifierError::Closed),
        }
    }

    /// Whether a statement elaborates, and its fingerprint.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all.
    pub async fn statement(&self, header: &str, signature: &str) -> Result<StatementReport, VerifierError> {
        self.statement_by(header, signature, Trust::Trusted).await
    }

    /// The same of a statement by a model or somebody else: it is elaborated where proofs are.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all.
    pub async fn foreign_statement(
        &self,
        header: &str,
        signature: &str,
    ) -> Result<StatementReport, VerifierError> {
        self.statement_by(header, signature, Trust::Foreign).await
    }

    async fn statement_by(
        &self,
        header: &str,
        signature: &str,
        trust: Trust,
    ) -> Result<StatementReport, VerifierError> {
        if let Err(reason) = gate::check_text(header).and_then(|()| gate::check_signature(signature)) {
            return Ok(StatementReport::refused(reason));
        }
        let Some(known) = &self.remembered else {
            return self.ask_statement(header, signature, trust).await;
        };
        let key = cache::statement_key(&known.toolchain, known.heartbeats, header, signature, trust);
        if let Some(report) = known.cache.statement(&key, known.limit) {
            return Ok(report);
        }
        let report = self.ask_statement(header, signature, trust).await?;
        known.cache.keep_statement(key, known.limit, &report);
        Ok(report)
    }

    async fn ask_statement(
        &self,
        header: &str,
        signature: &str,
        trust: Trust,
    ) -> Result<StatementReport, VerifierError> {
        let request =
            Request::Statement { header: header.to_owned(), signature: signature.to_owned(), trust };
        match self.request(request).await? {
            Reply::Statement(report) => Ok(report),
            _ => Err(VerifierError::Closed),
        }
    }

    /// Binders and type of library theorems, as Lean prints them; `None` for unknown names.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all.
    pub async fn signatures(&self, names: &[String]) -> Result<Vec<Option<String>>, VerifierError> {
        match self.request(Request::Signatures(names.to_vec())).await? {
            Reply::Signatures(signatures) => Ok(signatures),
            _ => Err(VerifierError::Closed),
        }
    }

    /// Names of all theorems that the library has without imports, sorted; private ones and those that Lean names by itself
    /// are left out. Empty with a native Lean, which is not asked.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all.
    pub async fn theorems(&self) -> Result<Vec<String>, VerifierError> {
        match self.request(Request::Theorems).await? {
            Reply::Theorems(names) => Ok(names),
            _ => Err(VerifierError::Closed),
        }
    }

    /// Elaborates a whole Lean text with its own imports, from a clean environment.
    ///
    /// The text is not judged: it may define and run what it likes, so an answer without errors proves
    /// nothing that [`Self::check`] would. A process that elaborated a text which may run code (see
    /// [`gate::may_run_code`]) is replaced before its next request.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all.
    pub async fn run_file(&self, code: &str, timeout: Duration) -> Result<FileOutcome, VerifierError> {
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        match self.request(Request::File { code: code.to_owned(), timeout_ms }).await? {
            Reply::File(outcome) => Ok(outcome),
            _ => Err(VerifierError::Closed),
        }
    }

    /// Elaborates a whole text as plain Lean would, and judges each of its theorems from what it declared.
    ///
    /// A theorem whose command has an error is `failed`, with Lean's messages; so is one that rests on a theorem that
    /// failed. One that rests on `sorry` or an axiom is `rejected`, and so is one whose proof runs code. The text's commands
    /// may define what they like: `proved` means that the kernel accepts the theorem as the text states it.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all.
    pub async fn judge_file(&self, text: &str) -> Result<FileJudgement, VerifierError> {
        if let Err(reason) = gate::check_text(text) {
            return Ok(FileJudgement::Crashed(reason));
        }
        let still = match gate::still(text) {
            Ok(still) => still,
            Err(refused) => return Ok(refused.judgement(text)),
        };
        let timeout_ms = self.limit_of(text, u32::MAX);
        // Lean reads no file that begins with a byte order mark, and it is to say so.
        let mark = if text.starts_with('\u{feff}') { "\u{feff}" } else { "" };
        match self.request(Request::Source { code: format!("{mark}{}", still.text), timeout_ms }).await? {
            Reply::Source(judgement) => Ok(still.told(judgement)),
            _ => Err(VerifierError::Closed),
        }
    }

    /// Judges one theorem of a whole text, its last one if it has no `name`: against a statement (header and signature,
    /// and whose they are), or as the text states it.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all.
    pub async fn judge_source(
        &self,
        text: &str,
        name: Option<&str>,
        statement: Option<(&str, &str, Trust)>,
    ) -> Result<Verdict, VerifierError> {
        if let Err(reason) = gate::check_text(text) {
            return Ok(Verdict::new(Status::Rejected, reason));
        }
        if let Some((header, signature, _)) = statement
            && let Err(reason) = gate::check_text(header).and_then(|()| gate::check_signature(signature))
        {
            return Ok(Verdict::new(Status::StatementError, reason));
        }
        let code = if statement.is_some() {
            text.to_owned()
        } else {
            match gate::still(text) {
                Err(refused) => return Ok(refused.verdict()),
                Ok(still) => match still.refusal(name) {
                    Some(verdict) => return Ok(verdict),
                    None => still.text.into_owned(),
                },
            }
        };
        let request = Request::TheoremOf {
            code,
            name: name.map(str::to_owned),
            statement: statement.map(|(header, signature, trust)| (header.into(), signature.into(), trust)),
            timeout_ms: self.limit_of(text, MOST_LEMMAS),
        };
        match self.request(request).await? {
            Reply::Verdict(verdict) => Ok(verdict),
            _ => Err(VerifierError::Closed),
        }
    }

    /// What is left to prove of a proof that fails: a sketch of it, whose holes stand where tactics failed. A `sorry` of its own
    /// is a hole as well. Nothing is judged.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all.
    pub async fn sketch(&self, candidate: Candidate) -> Result<SketchReport, VerifierError> {
        let gated = gate::check_text(&candidate.header)
            .and_then(|()| gate::check_signature(&candidate.signature))
            .and_then(|()| gate::check_sketch(&candidate.proof));
        if let Err(reason) = gated {
            return Ok(SketchReport::None { reason });
        }
        match self.request(Request::Sketch(candidate)).await? {
            Reply::Sketch(report) => Ok(report),
            _ => Err(VerifierError::Closed),
        }
    }

    /// The declarations of a proof in Lean's export format, or the verdict that it is none.
    ///
    /// # Errors
    /// [`VerifierError`] if Lean cannot be run at all.
    pub async fn export(&self, candidate: Candidate) -> Result<Result<String, Verdict>, VerifierError> {
        if let Err(reason) = gated(&candidate) {
            return Ok(Err(Verdict::new(Status::Rejected, reason)));
        }
        match self.request(Request::Export(candidate)).await? {
            Reply::Export(exported) => Ok(exported),
            _ => Err(VerifierError::Closed),
        }
    }

    /// The time for a whole text in milliseconds: that of one check for each of its theorems, up to so many.
    fn limit_of(&self, text: &str, most: u32) -> u64 {
        let count = u32::try_from(theorem_names(text).len()).unwrap_or(u32::MAX);
        let limit = self.backend.check_timeout() * count.clamp(1, most);
        u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)
    }

    /// What the pool has done so far; for workers of other machines, what this handle knows of it.
    pub fn stats(&self) -> PoolStats {
        let cache_hits = self.remembered.as_ref().map_or(0, |known| known.cache.counts().0);
        PoolStats { cache_hits, ..self.backend.stats() }
    }

    /// Ends all processes and waits until they are gone. Requests that wait get [`VerifierError::Closed`].
    /// Workers of other machines go on; only the connection ends.
    pub async fn shutdown(&self) {
        self.backend.shutdown().await;
    }

    /// Asks without the text gate, which is the caller's to apply.
    pub(crate) async fn request(&self, request: Request) -> Result<Reply, VerifierError> {
        self.backend.request(request).await
    }
}

/// The gate. The checker elaborates the user's own statements, so they pass it as well; a header of the user's own may
/// define what it likes.
fn gated(candidate: &Candidate) -> Result<(), String> {
    gate::check_text(&candidate.header)?;
    gate::check_signature(&candidate.signature)?;
    gate::check_proof(&candidate.proof)
}
