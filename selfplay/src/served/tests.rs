use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::client::Client;
use super::health::Pace;
use super::protocol::Terms;
use super::test::{Fake, Reply, texts};
use super::{Content, SamplingParameters, Served, ServedModel, ServedRequest, ServedSample};
use crate::config::Servers;
use crate::events::{Event, Events};

mod answers;
mod calls;
mod hooks;

/// Settings for these servers, one request at a time, unless a test changes them.
fn settings(servers: &[&Fake]) -> Servers {
    Servers {
        urls: servers.iter().map(|server| server.url.clone()).collect(),
        model: "m".to_owned(),
        key_variable: "STP_TEST_NO_SUCH_KEY".to_owned(),
        concurrency: 1,
        retries: 1,
        ..Servers::default()
    }
}

/// Servers that are tried again at once; what is told of them is kept.
fn served(settings: &Servers) -> (Served, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let keep = told.clone();
    let events = Events::new(move |event| {
        if let Event::Server { state, .. } = event {
            let text = format!("{state:?}");
            keep.lock().unwrap().push(text.split('(').next().unwrap().to_owned());
        }
    });
    let soon = Duration::from_millis(1);
    (Served::new(settings, events).unwrap().with_pace(Pace { first: soon, longest: soon }), told)
}

/// So many prompts, of each so many samples; the seeds count on.
fn requests(prompts: usize, samples: usize) -> Vec<ServedRequest> {
    let seeds =
        |prompt: usize| (0..samples).map(|sample| ((prompt * samples + sample) as u64) << 33).collect();
    let one = |prompt| ServedRequest {
        prompt: Content::Text(format!("p{prompt}")),
        seeds: seeds(prompt),
        max_tokens: 9,
        tokens: None,
    };
    (0..prompts).map(one).collect()
}

fn model(name: &str) -> ServedModel {
    ServedModel { name: name.to_owned(), folder: PathBuf::from("/run/checkpoints").join(name) }
}

fn parameters() -> SamplingParameters {
    SamplingParameters { temperature: 1.0, top_p: 0.95, stop: Vec::new(), show_special: false }
}

/// All that is said, in the order of prompts and seeds; it ends by itself or with an error.
fn sample(served: &Served, requests: Vec<ServedRequest>) -> (Result<()>, Vec<ServedSample>) {
    let mut said = Vec::new();
    let result = served.sample(&model("stage1"), requests, parameters(), &|| false, &mut |one| {
        said.push(one);
        ControlFlow::Continue(())
    });
    said.sort_by_key(|one| (one.request, one.sample));
    (result.map(|ended| assert!(ended.is_continue())), said)
}

/// Checks that each of so many samples came once, with the text of its own prompt.
fn require_each_once(said: &[ServedSample], prompts: usize, samples: usize) {
    let keys: Vec<_> = said.iter().map(|one| (one.request, one.sample)).collect();
    let all: Vec<_> = (0..prompts).flat_map(|prompt| (0..samples).map(move |it| (prompt, it))).collect();
    assert_eq!(keys, all);
    assert!(said.iter().all(|one| one.choice.text.starts_with(&format!("\"p{}\"", one.request))));
    let distinct: BTreeSet<_> = said.iter().map(|one| &one.choice.text).collect();
    assert_eq!(distinct.len(), said.len());
}

fn refusal(server: &Fake) -> String {
    let (result, said) = sample(&served(&settings(&[server])).0, requests(1, 2));
    assert!(said.is_empty());
    let text = result.unwrap_err().to_string();
    assert!(
        text.contains(&server.url) && text.contains("goes on from there") && !text.contains('\n'),
        "{text}"
    );
    text
}

#[test]
fn each_sample_comes_once_from_requests_of_a_few() {
    let server = Fake::new(|got, _| texts(got, 99));
    let settings = Servers { samples_per_request: 3, concurrency: 4, ..settings(&[&server]) };
    let (result, said) = sample(&served(&settings).0, requests(3, 7));
    result.unwrap();
    require_each_once(&said, 3, 7);
    let mut asked: Vec<_> =
        server.bodies().iter().map(|body| (body["seed"].as_u64(), body["n"].as_u64())).collect();
    asked.sort_unstable();
    let expected = [0, 3, 6, 7, 10, 13, 14, 17, 20].map(|seed| (Some(seed), (seed % 7 != 6).then_some(3)));
    assert_eq!(asked, expected, "the seed of a request is that of its first sample");
}

