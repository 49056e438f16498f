//! The protocol, with a tiny model of random weights, by a client over HTTP.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stp_model::{
    Checkpoint, Device, Lm, ModelConfig, SampleConfig, SampleRequest, StopWhen, Tokenizer, sample,
};
use stp_verifier::serve::ServeError;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::{ServeConfig, Served, Server};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
const TEMPLATE: &str = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:";

fn checkpoint() -> Checkpoint {
    let texts = ["theorem x (n : Nat) : n + 0 = n := by simp".to_owned()];
    let tokenizer = Tokenizer::train(&texts, 300).unwrap();
    let config = ModelConfig {
        vocab_size: tokenizer.vocab_size(),
        layers: 1,
        width: 16,
        heads: 2,
        kv_heads: 1,
        ff: 24,
        max_seq: 2000,
        ..ModelConfig::default()
    };
    Checkpoint::new(Lm::init(&config, &Device::flex(), 3).unwrap(), tokenizer)
}

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    run: JoinHandle<Result<(), ServeError>>,
}

fn start(checkpoint: Checkpoint, config: ServeConfig) -> Running {
    start_with(checkpoint, config, usize::MAX)
}

/// A server whose sequences have at most `max_seq` tokens.
fn start_with(checkpoint: Checkpoint, config: ServeConfig, max_seq: usize) -> Running {
    let config = ServeConfig { listen: "127.0.0.1:0".into(), ..config };
    let server = RUNTIME.block_on(Server::bind(config)).unwrap();
    let address = server.address();
    let settings = SampleConfig { batch: 8, cache_mb: 64, max_seq, ..SampleConfig::default() };
    let served = Served::new("tiny".to_owned(), checkpoint, &settings).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let run = RUNTIME.spawn(server.run(served, async move {
        let _ = stopped.await;
    }));
    Running { address, stop, run }
}

/// A server for everybody, with a chat template.
static SHARED: LazyLock<SocketAddr> = LazyLock::new(|| {
    let Running { address, stop, .. } =
        start(checkpoint().with_chat_template(TEMPLATE), ServeConfig::default());
    std::mem::forget(stop);
    address
});

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

fn send(address: SocketAddr, path: &str, body: &str) -> ureq::http::Response<ureq::Body> {
    let request = agent().post(format!("http://{address}{path}")).header("content-type", "application/json");
    request.send(body).unwrap()
}

fn post_to(address: SocketAddr, path: &str, body: &Value) -> (u16, Value) {
    let mut response = send(address, path, &body.to_string());
    let text = response.body_mut().read_to_string().unwrap();
    let body = serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"));
    (response.status().as_u16(), body)
}

fn ask(body: &Value) -> Value {
    let (code, answer) = post_to(*SHARED, "/v1/completions", body);
    assert_eq!(code, 200, "{body}: {answer}");
    answer
}

fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut response = agent().get(format!("http://{address}{path}")).call().unwrap();
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}

fn texts(answer: &Value) -> Vec<&str> {
    answer["choices"].as_array().unwrap().iter().map(|choice| choice["text"].as_str().unwrap()).collect()
}

/// What the model says to a prompt without any server.
fn reference(prompt: &str, settings: &SampleConfig, seeds: &[u64]) -> Vec<String> {
    let checkpoint = checkpoint();
    let settings = SampleConfig { stop: checkpoint.end_tokens.clone(), ..settings.clone() };
    let prompt = checkpoint.tokenizer.encode_prompt(prompt).unwrap();
    let request = SampleRequest { prompt, seeds: seeds.to_vec() };
    let mut texts = vec![String::new(); seeds.len()];
    sample(&checkpoint.model, &[request], &settings, &mut |completion| {
        texts[completion.sample] = checkpoint.tokenizer.decode_plain(&completion.tokens);
        ControlFlow::Continue(())
    })
    .unwrap();
    texts
}

