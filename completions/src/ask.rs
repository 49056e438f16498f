//! What both kinds of requests have in common: how to sample.

use serde::Deserialize;
use serde_json::Value;

use crate::error::ApiError;

/// Texts that may end an answer, and the longest of them in bytes.
const MOST_STOPS: usize = 16;
const LONGEST_STOP: usize = 256;
/// Likely tokens that are told with each token.
pub(crate) const MOST_LIKELIEST: usize = 20;

/// The fields of a request that say how to sample. Fields with other names are ignored.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Sampling {
    pub(crate) model: Option<String>,
    n: Option<u64>,
    best_of: Option<u64>,
    pub(crate) temperature: Option<f32>,
    pub(crate) top_p: Option<f32>,
    pub(crate) top_k: Option<i64>,
    pub(crate) min_p: Option<f32>,
    pub(crate) seed: Option<i64>,
    stop: Option<Stop>,
    pub(crate) stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    presence_penalty: Option<f64>,
    frequency_penalty: Option<f64>,
    logit_bias: Option<Value>,
    response_format: Option<Value>,
    tools: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
enum Stop {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

impl Sampling {
    /// Samples of each prompt.
    pub(crate) fn samples(&self, most: usize) -> Result<usize, ApiError> {
        let n = self.n.unwrap_or(1);
        if self.best_of.is_some_and(|best_of| best_of != n) {
            return Err(ApiError::bad(
                "best_of",
                "`best_of` must be `n`: this server returns all that it samples",
            ));
        }
        match usize::try_from(n) {
            Ok(0) => Err(ApiError::bad("n", "`n` must be at least 1")),
            Ok(n) if n <= most => Ok(n),
            _ => Err(ApiError::bad("n", format!("`n` is {n}, more than {most}; ask in several requests"))),
        }
    }

    /// Texts that end an answer.
    pub(crate) fn stops(&self) -> Result<Vec<String>, ApiError> {
        let stops = match &self.stop {
            None => Vec::new(),
            Some(Stop::One(stop)) => vec![stop.clone()],
            Some(Stop::Many(stops)) => stops.clone(),
        };
        if stops.len() > MOST_STOPS || stops.iter().any(|stop| stop.is_empty() || stop.len() > LONGEST_STOP) {
            let message = format!(
                "`stop` takes at most {MOST_STOPS} texts, none of them empty or longer than {LONGEST_STOP} bytes"
            );
            return Err(ApiError::bad("stop", message));
        }
        Ok(stops)
    }

    /// Whether a stream ends with how much was used.
    pub(crate) fn tells_usage(&self) -> bool {
        self.stream_options.as_ref().is_some_and(|options| options.include_usage)
    }

    /// Refuses what would change the answer and is not done here.
    pub(crate) fn refuse_unknown(&self) -> Result<(), ApiError> {
        let is_some = |value: &Option<Value>| {
            value.as_ref().is_some_and(|value| match value {
                Value::Null => false,
                Value::Array(items) => !items.is_empty(),
                Value::Object(fields) => !fields.is_empty(),
                _ => true,
            })
        };
        let format = self.response_format.as_ref().filter(|format| format["type"] != "text").cloned();
        let asked = [
            ("presence_penalty", self.presence_penalty.unwrap_or(0.0) != 0.0),
            ("frequency_penalty", self.frequency_penalty.unwrap_or(0.0) != 0.0),
            ("logit_bias", is_some(&self.logit_bias)),
            ("response_format", is_some(&format)),
            ("tools", is_some(&self.tools)),
        ];
        match asked.into_iter().find(|(_, asked)| *asked) {
            Some((name, _)) => {
                Err(ApiError::bad(name, format!("`{name}` is not known to this server; leave it out")))
            }
            None => Ok(()),
        }
    }
}

/// How many likely tokens are to be told with each token.
pub(crate) fn likeliest(param: &'static str, count: u64) -> Result<usize, ApiError> {
    match usize::try_from(count) {
        Ok(count) if count <= MOST_LIKELIEST => Ok(count),
        _ => Err(ApiError::bad(param, format!("`{param}` is {count}, more than {MOST_LIKELIEST}"))),
    }
}
