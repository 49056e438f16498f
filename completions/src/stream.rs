//! Answers in parts, as server-sent events.

use std::convert::Infallible;

use axum::response::sse::{Event, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::Value;

use crate::complete::{News, Running};

/// What comes next.
enum Next {
    Parts,
    Done,
    Nothing,
}

/// What is told of the samples, as soon as it is certain. A sample that fails ends the stream with an error.
pub(crate) fn stream(running: Running) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let begun = vec![None; running.choices.len()];
    Sse::new(unfold((running, begun, Next::Parts), |(mut running, mut told, next)| async move {
        let (data, next) = match next {
            Next::Parts => match part(&mut running, &mut told).await {
                Ok(Some(part)) => (part.to_string(), Next::Parts),
                Ok(None) if running.tells_usage => {
                    let usage = running.head.part(Vec::new(), Some(&running.usage));
                    (usage.to_string(), Next::Done)
                }
                Ok(None) => ("[DONE]".to_owned(), Next::Nothing),
                Err(error) => (error.to_string(), Next::Nothing),
            },
            Next::Done => ("[DONE]".to_owned(), Next::Nothing),
            Next::Nothing => return None,
        };
        Some((Ok(Event::default().data(data)), (running, told, next)))
    }))
}

/// The next part that says something. `told` counts the tokens of each choice whose probabilities were told.
async fn part(running: &mut Running, told: &mut [Option<usize>]) -> Result<Option<Value>, Value> {
    loop {
        let news = running.next().await.map_err(|error| error.body())?;
        let Some(News { choice, text, finish }) = news else { return Ok(None) };
        if text.is_empty() && finish.is_none() {
            continue;
        }
        let (shape, speech) = (running.head.shape, &running.choices[choice]);
        let is_first = told[choice].is_none();
        let from = told[choice].unwrap_or(0).min(speech.spoken().len());
        told[choice] = Some(speech.spoken().len());
        let tokenizer = &running.shared.served.checkpoint.tokenizer;
        let logprobs = running.likeliest.map(|_| shape.logprobs(speech, &speech.spoken()[from..], tokenizer));
        let part = shape.news(choice, &text, is_first, logprobs, finish);
        return Ok(Some(running.head.part(vec![part], None)));
    }
}
