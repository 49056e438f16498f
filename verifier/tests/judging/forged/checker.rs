//! The checker of the managed Lean in a process of its own, and what it says of exports.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::export::{Export, TARGET};

pub struct Checker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    asked: usize,
}

impl Checker {
    fn start() -> Self {
        let lean = crate::common::managed();
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join("managed");
        let mut child = stp_verifier::managed_program(&lean)
            .unwrap()
            .args(lean.node_arguments())
            .arg(format!("--allow-fs-read={}", scripts.display()))
            .arg(scripts.join("checker.js"))
            .arg(&lean.lean_js)
            .arg(&lean.library)
            .arg("20000")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut checker = Self { child, input, output, asked: 0 };
        let ready = checker.answer();
        assert_eq!(ready["ready"], true, "{ready}");
        checker
    }

    fn answer(&mut self) -> Value {
        loop {
            let mut line = String::new();
            let length = self.output.read_line(&mut line).unwrap();
            assert!(length > 0, "the checker ended: {:?}", self.child.wait());
            if let Some(text) = line.strip_prefix("@stp ") {
                return serde_json::from_str(text).unwrap();
            }
        }
    }

    pub fn ask(&mut self, mut request: Value) -> Value {
        self.asked += 1;
        request["id"] = json!(self.asked.to_string());
        writeln!(self.input, "{request}").unwrap();
        let answer = self.answer();
        assert_eq!(answer["id"], request["id"], "{answer}");
        assert!(answer["crashed"].is_null(), "{answer}");
        answer
    }

    /// What a trusted statement claims.
    pub fn reference(&mut self, header: &str, signature: &str) -> Value {
        let answer = self.ask(json!({ "op": "reference", "header": header, "signature": signature }));
        assert_eq!(answer["ok"], true, "{answer}");
        answer["reference"].clone()
    }

    /// The verdicts on `roots`; `context` holds the header or the imports, and the reference if one is wanted.
    pub fn check(&mut self, export: &Export, roots: &[&str], context: Value) -> Vec<Verdict> {
        let mut request = json!({ "op": "check", "export": export.text(), "roots": roots, "proof": "" });
        request.as_object_mut().unwrap().extend(context.as_object().unwrap().clone());
        let answer = self.ask(request);
        let verdicts = answer["verdicts"].as_array().unwrap();
        assert_eq!(verdicts.len(), roots.len());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        verdicts
            .iter()
            .map(|it| Verdict { status: text(&it["status"]), message: text(&it["messages"][0]) })
            .collect()
    }

    /// The verdict on the target below no header.
    pub fn plain(&mut self, export: &Export) -> Verdict {
        self.check(export, &[TARGET], json!({ "header": "" })).remove(0)
    }

    /// The verdict on the target as a proof of `signature`.
    pub fn proof_of(&mut self, signature: &str, export: &Export) -> Verdict {
        let reference = self.reference("", signature);
        self.check(export, &[TARGET], json!({ "header": "", "reference": reference })).remove(0)
    }
}

#[derive(Debug)]
pub struct Verdict {
    pub status: String,
    message: String,
}

impl Verdict {
    pub fn is(&self, status: &str, message: &str) {
        assert!(
            self.status == status && self.message.contains(message),
            "not {status} ({message}): {self:?}"
        );
    }
}

static CHECKER: LazyLock<Mutex<Checker>> = LazyLock::new(|| Mutex::new(Checker::start()));

pub fn checker() -> MutexGuard<'static, Checker> {
    CHECKER.lock().unwrap_or_else(PoisonError::into_inner)
}
