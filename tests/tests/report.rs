//! The page of a report in a real browser.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

use stp_tests::browser::{fact, look_at};
use stp_tests::{external, finish, smoke, stp};

/// Writes on the page what only a browser knows.
const PROBE: &str = "<script>
const facts = document.documentElement.dataset;
facts.overflow = document.documentElement.scrollWidth > innerWidth;
facts.paper = getComputedStyle(document.body).backgroundColor;
facts.charts = document.querySelectorAll('svg').length;
facts.marks = document.querySelectorAll('svg circle, svg rect').length;
facts.articles = document.querySelectorAll('article').length;
facts.count = document.getElementById('count').textContent;
facts.first = (document.querySelector('article pre') || {}).textContent || '';
</script>";

fn look(page: &Path, hash: &str, options: &[&str]) -> String {
    look_at(&format!("file://{}#{hash}", page.display()), options)
}

#[test]
fn the_page_shows_a_run_in_a_browser() {
    if !external("the_page_shows_a_run_in_a_browser") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    finish(&mut smoke(&folder.path().join("run"), &[]));
    finish(Command::new(stp()).args(["report", &path("run"), &path("run"), "-o", &path("report.html")]));
    let page = folder.path().join("report.html");
    let text = fs::read_to_string(&page).unwrap();
    fs::write(&page, text.replace("</body>", &format!("{PROBE}</body>"))).unwrap();

    let whole = look(&page, "", &["--window-size=1200,900", "--blink-settings=preferredColorScheme=1"]);
    assert_eq!((fact(&whole, "ready"), fact(&whole, "overflow")), ("yes", "false"));
    assert!(fact(&whole, "charts").parse::<usize>().unwrap() >= 6, "{whole}");
    assert!(fact(&whole, "marks").parse::<usize>().unwrap() > 50, "{whole}");
    assert!(fact(&whole, "articles").parse::<usize>().unwrap() > 10, "{whole}");

    let found = look(&page, "text=omega&kind=proof", &["--window-size=1200,900"]);
    assert!(
        fact(&found, "first").contains("omega") && fact(&found, "count") != fact(&whole, "count"),
        "{found}"
    );
    let nothing = look(&page, "text=nowhere+to+be+found", &["--window-size=1200,900"]);
    assert_eq!(fact(&nothing, "articles"), "0");

    let phone = look(&page, "", &["--window-size=500,900", "--blink-settings=preferredColorScheme=0"]);
    assert_eq!(fact(&phone, "overflow"), "false", "a phone must not scroll sideways");
    assert_ne!(fact(&phone, "paper"), fact(&whole, "paper"), "dark is another colour");
}
