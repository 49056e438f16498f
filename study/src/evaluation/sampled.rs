//! Which settings for sampling an evaluation depends on.

use serde_json::{Value, json};
use stp_model::Precision;
use stp_selfplay::config::{Engine, SamplingSettings};

/// What of the settings for sampling decides what a sample is: of servers neither where they are nor how they are asked.
/// Results from before there were servers, or 16 bits, still count.
pub(super) fn sampled(sampling: &SamplingSettings) -> Value {
    let mut fields = json!(sampling);
    if let Some(fields) = fields.as_object_mut() {
        fields.remove("server");
        if sampling.precision == Precision::F32 {
            fields.remove("precision");
        }
        match sampling.engine {
            Engine::Own => drop(fields.remove("engine")),
            Engine::Openai => {
                let server = &sampling.server;
                let told = json!([server.model, server.prompts, server.extra]);
                fields.insert("server".to_owned(), told);
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use stp_selfplay::config::RunConfig;

    use super::*;

    #[test]
    fn results_from_before_there_were_these_settings_still_count() {
        let mut sampling = RunConfig::load("smoke", None).unwrap().sampling;
        let mut before = json!(sampling);
        let later = ["engine", "server", "precision"];
        before.as_object_mut().unwrap().retain(|key, _| !later.contains(&key.as_str()));
        assert_eq!(sampled(&sampling), before);
        let rounded = SamplingSettings { precision: Precision::Bf16, ..sampling.clone() };
        assert_ne!(sampled(&rounded), before);
        sampling.server.urls = vec!["http://a".to_owned()];
        assert_eq!(sampled(&sampling), before, "servers that are not asked do not count");
        sampling.engine = Engine::Openai;
        let served = sampled(&sampling);
        assert_ne!(served, before);
        sampling.server.urls = vec!["http://b".to_owned()];
        assert_eq!(sampled(&sampling), served, "it does not matter where a server is");
        sampling.server.extra = "{\"top_k\": 1}".to_owned();
        assert_ne!(sampled(&sampling), served);
    }
}
