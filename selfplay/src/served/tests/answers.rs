//! Servers that answer otherwise than they should: they take no `n`, say the same again, cut texts off, or keep their model.

use serde_json::Value;

use super::super::test::Got;
use super::*;

/// A list of one model, as that program gives it.
fn list(name: &str, owner: &str) -> Value {
    json!({ "object": "list", "data": [{ "id": name, "object": "model", "owned_by": owner }] })
}

/// A server that lists this, and answers whatever it is asked.
fn listing(models: Value) -> Fake {
    Fake::new(move |got, _| if got.path == "/v1/models" { models.clone() } else { texts(got, 99) })
}

/// Settings in which the name of the model is all that gives a server the checkpoint.
fn by_name(server: &Fake) -> Servers {
    Servers { model: "{checkpoint}".to_owned(), ..settings(&[server]) }
}

#[test]
fn a_server_that_keeps_its_model_whatever_the_name_is_not_asked() {
    for owner in ["sglang", "llamacpp"] {
        let server = listing(list("x", owner));
        let text = sample(&served(&by_name(&server)).0, requests(1, 2)).0.unwrap_err().to_string();
        for part in
            [&*server.url, "has the model x", "/run/checkpoints/stage1", "reload", "goes on from there"]
        {
            assert!(text.contains(part), "{text}");
        }
        assert!(server.bodies().is_empty(), "no sample is of the wrong model");
    }
}

#[test]
fn servers_that_may_follow_by_name_are_asked() {
    let unready = Fake::new(|got, _| match &*got.path {
        "/v1/models" => Reply::Status(503, "loading".to_owned()),
        _ => texts(got, 99).into(),
    });
    let transformers = listing(list("x", "HuggingFaceTB"));
    let renamed = listing(list("/run/checkpoints/stage1", "sglang"));
    for server in [unready, transformers, renamed] {
        let (result, said) = sample(&served(&by_name(&server)).0, requests(1, 2));
        result.unwrap();
        require_each_once(&said, 1, 2);
    }
    // A command gives it the checkpoint, or somebody has said that it has it.
    let told = listing(list("x", "sglang"));
    let settings = Servers { reload: "true".to_owned(), ..by_name(&told) };
    sample(&served(&settings).0, requests(1, 2)).0.unwrap();
}

#[test]
fn a_server_that_refuses_n_is_asked_for_one_at_a_time() {
    for status in [400, 422, 500, 501] {
        let server = Fake::new(move |got, _| match got.body.get("n") {
            Some(_) => Reply::Status(status, "Only one completion choice is allowed".to_owned()),
            None => texts(got, 1).into(),
        });
        let (served, told) = served(&settings(&[&server]));
        let (result, said) = sample(&served, requests(2, 4));
        result.unwrap();
        require_each_once(&said, 2, 4);
        let bodies = server.bodies();
        let (several, single): (Vec<_>, Vec<_>) = bodies.iter().partition(|body| body.get("n").is_some());
        // A 500 may be something else the first time.
        let tries = if status == 500 { 2 } else { 1 };
        assert_eq!((several.len(), single.len()), (tries, 8), "{status}");
        let seeds: BTreeSet<_> = single.iter().map(|body| body["seed"].as_u64().unwrap()).collect();
        assert_eq!(seeds, (0..8).collect(), "each has its own seed");
        assert_eq!(*told.lock().unwrap(), ["OneByOne"], "that is no failure");
    }
}

#[test]
fn what_is_refused_for_one_sample_too_is_told_as_it_was_said_first() {
    let server = Fake::new(|got, _| Reply::Status(400, format!("n is {}", got.body["n"])));
    let text = refusal(&server);
    assert!(text.contains("answers 400") && text.contains("n is 2"), "{text}");
    assert_eq!(server.bodies().len(), 2);
}

#[test]
fn a_server_that_has_taken_n_has_broken_down_if_it_says_so() {
    let server = Fake::new(|got, before| match before {
        1 => Reply::Status(500, "out of memory".to_owned()),
        _ => texts(got, 99).into(),
    });
    let (served, told) = served(&settings(&[&server]));
    let (result, said) = sample(&served, requests(3, 2));
    result.unwrap();
    require_each_once(&said, 3, 2);
    let bodies = server.bodies();
    assert!(bodies.len() == 4 && bodies[1] == bodies[2], "{bodies:?}");
    assert!(bodies.iter().all(|body| body["n"] == 2), "it still takes several");
    assert_eq!(*told.lock().unwrap(), ["Fails", "Back"]);
}

/// One text as often as texts were asked for.
fn repeating(got: &Got, _: usize) -> Value {
    let text = format!("{} {} {}", got.body["prompt"], got.body["seed"], "again ".repeat(9));
    let choice = |index: u64| json!({ "index": index, "text": text, "finish_reason": "stop" });
    json!({ "choices": (0..got.body["n"].as_u64().unwrap_or(1)).map(choice).collect::<Vec<_>>() })
}

#[test]
fn a_server_that_repeats_itself_is_asked_for_one_at_a_time() {
    let server = Fake::new(repeating);
    let (served, told) = served(&settings(&[&server]));
    for (asked, distinct) in [(3 + 2 * 4, 3 + 2 * 4), (5 * 4, 5 * 4)] {
        let before = server.bodies().len();
        let (result, said) = sample(&served, requests(5, 4));
        result.unwrap();
        assert_eq!(said.len(), 5 * 4);
        assert_eq!(server.bodies().len() - before, asked, "three answers tell it");
        assert_eq!(said.iter().map(|one| &one.choice.text).collect::<BTreeSet<_>>().len(), distinct);
    }
    assert_eq!(*told.lock().unwrap(), ["Repeats"], "once");
}

#[test]
fn without_chance_all_texts_may_be_the_same() {
    let server = Fake::new(repeating);
    let (served, told) = served(&settings(&[&server]));
    let parameters = SamplingParameters { temperature: 0.0, ..parameters() };
    let ended = served
        .sample(&model("stage1"), requests(5, 4), parameters, &|| false, &mut |_| ControlFlow::Continue(()));
    assert!(ended.unwrap().is_continue());
    assert_eq!(server.bodies().len(), 5);
    assert!(told.lock().unwrap().is_empty());
}

#[test]
fn a_context_that_is_too_short_is_told_once_of_each_server() {
    let counting = |tokens: u64| {
        Fake::new(move |got, _| {
            let mut said = texts(got, 1);
            said["choices"][0]["finish_reason"] = json!("length");
            said["usage"]["completion_tokens"] = json!(tokens);
            said
        })
    };
    for (tokens, told_once) in [(3, vec!["EndsEarly { tokens: 3, allowed: 100 }"]), (100, vec![])] {
        let server = counting(tokens);
        let (served, told) = served(&settings(&[&server]));
        for _ in 0..2 {
            let mut asked = requests(2, 2);
            asked.iter_mut().for_each(|request| request.max_tokens = 100);
            let (result, said) = sample(&served, asked);
            result.unwrap();
            assert!(said.len() == 4 && said.iter().all(|one| !one.choice.finished));
        }
        assert_eq!(*told.lock().unwrap(), told_once);
    }
}
