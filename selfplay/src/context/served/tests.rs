use std::path::PathBuf;

use serde_json::json;
use stp_model::{Checkpoint, Device, Lm, ModelConfig, SampleConfig, Tokenizer};
use stp_prover::Goal;

use super::*;
use crate::config::{Layout, Servers};
use crate::context::Cancel;
use crate::context::prompts::{Prompts, SampleKind};
use crate::events::Events;
use crate::served::test::{Fake, Got};

const STATEMENT: &str = "(a b : Nat) : a + b = b + a";

fn own(layout: &str) -> ModelSampler {
    let texts: Vec<String> = vec![STATEMENT.to_owned(); 20];
    let tokenizer = Tokenizer::train(&texts, 330).unwrap();
    let config = ModelConfig {
        vocab_size: tokenizer.vocab_size(),
        layers: 1,
        width: 8,
        heads: 2,
        ff: 8,
        max_seq: 60,
        ..ModelConfig::default()
    };
    let checkpoint = Checkpoint::new(Lm::init(&config, &Device::flex(), 0).unwrap(), tokenizer);
    let prompts = Prompts::new(&checkpoint, &Layout::named(layout).unwrap()).unwrap();
    ModelSampler { checkpoint, prompts, longest: 60 }
}

fn sampler(server: &Fake, layout: &str, change: impl FnOnce(&mut Servers)) -> ServedSampler {
    let mut settings = Servers {
        urls: vec![server.url.clone()],
        model: "m".to_owned(),
        key_variable: "STP_TEST_NO_SUCH_KEY".to_owned(),
        ..Servers::default()
    };
    change(&mut settings);
    let served = Arc::new(Served::new(&settings, Events::none()).unwrap());
    let model = ServedModel { name: "stage1".to_owned(), folder: PathBuf::from("/stage1") };
    ServedSampler { served, model, own: own(layout), sent_as: settings.prompts }
}

/// What a server's answers become, in the order of seeds.
fn ask(sampler: &ServedSampler, seeds: u64, longest: usize) -> (Vec<Sample>, SampleStats) {
    let goal = Goal { name: "goal", header: "", signature: STATEMENT };
    let prompt = sampler.encode(&Prompt::Prove { goal }).unwrap();
    let requests = [SampleRequest { prompt, seeds: (0..seeds).collect() }];
    let settings = SampleConfig { max_new_tokens: longest, ..SampleConfig::default() };
    let asked =
        Asked { kind: SampleKind::Proof, requests: &requests, settings: &settings, cancel: &Cancel::new() };
    let mut found = Vec::new();
    let stats = sampler
        .sample(&asked, &mut |sample| {
            found.push(sample);
            ControlFlow::Continue(())
        })
        .unwrap();
    found.sort_by_key(|sample| sample.sample);
    (found, stats)
}

fn said(_: &Got, _: usize) -> serde_json::Value {
    json!({ "choices": [
        { "index": 0, "text": " by rfl\n\nexample", "finish_reason": "length" },
        { "index": 1, "text": " by simp", "finish_reason": "stop",
          "logprobs": { "token_logprobs": [-1.0, -0.5], "tokens": [" by", " simp"] } },
        { "index": 2, "text": " by sim", "finish_reason": "length" },
    ] })
}

#[test]
fn texts_become_samples() {
    let server = Fake::new(said);
    let (found, stats) = ask(&sampler(&server, "plain", |_| {}), 3, 9);
    let of = |sample, text: &str, finished| (sample, text.to_owned(), finished);
    let texts: Vec<_> = found.iter().map(|it| (it.sample, it.text.clone(), it.finished)).collect();
    let expected = [of(0, " by rfl", true), of(1, " by simp", true), of(2, " by sim", false)];
    assert_eq!(texts, expected, "a text that the layout ends with ends it, whatever the server says");
    assert_eq!(found.iter().map(|it| it.logprob).collect::<Vec<_>>(), [0.0, -1.5, 0.0]);
    assert_eq!(found[1].tokens, 2, "as the server has them");
    assert_eq!(found[0].tokens, own("plain").checkpoint.tokenizer.encode(" by rfl").len());
    assert_eq!((stats.completions, stats.interrupted), (3, false));
    assert_eq!(stats.tokens, found.iter().map(|it| it.tokens).sum::<usize>());
    let body = &server.bodies()[0];
    assert_eq!(body["prompt"], format!("example {STATEMENT} :="));
    assert_eq!((&body["stop"], &body["n"], &body["max_tokens"]), (&json!(["\n\n"]), &json!(3), &json!(9)));
}

