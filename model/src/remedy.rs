//! What to do about a file of a checkpoint that cannot be used. Folders are often fetched or saved in a way that leaves
//! something else than what is read here; then copying them again is of no use.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// See `checkpoint.rs` and `hf/`, which need this file.
const TOKENIZER: &str = "tokenizer.json";
/// The same.
const WEIGHTS: &str = "model.safetensors";

/// For a file that is missing or damaged, nobody knows why.
pub(crate) const COPY: &str =
    "Copy the whole checkpoint folder again, choose another checkpoint, or start without one";
const POINTER: &str = "The file is only a pointer of Git LFS to what should be there: run `git lfs pull` in the folder \
                       that was cloned";
const PICKLED: &str = "The folder has its weights as pytorch_model*.bin, which is not read: load it with `transformers` and \
                       save it with `save_pretrained(FOLDER, safe_serialization=True)`";
const UNCONVERTED: &str = "The folder has only a tokenizer.model, which is not read: load it with \
                           `AutoTokenizer.from_pretrained(FOLDER, use_fast=True)` of `transformers` and save it with \
                           `save_pretrained(FOLDER)`";

/// How a pointer of Git LFS begins.
const BEGINNING: &[u8] = b"version https://git-lfs";

/// What to do about a file, by what is in its place and beside it.
pub(crate) fn of(path: &Path) -> &'static str {
    if is_pointer(path) {
        return POINTER;
    }
    let is_replaced_by = |is_it: fn(&str) -> bool| !path.exists() && is_beside(path, is_it);
    match path.file_name().and_then(OsStr::to_str) {
        Some(WEIGHTS) if is_replaced_by(is_pickled) => PICKLED,
        Some(TOKENIZER) if is_replaced_by(|name| name == "tokenizer.model") => UNCONVERTED,
        _ => COPY,
    }
}

fn is_pointer(path: &Path) -> bool {
    let mut beginning = [0; BEGINNING.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut beginning));
    read.is_ok() && beginning == BEGINNING
}

/// Whether a file of such a name is in the same folder.
fn is_beside(path: &Path, is_it: fn(&str) -> bool) -> bool {
    let folder = path.parent().and_then(|folder| fs::read_dir(folder).ok());
    folder.is_some_and(|mut items| {
        items.any(|item| item.is_ok_and(|item| item.file_name().to_str().is_some_and(is_it)))
    })
}

/// `pytorch_model.bin`, or a part of one.
fn is_pickled(name: &str) -> bool {
    name.starts_with("pytorch_model") && name.ends_with(".bin")
}
