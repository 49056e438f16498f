//! Ways in which Lean may be written, in every form that `stp verify` takes: a table of honest proofs, each beside a
//! wrong twin. `forms/shapes.json` holds the shapes.

use std::collections::HashMap;
use std::io::Write;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use stp_tests::stp;

/// A way in which Lean is written.
struct Shape {
    name: String,
    /// What each form is to say of it, where that is not `proved`; `*` is any form.
    unless: HashMap<String, String>,
    right: Text,
    wrong: Text,
}

/// A theorem in its parts.
struct Text {
    header: String,
    /// What stands before the theorem and belongs to it.
    before: String,
    keyword: String,
    signature: String,
    /// What stands after `:=`, or equations.
    proof: String,
}

impl Text {
    fn read(row: &Value, over: &Value) -> Self {
        let part = |name: &str, default: &str| {
            let written = over[name].as_str().or(row[name].as_str());
            written.unwrap_or(default).to_owned()
        };
        Self {
            header: part("header", ""),
            before: part("before", ""),
            keyword: part("keyword", "theorem x"),
            signature: part("signature", ""),
            proof: part("proof", ""),
        }
    }

    fn statement(&self) -> String {
        format!("{}{} {}", self.before, self.keyword, self.signature)
    }

    fn assigned(&self) -> String {
        let joint = if self.proof.starts_with('|') { "\n" } else { " := " };
        format!("{joint}{}", self.proof)
    }

    fn whole(&self) -> String {
        let lines = if self.header.is_empty() { "" } else { "\n\n" };
        format!("{}{lines}{}{}", self.header, self.statement(), self.assigned())
    }

    /// The proof as tactics that stand below a `by`.
    fn tactics(&self) -> String {
        match self.proof.strip_prefix("by") {
            Some(tactics) => tactics.trim_start_matches(' ').trim_start_matches(['\r', '\n']).to_owned(),
            None => format!("exact {}", self.proof),
        }
    }

    /// The theorem again, under another name.
    fn repeated(&self) -> String {
        let keyword = self.keyword.replace(" x", " other");
        format!("{}{keyword} {}{}", self.before, self.signature, self.assigned())
    }
}

fn shapes() -> Vec<Shape> {
    let rows: Vec<Value> = serde_json::from_str(include_str!("forms/shapes.json")).unwrap();
    let mut shapes: Vec<_> = rows.iter().map(shape).collect();
    let steps: String = (0..300)
        .map(|i| format!("  have h{i} : {i} ≤ n + {i} := by\n    · exact Nat.le_add_left {i} n\n"))
        .collect();
    shapes.push(shape(&json!({
        "name": "300 bullets",
        "signature": "(n : Nat) : 299 ≤ n + 299",
        "proof": format!("by\n{steps}  exact h299"),
        "wrong": {"signature": "(n : Nat) : 300 ≤ n + 299"},
    })));
    shapes
}

fn shape(row: &Value) -> Shape {
    let unless = row["unless"].as_object().into_iter().flatten();
    Shape {
        name: row["name"].as_str().unwrap().to_owned(),
        unless: unless.map(|(form, verdict)| (form.clone(), verdict.as_str().unwrap().to_owned())).collect(),
        right: Text::read(row, &Value::Null),
        wrong: Text::read(row, &row["wrong"]),
    }
}

/// What a form makes a row of.
type RowOf = fn(&Text) -> Value;

/// Forms of rows that Lean looks at one after the other in one process.
const ROWS: [(&str, &str, RowOf); 5] = [
    (
        "bare",
        "in.jsonl",
        |text| json!({"header": text.header, "statement": text.statement(), "proof": text.proof}),
    ),
    (
        "array",
        "in.json",
        |text| json!({"header": text.header, "lean4_statement": text.statement(), "lean4_proof": [text.proof]}),
    ),
    (
        "signature",
        "in.jsonl",
        |text| json!({"header": text.header, "statement": text.signature, "proof": text.proof}),
    ),
    ("by", "in.jsonl", |text| {
        let statement = format!("{} := by", text.statement());
        json!({"header": text.header, "statement": statement, "proof": text.tactics()})
    }),
    ("formal", "in.jsonl", |text| {
        let statement = format!("{} := by sorry", text.statement());
        json!({"header": text.header, "formal_statement": statement, "formal_proof": text.proof})
    }),
];

