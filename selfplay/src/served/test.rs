//! A small HTTP server in this process that says what a test wants it to say.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// What it says.
pub(crate) enum Reply {
    /// A status with a text.
    Status(u16, String),
    /// A status that asks for a pause: what `Retry-After` says.
    Later(u16, &'static str),
    /// Nothing: it hangs up.
    HangUp,
}

impl From<Value> for Reply {
    fn from(value: Value) -> Self {
        Self::Status(200, value.to_string())
    }
}

/// A request that it got.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub path: String,
    pub headers: String,
    pub body: Value,
}

/// It runs as long as the process does.
pub(crate) struct Fake {
    pub url: String,
    pub got: Arc<Mutex<Vec<Got>>>,
}

impl Fake {
    /// Answers by a function of the request and of how many of its path came before it; each on a thread of its own.
    pub(crate) fn new<R: Into<Reply>>(say: impl Fn(&Got, usize) -> R + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), say)
    }

    /// The same where somebody listens already.
    pub(crate) fn on<R: Into<Reply>>(
        listener: TcpListener,
        say: impl Fn(&Got, usize) -> R + Send + Sync + 'static,
    ) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let got = Arc::new(Mutex::new(Vec::<Got>::new()));
        let (keep, say) = (got.clone(), Arc::new(say));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (keep, say) = (keep.clone(), say.clone());
                std::thread::spawn(move || {
                    let Some(request) = read(&stream) else { return };
                    let before = {
                        let mut all = keep.lock().unwrap();
                        let before = all.iter().filter(|got| got.path == request.path).count();
                        all.push(request.clone());
                        before
                    };
                    answer(&stream, say(&request, before).into());
                });
            }
        });
        Self { url, got }
    }

    /// The bodies of the requests that had one.
    pub(crate) fn bodies(&self) -> Vec<Value> {
        let got = self.got.lock().unwrap();
        got.iter().map(|got| got.body.clone()).filter(|body| !body.is_null()).collect()
    }
}

fn read(stream: &TcpStream) -> Option<Got> {
    let mut reader = BufReader::new(stream);
    let mut headers = String::new();
    while !headers.ends_with("\r\n\r\n") {
        if reader.read_line(&mut headers).ok()? == 0 {
            return None;
        }
    }
    let headers = headers.to_lowercase();
    let length = headers.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    let path = headers.split_whitespace().nth(1)?.to_owned();
    Some(Got { path, headers, body: serde_json::from_slice(&body).unwrap_or_default() })
}

fn answer(mut stream: &TcpStream, reply: Reply) {
    let (status, text, more) = match reply {
        Reply::Status(status, text) => (status, text, String::new()),
        Reply::Later(status, pause) => (status, "later".to_owned(), format!("retry-after: {pause}\r\n")),
        Reply::HangUp => return,
    };
    let length = text.len();
    let head = format!("HTTP/1.1 {status} x\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n");
    // Whoever asked may have gone away.
    let _ = stream.write_all(format!("{head}{text}").as_bytes());
}

/// So many texts that tell what was asked: the prompt and the seed, with their numbers.
pub(crate) fn texts(got: &Got, most: usize) -> Value {
    let count = got.body["n"].as_u64().unwrap_or(1).min(most as u64);
    let choice = |index: u64| {
        let text = format!("{} {} {index}", got.body["prompt"], got.body["seed"]);
        json!({ "index": index, "text": text, "finish_reason": "stop" })
    };
    json!({ "choices": (0..count).map(choice).collect::<Vec<_>>(), "usage": { "completion_tokens": 5 * count } })
}
