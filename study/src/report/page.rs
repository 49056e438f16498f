//! A report as one page that needs nothing else: styles, scripts and data are in the file.

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/style.css");
/// In the order in which they build on each other.
const SCRIPTS: [&str; 9] = [
    include_str!("page/elements.js"),
    include_str!("page/state.js"),
    include_str!("page/charts.js"),
    include_str!("page/bars.js"),
    include_str!("page/headline.js"),
    include_str!("page/panels.js"),
    include_str!("page/browser.js"),
    include_str!("page/statement.js"),
    include_str!("page/start.js"),
];

/// The page of some runs, given as JSON (see [`super::gathered`]); a live one asks its server for `events` and draws
/// itself anew with each.
pub fn page(runs: &str, live: bool) -> String {
    let scripts = SCRIPTS.map(|script| format!("<script>\n{script}</script>\n")).concat();
    // Each mark once and in the page's order, so that nothing in the data is taken for a mark.
    let parts = [
        ("/*STYLE*/", STYLE.to_owned()),
        ("/*LIVE*/", if live { "yes" } else { "no" }.to_owned()),
        ("/*DATA*/", inside_script(runs)),
        ("<!--SCRIPTS-->", scripts),
    ];
    let mut text = String::new();
    let mut rest = PAGE;
    for (mark, part) in &parts {
        let (before, after) = rest.split_once(mark).unwrap_or((rest, ""));
        text.push_str(before);
        text.push_str(part);
        rest = after;
    }
    text.push_str(rest);
    text
}

/// JSON that no browser takes for the end of the script or the beginning of a comment.
fn inside_script(json: &str) -> String {
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_all_its_parts_and_no_address() {
        let text = page("[]", false);
        assert!(
            !text.contains("/*STYLE*/") && !text.contains("/*DATA*/") && !text.contains("<!--SCRIPTS-->")
        );
        assert!(text.contains(STYLE) && SCRIPTS.iter().all(|script| text.contains(script)));
        assert!(SCRIPTS.iter().all(|script| !script.contains("</script") && script.lines().count() < 400));
        assert!(
            !text.replace("http://www.w3.org/2000/svg", "").contains("http"),
            "it must not ask the network"
        );
    }

    #[test]
    fn a_proof_cannot_end_the_script() {
        assert!(!inside_script(r#"{"proof":"</script><!--"}"#).contains('<'));
    }
}