/// Forms of rows with a whole text, for each of which Lean starts anew.
const TEXTS: [(&str, &str, RowOf); 4] = [
    ("code", "in.jsonl", |text| json!({"code": text.whole()})),
    ("full_code", "in.jsonl", |text| {
        let statement = format!("{} := by sorry", text.statement());
        json!({"header": text.header, "statement": statement, "full_code": text.whole()})
    }),
    ("fence", "in.jsonl", |text| {
        let answer = format!("So it goes.\n\n```lean4\n{}\n```\nDone.", text.whole());
        json!({"header": text.header, "statement": text.statement(), "proof": answer})
    }),
    ("repeated", "in.jsonl", |text| {
        let statement = format!("{} := sorry", text.statement());
        json!({"header": text.header, "statement": statement, "proof": text.repeated()})
    }),
];

/// A call with one Lean process, and its rows.
fn verify(folder: &Path, args: &[&str], input: &str) -> Vec<Value> {
    let mut command = Command::new(stp());
    command.arg("verify").args(args).args(["--workers", "1", "--timeout", "60", "--no-cache", "--quiet"]);
    command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A cell of the table: a shape, or its wrong twin, in a form.
struct Cell<'a> {
    shape: &'a Shape,
    form: &'a str,
    wrong: bool,
    found: Value,
}

impl Cell<'_> {
    fn verdict(&self) -> &str {
        match &self.found {
            Value::Null => "left out",
            row => row["verdict"].as_str().unwrap_or("error"),
        }
    }

    fn expected(&self) -> &str {
        let unless = self.shape.unless.get(self.form).or(self.shape.unless.get("*"));
        unless.map_or("proved", String::as_str)
    }

    fn holds(&self) -> bool {
        if self.wrong { self.verdict() != "proved" } else { self.verdict() == self.expected() }
    }
}

/// Shapes and whether their wrong twins are meant.
type Asked<'a> = Vec<(&'a Shape, bool)>;

fn text<'a>((shape, wrong): &(&'a Shape, bool)) -> &'a Text {
    if *wrong { &shape.wrong } else { &shape.right }
}

fn with_twins(shapes: &[Shape]) -> Asked<'_> {
    shapes.iter().flat_map(|shape| [(shape, false), (shape, true)]).collect()
}

/// All that is asked as rows of one file.
fn in_rows<'a>((form, file, row): (&'a str, &str, RowOf), asked: Asked<'a>) -> Vec<Cell<'a>> {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<_> = asked.iter().map(|it| row(text(it))).collect();
    let lines = rows.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let content = if file.ends_with(".json") { Value::from(rows).to_string() } else { lines };
    std::fs::write(folder.path().join(file), content).unwrap();
    let found = verify(folder.path(), &[file], "");
    assert_eq!(found.len(), asked.len(), "{form}");
    let cell = |((shape, wrong), found)| Cell { shape, form, wrong, found };
    asked.into_iter().zip(found).map(cell).collect()
}

/// Whether a text must be a file of its own.
fn stands_alone(text: &Text) -> bool {
    text.header.starts_with('\u{feff}') || text.header.starts_with("module")
}

/// One Lean text of all that is asked, each in a namespace; and the lines of each.
fn together(asked: &[(&Shape, bool)]) -> (String, Vec<Option<RangeInclusive<u64>>>) {
    let mut all = "/-- The first. -/\ndef first := 1\n".to_owned();
    let mut lines = Vec::new();
    let line = |all: &str| all.matches('\n').count() as u64;
    for (index, it) in asked.iter().enumerate() {
        let text = text(it);
        if stands_alone(text) {
            lines.push(None);
        } else {
            let first = line(&all) + 1;
            all.push_str(&format!("namespace S{index}\n{}\nend S{index}\n", text.whole()));
            lines.push(Some(first..=line(&all)));
        }
    }
    (all, lines)
}

