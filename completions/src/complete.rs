//! From a request that was read to what is told of its samples.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::Request;
use serde::de::DeserializeOwned;
use stp_model::{SampleConfig, SampleRequest, StopWhen, Ticket, Told};
use stp_verifier::serve::{Place, read_body};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::answer::{Head, Shape, Usage};
use crate::ask::Sampling;
use crate::error::ApiError;
use crate::shared::{Shared, any_number};
use crate::speech::Speech;

/// The body of a request as what it should be.
pub(crate) async fn body<T: DeserializeOwned>(shared: &Shared, request: Request) -> Result<T, ApiError> {
    let bytes = read_body(request, shared.patience, shared.max_body_bytes).await?;
    serde_json::from_slice(&bytes)
        .map_err(|error| ApiError::malformed(format!("the body is no request: {error}")))
}

/// How long answers may get if a prompt has so many tokens: what was asked for, or what is left.
pub(crate) fn room(
    shared: &Shared,
    param: &'static str,
    prompt: usize,
    asked: Option<u64>,
) -> Result<usize, ApiError> {
    let longest = shared.served.longest();
    if prompt >= longest {
        let message = format!(
            "`{param}` has {prompt} tokens, and this model takes {longest} with the answer; shorten it"
        );
        return Err(ApiError::too_long(param, message));
    }
    match asked.map(usize::try_from) {
        Some(Ok(0)) => Err(ApiError::bad("max_tokens", "`max_tokens` must be at least 1")),
        Some(Ok(asked)) => Ok(asked.min(longest)),
        Some(Err(_)) => Ok(longest),
        None => Ok(longest - prompt),
    }
}

/// What a request asks for.
pub(crate) struct Asked {
    pub(crate) prompts: Vec<Vec<u32>>,
    pub(crate) max_tokens: usize,
    /// How many likely tokens are told with each token; nothing if not even its own probability is.
    pub(crate) likeliest: Option<usize>,
    pub(crate) shape: Shape,
    pub(crate) sampling: Sampling,
}

/// A request under way. Dropping it ends its samples.
pub(crate) struct Running {
    pub(crate) shared: Arc<Shared>,
    pub(crate) head: Head,
    /// What is told, with the first choice of its prompt.
    pub(crate) events: UnboundedReceiver<(usize, Told)>,
    /// What each choice says.
    pub(crate) choices: Vec<Speech>,
    pub(crate) stops: Vec<String>,
    pub(crate) likeliest: Option<usize>,
    pub(crate) tells_usage: bool,
    pub(crate) usage: Usage,
    /// Choices that have not ended.
    pub(crate) left: usize,
    began: Instant,
    _tickets: Vec<Ticket>,
    _places: Vec<Place>,
}

/// Asks the engine.
pub(crate) fn begin(shared: Arc<Shared>, asked: Asked) -> Result<Running, ApiError> {
    let Asked { prompts, max_tokens, likeliest, shape, sampling } = asked;
    shared.require_model(sampling.model.as_deref())?;
    sampling.refuse_unknown()?;
    let samples = sampling.samples(shared.max_samples)?;
    let stops = sampling.stops()?;
    let settings = settings(&shared, &sampling, &stops, max_tokens);
    let places = shared.admit(prompts.len().saturating_mul(samples))?;
    let first = sampling.seed.map_or_else(any_number, i64::cast_unsigned);
    let seeds: Vec<u64> = (0..samples as u64).map(|sample| first.wrapping_add(sample)).collect();
    let usage = Usage { prompt: prompts.iter().map(Vec::len).sum(), completion: 0 };
    shared.metrics.asked(usage.prompt);
    let choices = prompts.len() * samples;
    let (sender, events) = unbounded_channel();
    let ask = |(number, prompt)| {
        let sender = sender.clone();
        let request = SampleRequest { prompt, seeds: seeds.clone() };
        shared.served.engine.ask(request, settings.clone(), likeliest.unwrap_or(0), move |told| {
            // Nobody listens any more if the client has gone.
            let _ = sender.send((number * samples, told));
        })
    };
    let tickets = prompts.into_iter().enumerate().map(ask).collect::<Result<_, _>>()?;
    Ok(Running {
        head: Head::new(shape, shared.served.name.clone()),
        events,
        choices: (0..choices).map(|_| Speech::default()).collect(),
        stops,
        likeliest,
        tells_usage: sampling.tells_usage(),
        usage,
        left: choices,
        began: Instant::now(),
        _tickets: tickets,
        _places: places,
        shared,
    })
}

/// The request, and where it is silent the checkpoint's own settings.
fn settings(shared: &Shared, sampling: &Sampling, stops: &[String], max_tokens: usize) -> SampleConfig {
    let checkpoint = &shared.served.checkpoint;
    let own = |key: &str| checkpoint.generation(key).map(|number| number as f32);
    let own_k = || own("top_k").map(|count| count as usize);
    SampleConfig {
        temperature: sampling.temperature.or_else(|| own("temperature")).unwrap_or(1.0),
        top_p: sampling.top_p.or_else(|| own("top_p")).unwrap_or(1.0),
        // As others have it, -1 means all, too.
        top_k: sampling.top_k.map(|count| usize::try_from(count).unwrap_or(0)).or_else(own_k).unwrap_or(0),
        min_p: sampling.min_p.unwrap_or(0.0),
        max_new_tokens: max_tokens,
        stop: checkpoint.end_tokens.clone(),
        stop_when: (!stops.is_empty())
            .then(|| StopWhen::text_ends_with(&checkpoint.tokenizer, stops.to_vec())),
        max_seq: shared.served.longest(),
        ..SampleConfig::default()
    }
}

/// What was told of a choice.
pub(crate) struct News {
    pub(crate) choice: usize,
    /// What is new of its text.
    pub(crate) text: String,
    /// Why it ended, if it did.
    pub(crate) finish: Option<&'static str>,
}

impl Running {
    /// The next thing that is told; nothing if all has ended.
    ///
    /// # Errors
    /// If a sample failed, or the engine was closed.
    pub(crate) async fn next(&mut self) -> Result<Option<News>, ApiError> {
        if self.left == 0 {
            return Ok(None);
        }
        let (first, told) = self.events.recv().await.ok_or_else(ApiError::gone)?;
        let tokenizer = &self.shared.served.checkpoint.tokenizer;
        match told {
            Told::Drawn(drawn) => {
                let choice = first + drawn.sample;
                let speech = &mut self.choices[choice];
                speech.hear(drawn, tokenizer);
                let text = speech.certain(&self.stops);
                Ok(Some(News { choice, text, finish: None }))
            }
            Told::Ended(completion) => Ok(Some(self.end(first + completion.sample, completion.finished))),
            Told::Failed(error) => Err(error.into()),
        }
    }

    fn end(&mut self, choice: usize, finished: bool) -> News {
        let finish = if finished { "stop" } else { "length" };
        let speech = &mut self.choices[choice];
        let text = speech.end(&self.stops);
        self.usage.completion += speech.drawn();
        self.left -= 1;
        self.shared.metrics.ended(finish, speech.drawn());
        if self.left == 0 {
            self.shared.metrics.answered(self.began.elapsed());
        }
        News { choice, text, finish: Some(finish) }
    }
}
