//! The page of a report in a real browser: what it shows, on a wide and a narrow screen, in light and in the dark.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use stp_tests::browser::{Look, fact, look_at, take_picture};
use stp_tests::corpus::small_corpus;
use stp_tests::{external, finish, smoke, stp};

/// A run with conjectures, goals, second attempts and search.
const SETTINGS: &str = r#"
max_train = 0
max_valid = 0
max_supervised = 24
rounds = 4
[stage1]
epochs = 12
[sampling]
conjecture_temperature = 1.2
[conjecturing]
quota = 16
stage1_pairs_per_statement = 2
stage1_given = true
near_pairs = true
mask = "names"
sources = ["model", "subgoals"]
drop_trivial = true
drop_refuted = true
[proving]
proofs_per_round = 300
valid_samples = 8
[repair]
enabled = true
[search]
enabled = true
"#;

/// Writes on the page what only a browser knows; a page in a frame tells the one around it.
const PROBE: &str = "<script>
const known = document.documentElement.dataset;
const all = (what) => [...document.querySelectorAll(what)];
const numbers = (text) => text.split(' ').map(Number);
// A domain holds its data, and no more than twice as much beside them.
const fits = (svg) => {
  const [low, high] = numbers(svg.dataset.domain);
  const [least, most] = numbers(svg.dataset.extent);
  return low <= least + 1e-9 && most <= high + 1e-9 && (low === 0 || 3 * (most - least) >= high - low || most === least);
};
const facts = {
  overflow: document.documentElement.scrollWidth > innerWidth,
  width: innerWidth,
  paper: getComputedStyle(document.body).backgroundColor,
  ink: getComputedStyle(document.body).color,
  panels: all('main > section').map((panel) => panel.id).join(' '),
  curves: all('svg.curves').length,
  empty: all('svg.curves').filter((svg) => !svg.querySelector('path.curve, circle')).length,
  unfitted: all('svg.curves').filter((svg) => !fits(svg)).map((svg) => svg.getAttribute('aria-label')).join('; '),
  ticks: Math.min(...all('svg.curves').map((svg) => svg.querySelectorAll('line.grid').length)),
  marks: all('svg circle, svg rect').length,
  wide: all('svg').filter((svg) => svg.getBoundingClientRect().right > innerWidth + 1).length,
  items: all('.item').length,
  count: (document.getElementById('count') || {}).textContent || '',
  first: (document.querySelector('.item') || {}).textContent || '',
  detail: (document.querySelector('.detail') || {}).textContent || '',
  pressed: all('.switch [aria-pressed=true]').map((button) => button.textContent).join(' '),
  unnamed: all('button, input, select, svg[role=img]').filter((it) => !(it.textContent.trim() || it.ariaLabel)).length,
  links: all('nav a').length,
};
Object.assign(known, facts);
if (parent !== window) parent.postMessage({ ...known, ...facts }, '*');
</script>";

/// The runs of the page: self-play, and expert iteration from the same stage 1.
fn runs(folder: &Path) -> [PathBuf; 2] {
    let [play, iteration] = ["self-play", "expert-iteration"].map(|name| folder.join(name));
    small_corpus(&folder.join("corpus.jsonl"));
    let settings = folder.join("settings.toml");
    fs::write(&settings, format!("corpus = {:?}\n{SETTINGS}", folder.join("corpus.jsonl"))).unwrap();
    finish(&mut smoke(&play, &["--config", settings.to_str().unwrap()]));
    let from = format!("{}:0", play.display());
    let mut fork = Command::new(stp());
    fork.args(["train", "--from", &from, "--method", "expert-iteration", "--set", "search.enabled=false"]);
    fork.args(["--set", "conjecturing.sources=[\"model\"]"]);
    finish(fork.args(["--quiet", "--no-cache", "--run-dir"]).arg(&iteration));
    [play, iteration]
}

/// The page of these runs, with the probe.
fn page(folder: &Path, name: &str, runs: &[&PathBuf]) -> PathBuf {
    let page = folder.join(name);
    finish(Command::new(stp()).arg("report").args(runs).arg("-o").arg(&page));
    let text = fs::read_to_string(&page).unwrap();
    fs::write(&page, text.replace("</body>", &format!("{PROBE}</body>"))).unwrap();
    page
}

fn seen(page: &Path, hash: &str, look: Look) -> String {
    look_at(&format!("file://{}#{hash}", page.display()), look)
}

const WIDE: Look = Look { width: 1280, height: 1000, dark: false };
const NARROW: Look = Look { width: 390, height: 900, dark: false };

#[test]
fn the_page_shows_runs_in_a_browser() {
    if !external("the_page_shows_runs_in_a_browser") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let [play, iteration] = runs(folder);
    let one = page(folder, "one.html", &[&play]);
    let both = page(folder, "both.html", &[&play, &iteration, &play]);
    it_fits_every_screen(&one);
    it_fits_every_screen(&both);
    panels_have_what_the_run_has(&one, &both);
    the_address_holds_the_view(&one, &both);
    names_that_objects_have_are_tactics(&one, folder);
    pictures(&one, folder);
}

