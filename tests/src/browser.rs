//! Pages in a real browser.

use std::path::{Path, PathBuf};
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

/// The narrowest window that Chromium opens.
const NARROWEST: u32 = 500;

/// How a page is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Width of the window in CSS pixels.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// Whether the reader prefers dark pages.
    pub dark: bool,
}

impl Look {
    /// A light window of that size.
    pub fn light(width: u32, height: u32) -> Self {
        Self { width, height, dark: false }
    }

    /// The same in the dark.
    pub fn dark(self) -> Self {
        Self { dark: true, ..self }
    }

    /// A window below Chromium's narrowest becomes a frame in one of that width, as large as it: one sees more pixels.
    fn scale(self) -> f64 {
        f64::from(self.width.max(NARROWEST)) / f64::from(self.width)
    }

    fn options(self) -> Vec<String> {
        let height = f64::from(self.height) * self.scale();
        let mut options = vec![
            format!("--window-size={},{}", self.width.max(NARROWEST), height.round()),
            format!("--blink-settings=preferredColorScheme={}", u8::from(!self.dark)),
        ];
        if self.width < NARROWEST {
            // So that what the frame tells has been heard.
            options.push("--virtual-time-budget=4000".to_owned());
        }
        options
    }

    /// The address of a page in a frame of that width, if it needs one. The page is a file, and tells what it found by
    /// `parent.postMessage(data-attributes)`; `folder` gets the page that has the frame.
    fn framed(self, address: &str, folder: &Path) -> String {
        if self.width >= NARROWEST {
            return address.to_owned();
        }
        let Self { width, height, .. } = self;
        let page = format!(
            "<!DOCTYPE html><meta name=\"color-scheme\" content=\"light dark\"><style>body {{ margin: 0; overflow: hidden }} \
             iframe {{ border: 0; width: {width}px; height: {height}px; transform: scale({}); transform-origin: 0 0 }}</style>\
             <script>addEventListener('message', (event) => Object.assign(document.documentElement.dataset, event.data))</script>\
             <iframe src=\"{address}\"></iframe>",
            self.scale()
        );
        let path = folder.join("frame.html");
        std::fs::write(&path, page).unwrap();
        format!("file://{}", path.display())
    }
}

/// What the browser makes of the page at an address: the attributes of its root element, and its text.
///
/// # Panics
/// If there is no page, or its script complains.
pub fn look_at(address: &str, look: Look) -> String {
    let text = browse(address, look, &["--dump-dom"]);
    assert!(text.contains("<html"), "no page at {address}");
    text[text.find("<html").unwrap()..].to_owned()
}

/// A picture of the page at an address, as a PNG file.
///
/// # Panics
/// If there is none, or the page's script complains.
pub fn take_picture(address: &str, look: Look, file: &Path) {
    let screenshot = format!("--screenshot={}", file.display());
    browse(address, look, &[&screenshot, "--hide-scrollbars"]);
    assert!(std::fs::read(file).unwrap().starts_with(b"\x89PNG"), "{}", file.display());
}

fn browse(address: &str, look: Look, options: &[&str]) -> String {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(chromium())
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--v=0"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(look.options())
        .args(options)
        .arg(look.framed(address, profile.path()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let complaints: Vec<_> = said.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
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
