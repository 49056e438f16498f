use std::collections::BTreeMap;

use super::*;
use crate::{Device, ModelConfig, Special, Tokenizer};

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
            assert_eq!(completion.logprob, expected.logprob, "to the last bit");
        }
    }
}

#[test]
fn with_little_memory_sequences_wait_and_say_the_same() {
    let reference = run(&requests(), &config(64));
    let shape = model().config().clone();
    let page = shape.layers * shape.kv_heads * 16 * (shape.head_dim() + 16) * size_of::<f32>();
    // Five pages each hold one sequence of 64 tokens with its prompt's copy.
    let tight = SampleConfig { cache_mb: 1, ..config(64) };
    let workers = std::thread::available_parallelism().unwrap().get().min(15);
    let pages = tight.cache_bytes() / page / workers;
    let many: Vec<SampleRequest> = (0..pages as u32)
        .map(|i| SampleRequest { prompt: vec![8 + i % 30; 20], seeds: vec![u64::from(i); 2] })
        .collect();
    let wide = SampleConfig { batch: 4096, stop: Vec::new(), ..config(64) };
    let expected = run(&many, &wide);
    let found = run(&many, &SampleConfig { cache_mb: 1, ..wide });
    assert!(2 * many.len() * 4 > pages * workers, "they cannot all be in memory");
    assert!(expected == found && run(&requests(), &tight) == reference);
}

#[test]
fn the_longest_sequence_must_fit_in_the_cache() {
    let large = ModelConfig { layers: 8, max_seq: 100_000, ..model().config().clone() };
    let model = Lm::init(&large, &Device::flex(), 5).unwrap();
    let request = [SampleRequest { prompt: vec![9; 50_000], seeds: vec![0] }];
    let tight = SampleConfig { cache_mb: 1, ..config(1) };
    for sample in [engine::sample, device::sample] {
        let error = sample(&model, &request, &tight, &mut |_| ControlFlow::Continue(())).unwrap_err();
        assert!(
            matches!(error, ModelError::Cache { needed, budget: 1_048_576 } if needed > 10_000_000),
            "{error}"
        );
        assert!(error.to_string().contains("cache_mb"));
    }
}

type Sampler = fn(
    &Lm,
    &[SampleRequest],
    &SampleConfig,
    &mut dyn FnMut(Completion) -> ControlFlow<()>,
) -> Result<SampleStats, ModelError>;