fn it_fits_every_screen(page: &Path) {
    let mut papers = Vec::new();
    for look in [WIDE, WIDE.dark(), NARROW, NARROW.dark()] {
        let seen = seen(page, "", look);
        assert_eq!(fact(&seen, "ready"), "yes");
        assert_eq!(fact(&seen, "width"), look.width.to_string());
        assert_eq!((fact(&seen, "overflow"), fact(&seen, "wide")), ("false", "0"), "{look:?}");
        assert_eq!((fact(&seen, "unfitted"), fact(&seen, "empty"), fact(&seen, "unnamed")), ("", "0", "0"));
        assert_ne!(fact(&seen, "paper"), fact(&seen, "ink"));
        papers.push(fact(&seen, "paper").to_owned());
    }
    assert!(papers[0] == papers[2] && papers[1] == papers[3] && papers[0] != papers[1], "{papers:?}");
}

fn panels_have_what_the_run_has(one: &Path, both: &Path) {
    let whole = seen(one, "", WIDE);
    let panels = fact(&whole, "panels");
    for panel in
        ["overview", "training", "conjectures", "rates", "failures", "topics", "statements", "models"]
    {
        assert!(panels.split(' ').any(|it| it == panel), "{panel} is not in {panels}");
    }
    let number = |page: &str, name: &str| fact(page, name).parse::<usize>().unwrap();
    assert!(number(&whole, "curves") >= 5 && number(&whole, "marks") > 25 && number(&whole, "ticks") >= 3);
    assert!(number(&whole, "items") >= 96 && number(&whole, "links") >= 9);
    assert!(!panels.contains("settings"), "one run differs from no other");
    let compared = seen(both, "", WIDE);
    assert!(fact(&compared, "panels").contains("settings"), "{}", fact(&compared, "panels"));
    assert!(compared.contains("Settings that differ") && compared.contains("search.enabled"));
    assert!(compared.contains("self-play~2"), "a run that is given twice has two names");
}

fn the_address_holds_the_view(one: &Path, both: &Path) {
    let whole = seen(one, "", WIDE);
    let found = seen(one, "q=omega&set=train", WIDE);
    assert!(fact(&found, "count") != fact(&whole, "count") && fact(&found, "items") != "0");
    let nothing = seen(one, "q=nowhere+to+be+found", WIDE);
    assert_eq!(fact(&nothing, "items"), "0");
    let open = seen(one, "s=open_0&panel=statements", WIDE);
    assert!(fact(&open, "detail").contains("open_0") && fact(&open, "detail").contains("Attempts"));
    assert_eq!(
        (fact(&whole, "pressed"), fact(&seen(one, "x=rounds", WIDE), "pressed")),
        ("checks", "rounds")
    );
    let hidden = seen(both, "hide=self-play~2,expert-iteration", WIDE);
    assert_eq!(hidden.matches("class=\"run\" aria-pressed=\"false\"").count(), 2);
}

/// The page of a run whose last round alone used `constructor`, which in a script is also a name of every object.
fn names_that_objects_have_are_tactics(page: &Path, folder: &Path) {
    const BEGIN: &str = "<script id=\"data\" type=\"application/json\">";
    let text = fs::read_to_string(page).unwrap();
    let begin = text.find(BEGIN).unwrap() + BEGIN.len();
    let end = begin + text[begin..].find("</script>").unwrap();
    let mut data: Value = serde_json::from_str(&text[begin..end]).unwrap();
    let shapes = data["runs"][0]["proofs"].as_array_mut().unwrap();
    assert!(shapes.len() > 1, "more than one round has proofs");
    for shape in shapes.iter_mut() {
        shape["tactics"].as_object_mut().unwrap().remove("constructor");
    }
    shapes.last_mut().unwrap()["tactics"]["constructor"] = 0.9.into();
    let edited = folder.join("constructor.html");
    let data = data.to_string().replace('<', "\\u003c");
    fs::write(&edited, format!("{}{data}{}", &text[..begin], &text[end..])).unwrap();
    let seen = seen(&edited, "panel=proofs", WIDE);
    assert!(seen.contains("<code>constructor</code>") && !seen.contains("NaN"));
}

/// Pictures of the page; with `STP_TEST_PICTURES=1` those of the manual are taken anew.
fn pictures(page: &Path, folder: &Path) {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/pictures");
    let is_for_manual = std::env::var_os("STP_TEST_PICTURES").is_some_and(|value| value == "1");
    let into = if is_for_manual { manual.as_path() } else { folder };
    let address = format!("file://{}", page.display());
    for look in [WIDE, WIDE.dark(), NARROW, NARROW.dark()] {
        let theme = if look.dark { "dark" } else { "light" };
        let file = into.join(format!("report-{}-{theme}.png", look.width));
        take_picture(&address, look, &file);
        let size = fs::metadata(&file).unwrap().len();
        assert!((20_000..160_000).contains(&size), "{}: {size} bytes", file.display());
    }
}