#[test]
fn a_seed_says_what_the_model_says_without_a_server() {
    let settings =
        SampleConfig { temperature: 0.7, top_p: 0.9, max_new_tokens: 12, ..SampleConfig::default() };
    let body = json!({
        "model": "tiny", "prompt": ["theorem", "by simp"], "n": 3, "max_tokens": 12, "temperature": 0.7,
        "top_p": 0.9, "seed": 5, "user": "somebody", "a_field_of_the_future": [1],
    });
    let answer = ask(&body);
    let expected = [reference("theorem", &settings, &[5, 6, 7]), reference("by simp", &settings, &[5, 6, 7])];
    assert_eq!(texts(&answer), expected.concat());
    let indices: Vec<_> = answer["choices"].as_array().unwrap().iter().map(|it| &it["index"]).collect();
    assert_eq!(indices, [0, 1, 2, 3, 4, 5]);
    assert_eq!((&answer["object"], &answer["model"]), (&json!("text_completion"), &json!("tiny")));
    let tokens = |text: &str| checkpoint().tokenizer.encode_prompt(text).unwrap();
    let [one, two] = ["theorem", "by simp"].map(tokens);
    let usage = &answer["usage"];
    assert_eq!(usage["prompt_tokens"], one.len() + two.len());
    assert!(usage["completion_tokens"].as_u64().unwrap() <= 72 && usage["total_tokens"].as_u64() > Some(6));

    let mut by_tokens = body;
    by_tokens["prompt"] = json!([one, two]);
    assert_eq!(texts(&ask(&by_tokens)), texts(&answer), "tokens are taken as they are");
    by_tokens["prompt"] = json!(one);
    assert_eq!(texts(&ask(&by_tokens)), texts(&answer)[..3], "no prompt depends on the others");
    let without_a_seed = json!({ "prompt": "theorem", "n": 2, "max_tokens": 12 });
    assert_ne!(texts(&ask(&without_a_seed)), texts(&ask(&without_a_seed)));
}

#[test]
fn clients_that_ask_at_once_get_what_each_gets_alone() {
    let bodies: Vec<_> = (0..12)
        .map(|number| {
            let (temperature, top_k) = ([0.0, 0.8, 1.3][number % 3], [0, 5, -1][number % 3]);
            let (n, max_tokens) = (1 + number % 4, 5 + 9 * (number % 5));
            json!({
                "prompt": format!("theorem x{number}"), "n": n, "max_tokens": max_tokens, "temperature": temperature,
                "top_k": top_k, "seed": number,
            })
        })
        .collect();
    let alone: Vec<_> = bodies.iter().map(|body| ask(body)["choices"].clone()).collect();
    std::thread::scope(|scope| {
        let asked: Vec<_> = bodies.iter().map(|body| scope.spawn(|| ask(body)["choices"].clone())).collect();
        let together: Vec<_> = asked.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(together, alone);
    });
}

#[test]
fn a_text_ends_an_answer_and_stands_not_in_it() {
    let body = json!({ "prompt": "theorem", "max_tokens": 40, "temperature": 0, "logprobs": 0 });
    let whole = ask(&body);
    let text = texts(&whole)[0];
    assert_eq!(whole["choices"][0]["finish_reason"], "length");
    let middle = text.char_indices().nth(text.chars().count() / 2).unwrap().0;
    let stop: String = text[middle..].chars().take(2).collect();
    let mut stopped = body.clone();
    stopped["stop"] = json!(["never to be found", stop]);
    let answer = ask(&stopped);
    let choice = &answer["choices"][0];
    assert_eq!(
        (texts(&answer)[0], &choice["finish_reason"]),
        (&text[..text.find(&stop).unwrap()], &json!("stop"))
    );
    let tokens = choice["logprobs"]["tokens"].as_array().unwrap().len() as u64;
    assert!(tokens < 40 && answer["usage"]["completion_tokens"].as_u64().unwrap() >= tokens);
    let settings = SampleConfig {
        temperature: 0.0,
        max_new_tokens: 40,
        stop_when: Some(StopWhen::text_ends_with(&checkpoint().tokenizer, vec![stop.clone()])),
        ..SampleConfig::default()
    };
    assert!(reference("theorem", &settings, &[0])[0].starts_with(texts(&answer)[0]));
}

