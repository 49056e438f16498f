//! What is kept of the servers from one call to the next, and told once for all of them.

use std::time::Instant;

use super::super::test::Got;
use super::*;

/// A failing server is left alone for longer than a test takes.
const LATER: Pace = Pace { first: Duration::from_secs(600), longest: Duration::from_secs(600) };

#[test]
fn a_server_that_was_down_costs_the_next_call_nothing() {
    let (tell, is_down) = mpsc::channel::<()>();
    let is_down = Mutex::new(is_down);
    let dead = Fake::new(|_, _| Reply::HangUp);
    let living = Fake::new(move |got, _| {
        let _ = is_down.lock().unwrap().recv();
        texts(got, 99)
    });
    let tell = Mutex::new(Some(tell));
    let events = Events::new(move |event| {
        if let Event::Server { .. } = event {
            tell.lock().unwrap().take();
        }
    });
    let settings = Servers { retries: 0, samples_per_request: 1, ..settings(&[&dead, &living]) };
    let served = Served::new(&settings, events).unwrap().with_pace(LATER);
    for _ in 0..3 {
        let (result, said) = sample(&served, requests(3, 2));
        result.unwrap();
        require_each_once(&said, 3, 2);
        assert_eq!(dead.got.lock().unwrap().len(), 1, "it is known to be down");
    }
}

#[test]
fn servers_that_are_given_a_checkpoint_are_tried_at_once() {
    let dead = Fake::new(|_, _| Reply::HangUp);
    let living = Fake::new(|got, _| {
        std::thread::sleep(Duration::from_millis(50));
        texts(got, 99)
    });
    let reload = "true".to_owned();
    let settings = Servers { retries: 0, samples_per_request: 1, reload, ..settings(&[&dead, &living]) };
    let served = served(&settings).0.with_pace(LATER);
    let asked = || dead.got.lock().unwrap().iter().filter(|got| got.path == "/v1/completions").count();
    for (name, times) in [("stage1", 1), ("stage1", 1), ("round-1", 2)] {
        let ended = served.sample(&model(name), requests(5, 2), parameters(), &|| false, &mut |_| {
            ControlFlow::Continue(())
        });
        assert!(ended.unwrap().is_continue());
        assert_eq!(asked(), times, "{name}");
    }
}

#[test]
fn where_all_were_down_each_is_tried_at_once() {
    let server = Fake::new(|got, before| if before == 0 { Reply::HangUp } else { texts(got, 99).into() });
    let settings = Servers { retries: 0, ..settings(&[&server]) };
    let served = served(&settings).0.with_pace(LATER);
    assert!(sample(&served, requests(1, 1)).0.is_err());
    let began = Instant::now();
    let (result, said) = sample(&served, requests(1, 1));
    result.unwrap();
    require_each_once(&said, 1, 1);
    assert!(began.elapsed() < Duration::from_secs(300), "it was not waited for");
}

#[test]
fn another_tokenizer_is_told_once_of_each_server() {
    let counting = |count: u64| {
        Fake::new(move |got, _| {
            let mut said = texts(got, 1);
            said["usage"]["prompt_tokens"] = json!(count);
            said
        })
    };
    let expected = "OtherTokens { ours: 5, theirs: 4 }";
    for (count, tokens, told_once) in
        [(4, Some(5), vec![expected]), (5, Some(5), vec![]), (0, Some(5), vec![]), (4, None, vec![])]
    {
        let server = counting(count);
        let (served, told) = served(&settings(&[&server]));
        for _ in 0..2 {
            let mut asked = requests(2, 2);
            asked.iter_mut().for_each(|request| request.tokens = tokens);
            sample(&served, asked).0.unwrap();
        }
        assert_eq!(*told.lock().unwrap(), told_once, "{count} of {tokens:?}");
    }
}

#[test]
fn a_busy_server_is_waited_for_and_never_dies_of_it() {
    let server = Fake::new(|got, before| match before {
        0 => Reply::Later(429, "1"),
        1..6 => Reply::Later(503, "0"),
        _ => texts(got, 99).into(),
    });
    let (served, told) = served(&Servers { retries: 0, ..settings(&[&server]) });
    let began = Instant::now();
    let (result, said) = sample(&served, requests(2, 2));
    result.unwrap();
    require_each_once(&said, 2, 2);
    assert!(began.elapsed() >= Duration::from_secs(1), "it asked for a second");
    assert_eq!(*told.lock().unwrap(), ["Busy"], "once");
}

#[test]
fn a_server_that_is_busy_for_good_ends_it() {
    let server = Fake::new(|_, _| Reply::Status(503, "loading".to_owned()));
    let settings = Servers { retries: 0, timeout_seconds: 1.0, ..settings(&[&server]) };
    let pace = Pace { first: Duration::from_millis(20), longest: Duration::from_millis(20) };
    let (result, said) = sample(&served(&settings).0.with_pace(pace), requests(1, 1));
    let text = result.unwrap_err().to_string();
    assert!(text.contains(&server.url) && text.contains("goes on from there") && said.is_empty(), "{text}");
}

#[test]
fn a_server_that_cannot_be_given_the_checkpoint_is_not_asked_before_the_next_one() {
    let [odd, even] = [(); 2].map(|()| Fake::new(|got, _| texts(got, 99)));
    let reload = format!(
        "if [ $STP_URL = {} ] && [ $STP_MODEL_NAME = stage1 ]; then echo no room >&2; exit 3; fi",
        odd.url
    );
    let (served, told) = served(&Servers { samples_per_request: 1, reload, ..settings(&[&odd, &even]) });
    for _ in 0..2 {
        let (result, said) = sample(&served, requests(4, 2));
        result.unwrap();
        require_each_once(&said, 4, 2);
        assert!(odd.bodies().is_empty(), "it has other weights");
    }
    assert_eq!(*told.lock().unwrap(), ["Reloads", "Reloads", "Aside"]);
    let ended = served.sample(&model("round-1"), requests(40, 2), parameters(), &|| false, &mut |_| {
        ControlFlow::Continue(())
    });
    assert!(ended.unwrap().is_continue());
    let sampled = |got: &Got| got.path == "/v1/completions";
    assert!(odd.got.lock().unwrap().iter().any(sampled), "the next checkpoint is another matter");
}

#[test]
fn a_command_that_hangs_is_ended_and_its_server_set_aside() {
    let [hangs, well] = [(); 2].map(|()| Fake::new(|got, _| texts(got, 99)));
    let reload = format!("if [ $STP_URL = {} ]; then exec sleep 600; fi", hangs.url);
    let (served, told) = served(&Servers { reload, ..settings(&[&hangs, &well]) });
    let began = Instant::now();
    let (result, said) = sample(&served.with_reloading(Duration::from_millis(300)), requests(2, 1));
    result.unwrap();
    require_each_once(&said, 2, 1);
    assert!(hangs.bodies().is_empty() && began.elapsed() < Duration::from_secs(300));
    assert_eq!(*told.lock().unwrap(), ["Reloads", "Reloads", "Aside"]);
}