/// All that is asked in one Lean file, but for what must stand alone.
fn in_files(asked: Asked<'_>) -> Vec<Cell<'_>> {
    let folder = tempfile::tempdir().unwrap();
    let (all, lines) = together(&asked);
    std::fs::write(folder.path().join("all.lean"), all).unwrap();
    for (index, it) in asked.iter().enumerate().filter(|(_, it)| stands_alone(text(it))) {
        std::fs::write(folder.path().join(format!("{index}.lean")), text(it).whole()).unwrap();
    }
    let found = verify(folder.path(), &["."], "");
    let of = |index: usize, lines: &Option<RangeInclusive<u64>>| {
        let file = if lines.is_some() { "all.lean".to_owned() } else { format!("{index}.lean") };
        last(&found, |row| row["file"].as_str().is_some_and(|it| it.ends_with(&file)) && is_in(row, lines))
    };
    let rows: Vec<_> = lines.iter().enumerate().map(|(index, lines)| of(index, lines)).collect();
    let cell = |((shape, wrong), found)| Cell { shape, form: "file", wrong, found };
    asked.into_iter().zip(rows).map(cell).collect()
}

/// The same as a text on standard input.
fn on_standard_input(asked: Asked<'_>) -> Vec<Cell<'_>> {
    let folder = tempfile::tempdir().unwrap();
    let (all, lines) = together(&asked);
    let found = verify(folder.path(), &[], &all);
    let rows: Vec<_> =
        lines.iter().map(|lines| last(&found, |row| lines.is_some() && is_in(row, lines))).collect();
    let cell = |((shape, wrong), found)| Cell { shape, form: "stdin", wrong, found };
    asked.into_iter().zip(rows).map(cell).collect()
}

fn is_in(row: &Value, lines: &Option<RangeInclusive<u64>>) -> bool {
    lines.as_ref().is_none_or(|lines| row["line"].as_u64().is_some_and(|line| lines.contains(&line)))
}

/// The last row that is meant: a text's theorem stands at its end.
fn last(rows: &[Value], is_meant: impl Fn(&Value) -> bool) -> Value {
    rows.iter().rfind(|&row| is_meant(row)).cloned().unwrap_or_default()
}

/// Prints what does not hold, with Lean's messages, below the whole table.
fn check(cells: &[Cell<'_>]) {
    let differs: Vec<_> = cells.iter().filter(|cell| !cell.holds()).collect();
    if differs.is_empty() {
        return;
    }
    let mut table = String::new();
    for cell in cells {
        let twin = if cell.wrong { "wrong" } else { "right" };
        let mark = if cell.holds() { "" } else { "   <-- not as expected" };
        let (form, shape) = (cell.form, &cell.shape.name);
        table.push_str(&format!("{form:<10} {shape:<16} {twin} {}{mark}\n", cell.verdict()));
    }
    let found: Vec<_> = differs.iter().map(|cell| format!("{:#}", cell.found)).collect();
    panic!("{table}\n{}", found.join("\n"));
}

#[test]
fn every_shape_is_proved_in_every_form_of_rows() {
    let shapes = shapes();
    assert!(shapes.len() >= 20);
    // What a twin is told does not hang on the columns that brought it.
    let alone = || shapes.iter().map(|shape| (shape, false)).collect();
    let asked = |form: &str| if form == "bare" { with_twins(&shapes) } else { alone() };
    let cells: Vec<_> = ROWS.into_iter().flat_map(|form| in_rows(form, asked(form.0))).collect();
    check(&cells);
}

#[test]
fn every_shape_is_proved_in_lean_texts() {
    let shapes = shapes();
    let mut cells = in_files(with_twins(&shapes));
    cells.extend(on_standard_input(with_twins(&shapes)));
    check(&cells);
}

/// Lean starts for each, so that every other shape stands in one of these forms, and few twins. The test below asks
/// all.
#[test]
fn shapes_are_proved_in_rows_with_whole_texts() {
    let shapes = shapes();
    let of = |form: usize| {
        let right = shapes.iter().skip(form).step_by(2 * TEXTS.len()).map(|shape| (shape, false));
        right.chain(shapes.get(form).map(|shape| (shape, true))).collect::<Vec<_>>()
    };
    let cells: Vec<_> =
        TEXTS.into_iter().enumerate().flat_map(|(index, form)| in_rows(form, of(index))).collect();
    check(&cells);
}

#[test]
#[ignore = "takes a quarter of an hour: Lean starts for each of 200 texts"]
fn every_shape_is_proved_in_rows_with_whole_texts() {
    let shapes = shapes();
    let cells: Vec<_> = TEXTS.into_iter().flat_map(|form| in_rows(form, with_twins(&shapes))).collect();
    check(&cells);
}
