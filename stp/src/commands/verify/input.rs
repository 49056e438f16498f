//! What `stp verify` reads: JSON lines, JSON, Parquet and Lean, as a stream of units to judge.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use stp_datasets::{ClaimRow, Layout, RowSource, begins_command, import_files, read_claims};
use stp_selfplay::error::UsageError;
use tokio::sync::mpsc;

use super::args::VerifyArgs;
use super::unit::{LeanFile, Place, Unit, Work};

/// Units that are read ahead.
const AHEAD: usize = 64;
const STDIN: &str = "standard input";

/// What comes out of the input.
pub(super) enum Event {
    /// Something to judge.
    Unit(Unit),
    /// A word for the user.
    Note(String),
    /// An input that the user named and that holds nothing to judge, in words.
    Empty(String),
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    /// `None` for standard input.
    path: Option<PathBuf>,
    form: Form,
    /// Whether the user named it, and not a folder in which it lies.
    named: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Lines,
    Json,
    Parquet,
    Lean,
    /// Lines, JSON or Lean: its beginning says which.
    Unknown,
}

/// What all inputs have in common.
struct Reading {
    header: String,
    layout: Layout,
    sender: mpsc::Sender<Result<Event>>,
}

/// All units of the input, read by a thread of its own.
pub(super) fn read(args: &VerifyArgs) -> Result<mpsc::Receiver<Result<Event>>> {
    let header = match &args.header {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| UsageError(format!("cannot read the header {}: {error}", path.display())))?,
    };
    let mut layout = Layout::named("auto").context("there is no layout `auto`")?;
    for mapping in &args.map {
        layout.map(mapping).map_err(|reason| UsageError(format!("--map: {reason}.")))?;
    }
    let sources = sources(args)?;
    let (sender, receiver) = mpsc::channel(AHEAD);
    let reading = Reading { header, layout, sender };
    std::thread::spawn(move || {
        let sender = reading.sender.clone();
        if let Err(failed) = whole(|| sources.iter().try_for_each(|source| reading.source(source))) {
            // A receiver that went away needs no more.
            let _ = sender.blocking_send(Err(failed));
        }
    });
    Ok(receiver)
}

/// What reading comes to; a fault of ours that ends it must not look like the end of the input.
fn whole(read: impl FnOnce() -> Result<()>) -> Result<()> {
    std::panic::catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        bail!(
            "a fault of `stp` ended the reading of its input, so what came after the last verdict is not judged; \
             please report the lines above with the row that follows that verdict"
        )
    })
}

/// Files and the files in folders, in the order in which they were given.
fn sources(args: &VerifyArgs) -> Result<Vec<Source>> {
    let stdin =
        Source { path: None, form: if args.lean_text { Form::Lean } else { Form::Unknown }, named: true };
    if args.files.is_empty() {
        return Ok(vec![stdin]);
    }
    let mut sources = Vec::new();
    for path in &args.files {
        if path == Path::new("-") {
            sources.push(stdin.clone());
        } else if path.is_dir() {
            let files = import_files(path).map_err(|error| UsageError(error.to_string()))?;
            let read = files.into_iter().filter(|path| !is_output(path, args.output.as_deref()));
            sources.extend(read.map(|path| Source::file(path, false)));
        } else if path.exists() {
            sources.push(Source::file(path.clone(), true));
        } else {
            return Err(UsageError(format!("there is no file or folder {}", path.display())).into());
        }
    }
    Ok(sources)
}

/// Whether a file of a folder is the one in which the verdicts stand, or will.
fn is_output(path: &Path, output: Option<&Path>) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    output.and_then(real).is_some_and(|output| real(path) == Some(output))
}

impl Source {
    fn file(path: PathBuf, named: bool) -> Self {
        let form = match path.extension().and_then(|ending| ending.to_str()) {
            Some("lean") => Form::Lean,
            Some("jsonl" | "ndjson") => Form::Lines,
            Some("json") => Form::Json,
            Some("parquet") => Form::Parquet,
            _ => Form::Unknown,
        };
        Self { path: Some(path), form, named }
    }

    fn name(&self) -> Option<String> {
        self.path.as_ref().map(|path| path.strip_prefix("./").unwrap_or(path).display().to_string())
    }
}

impl Reading {
    /// Sends all units of an input.
    fn source(&self, source: &Source) -> Result<()> {
        let name = source.name();
        let shown = name.clone().unwrap_or_else(|| STDIN.to_owned());
        let path = source.path.clone().unwrap_or_else(|| PathBuf::from(STDIN));
        if source.form == Form::Parquet {
            return self.rows(source, &path, RowSource::Parquet, Place::Row);
        }
        let cannot = || format!("cannot read {shown}");
        let mut reader: Box<dyn BufRead> = match &source.path {
            None => Box::new(BufReader::new(io::stdin())),
            Some(path) => Box::new(BufReader::with_capacity(1 << 16, File::open(path).with_context(cannot)?)),
        };
        let begin = beginning(&mut reader).with_context(cannot)?;
        let form = form(source.form, &begin);
        let mut reader = Cursor::new(begin).chain(reader);
        match form {
            Form::Lean => {
                let mut bytes = Vec::new();
                reader.read_to_end(&mut bytes).with_context(cannot)?;
                self.lean(source, name, bytes);
                Ok(())
            }
            Form::Json => self.rows(source, &path, RowSource::Json(&mut reader), Place::Row),
            _ => self.rows(source, &path, RowSource::Lines(&mut reader), Place::Line),
        }
    }

