//! `POST /v1/chat/completions`: conversations, by the checkpoint's chat template.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Deserialize;
use stp_model::Message;

use crate::answer::Shape;
use crate::ask::{Sampling, likeliest};
use crate::complete::{Asked, body, room};
use crate::error::ApiError;
use crate::respond::answer;
use crate::shared::Shared;

#[derive(Debug, Deserialize)]
struct ChatRequest {
    messages: Vec<Said>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    logprobs: Option<bool>,
    top_logprobs: Option<u64>,
    #[serde(flatten)]
    sampling: Sampling,
}

#[derive(Debug, Deserialize)]
struct Said {
    role: String,
    content: Option<Content>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of parts with a `text`")]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    text: String,
}

impl Said {
    fn message(self) -> Message {
        let content = match self.content {
            None => String::new(),
            Some(Content::Text(text)) => text,
            Some(Content::Parts(parts)) => parts.into_iter().map(|part| part.text).collect(),
        };
        Message { role: self.role, content }
    }
}

pub(crate) async fn chat_completions(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, ApiError> {
    let request: ChatRequest = body(&shared, request).await?;
    if request.messages.is_empty() {
        return Err(ApiError::bad("messages", "`messages` must not be empty"));
    }
    let checkpoint = &shared.served.checkpoint;
    let messages: Vec<_> = request.messages.into_iter().map(Said::message).collect();
    let text = checkpoint.chat_prompt(&messages)?.ok_or_else(no_template)?;
    // The template writes out what stands at the beginning.
    let prompt = checkpoint.tokenizer.encode_written(&text)?;
    if prompt.is_empty() {
        return Err(ApiError::bad("messages", "the model's chat template makes nothing of `messages`"));
    }
    let asked = request.max_completion_tokens.or(request.max_tokens);
    let max_tokens = room(&shared, "messages", prompt.len(), asked)?;
    let likeliest = match (request.logprobs, request.top_logprobs) {
        (Some(true), count) => Some(likeliest("top_logprobs", count.unwrap_or(0))?),
        (_, Some(1..)) => return Err(ApiError::bad("top_logprobs", "`top_logprobs` needs `logprobs`: true")),
        _ => None,
    };
    let shape = Shape::Chat;
    answer(shared, Asked { prompts: vec![prompt], max_tokens, likeliest, shape, sampling: request.sampling })
        .await
}

fn no_template() -> ApiError {
    ApiError::not_found("this model has no chat template; post a prompt to /v1/completions")
}
