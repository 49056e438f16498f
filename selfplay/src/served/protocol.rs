//! What is asked of `/v1/completions`, and what comes back.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::request::{Choice, Content, SamplingParameters};

/// What all requests of a call have in common.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// The model to ask for, if it is not the server's to say.
    pub model: Option<String>,
    pub parameters: SamplingParameters,
    pub logprobs: bool,
    pub extra: Map<String, Value>,
}

/// What is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// The server gave it up half-way: it can be asked for again.
    GivenUp(String),
    /// It is none of this protocol.
    Foreign(String),
}

/// What to do where log-probabilities are none.
const NO_NUMBERS: &str = "See that the server loaded the checkpoint's weights as they are and that its precision holds them; \
                          sampling.server.logprobs = false leaves log-probabilities out";

/// The body of a request.
pub(super) fn body(model: &str, terms: &Terms, prompt: &Content, max_tokens: usize, seeds: &[u64]) -> Value {
    let mut fields = json!({
        "model": model,
        "prompt": match prompt {
            Content::Text(text) => json!(text),
            Content::Tokens(tokens) => json!(tokens),
        },
        "max_tokens": max_tokens,
        "temperature": short(terms.parameters.temperature),
        "top_p": short(terms.parameters.top_p),
        "seed": seed(seeds),
    });
    if let Some(fields) = fields.as_object_mut() {
        if seeds.len() > 1 {
            fields.insert("n".to_owned(), json!(seeds.len()));
        }
        if !terms.parameters.stop.is_empty() {
            fields.insert("stop".to_owned(), json!(terms.parameters.stop));
        }
        // Only where it is needed: some servers refuse a field that they do not know.
        if terms.parameters.show_special {
            fields.insert("skip_special_tokens".to_owned(), json!(false));
        }
        if terms.logprobs {
            fields.insert("logprobs".to_owned(), json!(1));
        }
        fields.extend(terms.extra.clone());
    }
    fields
}

/// The seed of a request is that of its first sample, as a number that every server takes: some have 32 bits for it, and
/// count on from it for the other samples.
fn seed(seeds: &[u64]) -> u64 {
    seeds.first().map_or(0, |seed| seed >> 33)
}

/// The number as it was written: 0.95, not 0.949999988079071.
fn short(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}

#[derive(Deserialize)]
struct Reply {
    choices: Vec<Told>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Told {
    text: String,
    #[serde(default)]
    index: usize,
    finish_reason: Option<String>,
    #[serde(default)]
    logprobs: Option<Logprobs>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: Option<usize>,
    #[serde(default)]
    completion_tokens: Option<usize>,
}

/// As OpenAI's completions have them, or as its chats do.
#[derive(Deserialize)]
struct Logprobs {
    #[serde(default)]
    token_logprobs: Option<Vec<Option<f64>>>,
    #[serde(default)]
    content: Option<Vec<OfToken>>,
}

#[derive(Deserialize)]
struct OfToken {
    logprob: f64,
}

/// What an answer says.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its texts, at least one.
    pub choices: Vec<Choice>,
    /// How many tokens the prompt has, if the server says that.
    pub prompt_tokens: Option<usize>,
}

/// An answer, with at most `most` texts.
pub(super) fn read(text: &str, most: usize) -> Result<Answer, Wrong> {
    let reply: Reply = serde_json::from_str(text).map_err(|error| unreadable(&error, text))?;
    let counted = reply.usage.as_ref().and_then(|usage| usage.completion_tokens);
    if let Some(count) = counted.filter(|count| u32::try_from(*count).is_err()) {
        return Err(Wrong::Foreign(format!("`usage.completion_tokens` is {count}, more than any text has")));
    }
    let mut told = reply.choices;
    if told.is_empty() {
        return Err(Wrong::Foreign("`choices` is empty".to_owned()));
    }
    told.sort_by_key(|choice| choice.index);
    told.truncate(most);
    let mut choices = told.into_iter().map(choice).collect::<Result<Vec<_>, _>>()?;
    // Of several texts the server says only how many tokens they have together.
    if let [only] = &mut choices[..] {
        only.tokens = counted.or(only.tokens);
    }
    let prompt_tokens = reply.usage.and_then(|usage| usage.prompt_tokens).filter(|count| *count > 0);
    Ok(Answer { choices, prompt_tokens })
}

