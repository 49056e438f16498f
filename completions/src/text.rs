//! `POST /v1/completions`: prompts, as texts or as tokens.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Deserialize;
use stp_model::ModelError;

use crate::answer::Shape;
use crate::ask::{Sampling, likeliest};
use crate::complete::{Asked, body, room};
use crate::error::ApiError;
use crate::respond::answer;
use crate::shared::Shared;

/// As OpenAI has it.
const DEFAULT_TOKENS: u64 = 16;

#[derive(Debug, Deserialize)]
struct TextRequest {
    prompt: Option<Prompts>,
    max_tokens: Option<u64>,
    logprobs: Option<u64>,
    echo: Option<bool>,
    suffix: Option<String>,
    #[serde(flatten)]
    sampling: Sampling,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a string, a list of strings, a list of token ids, or a list of such lists"
)]
enum Prompts {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u32>),
    Many(Vec<Vec<u32>>),
}

pub(crate) async fn completions(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, ApiError> {
    let request: TextRequest = body(&shared, request).await?;
    if request.echo == Some(true) {
        let message =
            "`echo` is not known to this server: it tells nothing of the prompt's own tokens; leave it out";
        return Err(ApiError::bad("echo", message));
    }
    if request.suffix.is_some_and(|suffix| !suffix.is_empty()) {
        return Err(ApiError::bad("suffix", "`suffix` is not known to this server; leave it out"));
    }
    let prompts = request.prompt.ok_or_else(|| ApiError::bad("prompt", "`prompt` is missing"))?;
    let prompts = tokens(&shared, prompts)?;
    let longest = prompts.iter().map(Vec::len).max().unwrap_or(0);
    let max_tokens = room(&shared, "prompt", longest, Some(request.max_tokens.unwrap_or(DEFAULT_TOKENS)))?;
    let likeliest = request.logprobs.map(|count| likeliest("logprobs", count)).transpose()?;
    answer(shared, Asked { prompts, max_tokens, likeliest, shape: Shape::Text, sampling: request.sampling })
        .await
}

/// The tokens of the prompts.
fn tokens(shared: &Shared, prompts: Prompts) -> Result<Vec<Vec<u32>>, ApiError> {
    let encode = |text: &String| shared.served.checkpoint.tokenizer.encode_prompt(text);
    let prompts = match prompts {
        Prompts::Text(text) => vec![encode(&text)?],
        Prompts::Texts(texts) => texts.iter().map(encode).collect::<Result<_, ModelError>>()?,
        Prompts::Tokens(tokens) => vec![tokens],
        Prompts::Many(many) => many,
    };
    match prompts.iter().any(Vec::is_empty) || prompts.is_empty() {
        true => Err(ApiError::bad("prompt", "`prompt` is empty; give at least one token of text")),
        false => Ok(prompts),
    }
}
