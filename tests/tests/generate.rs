//! `stp generate` and `stp serve --model` on the model that a run leaves, and how they refuse what is no model.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use stp_tests::played::smoke_run;
use stp_tests::{clients, external, stp};

fn generate(model: &Path, args: &[&str]) -> Output {
    Command::new(stp()).arg("generate").arg(model).args(args).output().unwrap()
}

fn answers(model: &Path, args: &[&str]) -> Vec<Value> {
    let output = generate(model, args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    rows.sort_by_key(|row| row["sample"].as_u64());
    rows
}

#[test]
fn the_model_of_a_run_answers() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    smoke_run(env!("CARGO_TARGET_TMPDIR"), &run);
    let model = run.join("checkpoints/final");
    let ask = ["--statement", "(m n : Nat) (h : m + 3 ≤ n) : m ≤ n + 5", "--json"];

    let five = answers(&model, &[&ask[..], &["-n", "5", "--seed", "7"]].concat());
    assert_eq!(five.len(), 5);
    assert!(five.iter().all(|row| row["logprob"].as_f64().unwrap() < 0.0 && row["tokens"].is_u64()));
    let third = answers(&model, &[&ask[..], &["--seed", "9"]].concat());
    assert_eq!(third[0]["text"], five[2]["text"], "a seed says the same in any company");

    let greedy = answers(&model, &[&ask[..], &["-n", "2", "--temperature", "0"]].concat());
    assert_eq!(greedy[0]["text"], greedy[1]["text"]);
    let text = greedy[0]["text"].as_str().unwrap();
    assert!(
        text.starts_with("by") && text.len() > 4,
        "even a small model begins a proof with `by`: {text:?}"
    );
    let stop: String = text.chars().skip(2).take(2).collect();
    let stopped = answers(&model, &[&ask[..], &["--temperature", "0", "--stop", &stop]].concat());
    assert_eq!(stopped[0]["text"], "by");
    let short = answers(&model, &[&ask[..], &["--temperature", "0", "--max-tokens", "1"]].concat());
    assert_eq!((&short[0]["tokens"], &short[0]["finished"]), (&Value::from(1), &Value::from(false)));

    for (args, hint) in [
        (&["x", "--chat"][..], "no chat template"),
        (&["x", "--temperature=-1"], "temperature"),
        (&["x", "--device", "gpu"], "no device `gpu`"),
        (&["x", "-n", "0"], "at least 1"),
    ] {
        let output = generate(&model, args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(hint), "{args:?}: {said}");
    }
    the_model_is_served(&model);
    fs::remove_file(model.join("model.safetensors")).unwrap();
    let output =
        Command::new(stp()).args(["serve", "--model"]).arg(&model).arg("--listen=127.0.0.1:0").output();
    let said = String::from_utf8_lossy(&output.unwrap().stderr).into_owned();
    assert!(said.contains("model.safetensors"), "{said}");
    let said = String::from_utf8_lossy(&generate(&model, &["x"]).stderr).into_owned();
    assert!(said.contains("model.safetensors"), "{said}");
}

/// `stp serve --model`, and where it listens.
fn serve(model: &Path) -> (Child, String) {
    let mut command = Command::new(stp());
    command.args(["serve", "--listen", "127.0.0.1:0", "--api-key", "secret", "--model"]).arg(model);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("listening on http://")).unwrap();
    let address = line.split("http://").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    std::thread::spawn(move || lines.for_each(drop));
    (child, address)
}

fn the_model_is_served(model: &Path) {
    let (mut child, address) = serve(model);
    let ask = |key: &str, body: &Value| {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = agent.post(format!("http://{address}/v1/completions"));
        let request = request.header("authorization", format!("Bearer {key}"));
        let mut response = request.send(body.to_string()).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), serde_json::from_str::<Value>(&text).unwrap())
    };
    let body = json!({ "model": "final", "prompt": "(n : Nat)", "n": 3, "max_tokens": 12, "seed": 7 });
    let (code, answer) = ask("secret", &body);
    assert_eq!(code, 200, "{answer}");
    let here = answers(model, &["(n : Nat)", "--json", "-n", "3", "--max-tokens", "12", "--seed", "7"]);
    let texts = |rows: &[Value]| rows.iter().map(|row| row["text"].clone()).collect::<Vec<_>>();
    assert_eq!(texts(answer["choices"].as_array().unwrap()), texts(&here), "as `stp generate` says");
    assert_eq!(ask("secret", &body).1["choices"], answer["choices"]);
    assert_eq!(ask("other", &body).0, 401);
    let (code, answer) = ask("secret", &json!({ "prompt": "n ".repeat(300) }));
    assert_eq!((code, &answer["error"]["code"]), (400, &json!("context_length_exceeded")), "{answer}");
    if external("the_model_of_a_run_answers, the part of openai's own client") {
        by_openais_own_client(&address);
    }
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