/// What is wrong with a text that does not parse. Python writes what is no number as `NaN`, which JSON does not have.
fn unreadable(error: &serde_json::Error, text: &str) -> Wrong {
    let has_none = error.is_syntax() && ["NaN", "Infinity"].iter().any(|it| text.contains(it));
    let advice = if has_none { format!(": a number in it is none. {NO_NUMBERS}") } else { String::new() };
    Wrong::Foreign(format!("{error}{advice}"))
}

fn choice(told: Told) -> Result<Choice, Wrong> {
    let finished = match told.finish_reason.as_deref() {
        Some("stop" | "eos" | "eos_token" | "stop_sequence") => true,
        Some("length") => false,
        Some(other) => return Err(Wrong::GivenUp(format!("a text ended with `finish_reason` {other:?}"))),
        None => return Err(Wrong::Foreign("a text has no `finish_reason`".to_owned())),
    };
    let of_tokens = told.logprobs.and_then(|it| match (it.token_logprobs, it.content) {
        (Some(each), _) => Some(each.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>()),
        (None, Some(each)) => Some(each.into_iter().map(|token| token.logprob).collect()),
        (None, None) => None,
    });
    let of_tokens = of_tokens.filter(|each| !each.is_empty());
    let tokens = of_tokens.as_ref().map(Vec::len);
    let logprob = of_tokens.map(|each| each.iter().sum::<f64>());
    if logprob.is_some_and(|sum| !sum.is_finite()) {
        return Err(Wrong::Foreign(format!("its log-probabilities come to no number. {NO_NUMBERS}")));
    }
    Ok(Choice { text: told.text, finished, logprob, tokens })
}

/// A model that a server has, as it lists it.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    /// Its name.
    pub id: String,
    /// Text, where it is known: which program serves it, or whose model it is.
    #[serde(default)]
    owned_by: Value,
}

impl Listed {
    /// Whether a program serves it that takes whatever name it is asked for, and says it again in its answers.
    pub(super) fn has_any_name(&self) -> bool {
        matches!(self.owned_by.as_str(), Some("sglang" | "llamacpp"))
    }
}