    fn rows(&self, source: &Source, path: &Path, rows: RowSource<'_>, place: fn(u64) -> Place) -> Result<()> {
        let name = source.name();
        let (mut any, mut noted) = (false, false);
        read_claims(path, rows, &self.layout, &self.header, &mut |row| {
            any = true;
            if let Some(note) = row.note.clone().filter(|_| !std::mem::replace(&mut noted, true)) {
                self.send(Event::Note(format!("{}: {note}", path.display())));
            }
            units(row, name.as_deref(), place).into_iter().all(|unit| self.send(Event::Unit(unit)))
        })?;
        if !any && source.named {
            self.send(Event::Empty(format!("{} holds no row", path.display())));
        }
        Ok(())
    }

    fn lean(&self, source: &Source, file: Option<String>, bytes: Vec<u8>) {
        let id = file.clone().unwrap_or_else(|| STDIN.to_owned()).into();
        let (place, work) = match String::from_utf8(bytes) {
            Ok(text) => (Place::File, Ok(Work::File(LeanFile { text, named: source.named }))),
            Err(error) => {
                let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = before.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1;
                (Place::Line(line), Err("it is not UTF-8".to_owned()))
            }
        };
        self.send(Event::Unit(Unit { file, place, id, part: None, work }));
    }

    /// False if nobody listens any more.
    fn send(&self, event: Event) -> bool {
        self.sender.blocking_send(Ok(event)).is_ok()
    }
}

/// The units of a row: one for each of its proofs.
fn units(row: ClaimRow, file: Option<&str>, place: fn(u64) -> Place) -> Vec<Unit> {
    let unit = |part, work| Unit {
        file: file.map(str::to_owned),
        place: place(row.row),
        id: row.id.clone().unwrap_or_else(|| row.row.into()),
        part,
        work,
    };
    match &row.claims {
        Err(reason) => vec![unit(None, Err(reason.clone()))],
        Ok(claims) => {
            let parts = u32::try_from(claims.len()).unwrap_or(u32::MAX);
            let part = |part| (parts > 1).then_some((part, parts));
            (1..)
                .zip(claims)
                .map(|(number, claim)| unit(part(number), Ok(Work::Claim(claim.clone()))))
                .collect()
        }
    }
}

/// The lines up to the first that is not blank, that one with them.
fn beginning(reader: &mut dyn BufRead) -> io::Result<Vec<u8>> {
    let mut begin = Vec::new();
    loop {
        let before = begin.len();
        let length = reader.read_until(b'\n', &mut begin)?;
        if length == 0 || !begin[before..].trim_ascii().is_empty() {
            return Ok(begin);
        }
    }
}

/// The form that a text's beginning shows, where its name leaves that open. Lists of rows are taken for such in any
/// file of rows.
fn form(told: Form, begin: &[u8]) -> Form {
    let text = String::from_utf8_lossy(begin);
    let text = text.trim_start_matches('\u{feff}').trim();
    match told {
        Form::Lines | Form::Unknown if text.starts_with('[') || text == "{" => Form::Json,
        Form::Unknown if begins_command(text) => Form::Lean,
        Form::Unknown => Form::Lines,
        told => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_shows_the_form() {
        for (text, expected) in [
            ("{\"statement\": \": True\"}", Form::Lines),
            ("[{", Form::Json),
            ("{", Form::Json),
            ("theorem x : True := trivial", Form::Lean),
            ("\u{feff}import Mathlib", Form::Lean),
            ("/-! A file -/", Form::Lean),
            ("@[simp] lemma x : True := trivial", Form::Lean),
            ("nonsense", Form::Lines),
            ("", Form::Lines),
        ] {
            assert_eq!(form(Form::Unknown, text.as_bytes()), expected, "{text}");
        }
        assert_eq!(form(Form::Lines, b"["), Form::Json);
        assert_eq!(form(Form::Lines, b"theorem"), Form::Lines);
        assert_eq!(form(Form::Lean, b"{"), Form::Lean);
    }

    #[test]
    fn a_fault_is_no_end_of_the_input() {
        assert!(whole(|| Ok(())).is_ok());
        assert!(whole(|| panic!("on purpose")).unwrap_err().to_string().contains("not judged"));
    }

    #[test]
    fn the_output_is_no_input() {
        let folder = tempfile::tempdir().unwrap();
        let [row, out] = ["a.jsonl", "out.jsonl"].map(|name| folder.path().join(name));
        std::fs::write(&row, "{}").unwrap();
        std::fs::write(&out, "{}").unwrap();
        let beside = folder.path().join(".").join("out.jsonl");
        assert!(is_output(&out, Some(&beside)) && !is_output(&row, Some(&beside)) && !is_output(&out, None));
        assert!(!is_output(&out, Some(Path::new("not there yet.jsonl"))));
    }

    #[test]
    fn blank_lines_before_the_first_are_kept() {
        let mut reader: &[u8] = b"\n \n{}\nmore";
        assert_eq!(beginning(&mut reader).unwrap(), b"\n \n{}\n");
        assert_eq!(beginning(&mut reader).unwrap(), b"more");
        assert_eq!(beginning(&mut reader).unwrap(), b"");
    }

    #[test]
    fn a_row_with_several_proofs_is_several_units() {
        let claim = stp_datasets::Claim::Proof {
            header: "".into(),
            signature: "".into(),
            proof: "".into(),
            own: None,
        };
        let row = ClaimRow { row: 3, id: None, claims: Ok(vec![claim.clone(), claim]), note: None };
        let found = units(row, Some("x.json"), Place::Row);
        let brief: Vec<_> = found.iter().map(|unit| (unit.id.clone(), unit.place, unit.part)).collect();
        assert_eq!(brief, [(3.into(), Place::Row(3), Some((1, 2))), (3.into(), Place::Row(3), Some((2, 2)))]);
    }
}
