//! One server: what it is asked, and which of its answers can be asked for again.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body, Timeout};

use super::protocol::{self, Answer, Terms, Wrong};
use super::request::Content;
use super::retry::retry_after;
use super::trouble::{Failed, Trouble, is_not_ready};
use super::watch::Watch;
use crate::config::Servers;

/// How long it may take until somebody listens.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const LONGEST: u64 = 256 << 20;
/// So much of a strange answer is shown.
const SHOWN: usize = 300;

/// One server.
pub(super) struct Client {
    pub url: String,
    agent: Agent,
    authorization: Option<String>,
    timeout: f64,
    model: Mutex<Model>,
    /// The most samples that one request may ask for: what one has brought, if it brought fewer than were asked for.
    most: AtomicUsize,
    /// The most samples that one request has brought.
    brought: AtomicUsize,
    /// How often it answered one sample and refused several, since it last brought several.
    refusals: AtomicUsize,
    /// The most samples that the settings let a request ask for.
    wanted: usize,
    /// What else its answers show of it.
    pub watch: Watch,
}

/// What is known of the name of a server's model. Whoever asks for it has it locked, so that it is asked for once.
#[derive(Debug, Default)]
struct Model {
    /// The name, once it was asked.
    name: Option<String>,
    /// When asking failed last, and how.
    failed: Option<(Instant, Trouble)>,
}

impl fmt::Debug for Client {
    // The key is for nobody to read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Client {
    pub(super) fn new(url: &str, key: Option<&str>, settings: &Servers) -> Self {
        let url = url.trim_end_matches('/');
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(Duration::from_secs_f64(settings.timeout_seconds)))
            .max_idle_connections(settings.concurrency)
            .max_idle_connections_per_host(settings.concurrency)
            .build();
        Self {
            url: url.strip_suffix("/v1").unwrap_or(url).to_owned(),
            agent: config.into(),
            authorization: key.map(|key| format!("Bearer {key}")),
            timeout: settings.timeout_seconds,
            model: Mutex::default(),
            most: AtomicUsize::new(settings.samples_per_request),
            brought: AtomicUsize::new(1),
            refusals: AtomicUsize::new(0),
            wanted: settings.samples_per_request,
            watch: Watch::default(),
        }
    }

    /// Samples that a request may ask for.
    pub(super) fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed).max(1)
    }

    /// What it called its model may not hold any more.
    pub(super) fn forget(&self) {
        *self.known() = Model::default();
    }

    fn known(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is asked for one sample at a time because it refuses several.
    pub(super) fn refuses_several(&self) -> bool {
        self.refusals.load(Ordering::Relaxed) > 0 && self.most() == 1
    }

    /// From now on a request asks for one sample.
    pub(super) fn ask_one_by_one(&self) {
        self.most.fetch_min(1, Ordering::Relaxed);
    }

    /// Asks for a sample for each seed. It may bring fewer, but at least one. Of a server that seems to take no `n`, or a
    /// smaller one, only the first is asked for once more.
    pub(super) fn ask(
        &self,
        terms: &Terms,
        prompt: &Content,
        max_tokens: usize,
        seeds: &[u64],
    ) -> Result<Answer, Trouble> {
        let model = match &terms.model {
            Some(model) => model.clone(),
            None => self.model()?,
        };
        let complete = |seeds: &[u64]| {
            self.complete(&protocol::body(&model, terms, prompt, max_tokens, seeds), seeds.len())
        };
        let failed = match complete(seeds) {
            Ok(answer) => return Ok(answer),
            Err(failed) => failed,
        };
        if seeds.len() > self.brought.load(Ordering::Relaxed)
            && failed.may_be_for_several()
            && let Ok(answer) = complete(&seeds[..1])
        {
            // A server of whom nobody knows yet whether it takes `n` may have broken down once, too.
            let certain = if failed.status == Some(StatusCode::INTERNAL_SERVER_ERROR) { 2 } else { 1 };
            if self.refusals.fetch_add(1, Ordering::Relaxed) + 1 >= certain {
                self.ask_one_by_one();
            }
            return Ok(answer);
        }
        Err(failed.trouble)
    }

    /// One request for so many samples.
    fn complete(&self, body: &Value, wanted: usize) -> Result<Answer, Failed> {
        let text = self.post("/v1/completions", body)?;
        let answer =
            protocol::read(&text, wanted).map_err(|wrong| self.wrong("completions", wrong, &text))?;
        let came = answer.choices.len();
        self.brought.fetch_max(came, Ordering::Relaxed);
        if came > 1 && self.refusals.swap(0, Ordering::Relaxed) > 0 {
            self.most.store(self.wanted, Ordering::Relaxed);
        }
        if came < wanted {
            // It takes no `n`, or a smaller one.
            self.most.fetch_min(came, Ordering::Relaxed);
        }
        Ok(answer)
    }

    /// The name of the only model that it has. Who waited while somebody else asked has that one's answer, whatever it is:
    /// otherwise threads that ask a host which says nothing would wait for it one after the other.
    fn model(&self) -> Result<String, Trouble> {
        let began = Instant::now();
        let mut known = self.known();
        if let Some(name) = &known.name {
            return Ok(name.clone());
        }
        if let Some((at, trouble)) = &known.failed
            && *at >= began
        {
            return Err(trouble.clone());
        }
        let asked = self.ask_model();
        *known = match &asked {
            Ok(name) => Model { name: Some(name.clone()), failed: None },
            Err(trouble) => Model { name: None, failed: Some((Instant::now(), trouble.clone())) },
        };
        asked
    }

    fn ask_model(&self) -> Result<String, Trouble> {
        let text = self.get("/v1/models")?;
        let listed = protocol::models(&text).map_err(|wrong| self.wrong("models", wrong, &text))?;
        let names: Vec<_> = listed.into_iter().map(|model| model.id).collect();
        let [name] = &names[..] else {
            let listed = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(Trouble::Lasting(format!(
                "{} has not one model but these: {listed}. Say which to ask for with sampling.server.model.",
                self.url
            )));
        };
        Ok(name.clone())
    }

    /// Whether somebody answers there, whatever the answer is; a server that still starts is not ready.
    pub(super) fn is_there(&self) -> bool {
        self.list_soon().is_ok_and(|response| !is_not_ready(response.status()))
    }

    /// Why it goes on with a model other than the wanted one, if it says that it has another, and takes any name for it.
    pub(super) fn keeps_another_than(&self, wanted: &str) -> Option<String> {
        let text = self.text("/v1/models", self.list_soon()).ok()?;
        let listed = protocol::models(&text).ok()?;
        let other = listed.iter().find(|model| model.has_any_name())?;
        let has_it = listed.iter().any(|model| model.id == wanted);
        (!has_it).then(|| {
            format!(
                "{} has the model {}, and answers with that one whatever name it is asked for, so sampling.server.model does \
                 not give it {wanted}. Set sampling.server.reload to a command that starts it with each new checkpoint, or to \
                 \"true\" if it is to keep its model.",
                self.url, other.id
            )
        })
    }

    /// Asks for its models, and does not wait for long.
    fn list_soon(&self) -> Result<Response<Body>, ureq::Error> {
        let request = self.authorized(self.agent.get(format!("{}/v1/models", self.url)));
        request.config().timeout_global(Some(CONNECT)).build().call()
    }

    fn get(&self, path: &str) -> Result<String, Failed> {
        let response = self.authorized(self.agent.get(format!("{}{path}", self.url))).call();
        self.text(path, response)
    }

    fn post(&self, path: &str, body: &Value) -> Result<String, Failed> {
        let request = self.authorized(self.agent.post(format!("{}{path}", self.url)));
        self.text(path, request.send_json(body))
    }

    fn authorized<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.authorization {
            Some(key) => request.header("authorization", key),
            None => request,
        }
    }

    fn text(&self, path: &str, response: Result<Response<Body>, ureq::Error>) -> Result<String, Failed> {
        let mut response = response.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let pause = retry_after(response.headers(), SystemTime::now());
        let body = response.body_mut().with_config().limit(LONGEST).lossy_utf8(true).read_to_string();
        let body = body.map_err(|error| self.unreachable(&error))?;
        if status.is_success() {
            return Ok(body);
        }
        let said = format!("{}{path} answers {status}: {}", self.url, shown(&body));
        Err(Failed { status: Some(status), trouble: Trouble::of_status(status, said, pause) })
    }

    fn unreachable(&self, error: &ureq::Error) -> Trouble {
        Trouble::Passing(match error {
            ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => format!(
                "nobody listens at {} within {} s: see that sampling.server.urls is right and that the host is up",
                self.url,
                CONNECT.as_secs()
            ),
            ureq::Error::Timeout(_) => format!(
                "{} did not answer within {} s, which sampling.server.timeout_seconds can change",
                self.url, self.timeout
            ),
            _ => format!("{} does not answer: {error}", self.url),
        })
    }

    fn wrong(&self, path: &str, wrong: Wrong, text: &str) -> Trouble {
        match wrong {
            Wrong::GivenUp(reason) => Trouble::Passing(format!("{}: {reason}", self.url)),
            Wrong::Foreign(reason) => Trouble::Lasting(format!(
                "{}/v1/{path} answers with something else than OpenAI's protocol ({reason}): {}. See that \
                 sampling.server.urls has the address of a server with /v1/completions, such as vLLM, SGLang, llama.cpp's \
                 server or `transformers serve`.",
                self.url,
                shown(text)
            )),
        }
    }
}