#[test]
fn a_prompt_is_the_same_tokens_there_as_here() {
    let text = Fake::new(said);
    let by_text = sampler(&text, "markers", |_| {});
    ask(&by_text, 3, 1000);
    let body = &text.bodies()[0];
    assert_eq!(body["prompt"], format!("<|prove|>{STATEMENT}<|proof|>"));
    assert!(body.get("stop").is_none(), "the server knows the end token by itself");
    let tokens = Fake::new(said);
    let by_tokens = sampler(&tokens, "markers", |it| it.prompts = SentAs::Tokens);
    ask(&by_tokens, 3, 1000);
    let tokenizer = &by_text.own.checkpoint.tokenizer;
    let prompt = tokenizer.encode_prompt(body["prompt"].as_str().unwrap()).unwrap();
    assert_eq!(tokens.bodies()[0]["prompt"], json!(prompt));
    assert_eq!(body["max_tokens"], json!(60 - prompt.len()), "no more than there is room for");
}

#[test]
fn special_tokens_are_asked_for_where_one_ends_an_answer() {
    for (stop, asked) in [("<|statement|>", json!(false)), ("\n\n", json!(null))] {
        let server = Fake::new(said);
        let mut sampler = sampler(&server, "plain", |_| {});
        let mut layout = Layout::named("plain").unwrap();
        layout.proof.first.stop = vec![stop.to_owned()];
        sampler.own.prompts = Prompts::new(&sampler.own.checkpoint, &layout).unwrap();
        ask(&sampler, 3, 9);
        let body = &server.bodies()[0];
        assert_eq!((&body["stop"], &body["skip_special_tokens"]), (&json!([stop]), &asked));
    }
}

#[test]
fn the_tokens_of_a_prompt_are_counted_where_its_text_has_no_others() {
    let server = Fake::new(said);
    let by_text = sampler(&server, "markers", |_| {});
    let by_tokens = sampler(&server, "markers", |it| it.prompts = SentAs::Tokens);
    let counted = |sampler: &ServedSampler, prompt: &[u32]| {
        sampler.request(&SampleRequest { prompt: prompt.to_vec(), seeds: vec![0] }, 9).tokens
    };
    let tokenizer = &by_text.own.checkpoint.tokenizer;
    let prompt = tokenizer.encode_prompt("<|prove|>a + b<|proof|>").unwrap();
    assert_eq!(counted(&by_text, &prompt), Some(prompt.len()));
    assert_eq!(counted(&by_text, &tokenizer.encode("<|prove|>")), None, "a server reads one token there");
    assert_eq!(counted(&by_tokens, &prompt), None);
}

#[test]
fn a_prompt_that_is_longer_as_text_leaves_less_room() {
    let server = Fake::new(said);
    let (by_text, by_tokens) =
        (sampler(&server, "markers", |_| {}), sampler(&server, "markers", |it| it.prompts = SentAs::Tokens));
    // A value that was cut within a character, whose text has three bytes for each that is left.
    let cut = by_text.own.checkpoint.tokenizer.encode("數")[..1].to_vec();
    let asked = |sampler: &ServedSampler, bytes: usize| {
        sampler.request(&SampleRequest { prompt: cut.repeat(bytes), seeds: vec![0] }, 1000)
    };
    assert_eq!((asked(&by_tokens, 10).max_tokens, asked(&by_text, 10).max_tokens), (50, 30));
    assert_eq!(
        (asked(&by_tokens, 20).seeds.len(), asked(&by_text, 20).seeds.len()),
        (1, 0),
        "no room is left"
    );
    // It is no sample of the server's, which would refuse it.
    let requests = [SampleRequest { prompt: cut.repeat(20), seeds: vec![0, 1] }];
    let (settings, cancel) = (SampleConfig::default(), Cancel::new());
    let wanted = Asked { kind: SampleKind::Proof, requests: &requests, settings: &settings, cancel: &cancel };
    let mut found = Vec::new();
    let stats = by_text.sample(&wanted, &mut |sample| {
        found.push((sample.request, sample.sample, sample.finished, sample.tokens));
        ControlFlow::Continue(())
    });
    assert_eq!((found, stats.unwrap().completions), (vec![(0, 0, false, 0), (0, 1, false, 0)], 2));
    assert!(server.bodies().is_empty());
}
