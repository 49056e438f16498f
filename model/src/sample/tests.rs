use std::collections::BTreeMap;

use super::*;
use crate::{Device, ModelConfig, Special};

fn model() -> Lm {
    let config = ModelConfig {
        vocab_size: 40,
        layers: 2,
        width: 16,
        heads: 4,
        kv_heads: 2,
        ff: 24,
        max_seq: 64,
        ..ModelConfig::default()
    };
    Lm::init(&config, &Device::flex(), 5).unwrap()
}

fn config(batch: usize) -> SampleConfig {
    SampleConfig {
        temperature: 1.0,
        top_p: 0.95,
        max_new_tokens: 40,
        batch,
        stop: vec![Special::End.id()],
        ..SampleConfig::default()
    }
}

fn requests() -> Vec<SampleRequest> {
    let request = |len: u32, seeds: std::ops::Range<u64>| SampleRequest {
        prompt: (0..len).map(|i| 8 + (i * 7 + len) % 30).collect(),
        seeds: seeds.collect(),
    };
    vec![request(3, 0..5), request(11, 5..8), request(1, 8..12), request(6, 12..13), request(55, 13..15)]
}

fn run(requests: &[SampleRequest], config: &SampleConfig) -> BTreeMap<(usize, usize), Completion> {
    let mut all = BTreeMap::new();
    let stats = sample(&model(), requests, config, &mut |completion| {
        let key = (completion.request, completion.sample);
        assert!(all.insert(key, completion).is_none(), "{key:?} was delivered twice");
        ControlFlow::Continue(())
    });
    assert_eq!(stats.unwrap().completions, all.len());
    all
}

#[test]
fn a_sample_does_not_depend_on_its_batch() {
    let reference = run(&requests(), &config(1));
    assert_eq!(reference.len(), 15);
    assert!(reference.values().any(|c| c.finished) && reference.values().any(|c| c.tokens.len() == 40));
    for batch in [2, 5, 64] {
        for (key, completion) in run(&requests(), &config(batch)) {
            let expected = &reference[&key];
            assert_eq!(completion.tokens, expected.tokens, "{key:?} in batches of {batch}");
            assert_eq!(completion.finished, expected.finished);
            assert!((completion.logprob - expected.logprob).abs() < 1e-3);
        }
    }
}

#[test]
fn greedy_samples_of_a_prompt_are_equal_and_seeds_differ_otherwise() {
    let request = [SampleRequest { prompt: vec![9, 10], seeds: vec![1, 2] }];
    let greedy = run(&request, &SampleConfig { temperature: 0.0, ..config(4) });
    assert_eq!(greedy[&(0, 0)].tokens, greedy[&(0, 1)].tokens);
    let drawn = run(&request, &config(4));
    assert_ne!(drawn[&(0, 0)].tokens, drawn[&(0, 1)].tokens);
}

#[test]
fn the_longest_sequence_ends_a_completion() {
    let long = SampleRequest { prompt: vec![9; 60], seeds: (0..8).collect() };
    let completions = run(&[long], &config(8));
    assert!(completions.values().all(|completion| completion.tokens.len() <= 4));
    assert!(completions.values().any(|completion| completion.tokens.len() == 4 && !completion.finished));
}

#[test]
fn the_callback_can_end_sampling() {
    let mut seen = 0;
    let stats = sample(&model(), &requests(), &config(2), &mut |_| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let stats = stats.unwrap();
    assert!(stats.interrupted);
    assert_eq!((seen, stats.completions), (3, 3));
}

#[test]
fn unusable_input_is_refused() {
    let refusal = |prompt: Vec<u32>, config: &SampleConfig| {
        let requests = [SampleRequest { prompt, seeds: vec![0] }];
        sample(&model(), &requests, config, &mut |_| ControlFlow::Continue(())).unwrap_err().to_string()
    };
    assert!(refusal(vec![], &config(1)).contains("empty"));
    assert!(refusal(vec![9; 64], &config(1)).contains("max_seq"));
    assert!(refusal(vec![40], &config(1)).contains("vocabulary of 40"));
    assert!(refusal(vec![9], &SampleConfig { top_p: 0.0, ..config(1) }).contains("top_p"));
}

#[test]
fn a_text_ends_a_completion() {
    let tokenizer = Tokenizer::train(&["by simp".to_owned()], Tokenizer::MIN_VOCAB).unwrap();
    let ends = StopWhen::text_ends_with(&tokenizer, vec!["mp".to_owned(), "```".to_owned()]);
    let text = tokenizer.encode("by simp");
    let first = (1..=text.len()).find(|&len| (ends.0)(&text[..len]));
    assert_eq!(first, Some(text.len()));
    assert!(!(ends.0)(&tokenizer.encode("by sim")));
}