/// The beginning of an answer, on one line.
fn shown(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return "nothing".to_owned();
    }
    let cut: String = line.chars().take(SHOWN).collect();
    if cut.len() < line.len() { format!("{cut}…") } else { cut }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::super::test::{Fake, Reply};
    use super::*;

    fn client(url: &str) -> Client {
        Client::new(url, None, &Servers::default())
    }

    #[test]
    fn a_host_that_nobody_listens_on_is_told_from_a_slow_answer() {
        let said = |timeout| match client("http://gpu1:8000").unreachable(&ureq::Error::Timeout(timeout)) {
            Trouble::Passing(text) | Trouble::Lasting(text) | Trouble::Busy { reason: text, .. } => text,
        };
        for timeout in [Timeout::Connect, Timeout::Resolve] {
            let text = said(timeout);
            assert!(text.contains("nobody listens at http://gpu1:8000 within 10 s"), "{text}");
            assert!(text.contains("sampling.server.urls") && !text.contains("timeout_seconds"), "{text}");
        }
        assert!(said(Timeout::Global).contains("sampling.server.timeout_seconds"));
    }

    #[test]
    fn those_who_wait_for_the_models_name_share_one_failure() {
        let together = Barrier::new(8);
        let server = Fake::new(|_, before| {
            if before == 0 {
                // The others come to wait in the meantime.
                std::thread::sleep(Duration::from_secs(1));
                return Reply::Status(503, "later".to_owned());
            }
            serde_json::json!({ "data": [{ "id": "its-own" }] }).into()
        });
        let client = client(&server.url);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    together.wait();
                    assert!(matches!(client.model(), Err(Trouble::Busy { .. })));
                });
            }
        });
        assert_eq!(server.got.lock().unwrap().len(), 1);
        assert_eq!(client.model().unwrap(), "its-own", "who comes later asks again");
    }
}