/// The models in an answer of `/v1/models`.
pub(super) fn models(text: &str) -> Result<Vec<Listed>, Wrong> {
    #[derive(Deserialize)]
    struct Models {
        data: Vec<Listed>,
    }
    let models: Models = serde_json::from_str(text).map_err(|error| Wrong::Foreign(error.to_string()))?;
    Ok(models.data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> Terms {
        let stop = vec!["\n\n".to_owned()];
        let parameters = SamplingParameters { temperature: 0.95, top_p: 1.0, stop, show_special: false };
        Terms { model: None, parameters, logprobs: true, extra: Map::new() }
    }

    #[test]
    fn a_request_says_what_is_wanted_and_no_more() {
        let mut terms = terms();
        let prompt = Content::Text("a".to_owned());
        let several = body("m", &terms, &prompt, 9, &[u64::MAX, 3]);
        let expected = json!({
            "model": "m", "prompt": "a", "max_tokens": 9, "temperature": 0.95, "top_p": 1.0,
            "seed": i32::MAX, "n": 2, "stop": ["\n\n"], "logprobs": 1,
        });
        assert_eq!(several, expected);
        (terms.logprobs, terms.parameters.stop) = (false, Vec::new());
        terms.extra.insert("top_k".to_owned(), json!(-1));
        let one = body("m", &terms, &Content::Tokens(vec![4, 5]), 9, &[1 << 33]);
        let expected = json!({
            "model": "m", "prompt": [4, 5], "max_tokens": 9, "temperature": 0.95, "top_p": 1.0, "seed": 1, "top_k": -1,
        });
        assert_eq!(one, expected);
    }

    #[test]
    fn special_tokens_are_shown_where_a_stop_text_has_one() {
        let mut terms = terms();
        let shown = |terms: &Terms| {
            body("m", terms, &Content::Tokens(vec![4]), 9, &[1]).get("skip_special_tokens").cloned()
        };
        assert_eq!(shown(&terms), None);
        terms.parameters.show_special = true;
        assert_eq!(shown(&terms), Some(json!(false)));
        terms.extra.insert("skip_special_tokens".to_owned(), json!(true));
        assert_eq!(shown(&terms), Some(json!(true)), "what the settings say counts");
    }

    #[test]
    fn texts_come_in_the_order_of_their_numbers_with_what_is_known_of_them() {
        let text = json!({
            "choices": [
                { "index": 1, "text": "b", "finish_reason": "length" },
                { "index": 0, "text": "a", "finish_reason": "stop",
                  "logprobs": { "token_logprobs": [-1.0, null, -0.5], "tokens": ["x", "y", "z"] } },
            ],
            "usage": { "completion_tokens": 7, "prompt_tokens": 4 },
        });
        let answer = read(&text.to_string(), 5).unwrap();
        let first = Choice { text: "a".to_owned(), finished: true, logprob: Some(-1.5), tokens: Some(3) };
        let second = Choice { text: "b".to_owned(), finished: false, logprob: None, tokens: None };
        assert_eq!((&answer.choices[..], answer.prompt_tokens), (&[first, second][..], Some(4)));
        assert_eq!(read(&text.to_string(), 1).unwrap().choices.len(), 1);
    }

    #[test]
    fn log_probabilities_also_come_as_those_of_chats() {
        let text = r#"{"choices": [{"text": "a", "finish_reason": "stop", "logprobs": {"content": [{"logprob": -2.0}]}}]}"#;
        let answer = read(text, 1).unwrap();
        assert_eq!((answer.choices[0].logprob, answer.choices[0].tokens), (Some(-2.0), Some(1)));
        assert_eq!(answer.prompt_tokens, None);
    }

    #[test]
    fn one_text_has_all_tokens_of_the_answer() {
        let text = r#"{"choices": [{"text": "a", "finish_reason": "stop"}],
                       "usage": {"completion_tokens": 3, "prompt_tokens": 0}}"#;
        let answer = read(text, 1).unwrap();
        assert_eq!((answer.choices[0].tokens, answer.prompt_tokens), (Some(3), None), "0 means nothing");
    }

    #[test]
    fn numbers_that_cannot_be_are_named() {
        let reason = |text: &str| match read(text, 1) {
            Err(Wrong::Foreign(reason)) => reason,
            other => panic!("{other:?}"),
        };
        let counted = format!(
            r#"{{"choices": [{{"text": "a", "finish_reason": "stop"}}], "usage": {{"completion_tokens": {}}}}}"#,
            1_u64 << 32
        );
        assert!(reason(&counted).contains("`usage.completion_tokens` is 4294967296"), "{}", reason(&counted));
        for logprobs in ["NaN", "-Infinity", "-1.7e308, -1.7e308"] {
            let text = format!(
                r#"{{"choices": [{{"text": "a", "finish_reason": "stop", "logprobs": {{"token_logprobs": [{logprobs}]}}}}]}}"#
            );
            assert!(reason(&text).contains("sampling.server.logprobs"), "{}", reason(&text));
        }
        assert!(!reason("<html>").contains("logprobs"));
    }

    #[test]
    fn programs_that_take_any_name_are_known_by_what_they_list() {
        let any_name = |owner: Value| {
            let text = json!({ "data": [{ "id": "m", "owned_by": owner }] }).to_string();
            models(&text).unwrap()[0].has_any_name()
        };
        assert!(any_name(json!("sglang")) && any_name(json!("llamacpp")));
        assert!(!any_name(json!("vllm")) && !any_name(json!(null)) && !any_name(json!(1)));
        assert!(!models(r#"{"data": [{"id": "m"}]}"#).unwrap()[0].has_any_name());
    }

    #[test]
    fn what_is_no_answer_is_told_from_what_was_given_up() {
        let foreign = |text: &str| matches!(read(text, 1), Err(Wrong::Foreign(_)));
        assert!(foreign("<html>") && foreign("{}") && foreign(r#"{"choices": []}"#));
        assert!(foreign(r#"{"choices": [{"text": "a", "finish_reason": null}]}"#));
        assert!(foreign(r#"{"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}"#));
        let given_up = read(r#"{"choices": [{"text": "a", "finish_reason": "abort"}]}"#, 1);
        assert!(matches!(given_up, Err(Wrong::GivenUp(_))));
    }
}
