//! No circle of files: in every crate, imports go one way, so that each file can be read after those that it rests on.

use std::path::Path;

use stp_tests::imports::Crate;

/// The crates of the workspace, by the names of their folders.
fn crates(root: &Path) -> Vec<String> {
    let folders = std::fs::read_dir(root).unwrap().flatten();
    let names = folders.filter(|folder| folder.path().join("Cargo.toml").is_file());
    names.map(|folder| folder.file_name().into_string().unwrap()).collect()
}

#[test]
fn imports_go_one_way_in_every_crate() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let members = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let members = members.lines().find(|line| line.starts_with("members = ")).unwrap().to_owned();
    let crates = crates(root);
    assert_eq!(members.matches('"').count(), crates.len() * 2, "{crates:?}");
    for name in crates {
        assert!(members.contains(&format!("\"{name}\"")), "{name}");
        let found = Crate::read(&root.join(&name).join("src"));
        assert!(found.imports().len() > 2, "{name}");
        assert!(
            found.circles().is_empty(),
            "{name}: files that import each other in a circle: {:#?}",
            found.circles()
        );
    }
}

fn circles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    Crate::of(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))).circles()
}

#[test]
fn a_circle_is_found() {
    let circle = [("a.rs", "use crate::b::B;\npub struct A;"), ("b.rs", "pub struct B(crate::a::A);")];
    assert_eq!(circles(&circle), [["a", "b"]]);
    let one_way = [("a.rs", "use crate::b::B;\npub struct A;"), ("b.rs", "pub struct B;")];
    assert!(circles(&one_way).is_empty());
}

#[test]
fn a_circle_by_way_of_a_face_is_found_and_a_face_alone_is_none() {
    let face = ("mod_x/mod.rs", "mod inner;\nmod other;\npub use self::inner::Inner;");
    let circle = [
        face,
        ("mod_x/inner.rs", "use super::other::f;\npub struct Inner;"),
        ("mod_x/other.rs", "use super::Inner;\npub fn f() {}"),
    ];
    assert_eq!(circles(&circle), [["mod_x::inner", "mod_x::other"]]);
    let face = ("lib.rs", "mod a;\nmod b;\npub use a::A;\npub use self::b::{B, C as D};");
    let fine =
        [face, ("a.rs", "use crate::{B, D};\npub struct A;"), ("b.rs", "pub struct B;\npub struct C;")];
    assert!(circles(&fine).is_empty(), "{:?}", circles(&fine));
}

#[test]
fn tests_and_comments_import_nothing() {
    let files = [
        ("a.rs", "use crate::b::B;\n// crate::a\n#[cfg(test)]\nmod tests {\n    use crate::a;\n}\n"),
        ("b.rs", "pub struct B; // as crate::a::A\n"),
    ];
    assert!(circles(&files).is_empty());
}
