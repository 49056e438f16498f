//! Answers: at once as a stream, or whole when all samples have ended.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::complete::{Asked, Running, begin};
use crate::error::ApiError;
use crate::shared::Shared;
use crate::stream::stream;

/// Asks the engine, and answers.
pub(crate) async fn answer(shared: Arc<Shared>, asked: Asked) -> Result<Response, ApiError> {
    let streams = asked.sampling.stream == Some(true);
    let running = begin(shared, asked)?;
    if streams { Ok(stream(running).into_response()) } else { Ok(collect(running).await?.into_response()) }
}

/// Waits until all has ended.
async fn collect(mut running: Running) -> Result<Json<Value>, ApiError> {
    let mut finishes = vec![""; running.choices.len()];
    while let Some(news) = running.next().await? {
        if let Some(finish) = news.finish {
            finishes[news.choice] = finish;
        }
    }
    let tokenizer = &running.shared.served.checkpoint.tokenizer;
    let choices = running.choices.iter().zip(finishes).enumerate().map(|(index, (speech, finish))| {
        let logprobs =
            running.likeliest.map(|_| running.head.shape.logprobs(speech, speech.spoken(), tokenizer));
        running.head.shape.choice(index, speech.text(), logprobs, finish)
    });
    Ok(Json(running.head.whole(choices.collect(), &running.usage)))
}
