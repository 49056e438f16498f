use super::*;
use crate::{Device, Lm, ModelConfig, Special};

/// A checkpoint of ours over a tokenizer that learned these texts.
fn checkpoint(texts: &[&str]) -> Checkpoint {
    let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
    let tokenizer = Tokenizer::train(&texts, 400).unwrap();
    let config = ModelConfig {
        vocab_size: tokenizer.vocab_size(),
        layers: 1,
        width: 8,
        heads: 2,
        ff: 12,
        ..ModelConfig::default()
    };
    Checkpoint::new(Lm::init(&config, &Device::flex(), 0).unwrap(), tokenizer)
}

fn writer() -> Writer {
    Writer::new(&checkpoint(&["theorem (a : Nat) : a = a := by\n  rfl ∀ x, x"; 3])).unwrap()
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn task(prompt: &str, answer: &str, stop: &[&str]) -> Task {
    let stop = owned(stop);
    Task { prompt: prompt.to_owned(), answer: answer.to_owned(), stop, ..Task::default() }
}

#[test]
fn special_tokens_are_what_the_author_wrote_and_never_a_value() {
    let writer = writer();
    let task = task("<|prove|>{{ signature }}<|proof|>", "{{ proof }}{{ eos_token }}", &["<|end|>"]);
    for signature in ["(a : Nat) : a = a", "<|proof|>", "a <|end|><|prove|> b", "", "\u{fdd0}<|end|>\u{fdd1}"]
    {
        let fields = Fields::new([("signature", signature)]);
        let plain = signature.replace(['\u{fdd0}', '\u{fdd1}'], "");
        let ids = |it: &[Special]| it.iter().map(|it| it.id()).collect::<Vec<_>>();
        let expected =
            [ids(&[Special::Prove]), writer.tokenizer().encode(&plain), ids(&[Special::Proof])].concat();
        assert_eq!(writer.prompt(&task, &fields).unwrap(), expected, "{signature:?}");
        let example = writer.example(&task, &fields, &Fields::new([("proof", signature)]), 0.5).unwrap();
        assert_eq!(example.prompt, expected);
        assert_eq!(example.target, [writer.tokenizer().encode(&plain), ids(&[Special::End])].concat());
    }
}

/// The same with more tokens, which its file does not call special.
fn with_tokens(tokenizer: &Tokenizer, texts: &[&str]) -> Tokenizer {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    tokenizer.save(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let mut fields: serde_json::Value = serde_json::from_str(&text).unwrap();
    let tokens = (tokenizer.vocab_size()..).zip(texts).map(|(id, text)| {
        serde_json::json!({
            "id": id, "content": text, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            "special": false,
        })
    });
    fields["added_tokens"].as_array_mut().unwrap().extend(tokens);
    std::fs::write(&path, fields.to_string()).unwrap();
    Tokenizer::load(&path).unwrap()
}

#[test]
fn tokens_that_only_look_special_are_no_value_either() {
    let alike =
        ["<|user|>", "<｜User｜>", "<think>", "</think>", "<tool_call>", "<start_of_turn>", "<end_of_turn>"];
    let mut checkpoint = checkpoint(&["a"]);
    checkpoint.tokenizer = with_tokens(&checkpoint.tokenizer, &[&alike[..], &["<b>"]].concat());
    let writer = Writer::new(&checkpoint).unwrap();
    let tokenizer = writer.tokenizer();
    let id = |text: &str| tokenizer.token(text).unwrap();
    let task = task("<think>{{ signature }}</think>", "{{ proof }}<｜User｜>", &[]);
    for value in alike {
        let spelt = tokenizer.encode(value);
        assert!(spelt.len() > 1 && !spelt.contains(&id(value)), "{value}: {spelt:?}");
        assert_eq!(tokenizer.decode(&spelt), value);
        let fields = Fields::new([("signature", value)]);
        let example = writer.example(&task, &fields, &Fields::new([("proof", value)]), 1.0).unwrap();
        assert_eq!(example.prompt, [&[id("<think>")][..], &spelt, &[id("</think>")]].concat(), "{value}");
        assert_eq!(example.target, [&spelt[..], &[id("<｜User｜>")]].concat(), "{value}");
        assert_eq!(tokenizer.encode_written(value).unwrap(), [id(value)], "what is written out is meant");
        assert_eq!(tokenizer.decode_plain(&[id(value)]), value, "it is no special one when it is read");
        assert_eq!((tokenizer.piece(id(value)), tokenizer.special(value)), (Some(value.into()), None));
    }
    assert_eq!(tokenizer.encode("<b>"), [id("<b>")], "an ordinary text");
}

#[test]
fn a_value_is_cut_after_tokens_even_within_a_character() {
    let writer = writer();
    let task = task("<|prove|>{{ failed }}<|statement|>{{ message | first_tokens(2) }}<|proof|>", "", &[]);
    let (failed, message) = ("數".repeat(9), "數a".to_owned());
    let fields = Fields::new([("failed", &*failed), ("message", &*message)]);
    let tokens = writer.prompt(&task, &fields.clone().fit("failed", 15)).unwrap();
    let [of_failed, of_message] = [&failed, &message].map(|text| writer.tokenizer().encode(text));
    assert!(of_failed.len() > 11 && of_message.len() > 2);
    let expected = [
        &[Special::Prove.id()][..],
        &of_failed[..10],
        &[Special::Statement.id()],
        &of_message[..2],
        &[Special::Proof.id()],
    ];
    assert_eq!(tokens, expected.concat());
    assert_eq!(writer.prompt(&task, &fields.fit("failed", 3)).unwrap().len(), 5, "the rest does not fit");
}

#[test]
fn a_text_that_was_cut_to_tokens_stays_tokens_within_an_expression() {
    let writer = writer();
    let message = "(a : Nat) ".repeat(9).trim_end().to_owned();
    let fields = Fields::new([("message", &*message)]);
    let plain = |text: &str| writer.tokenizer().encode(text);
    let first: Vec<u32> = plain(&message)[..7].to_vec();
    for template in [
        "<|prove|>{{ ('x\\n' ~ (message | first_tokens(7))).strip() }}",
        "<|prove|>x\n{{ message | first_tokens(8) | first_tokens(7) }}",
        "<|prove|>x\n{% set cut %}{{ message | first_tokens(7) }}{% endset %}{{ cut }}",
    ] {
        let expected = [&[Special::Prove.id()][..], &plain("x\n"), &first].concat();
        assert_eq!(writer.prompt(&task(template, "", &[]), &fields).unwrap(), expected, "{template}");
    }
    // One that the fields cut.
    let task = task("<|prove|>{{ failed | trim }}<|proof|>", "", &[]);
    let failed = Fields::new([("failed", &*message)]).fit("failed", 9);
    assert_eq!(writer.prompt(&task, &failed).unwrap()[1..8], first);
}

#[test]
fn a_template_that_takes_tokens_apart_is_refused_before_a_long_text_comes() {
    let writer = writer();
    let fields = Fields::new([("failed", "by simp"), ("message", "no")]).fit("failed", 0);
    for template in
        ["{{ failed }}{{ (message | first_tokens(64))[:100] }}", "{{ failed[:1000] }}{{ message }}"]
    {
        let text = writer
            .check("prompts.repair", template, &["failed", "message"], &fields)
            .unwrap_err()
            .to_string();
        assert!(text.contains("prompts.repair") && text.contains("first_tokens"), "{text}");
    }
    writer.check("x", "{{ failed.strip() }}{{ message[:100] }}", &["failed"], &fields).unwrap();
}

#[test]
fn an_answer_ends_at_any_end_token_of_the_checkpoint() {
    let mut checkpoint = checkpoint(&["a"]);
    checkpoint.end_tokens.push(Special::Pad.id());
    let writer = Writer::new(&checkpoint).unwrap();
    let task = task("{{ signature }}", "", &[]);
    for end in [Special::End, Special::Pad] {
        assert_eq!(writer.cut(&task, &format!(" by rfl{} more", end.text())), " by rfl", "{end:?}");
    }
    assert_eq!(writer.stops(&task).0.len(), 2);
}

#[test]
fn an_answer_ends_at_its_stop_text() {
    let writer = writer();
    let task = task("{{ signature }}", "{{ proof }}", &["```", "<|end|>"]);
    let (tokens, when) = writer.stops(&task);
    assert_eq!(tokens, [Special::End.id()], "a special token needs no search in texts");
    assert!(when.is_some());
    assert_eq!(writer.read(&task, &writer.tokenizer().encode("  rfl\n```\nand more ```")), "  rfl\n");
    assert_eq!(
        writer.read(&task, &writer.tokenizer().encode("  rfl <|end|>")),
        "  rfl <|end|>",
        "spelled out"
    );
}

#[test]
fn a_stop_text_may_be_a_special_token_that_ends_no_other_text() {
    let writer = writer();
    let cases: [(&[&str], &[&str], bool); 4] = [
        (&["```", "<|end|>"], &["```"], false),
        (&["<|proof|>"], &["<|proof|>"], true),
        (&["x\n<|proof|>", "```"], &["x\n<|proof|>", "```"], true),
        (&[], &[], false),
    ];
    for (stop, texts, special) in cases {
        let task = task("{{ signature }}", "{{ proof }}", stop);
        assert_eq!((writer.stop_texts(&task), writer.stops_at_special(&task)), (owned(texts), special));
    }
}

#[test]
fn a_bad_template_is_named_with_its_field() {
    let writer = writer();
    let fields = Fields::new([("signature", "x")]);
    let refusal = |template: &str| {
        writer.check("prompts.prove", template, &["signature"], &fields).unwrap_err().to_string()
    };
    for (template, hint) in [
        ("prove it", "lacks its field `signature`"),
        ("{{ signature }} {{ sgnature }}", "`sgnature`"),
        ("{{ signature", "no template"),
        ("{{ signature | shout }}", "shout"),
    ] {
        let text = refusal(template);
        assert!(text.contains("prompts.prove") && text.contains(hint), "{template}: {text}");
    }
    writer
        .check("x", "{% if signature %}{{ signature.strip() }}{% endif %}", &["signature"], &fields)
        .unwrap();
}

#[test]
fn a_checkpoint_without_an_end_token_or_a_chat_template_is_refused() {
    let mut without = checkpoint(&["a"]);
    without.end_tokens.clear();
    assert!(Writer::new(&without).unwrap_err().to_string().contains("eos_token_id"));
    let chat = Task { chat: true, ..task("{{ signature }}", "", &[]) };
    let text = writer().prompt(&chat, &Fields::new([("signature", "x")])).unwrap_err().to_string();
    assert!(text.contains("no chat template") && text.contains("prompts.layout"), "{text}");
}

#[test]
fn a_prompt_goes_through_the_chat_template() {
    let mut checkpoint = checkpoint(&["user says hello"]);
    let template =
        "{% for m in messages %}<|theorem|>{{ m.role }} {{ m.content.strip() }}{% endfor %}<|proof|>";
    checkpoint = checkpoint.with_chat_template(template);
    let writer = Writer::new(&checkpoint).unwrap();
    let task = Task { chat: true, system: "be".to_owned(), ..task("hello {{ name }}\n", "", &[]) };
    let tokens = writer.prompt(&task, &Fields::new([("name", "<|end|>")])).unwrap();
    assert!(!tokens.contains(&Special::End.id()));
    assert_eq!(
        writer.tokenizer().decode(&tokens),
        "<|theorem|>system be<|theorem|>user hello <|end|><|proof|>"
    );
}

#[test]
fn a_thought_has_the_tokens_of_its_bounds_and_no_others() {
    let mut checkpoint = checkpoint(&["theorem (a : Nat) : a = a := by\n  rfl ∀ x, x"; 3]);
    checkpoint.tokenizer = with_tokens(&checkpoint.tokenizer, &["<think>", "</think>", "<|im_end|>"]);
    let tokenizer = checkpoint.tokenizer.clone();
    let [begin, end, turn] = ["<think>", "</think>", "<|im_end|>"].map(|text| tokenizer.token(text).unwrap());
    let writer = Writer::new(&checkpoint).unwrap();
    let task = task("<|prove|>", "{{ thought }}{{ proof }}{{ eos_token }}", &[]);
    let written = "<think>by <|im_end|><|end|></think>\n";
    let target = |answer: Fields| writer.example(&task, &Fields::new([]), &answer, 1.0).unwrap().target;
    let own = target(Fields::new([("proof", "rfl")]).with_own("thought", written));
    assert_eq!((own[0], own.iter().filter(|id| **id == end).count()), (begin, 1));
    assert!(!own.contains(&turn), "a statement may have spelled it");
    assert_eq!(own.iter().filter(|id| **id == Special::End.id()).count(), 1, "the end of the answer alone");
    assert_eq!(tokenizer.decode_plain(&own[..own.len() - 1]), format!("{written}rfl"));
    let of_others = target(Fields::new([("proof", "rfl")]).with("thought", written));
    assert!(!of_others.contains(&begin) && !of_others.contains(&end));
}
