//! The README and the manual in `docs/`, as tests see them: blocks of code with their marks, links, headings; and a folder to
//! run their commands in.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::played::smoke_run;

/// The rows of `proofs.jsonl` in the folder of [`reader`].
const PROOFS: &str = r#"{"id": "swap", "statement": "theorem swap (a b : Nat) : a + b = b + a", "proof": "by omega"}
{"id": "append_nil", "statement": "theorem append_nil (xs : List Nat) : xs ++ [] = xs", "proof": "by simp"}
"#;
/// `File.lean` there.
const LEAN: &str = "theorem and_swap (p q : Prop) (h : p ∧ q) : q ∧ p := ⟨h.2, h.1⟩\n\n\
                    theorem two_mul_two : 2 * 2 = 4 := by rfl\n";

/// A block of code.
#[derive(Clone, Debug)]
pub struct Block {
    /// What stands after the fence: a language, and for some a mark, such as `sh run`.
    pub info: String,
    /// Its text.
    pub text: String,
}

/// A file of Markdown.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where it is.
    pub path: PathBuf,
    /// Its blocks of code, in order.
    pub blocks: Vec<Block>,
    /// What its links and pictures lead to.
    pub links: Vec<String>,
    /// The names of its headings, as links give them after `#`.
    pub anchors: BTreeSet<String>,
}

impl Page {
    /// Reads a file.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut page =
            Self { path: path.to_owned(), blocks: vec![], links: vec![], anchors: BTreeSet::new() };
        let (mut in_block, mut heading) = (false, None::<String>);
        for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    let info = match kind {
                        CodeBlockKind::Fenced(info) => info.into_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    page.blocks.push(Block { info, text: String::new() });
                    in_block = true;
                }
                Event::End(TagEnd::CodeBlock) => in_block = false,
                Event::Text(text) if in_block => page.blocks.last_mut().unwrap().text.push_str(&text),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    page.anchors.extend(heading.take().map(|text| anchor(&text)));
                }
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        page
    }

    /// Its links to files of the repository: the file or folder, and the heading after `#`.
    pub fn files(&self) -> Vec<(PathBuf, Option<&str>)> {
        let folder = self.path.parent().unwrap();
        let inside = self.links.iter().filter(|link| !link.contains("://"));
        inside
            .map(|link| {
                let (file, heading) = link
                    .split_once('#')
                    .map_or((link.as_str(), None), |(file, heading)| (file, Some(heading)));
                (if file.is_empty() { self.path.clone() } else { folder.join(file) }, heading)
            })
            .collect()
    }
}

/// The name by which links know a heading, on GitHub and in the book.
fn anchor(heading: &str) -> String {
    let kept = |character: &char| character.is_alphanumeric() || " -_".contains(*character);
    heading.to_lowercase().chars().filter(kept).map(|it| if it == ' ' { '-' } else { it }).collect()
}

/// The repository's folder.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The README, and all pages of the manual but its table of contents.
///
/// # Panics
/// If they cannot be read.
pub fn pages() -> Vec<Page> {
    let docs = fs::read_dir(repository().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = docs
        .filter(|path| path.extension().is_some_and(|it| it == "md") && !path.ends_with("SUMMARY.md"))
        .collect();
    paths.sort();
    paths.insert(0, repository().join("README.md"));
    paths.iter().map(|path| Page::read(path)).collect()
}

/// Makes what the manual's commands read: `proofs.jsonl`, `File.lean`, and the run in `runs/tiny-stp-seed0`, for which a
/// `smoke` run stands.
///
/// # Panics
/// If it cannot be made.
pub fn reader(test_folder: &str, folder: &Path) {
    fs::write(folder.join("proofs.jsonl"), PROOFS).unwrap();
    fs::write(folder.join("File.lean"), LEAN).unwrap();
    smoke_run(test_folder, &folder.join("runs/tiny-stp-seed0"));
}

/// A command in such a folder, in which `stp` is this build's.
///
/// # Panics
/// If it cannot be started.
pub fn run_in(folder: &Path, command: &mut Command) -> Output {
    let binaries = crate::stp().parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths([binaries].into_iter().chain(std::env::split_paths(&path))).unwrap();
    command.current_dir(folder).env("PATH", path).output().unwrap()
}
