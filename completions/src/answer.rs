//! Answers in OpenAI's JSON, of both kinds.

use serde_json::{Map, Value, json};
use stp_model::Tokenizer;

use crate::shared::{any_number, now};
use crate::speech::{Speech, Spoken};

/// No logarithm of a probability is lower; JSON has no infinity.
const LOWEST: f64 = -9999.0;

/// What was used.
#[derive(Clone, Debug)]
pub(crate) struct Usage {
    /// Tokens of all prompts.
    pub(crate) prompt: usize,
    /// Tokens of all samples.
    pub(crate) completion: usize,
}

impl Usage {
    fn json(&self) -> Value {
        let Self { prompt, completion } = self;
        json!({ "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion })
    }
}

/// Which of the two kinds an answer is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    Chat,
}

/// What all parts of an answer say of it.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) shape: Shape,
    id: String,
    created: u64,
    model: String,
}

impl Head {
    pub(crate) fn new(shape: Shape, model: String) -> Self {
        let prefix = match shape {
            Shape::Text => "cmpl",
            Shape::Chat => "chatcmpl",
        };
        Self { shape, id: format!("{prefix}-{:016x}", any_number()), created: now(), model }
    }

    fn around(&self, object: &str, choices: Vec<Value>, usage: Option<&Usage>) -> Value {
        let Self { id, created, model, .. } = self;
        let mut answer =
            json!({ "id": id, "object": object, "created": created, "model": model, "choices": choices });
        if let Some(usage) = usage {
            answer["usage"] = usage.json();
        }
        answer
    }

    /// An answer that is there at once.
    pub(crate) fn whole(&self, choices: Vec<Value>, usage: &Usage) -> Value {
        let object = match self.shape {
            Shape::Text => "text_completion",
            Shape::Chat => "chat.completion",
        };
        self.around(object, choices, Some(usage))
    }

    /// A part of an answer; the last one may be of what was used alone.
    pub(crate) fn part(&self, choices: Vec<Value>, usage: Option<&Usage>) -> Value {
        let object = match self.shape {
            Shape::Text => "text_completion",
            Shape::Chat => "chat.completion.chunk",
        };
        self.around(object, choices, usage)
    }
}

impl Shape {
    /// A choice that has ended.
    pub(crate) fn choice(self, index: usize, text: &str, logprobs: Option<Value>, finish: &str) -> Value {
        match self {
            Self::Text => {
                json!({ "index": index, "text": text, "logprobs": logprobs, "finish_reason": finish })
            }
            Self::Chat => json!({
                "index": index,
                "message": { "role": "assistant", "content": text },
                "logprobs": logprobs,
                "finish_reason": finish,
            }),
        }
    }

    /// What is new of a choice; the first part of a message says whose it is.
    pub(crate) fn news(
        self,
        index: usize,
        text: &str,
        is_first: bool,
        logprobs: Option<Value>,
        finish: Option<&str>,
    ) -> Value {
        if self == Self::Text {
            return json!({ "index": index, "text": text, "logprobs": logprobs, "finish_reason": finish });
        }
        let mut delta = Map::new();
        if is_first {
            delta.insert("role".to_owned(), "assistant".into());
        }
        delta.insert("content".to_owned(), text.into());
        json!({ "index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish })
    }

    /// The log-probabilities of some of a choice's tokens.
    pub(crate) fn logprobs(self, speech: &Speech, spoken: &[Spoken], tokenizer: &Tokenizer) -> Value {
        let word = |token: u32| written(token, tokenizer);
        match self {
            Self::Text => {
                let likeliest = |it: &Spoken| -> Map<String, Value> {
                    it.drawn
                        .likeliest
                        .iter()
                        .map(|&(token, lp)| (word(token), lp.max(LOWEST).into()))
                        .collect()
                };
                let offset =
                    |it: &Spoken| speech.text().get(..it.start).map_or(0, |text| text.chars().count());
                json!({
                    "tokens": spoken.iter().map(|it| word(it.drawn.token)).collect::<Vec<_>>(),
                    "token_logprobs": spoken.iter().map(|it| it.drawn.logprob.max(LOWEST)).collect::<Vec<_>>(),
                    "top_logprobs": spoken.iter().map(likeliest).collect::<Vec<_>>(),
                    "text_offset": spoken.iter().map(offset).collect::<Vec<_>>(),
                })
            }
            Self::Chat => {
                let one = |token: u32, logprob: f64| json!({ "token": word(token), "logprob": logprob.max(LOWEST), "bytes": tokenizer.piece(token) });
                let content = spoken.iter().map(|it| {
                    let mut entry = one(it.drawn.token, it.drawn.logprob);
                    let likeliest = it.drawn.likeliest.iter().map(|&(token, logprob)| one(token, logprob));
                    entry["top_logprobs"] = likeliest.collect();
                    entry
                });
                json!({ "content": content.collect::<Vec<_>>() })
            }
        }
    }
}

/// A token as text; one that is part of a character alone by its bytes, as OpenAI writes it.
fn written(token: u32, tokenizer: &Tokenizer) -> String {
    let text = tokenizer.decode(&[token]);
    match tokenizer.piece(token).filter(|_| text.contains(char::REPLACEMENT_CHARACTER)) {
        Some(bytes) => bytes.iter().fold("bytes:".to_owned(), |text, byte| format!("{text}\\x{byte:02x}")),
        None => text,
    }
}