#[test]
fn the_processors_engine_and_burns_operations_say_the_same() {
    let mut shapes = vec![model().config().clone()];
    shapes.push(ModelConfig {
        heads: 6,
        kv_heads: 1,
        head_size: Some(18),
        qk_norm: true,
        qkv_bias: true,
        output_bias: true,
        ff_bias: true,
        tied_embeddings: false,
        ..shapes[0].clone()
    });
    for shape in shapes {
        let model = Lm::init(&shape, &Device::flex(), 8).unwrap();
        let all = |sample: Sampler| {
            let mut all = BTreeMap::new();
            sample(&model, &requests(), &config(4), &mut |completion| {
                all.insert((completion.request, completion.sample), completion);
                ControlFlow::Continue(())
            })
            .unwrap();
            all
        };
        let (ours, burns) = (all(engine::sample), all(device::sample));
        assert_eq!(ours.len(), burns.len());
        for (key, completion) in ours {
            assert_eq!(completion.tokens, burns[&key].tokens, "{key:?}");
            assert!((completion.logprob - burns[&key].logprob).abs() < 1e-3);
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
fn a_request_may_be_shorter_than_the_models_longest() {
    let short = SampleConfig { max_seq: 14, stop: Vec::new(), ..config(4) };
    let requests = &requests()[..4];
    for sample in [engine::sample, device::sample] {
        let mut all = Vec::new();
        let stats = sample(&model(), requests, &short, &mut |completion| {
            all.push(completion);
            ControlFlow::Continue(())
        });
        assert_eq!(stats.unwrap().completions, 13);
        let len = |it: &Completion| requests[it.request].prompt.len() + it.tokens.len();
        assert!(all.iter().all(|it| len(it) == 14 && !it.finished), "{all:?}");
    }
    for engine in engines(4) {
        assert_eq!(ask(&engine, &requests[0], &short)[0].0.tokens.len(), 11);
        let long = SampleRequest { prompt: vec![9; 14], seeds: vec![0] };
        let refusal = engine.ask(long, short.clone(), 0, |_| {}).unwrap_err().to_string();
        assert!(refusal.contains("`max_seq` = 14"), "{refusal}");
    }
    let fits = SampleRequest { prompt: vec![9; 13], seeds: vec![0] };
    assert_eq!(run(&[fits], &short)[&(0, 0)].tokens.len(), 1);
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
    let first = (1..=text.len()).find(|&len| ends.ends(&text[..len]));
    assert_eq!(first, Some(text.len()));
    assert!(!ends.ends(&tokenizer.encode("by sim")));
}

/// Even tokens alone, at least five of them, and one less for the end.
struct Even;

struct EvenReader(usize);

impl Grammar for Even {
    fn begin(&self) -> Box<dyn Reader> {
        Box::new(EvenReader(0))
    }
}

impl Reader for EvenReader {
    fn allows(&self, token: u32, left: usize) -> bool {
        token >= 8 && token.is_multiple_of(2) && left > 1
    }

    fn may_end(&self) -> bool {
        self.0 >= 5
    }

    fn read(&mut self, _: u32) {
        self.0 += 1;
    }
}

#[test]
fn every_completion_keeps_to_the_mask_on_both_engines() {
    let masked = SampleConfig { mask: Some(Mask::new(Even)), ..config(4) };
    let all = |sample: Sampler| {
        let mut all = BTreeMap::new();
        sample(&model(), &requests(), &masked, &mut |completion| {
            all.insert((completion.request, completion.sample), completion);
            ControlFlow::Continue(())
        })
        .unwrap();
        all
    };
    let (ours, burns) = (all(engine::sample), all(device::sample));
    assert_eq!(ours.len(), 15);
    for (key, completion) in &ours {
        assert_eq!(completion.tokens, burns[key].tokens, "{key:?}");
        assert!(completion.tokens.iter().all(|token| *token >= 8 && token % 2 == 0), "{completion:?}");
        // The longest prompt leaves room for nine tokens, the others for more than the longest completion.
        let longest = if key.0 == 4 { 9 } else { 40 };
        assert!(completion.finished && (5..longest).contains(&completion.tokens.len()), "{completion:?}");
    }
    assert!(ours.values().all(|completion| completion.logprob.is_finite()));
}

#[test]
fn a_completion_that_cannot_go_on_is_cut_off() {
    struct Nothing;
    impl Grammar for Nothing {
        fn begin(&self) -> Box<dyn Reader> {
            Box::new(Self)
        }
    }
    impl Reader for Nothing {
        fn allows(&self, _: u32, _: usize) -> bool {
            false
        }
        fn may_end(&self) -> bool {
            false
        }
        fn read(&mut self, _: u32) {}
    }
    let found = run(&requests(), &SampleConfig { mask: Some(Mask::new(Nothing)), ..config(4) });
    assert!(found.values().all(|completion| !completion.finished && completion.tokens.is_empty()));
}

/// What an engine says to a request, by sample, and the tokens that it told one by one.
fn ask(engine: &Engine, request: &SampleRequest, config: &SampleConfig) -> Vec<(Completion, Vec<Drawn>)> {
    let (sender, told) = std::sync::mpsc::channel();
    let ticket = engine.ask(request.clone(), config.clone(), 2, move |told| {
        let _ = sender.send(told);
    });
    let _ticket = ticket.unwrap();
    let mut said = vec![(None, Vec::new()); request.seeds.len()];
    while said.iter().any(|(completion, _)| completion.is_none()) {
        match told.recv().unwrap() {
            Told::Drawn(drawn) => said[drawn.sample].1.push(drawn),
            Told::Ended(completion) => {
                let sample = completion.sample;
                said[sample].0 = Some(completion);
            }
            Told::Failed(error) => panic!("{error}"),
        }
    }
    said.into_iter().map(|(completion, drawn)| (completion.unwrap(), drawn)).collect()
}

/// The processor's engine, and burn's operations, which other devices go through.
fn engines(batch: usize) -> [Engine; 2] {
    let model = model();
    let inbox = device::open(&model, &config(batch)).unwrap();
    [Engine::start(&model, &config(batch)).unwrap(), Engine::of_device(&model, inbox)]
}

#[test]
fn an_open_engine_says_the_same_whoever_else_asks() {
    let hot = SampleConfig { temperature: 1.5, top_k: 7, max_new_tokens: 12, ..config(4) };
    let asked: Vec<_> =
        requests().into_iter().flat_map(|it| [(it.clone(), config(4)), (it, hot.clone())]).collect();
    let expected: Vec<_> =
        asked.iter().map(|(request, config)| run(std::slice::from_ref(request), config)).collect();
    for engine in engines(4) {
        let engine = &engine;
        std::thread::scope(|scope| {
            for ((request, config), expected) in asked.iter().zip(&expected) {
                scope.spawn(move || {
                    for (sample, (completion, drawn)) in ask(engine, request, config).into_iter().enumerate()
                    {
                        let expected = &expected[&(0, sample)];
                        assert_eq!(
                            (&completion.tokens, completion.finished),
                            (&expected.tokens, expected.finished)
                        );
                        let tokens: Vec<u32> = drawn.iter().map(|drawn| drawn.token).collect();
                        assert_eq!(tokens, completion.tokens, "each token was told");
                        let total: f64 = drawn.iter().map(|drawn| drawn.logprob).sum();
                        assert!(completion.finished || (total - completion.logprob).abs() < 1e-9);
                        for drawn in drawn {
                            let [(best, first), (_, second)] = drawn.likeliest[..] else {
                                panic!("{drawn:?}")
                            };
                            assert!(first >= second && drawn.logprob <= first);
                            assert!(best != drawn.token || (first - drawn.logprob).abs() < 1e-9);
                        }
                    }
                });
            }
        });
    }
}

#[test]
fn a_large_request_keeps_no_small_one_waiting() {
    for engine in engines(4) {
        let (sender, told) = std::sync::mpsc::channel();
        let large = SampleRequest { prompt: vec![9, 10], seeds: (0..500).collect() };
        let ticket = engine.ask(large, config(4), 0, move |told| {
            let _ = sender.send(matches!(told, Told::Ended(_)));
        });
        assert!(told.recv().is_ok(), "it runs");
        let small = SampleRequest { prompt: vec![11], seeds: vec![0] };
        assert_eq!(ask(&engine, &small, &config(4)).len(), 1);
        let ended = told.try_iter().filter(|ended| *ended).count();
        assert!(ended < 400, "the small one was answered after {ended} samples");
        drop(ticket);
        while told.recv().is_ok() {}
        let again = ask(&engine, &small, &config(4));
        assert_eq!(again[0].0.tokens, run(&[small], &config(4))[&(0, 0)].tokens);
    }
}

#[test]
fn a_closed_engine_answers_nobody_and_refuses_what_it_cannot_do() {
    for engine in engines(2) {
        let refusal = |prompt: Vec<u32>, config: &SampleConfig| {
            let request = SampleRequest { prompt, seeds: vec![0] };
            engine.ask(request, config.clone(), 0, |_| {}).unwrap_err().to_string()
        };
        assert!(refusal(vec![9; 64], &config(1)).contains("max_seq"));
        assert!(refusal(vec![9], &SampleConfig { top_p: 0.0, ..config(1) }).contains("top_p"));
        let (sender, told) = std::sync::mpsc::channel();
        let long = SampleRequest { prompt: vec![9], seeds: (0..10_000).collect() };
        let ticket = engine.ask(long, config(1), 0, move |told| {
            let _ = sender.send(told);
        });
        assert!(told.recv().is_ok());
        engine.close();
        while told.recv().is_ok() {}
        assert!(refusal(vec![9], &config(1)).contains("shutting down"));
        drop(ticket);
    }
}
