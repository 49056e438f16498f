//! Settings of sampling by servers of others.

use serde::{Deserialize, Serialize};

use super::Check;

/// What samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// Ours, in this process.
    #[default]
    Own,
    /// Servers with OpenAI's protocol.
    Openai,
}

/// How a prompt is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SentAs {
    /// As text, which the server's tokenizer reads.
    #[default]
    Text,
    /// As the numbers of its tokens.
    Tokens,
}

/// Servers that sample with the engine `openai`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Servers {
    /// Where they are, such as `http://localhost:8000`.
    pub urls: Vec<String>,
    /// The model to ask for, in which `{checkpoint}` stands for the checkpoint's folder and `{name}` for its name. Empty:
    /// the one that the server has.
    pub model: String,
    /// The variable of the environment that holds the key; without it no key is sent.
    pub key_variable: String,
    /// Whether prompts are sent as `text` or as `tokens`.
    pub prompts: SentAs,
    /// Samples of one prompt that a request asks for, at most.
    pub samples_per_request: usize,
    /// Whether log-probabilities are asked for.
    pub logprobs: bool,
    /// Further fields of each request, as a JSON object.
    pub extra: String,
    /// Requests that each server has at a time.
    pub concurrency: usize,
    /// How often in a row a server may fail before its work is left to the others.
    pub retries: u32,
    /// How long an answer may take, in seconds.
    pub timeout_seconds: f64,
    /// A shell command that gives each server the next checkpoint. Empty: nothing is run.
    pub reload: String,
}

impl Default for Servers {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            model: String::new(),
            key_variable: "OPENAI_API_KEY".to_owned(),
            prompts: SentAs::Text,
            samples_per_request: 8,
            logprobs: true,
            extra: String::new(),
            concurrency: 32,
            retries: 6,
            timeout_seconds: 600.0,
            reload: String::new(),
        }
    }
}

impl Servers {
    /// Whether a server can come to have the next checkpoint.
    pub fn follow(&self) -> bool {
        !self.reload.is_empty() || self.model.contains("{checkpoint}") || self.model.contains("{name}")
    }

    /// The further fields of a request; none if they are no object.
    pub fn extra_fields(&self) -> Option<serde_json::Map<String, serde_json::Value>> {
        if self.extra.trim().is_empty() {
            Some(Default::default())
        } else {
            serde_json::from_str(&self.extra).ok()
        }
    }

    pub(super) fn checks(&self, engine: Engine) -> Vec<Check> {
        let is_url = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        vec![
            (
                engine == Engine::Own || !self.urls.is_empty(),
                "sampling.engine = \"openai\" needs at least one address in sampling.server.urls",
            ),
            (
                self.urls.iter().all(is_url),
                "sampling.server.urls must be addresses that begin with http:// or https://",
            ),
            (self.samples_per_request > 0, "sampling.server.samples_per_request must be at least 1"),
            (
                (1..=4096).contains(&self.concurrency),
                "sampling.server.concurrency must be at least 1 and at most 4096",
            ),
            (
                self.timeout_seconds > 0.0 && self.timeout_seconds <= 1e6,
                "sampling.server.timeout_seconds must be above 0 and at most a million",
            ),
            (
                self.extra_fields().is_some(),
                "sampling.server.extra must be a JSON object, such as '{\"top_k\": -1}'",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(change: impl FnOnce(&mut Servers)) -> Vec<&'static str> {
        let mut servers = Servers { urls: vec!["http://a:1".to_owned()], ..Servers::default() };
        change(&mut servers);
        servers.checks(Engine::Openai).into_iter().filter(|(good, _)| !good).map(|(_, rule)| rule).collect()
    }

    #[test]
    fn what_cannot_be_asked_is_named() {
        assert!(broken(|_| {}).is_empty());
        assert!(broken(|it| it.urls.clear())[0].contains("sampling.server.urls"));
        assert!(broken(|it| it.urls.push("a:1".to_owned()))[0].contains("http://"));
        assert!(broken(|it| it.concurrency = 0)[0].contains("concurrency"));
        assert!(broken(|it| it.timeout_seconds = f64::NAN)[0].contains("timeout_seconds"));
        assert!(broken(|it| it.extra = "[1]".to_owned())[0].contains("extra"));
        assert!(Servers::default().checks(Engine::Own).iter().all(|(good, _)| *good));
    }

    #[test]
    fn a_server_follows_by_a_command_or_by_the_name_of_its_model() {
        let mut servers = Servers::default();
        assert!(!servers.follow());
        servers.model = "{checkpoint}".to_owned();
        assert!(servers.follow());
        servers = Servers { reload: "true".to_owned(), ..Servers::default() };
        assert!(servers.follow());
    }
}