#[test]
fn tokens_come_with_their_probabilities() {
    let body = json!({ "prompt": "theorem", "max_tokens": 6, "temperature": 0, "logprobs": 3, "seed": 1 });
    let answer = ask(&body);
    let logprobs = &answer["choices"][0]["logprobs"];
    let list = |name: &str| logprobs[name].as_array().unwrap().clone();
    let (tokens, own, likeliest, offsets) =
        (list("tokens"), list("token_logprobs"), list("top_logprobs"), list("text_offset"));
    assert!([&own, &likeliest, &offsets].iter().all(|it| it.len() == tokens.len()) && !tokens.is_empty());
    for (own, likeliest) in own.iter().zip(&likeliest) {
        let best =
            likeliest.as_object().unwrap().values().map(|it| it.as_f64().unwrap()).fold(f64::MIN, f64::max);
        let own = own.as_f64().unwrap();
        assert!(own <= 0.0 && (best - own).abs() < 1e-9, "greedy takes the likeliest: {logprobs}");
    }
    assert!(offsets[0] == 0 && offsets.is_sorted_by_key(|offset| offset.as_u64()), "{offsets:?}");
    assert_eq!(ask(&json!({ "prompt": "x", "max_tokens": 2 }))["choices"][0]["logprobs"], Value::Null);
}