const CLIENT: &str = r#"
import json, sys, openai
client = openai.OpenAI(base_url=sys.argv[1], api_key="secret", max_retries=0)
model = client.models.list().data[0].id
ask = dict(model=model, prompt=["(n : Nat)", "(a b : Nat)"], n=2, max_tokens=10, seed=3, stop=["\n\n"])
whole = client.completions.create(**ask, temperature=0.7, logprobs=2)
again = client.completions.create(**ask, temperature=0.7, logprobs=2)
texts = lambda answer: [choice.text for choice in answer.choices]
parts = {}
for part in client.completions.create(**ask, temperature=0.7, stream=True, stream_options={"include_usage": True}):
    for choice in part.choices:
        parts[choice.index] = parts.get(choice.index, "") + choice.text
    usage = part.usage
def refusal(call):
    try:
        call()
    except openai.APIStatusError as error:
        return [type(error).__name__, error.param, error.code]
other = openai.OpenAI(base_url=sys.argv[1], api_key="other", max_retries=0)
print(json.dumps({
    "model": model,
    "same": texts(whole) == texts(again),
    "streamed": [parts[index] for index in sorted(parts)] == texts(whole),
    "usage": [whole.usage.total_tokens, usage.total_tokens],
    "logprobs": [len(choice.logprobs.tokens) == len(choice.logprobs.top_logprobs) for choice in whole.choices],
    "refusals": [
        refusal(lambda: client.completions.create(**{**ask, "model": "gpt"})),
        refusal(lambda: client.completions.create(**{**ask, "max_tokens": 0})),
        refusal(lambda: client.chat.completions.create(model=model, messages=[{"role": "user", "content": "x"}])),
        refusal(lambda: other.models.list()),
    ],
}))
"#;

fn by_openais_own_client(address: &str) {
    let python = clients(env!("CARGO_TARGET_TMPDIR"));
    let output = Command::new(python).args(["-c", CLIENT, &format!("http://{address}/v1")]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let facts: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&facts["model"], &facts["same"], &facts["streamed"]),
        (&json!("final"), &json!(true), &json!(true))
    );
    assert_eq!(
        (&facts["usage"][0], &facts["logprobs"]),
        (&facts["usage"][1], &json!([true, true, true, true]))
    );
    let refusals = json!([
        ["NotFoundError", "model", "model_not_found"],
        ["BadRequestError", "max_tokens", null],
        ["NotFoundError", null, null],
        ["AuthenticationError", null, "invalid_api_key"],
    ]);
    assert_eq!(facts["refusals"], refusals);
}

#[test]
fn a_model_that_is_fetched_is_converted_and_asked_for_a_proof() {
    if !external("a_model_that_is_fetched_is_converted_and_asked_for_a_proof") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let converted = folder.path().join("smollm2");
    let mut convert = Command::new(stp());
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("models-home");
    convert.args(["model", "convert", "smollm2"]).arg(&converted).env("STP_HOME", &home);
    let output = convert.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("134515008 parameters"), "{said}");
    let again = convert.output().unwrap();
    assert_eq!(
        (again.status.code(), converted.join("config.json").is_file()),
        (Some(2), true),
        "nothing is replaced"
    );
    let ask =
        ["--statement", "(a b : Nat) : a + b = b + a", "--json", "--temperature", "0", "--max-tokens", "16"];
    let row = answers(&converted, &ask).remove(0);
    assert!(
        !row["text"].as_str().unwrap().trim().is_empty() && row["logprob"].as_f64().unwrap() < 0.0,
        "{row}"
    );
}

#[test]
fn what_is_no_model_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.gguf");
    fs::write(&file, "no model").unwrap();
    let out = folder.path().join("out").display().to_string();
    for (args, code, hint) in [
        (["model", "convert", file.to_str().unwrap(), &out], 1, "not a GGUF file"),
        (["model", "convert", "/no/such/model", &out], 1, "/no/such/model"),
        (["model", "fetch", "llama", "--home=/tmp"], 2, "smollm2"),
        (["serve", "--listen=127.0.0.1:0", "--model", "/no/such/model"], 2, "has no model"),
        (["serve", "--listen=127.0.0.1:0", "--model", file.to_str().unwrap()], 1, "not a GGUF file"),
    ] {
        let output = Command::new(stp()).args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), said.contains(hint)), (Some(code), true), "{args:?}: {said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
    }
}