#[test]
fn a_server_that_takes_no_n_is_asked_for_one_at_a_time() {
    let server = Fake::new(|got, _| texts(got, 1));
    let (result, said) = sample(&served(&settings(&[&server])).0, requests(2, 4));
    result.unwrap();
    require_each_once(&said, 2, 4);
    let bodies = server.bodies();
    assert_eq!(bodies.iter().filter(|body| body.get("n").is_some()).count(), 1);
    let seeds: BTreeSet<_> = bodies.iter().map(|body| body["seed"].as_u64().unwrap()).collect();
    assert_eq!(seeds, (0..8).collect(), "each has its own seed");
    assert!(said.iter().all(|one| one.choice.tokens == Some(5)));
}

#[test]
fn the_work_of_a_dead_server_goes_to_the_others() {
    let dying = Fake::new(|got, before| if before < 3 { texts(got, 99).into() } else { Reply::HangUp });
    let (sender, receiver) = mpsc::channel::<()>();
    let receiver = Mutex::new(receiver);
    // The other one begins when the first has failed for good.
    let living = Fake::new(move |got, _| {
        let _ = receiver.lock().unwrap().recv();
        texts(got, 99)
    });
    let settings = Servers { samples_per_request: 1, ..settings(&[&dying, &living]) };
    let sender = Mutex::new(Some(sender));
    let told = Arc::new(Mutex::new(Vec::new()));
    let keep = told.clone();
    let events = Events::new(move |event| {
        if let Event::Server { state, .. } = event {
            keep.lock().unwrap().push(format!("{state:?}"));
            if format!("{state:?}").starts_with("Down") {
                sender.lock().unwrap().take();
            }
        }
    });
    let soon = Duration::from_millis(1);
    let served = Served::new(&settings, events).unwrap().with_pace(Pace { first: soon, longest: soon });
    let (result, said) = sample(&served, requests(10, 3));
    result.unwrap();
    require_each_once(&said, 10, 3);
    let told = told.lock().unwrap();
    assert!(told[0].starts_with("Fails") && told[1].starts_with("Down"), "{told:?}");
    assert_eq!(living.got.lock().unwrap().len(), 27, "all but what the dying one had answered");
}

#[test]
fn when_no_server_is_left_all_that_came_is_kept_and_the_error_names_them() {
    let servers = [2, 0].map(|answers| {
        Fake::new(move |got, before| if before < answers { texts(got, 99).into() } else { Reply::HangUp })
    });
    let settings = Servers { samples_per_request: 1, ..settings(&[&servers[0], &servers[1]]) };
    let (result, said) = sample(&served(&settings).0, requests(5, 1));
    let text = result.unwrap_err().to_string();
    assert!(servers.iter().all(|server| text.contains(&server.url)), "{text}");
    assert!(text.contains("goes on from there"), "{text}");
    assert_eq!(said.len(), 2);
}

#[test]
fn a_busy_server_is_asked_again() {
    let busy = [429, 503, 500];
    let server = Fake::new(move |got, before| match busy.get(before) {
        Some(status) => Reply::Status(*status, "later".to_owned()),
        None => texts(got, 99).into(),
    });
    let (served, told) = served(&Servers { retries: 3, samples_per_request: 1, ..settings(&[&server]) });
    let (result, said) = sample(&served, requests(2, 2));
    result.unwrap();
    require_each_once(&said, 2, 2);
    assert_eq!(*told.lock().unwrap(), ["Busy", "Fails", "Back"]);
    let bodies = server.bodies();
    assert!(bodies[1..4].iter().all(|body| *body == bodies[0]), "it is asked the same again");
}

#[test]
fn a_text_that_was_given_up_is_asked_for_again() {
    let server = Fake::new(|got, before| {
        let mut said = texts(got, 99);
        if before == 0 {
            said["choices"][1]["finish_reason"] = json!("abort");
        }
        said
    });
    let (result, said) = sample(&served(&settings(&[&server])).0, requests(1, 2));
    result.unwrap();
    require_each_once(&said, 1, 2);
    assert_eq!(server.bodies().len(), 2);
}

