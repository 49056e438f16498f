//! Reports for other programs: annotations of GitHub's workflows, JUnit's XML, and SARIF.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use super::glossary::{MALFORMED, VERDICTS};
use super::row::{Position, Row};

const STDIN: &str = "standard input";

/// A row as GitHub's workflow commands: one `::error` for each message; nothing for a proof that holds.
pub(super) fn github(row: &Row) -> String {
    if row.is_proved() {
        return String::new();
    }
    let title = format!("{}: {}", row.name(), row.outcome());
    let command = |(place, message): (Option<Position>, String)| {
        let mut properties = Vec::new();
        if let Some(file) = &row.file {
            properties.push(format!("file={}", property(&relative(file))));
            let line_and_column = place.map(|(line, column)| match row.column {
                Some(_) => format!("line={line},col={}", column + 1),
                None => format!("line={line}"),
            });
            properties.extend(line_and_column);
        }
        properties.push(format!("title={}", property(&title)));
        format!("::error {}::{}\n", properties.join(","), data(&message))
    };
    row.remarks().into_iter().map(command).collect()
}

/// The text of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a workflow command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A path from the folder in which the command runs, where it lies in that.
fn relative(file: &str) -> String {
    let folder = std::env::current_dir().ok();
    let inside = folder.and_then(|folder| {
        std::path::Path::new(file).strip_prefix(folder).ok().map(|path| path.display().to_string())
    });
    inside.unwrap_or_else(|| file.to_owned())
}

/// All rows as JUnit's XML: a suite for each file, a case for each row.
///
/// # Errors
/// If it cannot be written as XML.
pub(super) fn junit(rows: &[Row]) -> Result<String, quick_junit::SerializeError> {
    let mut suites: Vec<TestSuite> = Vec::new();
    for row in rows {
        let file = row.file.as_deref().unwrap_or(STDIN);
        if suites.last().is_none_or(|suite| suite.name.as_str() != file) {
            suites.push(TestSuite::new(file));
        }
        if let Some(suite) = suites.last_mut() {
            suite.add_test_case(case(row, file));
        }
    }
    // A report counts what its suites hold when they are added.
    let mut report = Report::new("stp verify");
    report.add_test_suites(suites);
    report.to_string()
}

fn case(row: &Row, file: &str) -> TestCase {
    let status = if row.is_proved() {
        TestCaseStatus::success()
    } else {
        let kind = if row.judged.is_some() { NonSuccessKind::Failure } else { NonSuccessKind::Error };
        let mut status = TestCaseStatus::non_success(kind);
        let remarks: Vec<_> = row.remarks().into_iter().map(|remark| spoken(row, file, remark)).collect();
        let first = remarks.first().and_then(|remark| remark.lines().next()).unwrap_or_default();
        status.set_type(row.outcome()).set_message(first.to_owned()).set_description(remarks.join("\n"));
        status
    };
    let part = row.part.filter(|_| !row.is_of_file()).map_or(String::new(), |part| format!(" ({part})"));
    let mut case = TestCase::new(format!("{}{part}", row.name()), status);
    case.set_classname(file);
    if let Some(judged) = &row.judged {
        case.set_time(std::time::Duration::from_secs_f64(judged.seconds.max(0.0)));
    }
    case
}

fn spoken(row: &Row, file: &str, (place, message): (Option<Position>, String)) -> String {
    match place {
        Some((line, column)) if row.is_of_file() => format!("{file}:{line}:{column}: {message}"),
        Some((line, _)) => format!("{file}:{line}: {message}"),
        None => message,
    }
}

/// All rows as a SARIF log: one result for each message on what is not proved.
pub(super) fn sarif(rows: &[Row]) -> Value {
    let wrong = || VERDICTS.iter().filter(|(name, _)| *name != "proved");
    let rules: Vec<_> = wrong()
        .map(|(name, meaning)| json!({ "id": name, "shortDescription": { "text": meaning }, "defaultConfiguration": { "level": "error" } }))
        .collect();
    let index = |outcome: &str| wrong().position(|(name, _)| *name == outcome);
    let results: Vec<_> = rows
        .iter()
        .filter(|row| !row.is_proved())
        .flat_map(|row| row.remarks().into_iter().map(move |remark| (row, remark)))
        .map(|(row, (place, message))| {
            let rule = index(row.outcome()).map_or(MALFORMED, |_| row.outcome());
            let mut result = json!({
                "ruleId": rule,
                "ruleIndex": index(rule),
                "level": "error",
                "message": { "text": message },
                "locations": [location(row, place)],
            });
            if let Some(hash) = &row.hash {
                result["partialFingerprints"] = json!({ "stp/v1": hash });
            }
            result
        })
        .collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "stp", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{ "executionSuccessful": true }],
            "results": results,
        }],
    })
}

