//! Pages in a real browser.

use std::path::PathBuf;
use std::process::Command;

/// Chromium, installed from Debian if it is not there.
fn chromium() -> PathBuf {
    let find = || {
        let folders = std::env::var_os("PATH").unwrap();
        std::env::split_paths(&folders).map(|folder| folder.join("chromium")).find(|path| path.is_file())
    };
    find().unwrap_or_else(|| {
        crate::install(&["chromium"]);
        find().expect("this test needs Chromium, and `apt-get install chromium` fails: install it")
    })
}

/// What the browser makes of the page at an address: the attributes of its root element, and its text.
///
/// # Panics
/// If there is no page, or its script complains.
pub fn look_at(address: &str, options: &[&str]) -> String {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(chromium())
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--dump-dom", "--enable-logging=stderr", "--v=0"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(options)
        .arg(address)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let complaints: Vec<_> = said.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("<html"), "no page: {said}");
    text[text.find("<html").unwrap()..].to_owned()
}

/// The value of a `data-` attribute that stands first in the text.
///
/// # Panics
/// If there is none of that name.
pub fn fact<'a>(page: &'a str, name: &str) -> &'a str {
    let (_, rest) =
        page.split_once(&format!("data-{name}=\"")).unwrap_or_else(|| panic!("no {name} in {page}"));
    rest.split('"').next().unwrap()
}