#[test]
fn a_request_that_always_fails_ends_it_though_others_do_not() {
    let server = Fake::new(|got, _| match got.body["prompt"].as_str() {
        Some("p1") => Reply::Status(500, "too hard".to_owned()),
        _ => texts(got, 99).into(),
    });
    let settings = Servers { concurrency: 2, retries: 3, ..settings(&[&server]) };
    let (result, _) = sample(&served(&settings).0, requests(3, 1));
    let text = result.unwrap_err().to_string();
    assert!(text.contains("too hard") && text.contains("goes on from there"), "{text}");
}

#[test]
fn what_is_no_answer_is_shown() {
    let page = Fake::new(|_, _| Reply::Status(200, "<html>\n<title>Welcome</title>".to_owned()));
    let text = refusal(&page);
    assert!(text.contains("<html> <title>Welcome") && text.contains("sampling.server.urls"), "{text}");
    let missing = Fake::new(|_, _| Reply::Status(404, "{\"error\": \"no model m\"}".to_owned()));
    let text = refusal(&missing);
    assert!(text.contains("404") && text.contains("no model m") && text.contains("server.model"), "{text}");
    let locked = Fake::new(|_, _| Reply::Status(401, "who?".to_owned()));
    assert!(refusal(&locked).contains("sampling.server.key_variable"));
}

#[test]
fn the_model_is_that_of_the_server_if_it_has_one() {
    let named = |names: &'static [&'static str]| {
        Fake::new(move |got, _| match &*got.path {
            "/v1/models" => {
                json!({ "data": names.iter().map(|name| json!({ "id": name })).collect::<Vec<_>>() })
            }
            _ => texts(got, 99),
        })
    };
    let one = named(&["its-own"]);
    let settings_of = |server: &Fake| Servers { model: String::new(), ..settings(&[server]) };
    let (result, _) = sample(&served(&settings_of(&one)).0, requests(3, 1));
    result.unwrap();
    let got = one.got.lock().unwrap();
    assert_eq!(got.iter().filter(|got| got.path == "/v1/models").count(), 1);
    assert!(got.iter().filter(|got| got.path != "/v1/models").all(|got| got.body["model"] == "its-own"));
    let two = named(&["a", "b"]);
    let (result, _) = sample(&served(&settings_of(&two)).0, requests(1, 1));
    let text = result.unwrap_err().to_string();
    assert!(text.contains("a, b") && text.contains("sampling.server.model"), "{text}");
}

#[test]
fn the_name_of_the_model_may_follow_the_checkpoint() {
    let server = Fake::new(|got, _| texts(got, 99));
    let settings = Servers { model: "{checkpoint}|{name}".to_owned(), ..settings(&[&server]) };
    sample(&served(&settings).0, requests(1, 1)).0.unwrap();
    assert_eq!(server.bodies()[0]["model"], "/run/checkpoints/stage1|stage1");
}

#[test]
fn the_key_is_sent_and_never_shown() {
    let server = Fake::new(|got, _| texts(got, 99));
    let settings = settings(&[&server]);
    let client = Client::new(&format!("{}/v1/", server.url), Some("secret"), &settings);
    let terms = Terms {
        model: Some("m".to_owned()),
        parameters: parameters(),
        logprobs: false,
        extra: Default::default(),
    };
    client.ask(&terms, &Content::Text("p".to_owned()), 1, &[0]).unwrap();
    let got = server.got.lock().unwrap();
    assert!(got[0].headers.contains("authorization: bearer secret"), "{}", got[0].headers);
    assert_eq!(got[0].path, "/v1/completions");
    assert!(!format!("{client:?}").contains("secret"));
}

