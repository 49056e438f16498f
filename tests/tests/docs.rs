//! The README and the manual keep their word: links lead somewhere, the book has every page, and commands do what is said.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use stp_tests::manual::{Block, Page, pages, reader, repository, run_in};
use stp_tests::stp;

/// What a block of shell commands may be: run by the test below; minutes of work; compiling or installing; in need of what
/// is not here.
const MARKS: [&str; 4] = ["sh run", "sh long", "sh build", "sh outside"];

#[test]
fn the_readme_is_short() {
    let lines = fs::read_to_string(repository().join("README.md")).unwrap().lines().count();
    assert!(lines <= 120, "the README has {lines} lines; what is more than 120 belongs into docs/");
}

#[test]
fn links_lead_somewhere() {
    let mut all = pages();
    all.extend(["CONTRIBUTING.md", "CHANGELOG.md"].map(|name| Page::read(&repository().join(name))));
    let mut broken = Vec::new();
    for page in &all {
        for (file, heading) in page.files() {
            let found = match heading {
                Some(heading) => file.is_file() && Page::read(&file).anchors.contains(heading),
                None => file.exists(),
            };
            if !found {
                broken.push(format!("{}: {}#{}", page.path.display(), file.display(), heading.unwrap_or("")));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_book_has_every_page_and_links_that_work_in_it() {
    let docs = repository().join("docs");
    let named: BTreeSet<_> =
        Page::read(&docs.join("SUMMARY.md")).files().into_iter().map(|(file, _)| file).collect();
    let there: BTreeSet<_> = pages().into_iter().skip(1).map(|page| page.path).collect();
    assert_eq!(named, there, "docs/SUMMARY.md names what is not there, or lacks a page");
    for page in pages().iter().skip(1) {
        for (file, _) in page.files() {
            let inside = file.canonicalize().unwrap().starts_with(docs.canonicalize().unwrap());
            // The book makes `.html` of every `.md`, also of those that it does not have.
            let page_outside = !inside && file.extension().is_some_and(|ending| ending == "md");
            assert!(!page_outside, "{}: {} is not in the book", page.path.display(), file.display());
        }
    }
}

/// Settings for random weights would ruin a checkpoint that was trained.
#[test]
fn the_first_settings_for_a_checkpoint_suit_one() {
    let page = Page::read(&repository().join("docs/models.md"));
    let of = |mark: &str| {
        let block = page.blocks.iter().find(|block| block.text.contains(mark));
        block.unwrap_or_else(|| panic!("docs/models.md has no block with {mark}")).text.clone()
    };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.toml"), of("# mine.toml")).unwrap();
    let command = of("--config mine.toml");
    let preset = command.split_whitespace().skip_while(|word| *word != "--preset").nth(1).unwrap();
    let mut shown = Command::new(stp());
    shown.args(["config", "show", "--json", "--preset", preset, "--config", "mine.toml"]);
    let output = shown.current_dir(folder.path()).output().unwrap();
    let settings: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |name: &str| settings[name]["value"].as_f64().unwrap_or_else(|| panic!("{name}: {settings}"));
    assert!(of("round.learning_rate") <= 1e-4 && of("retraining.learning_rate") <= 2e-4);
    assert!(of("sampling.max_proof_tokens") >= 1024.0 && of("verifier.max_heartbeats") >= 200_000.0);
}

#[test]
fn pictures_are_those_of_the_experiments() {
    for name in ["stp-vs-ei", "small"] {
        let picture = repository().join(format!("docs/pictures/{name}-hard.svg"));
        let plot = repository().join(format!("experiments/{name}/claim-2.svg"));
        assert_eq!(fs::read(&picture).unwrap(), fs::read(&plot).unwrap(), "copy {} again", plot.display());
    }
}

#[test]
fn every_block_of_commands_says_whether_it_is_run() {
    for page in pages() {
        for Block { info, text } in &page.blocks {
            let marked = !info.starts_with("sh") || MARKS.contains(&info.as_str());
            assert!(marked && !info.is_empty(), "{}: mark as one of {MARKS:?}:\n{text}", page.path.display());
        }
    }
}

#[test]
fn the_commands_do_what_is_said() {
    let template = tempfile::tempdir().unwrap();
    reader(env!("CARGO_TARGET_TMPDIR"), template.path());
    for page in pages().iter().filter(|page| page.blocks.iter().any(|block| block.info == "sh run")) {
        let folder = tempfile::tempdir().unwrap();
        let copied =
            Command::new("cp").args(["-r", "."]).arg(folder.path()).current_dir(template.path()).status();
        assert!(copied.unwrap().success());
        follow(page, folder.path());
    }
}

/// Runs a page's commands, and compares what they print with the block of output after them.
fn follow(page: &Page, folder: &Path) {
    let mut printed = String::new();
    for Block { info, text } in &page.blocks {
        if info == "sh run" {
            let script = format!("set -euo pipefail\n{text}");
            let output = run_in(folder, Command::new("bash").args(["-c", &script]));
            printed = String::from_utf8(output.stdout).unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}:\n{text}\n{printed}{said}", page.path.display());
        } else if info.ends_with(" output") {
            for line in text.lines() {
                let found = printed.lines().any(|printed| matches(line, printed));
                assert!(found, "{}: {line:?} is not in:\n{printed}", page.path.display());
            }
        }
    }
}

/// Whether a line is the one that is shown, where `…` stands for anything.
fn matches(shown: &str, line: &str) -> bool {
    let mut pieces = shown.split('…');
    let Some(mut rest) = line.strip_prefix(pieces.next().unwrap()) else { return false };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    shown.ends_with('…') || rest.is_empty()
}

#[test]
fn dots_stand_for_anything() {
    assert!(matches("a…c", "abbbc") && matches("a…", "ab") && matches("a", "a"));
    assert!(!matches("a…c", "abbb") && !matches("a", "ab") && !matches("b…", "ab"));
}