fn location(row: &Row, place: Option<Position>) -> Value {
    let mut location = json!({ "logicalLocations": [{ "name": row.name() }] });
    if let Some(file) = &row.file {
        let mut physical = json!({ "artifactLocation": { "uri": uri(&relative(file)) } });
        if let Some((line, column)) = place {
            physical["region"] = json!({ "startLine": line });
            if row.is_of_file() {
                physical["region"]["startColumn"] = json!(column + 1);
            }
        }
        location["physicalLocation"] = physical;
    }
    location
}

/// A path as a relative reference, or as a `file` address if it begins at the root.
fn uri(path: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(byte);
    let coded = |byte: u8| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    let text: String = path.bytes().map(coded).collect();
    if text.starts_with('/') { format!("file://{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::verify::test_units::{hashes, unit};
    use crate::commands::verify::unit::{Place, Unit};
    use stp_datasets::{Status, Verdict};

    fn rows() -> Vec<Row> {
        let of = |file: &str, id: &str| Unit { file: Some(file.into()), ..unit(id) };
        let proved = Verdict { messages: vec![], elapsed_ms: 1500, ..Verdict::new(Status::Proved, "") };
        let failed = Verdict::new(Status::Failed, "a,b/F.lean:3:4: unsolved goals\n⊢ 1 = 2 & \"x\" <100%>");
        let theorem = Unit { place: Place::File, ..of("a,b/F.lean", "wrong") };
        let stdin = Row::verdict(&unit("t"), &hashes(), Verdict::new(Status::Timeout, "late"), "");
        vec![
            Row::verdict(&of("x.jsonl", "good"), &hashes(), proved, ""),
            Row::error(&of("x.jsonl", "bad"), &hashes(), "no\u{1}statement".into(), ""),
            Row::verdict(&theorem, &hashes(), failed, "").at((2, 0)),
            stdin,
        ]
    }

    #[test]
    fn github_gets_one_command_for_each_message() {
        let found: Vec<_> = rows().iter().map(github).collect();
        assert_eq!(found[0], "");
        assert_eq!(found[1], "::error file=x.jsonl,line=1,title=bad%3A malformed::no\u{1}statement\n");
        assert_eq!(
            found[2],
            "::error file=a%2Cb/F.lean,line=3,col=5,title=wrong%3A failed::unsolved goals%0A⊢ 1 = 2 & \"x\" <100%25>\n"
        );
        assert_eq!(found[3], "::error title=t%3A timeout::late\n");
    }

    #[test]
    fn junit_has_a_suite_for_each_file() {
        let text = junit(&rows()).unwrap();
        for part in [
            "<testsuites name=\"stp verify\" tests=\"4\" skipped=\"0\" failures=\"2\" errors=\"1\"",
            "<testsuite name=\"x.jsonl\" tests=\"2\" skipped=\"0\" errors=\"1\" failures=\"0\">",
            "<testcase name=\"good\" classname=\"x.jsonl\" time=\"1.500\"",
            "message=\"a,b/F.lean:3:4: unsolved goals\"",
            "type=\"failed\"",
            "a,b/F.lean:3:4: unsolved goals\n⊢ 1 = 2 &amp; &quot;x&quot; &lt;100%&gt;",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!text.contains('\u{1}'), "XML has no such character");
        assert!(junit(&[]).unwrap().contains("tests=\"0\""));
    }

    #[test]
    fn sarif_names_rules_and_places() {
        let log = sarif(&rows());
        let run = &log["runs"][0];
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), 3);
        for result in results {
            let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
            assert_eq!(rule["id"], result["ruleId"]);
        }
        let place = &results[1]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%2Cb/F.lean");
        assert_eq!(place["region"], json!({ "startLine": 3, "startColumn": 5 }));
        assert!(results[2]["locations"][0].get("physicalLocation").is_none());
        assert_eq!(uri("/a b/⊢"), "file:///a%20b/%E2%8A%A2");
    }
}