/// The data of a stream's events, but the last, which is not JSON.
fn events(address: SocketAddr, path: &str, body: &Value) -> Vec<Value> {
    let response = send(address, path, &body.to_string());
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let lines = BufReader::new(response.into_body().into_reader()).lines().map(Result::unwrap);
    let mut data: Vec<_> = lines.filter_map(|line| Some(line.strip_prefix("data: ")?.to_owned())).collect();
    assert_eq!(data.pop().as_deref(), Some("[DONE]"));
    data.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

#[test]
fn a_stream_comes_to_the_same_text() {
    let mut body = json!({
        "prompt": ["theorem", "by"], "n": 2, "max_tokens": 30, "seed": 11, "logprobs": 1, "stop": ["e", "∀"],
    });
    let whole = ask(&body);
    body["stream"] = true.into();
    body["stream_options"] = json!({ "include_usage": true });
    let mut parts = events(*SHARED, "/v1/completions", &body);
    let last = parts.pop().unwrap();
    assert_eq!((&last["usage"], &last["choices"]), (&whole["usage"], &json!([])));
    for (index, choice) in whole["choices"].as_array().unwrap().iter().enumerate() {
        let of_choice: Vec<_> =
            parts.iter().map(|part| &part["choices"][0]).filter(|part| part["index"] == index).collect();
        let text: String = of_choice.iter().map(|part| part["text"].as_str().unwrap()).collect();
        assert_eq!(text, choice["text"].as_str().unwrap());
        let finishes: Vec<_> = of_choice.iter().map(|part| &part["finish_reason"]).collect();
        assert_eq!(**finishes.last().unwrap(), choice["finish_reason"]);
        assert!(finishes[..finishes.len() - 1].iter().all(|finish| finish.is_null()));
    }
    assert!(parts.len() > 8, "it came in parts: {}", parts.len());
}

#[test]
fn a_conversation_goes_through_the_template() {
    let messages = json!([
        { "role": "system", "content": "be short" },
        { "role": "user", "content": [{ "type": "text", "text": "prove" }, { "type": "text", "text": " it" }] },
    ]);
    let body = json!({
        "messages": messages, "max_tokens": 9, "seed": 4, "n": 2, "logprobs": true, "top_logprobs": 2,
    });
    let (code, answer) = post_to(*SHARED, "/v1/chat/completions", &body);
    assert_eq!((code, &answer["object"]), (200, &json!("chat.completion")), "{answer}");
    let settings = SampleConfig { max_new_tokens: 9, ..SampleConfig::default() };
    let expected = reference("system: be short\nuser: prove it\nassistant:", &settings, &[4, 5]);
    let choices = answer["choices"].as_array().unwrap();
    for (choice, expected) in choices.iter().zip(&expected) {
        assert_eq!(choice["message"], json!({ "role": "assistant", "content": expected }));
        let content = choice["logprobs"]["content"].as_array().unwrap();
        assert!(content.iter().all(|token| token["top_logprobs"].as_array().unwrap().len() == 2));
    }
    let mut body = body;
    body["stream"] = true.into();
    let parts = events(*SHARED, "/v1/chat/completions", &body);
    let deltas = parts.iter().map(|part| &part["choices"][0]).filter(|choice| choice["index"] == 1);
    let text: String = deltas.map(|choice| choice["delta"]["content"].as_str().unwrap()).collect();
    assert_eq!(text, expected[1]);
    assert_eq!(parts[0]["choices"][0]["delta"]["role"], "assistant");

    let plain = start(checkpoint(), ServeConfig::default());
    let (code, answer) = post_to(plain.address, "/v1/chat/completions", &body);
    assert!(
        code == 404 && answer["error"]["message"].as_str().unwrap().contains("chat template"),
        "{answer}"
    );
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let long = "x ".repeat(3000);
    for (body, code, param, words) in [
        (json!({}), 400, "prompt", "missing"),
        (json!({ "prompt": "" }), 400, "prompt", "empty"),
        (json!({ "prompt": [] }), 400, "prompt", "empty"),
        (json!({ "prompt": long }), 400, "prompt", "takes 2000"),
        (json!({ "prompt": [100_000] }), 400, "prompt", "vocabulary"),
        (json!({ "prompt": "x", "max_tokens": 0 }), 400, "max_tokens", "at least 1"),
        (json!({ "prompt": "x", "n": 0 }), 400, "n", "at least 1"),
        (json!({ "prompt": "x", "n": 129 }), 400, "n", "more than 128"),
        (json!({ "prompt": ["x", "y"], "n": 100 }), 400, "n", "200 samples"),
        (json!({ "prompt": "x", "best_of": 3 }), 400, "best_of", "`n`"),
        (json!({ "prompt": "x", "temperature": -1 }), 400, "temperature", "0 or above"),
        (json!({ "prompt": "x", "top_p": 0 }), 400, "top_p", "above 0"),
        (json!({ "prompt": "x", "logprobs": 21 }), 400, "logprobs", "more than 20"),
        (json!({ "prompt": "x", "stop": "" }), 400, "stop", "none of them empty"),
        (json!({ "prompt": "x", "echo": true }), 400, "echo", "leave it out"),
        (json!({ "prompt": "x", "suffix": "y" }), 400, "suffix", "leave it out"),
        (json!({ "prompt": "x", "presence_penalty": 0.5 }), 400, "presence_penalty", "leave it out"),
        (json!({ "prompt": "x", "logit_bias": { "50": 1 } }), 400, "logit_bias", "leave it out"),
        (json!({ "prompt": "x", "model": "gpt" }), 404, "model", "ask for `tiny`"),
    ] {
        let (got, answer) = post_to(*SHARED, "/v1/completions", &body);
        let error = &answer["error"];
        assert_eq!((got, error["param"].as_str()), (code, Some(param)), "{answer}");
        assert!(error["message"].as_str().unwrap().contains(words), "{answer}");
        assert_eq!(error["type"], "invalid_request_error");
    }
    let (_, answer) = post_to(*SHARED, "/v1/completions", &json!({ "prompt": "y ".repeat(3000) }));
    assert_eq!(answer["error"]["code"], "context_length_exceeded");
    for (body, words) in
        [("{", "EOF"), (r#"{"prompt":5}"#, "a string"), (r#"{"prompt":"x","n":"two"}"#, "invalid type")]
    {
        let mut response = send(*SHARED, "/v1/completions", body);
        let text = response.body_mut().read_to_string().unwrap();
        assert!(response.status() == 400 && text.contains(words), "{body}: {text}");
    }
    // What changes nothing is no reason to refuse.
    let harmless = json!({
        "prompt": "x", "max_tokens": 1, "echo": false, "suffix": null, "best_of": 1, "logit_bias": {}, "stop": null,
        "presence_penalty": 0, "stream": false, "logprobs": null, "seed": null, "temperature": null,
    });
    ask(&harmless);
}

#[test]
fn sequences_are_as_long_as_the_server_lets_them_be() {
    let Running { address, stop, .. } = start_with(checkpoint(), ServeConfig::default(), 40);
    let models: Value = serde_json::from_str(&get(address, "/v1/models").1).unwrap();
    assert_eq!(models["data"][0]["max_model_len"], 40);
    let asked = |prompt: &str| {
        post_to(address, "/v1/completions", &json!({ "prompt": prompt, "max_tokens": 8, "seed": 1 }))
    };
    let (code, answer) = asked(&"x".repeat(60));
    assert!(code == 400 && answer.to_string().contains("40"), "{answer}");
    assert_eq!(asked("theorem").0, 200);
    drop(stop);
}

#[test]
fn models_are_listed_and_other_paths_are_named() {
    let (code, text) = get(*SHARED, "/v1/models");
    let models: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &models["data"][0]["id"]), (200, &json!("tiny")));
    assert_eq!(models["data"][0]["max_model_len"], 2000);
    assert_eq!(get(*SHARED, "/v1/models/tiny").0, 200);
    assert_eq!(get(*SHARED, "/v1/models/other").0, 404);
    let (code, text) = get(*SHARED, "/v1/embeddings");
    assert!(code == 404 && text.contains("/v1/completions"), "{text}");
    let (code, text) = get(*SHARED, "/v1/completions");
    assert!(code == 405 && text.contains("invalid_request_error"), "{text}");
    assert_eq!(get(*SHARED, "/health").1, r#"{"status":"ok"}"#);
}

#[test]
fn a_key_is_asked_for() {
    let server =
        start(checkpoint(), ServeConfig { api_key: Some("secret".to_owned()), ..ServeConfig::default() });
    let url = format!("http://{}/v1/models", server.address);
    let code = |key: &str| {
        let request = agent().get(&url).header("authorization", format!("Bearer {key}"));
        request.call().unwrap().status().as_u16()
    };
    assert_eq!((code("secret"), code("other")), (200, 401));
    let (code, text) = get(server.address, "/v1/models");
    assert!(code == 401 && text.contains("invalid_api_key"), "{text}");
    assert_eq!(get(server.address, "/metrics").0, 200, "needs no key");
}

fn metric(address: SocketAddr, name: &str) -> f64 {
    let page = get(address, "/metrics").1;
    let line = page.lines().find(|line| line.split(' ').next() == Some(name));
    line.unwrap_or_else(|| panic!("no {name} in\n{page}")).rsplit(' ').next().unwrap().parse().unwrap()
}

fn until(what: &str, reached: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !reached() {
        assert!(Instant::now() < deadline, "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A request that takes for ever, or nearly so.
fn endless() -> Value {
    json!({ "prompt": "theorem", "n": 100, "max_tokens": 1900, "stream": true })
}

#[test]
fn who_goes_away_is_not_sampled_for_and_who_comes_too_late_is_told() {
    let server = start(checkpoint(), ServeConfig { max_waiting: 100, ..ServeConfig::default() });
    let first = send(server.address, "/v1/completions", &endless().to_string());
    until("it is under way", || metric(server.address, "stp_in_progress") == 100.0);
    let (code, answer) = post_to(server.address, "/v1/completions", &json!({ "prompt": "x" }));
    assert_eq!((code, &answer["error"]["code"]), (429, &json!("rate_limit_exceeded")), "{answer}");
    drop(first);
    until("the places are free again", || metric(server.address, "stp_in_progress") == 0.0);
    let (code, _) = post_to(server.address, "/v1/completions", &json!({ "prompt": "x", "max_tokens": 2 }));
    assert_eq!(code, 200);
    let page = get(server.address, "/metrics").1;
    for line in [
        "stp_http_requests_total{path=\"/v1/completions\",code=\"429\"} 1",
        "stp_sampled_tokens_total",
        "stp_answer_seconds_count 1",
    ] {
        assert!(page.lines().any(|found| found.starts_with(line)), "{line} in\n{page}");
    }
}

#[test]
fn a_small_request_is_answered_while_a_large_one_runs() {
    let server = start(checkpoint(), ServeConfig::default());
    let large = send(server.address, "/v1/completions", &endless().to_string());
    until("it is under way", || metric(server.address, "stp_in_progress") >= 100.0);
    let body = json!({ "prompt": "x", "max_tokens": 3, "seed": 2 });
    let (_, answer) = post_to(server.address, "/v1/completions", &body);
    let settings = SampleConfig { max_new_tokens: 3, ..SampleConfig::default() };
    assert_eq!(texts(&answer), reference("x", &settings, &[2]));
    assert!(metric(server.address, "stp_in_progress") >= 100.0, "the large one still runs");
    drop(large);
}

#[test]
fn a_server_that_is_stopped_ends_what_runs() {
    let Running { address, stop, run } =
        start(checkpoint(), ServeConfig { grace: Duration::from_millis(10), ..ServeConfig::default() });
    let waiting = std::thread::spawn(move || {
        let mut body = endless();
        body["stream"] = false.into();
        post_to(address, "/v1/completions", &body)
    });
    until("it is under way", || metric(address, "stp_in_progress") == 100.0);
    stop.send(()).unwrap();
    let (code, answer) = waiting.join().unwrap();
    assert!(code == 503 && answer["error"]["type"] == "server_error", "{answer}");
    RUNTIME.block_on(run).unwrap().unwrap();
}