#[test]
fn it_ends_when_nobody_wants_more() {
    let server = Fake::new(|got, _| texts(got, 99));
    let (served, _) = served(&settings(&[&server]));
    let mut count = 0;
    let ended = served.sample(&model("stage1"), requests(4, 4), parameters(), &|| false, &mut |_| {
        count += 1;
        if count == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(ended.unwrap().is_break());
    assert_eq!(count, 2);
}

#[test]
fn it_ends_when_the_user_wants_to_stop_though_no_server_answers() {
    let (sender, receiver) = mpsc::channel::<()>();
    let receiver = Mutex::new(receiver);
    let is_asked = Arc::new(AtomicBool::new(false));
    let tell = is_asked.clone();
    let server = Fake::new(move |got, _| {
        tell.store(true, Ordering::Relaxed);
        let _ = receiver.lock().unwrap().recv();
        texts(got, 99)
    });
    let (served, _) = served(&settings(&[&server]));
    let is_cancelled = || is_asked.load(Ordering::Relaxed);
    let ended = served.sample(&model("stage1"), requests(1, 1), parameters(), &is_cancelled, &mut |_| {
        panic!("nothing was answered")
    });
    assert!(ended.unwrap().is_break());
    drop(sender);
}

#[test]
fn what_is_answered_after_its_time_is_not_counted_twice() {
    let ((answer, may_answer), (tell, told)) = (mpsc::channel::<()>(), mpsc::channel());
    let (may_answer, told) = (Mutex::new(may_answer), Mutex::new(told));
    let slow = Fake::new(move |got, _| {
        tell.send(got.body["prompt"].clone()).unwrap();
        let _ = may_answer.lock().unwrap().recv();
        texts(got, 99)
    });
    let answer = Mutex::new((None, Some(answer)));
    // The slow one answers as soon as the quick one is asked for what had been its work.
    let quick = Fake::new(move |got, _| {
        let (late, answer) = &mut *answer.lock().unwrap();
        let late = late.get_or_insert_with(|| told.lock().unwrap().recv().unwrap());
        if got.body["prompt"] == *late {
            answer.take();
        }
        texts(got, 99)
    });
    let settings = Servers { timeout_seconds: 1.0, ..settings(&[&slow, &quick]) };
    let (result, said) = sample(&served(&settings).0, requests(6, 2));
    result.unwrap();
    require_each_once(&said, 6, 2);
}

#[test]
fn each_server_is_given_each_checkpoint_once() {
    let servers = [(); 2].map(|()| Fake::new(|got, _| texts(got, 99)));
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let reload = format!("echo \"$STP_MODEL_NAME $STP_CHECKPOINT $STP_URL\" >> '{}'", log.display());
    let (served, told) = served(&Servers { reload, ..settings(&[&servers[0], &servers[1]]) });
    for name in ["stage1", "stage1", "round-1"] {
        let ended = served.sample(&model(name), requests(1, 1), parameters(), &|| false, &mut |_| {
            ControlFlow::Continue(())
        });
        assert!(ended.unwrap().is_continue());
    }
    let text = std::fs::read_to_string(log).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let mut expected: Vec<_> = ["stage1", "round-1"]
        .iter()
        .flat_map(|name| servers.iter().map(move |it| format!("{name} /run/checkpoints/{name} {}", it.url)))
        .collect();
    lines.sort();
    expected.sort();
    assert_eq!(lines, expected);
    assert_eq!(*told.lock().unwrap(), ["Reloads"; 4]);
}

#[test]
fn a_command_that_fails_is_shown_with_what_it_said() {
    let server = Fake::new(|got, _| texts(got, 99));
    let (served, _) =
        served(&Servers { reload: "echo no room >&2; exit 3".to_owned(), ..settings(&[&server]) });
    let (result, said) = sample(&served, requests(1, 1));
    let text = result.unwrap_err().to_string();
    assert!(
        text.contains("no room") && text.contains('3') && text.contains("sampling.server.reload"),
        "{text}"
    );
    assert!(said.is_empty() && server.bodies().is_empty());
}

#[test]
fn a_server_that_does_not_come_back_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = Servers {
        urls: vec![format!("http://{port}")],
        reload: format!("touch '{}'", folder.path().join("ran").display()),
        timeout_seconds: 0.1,
        ..settings(&[])
    };
    let (result, _) = sample(&served(&settings).0, requests(1, 1));
    let text = result.unwrap_err().to_string();
    assert!(text.contains(&settings.urls[0]) && text.contains("stage1"), "{text}");
    assert!(folder.path().join("ran").exists());
}
