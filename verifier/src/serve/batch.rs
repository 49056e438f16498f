//! Many rows in one request, each answered on its own: one that is malformed costs the others nothing.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::protocol::VerifierError;

/// A row as it was sent.
#[derive(Debug)]
pub(super) struct Row {
    /// Its place among the request's rows, from 0.
    index: usize,
    fields: Result<Map<String, Value>, String>,
}

/// The rows of a request.
pub(super) fn rows<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Row>, D::Error> {
    let values = Vec::<Value>::deserialize(input)?;
    let rows = values.into_iter().enumerate().map(|(index, value)| {
        let fields = match value {
            Value::Object(fields) => Ok(fields),
            other => Err(format!("it is {}, not an object", kind(&other))),
        };
        Row { index, fields }
    });
    Ok(rows.collect())
}

impl Row {
    /// What it calls itself by one of `names`; its place if it does not say.
    pub(super) fn id(&self, names: &[&str]) -> Value {
        let fields = self.fields.as_ref().ok();
        let found = names.iter().find_map(|name| fields?.get(*name).filter(|id| !id.is_null()));
        found.cloned().unwrap_or_else(|| self.index.into())
    }

    /// The text of the first of the fields `names` that it has, if it has one.
    ///
    /// # Errors
    /// If it is something else.
    pub(super) fn text(&self, names: &[&str]) -> Result<Option<&str>, String> {
        let fields = self.fields.as_ref().map_err(Clone::clone)?;
        let mut found = names.iter().filter_map(|&name| Some((name, fields.get(name)?)));
        match found.find(|(_, value)| !value.is_null()) {
            None => Ok(None),
            Some((_, Value::String(text))) => Ok(Some(text)),
            Some((name, other)) => Err(format!("its `{name}` is {}, not a text", kind(other))),
        }
    }

    /// What to say of a row without what is `wanted`.
    pub(super) fn lacks(&self, wanted: &str) -> String {
        let names: Vec<_> =
            self.fields.iter().flat_map(Map::keys).take(20).map(|name| format!("`{name}`")).collect();
        match names.as_slice() {
            [] => format!("it has no {wanted}, and no other field"),
            names => format!("it has no {wanted}, only {}", names.join(", ")),
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// What came of a row.
#[derive(Debug, PartialEq)]
pub(super) enum Settled<T> {
    Done(T),
    /// It is no question; why.
    Malformed(String),
    /// There was no Lean to ask, or no longer.
    Unanswered(String),
}

/// What came of each row, in order: of what is asked of Lean, or of what is wrong with it. The first that finds no
/// Lean ends the waiting for those that are not done.
///
/// # Errors
/// If Lean was asked, and nothing was done by then.
pub(super) async fn each<T>(
    rows: Vec<Result<impl Future<Output = Result<T, VerifierError>>, String>>,
) -> Result<Vec<Settled<T>>, VerifierError> {
    let mut outcomes = Vec::new();
    let mut waiting = FuturesUnordered::new();
    for (index, row) in rows.into_iter().enumerate() {
        outcomes.push(match row {
            Ok(work) => {
                waiting.push(async move { (index, work.await) });
                None
            }
            Err(reason) => Some(Settled::Malformed(reason)),
        });
    }
    let (mut any, mut words) = (false, String::new());
    while let Some((index, outcome)) = waiting.next().await {
        match outcome {
            Ok(answer) => {
                outcomes[index] = Some(Settled::Done(answer));
                any = true;
            }
            Err(error) if !any => return Err(error),
            Err(error) => {
                words = error.to_string();
                break;
            }
        }
    }
    Ok(outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap_or_else(|| Settled::Unanswered(words.clone())))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Row> {
        rows(&mut serde_json::Deserializer::from_str(text)).unwrap()
    }

    #[test]
    fn a_row_says_what_is_wrong_with_it() {
        let found = read(r#"[{"id":null,"name":"x","a":null,"b":"text","c":3},"theorem",{}]"#);
        assert_eq!(found[0].id(&["id", "name"]), Value::from("x"));
        assert_eq!((found[1].id(&["id"]), found[2].id(&["id"])), (1.into(), 2.into()));
        assert_eq!(found[0].text(&["a", "b"]), Ok(Some("text")));
        assert_eq!(found[0].text(&["a", "z"]), Ok(None));
        assert_eq!(found[0].text(&["c", "b"]), Err("its `c` is a number, not a text".to_owned()));
        assert_eq!(found[1].text(&["a"]), Err("it is a text, not an object".to_owned()));
        assert!(found[0].lacks("`proof`").ends_with("only `a`, `b`, `c`, `id`, `name`"));
        assert!(found[2].lacks("`proof`").contains("no other field"));
    }

    #[tokio::test]
    async fn what_is_done_before_lean_is_lost_is_kept() {
        let answer = async |index: u64| {
            // One turn of the runtime after the other: which answer is first does not depend on the machine.
            for _ in 0..index {
                tokio::task::yield_now().await;
            }
            if index == 2 { Err(VerifierError::Closed) } else { Ok(index) }
        };
        let row = |row: Option<u64>| row.map(answer).ok_or_else(|| "bad".to_owned());
        let rows = |rows: &[Option<u64>]| each(rows.iter().copied().map(row).collect());
        let lost = || Settled::Unanswered(VerifierError::Closed.to_string());
        let malformed = || Settled::Malformed("bad".to_owned());
        let found = rows(&[Some(3), Some(0), None, Some(2), Some(1)]).await.unwrap();
        assert_eq!(found, [lost(), Settled::Done(0), malformed(), lost(), Settled::Done(1)]);
        assert!(rows(&[None, Some(2)]).await.is_err());
        assert_eq!(rows(&[Some(1), None]).await.unwrap(), [Settled::Done(1), malformed()]);
        assert_eq!(rows(&[None]).await.unwrap(), [malformed()]);
    }
}
