//! The real Python client of the Kimina server, unchanged.

use std::process::Command;

use serde_json::{Value, json};

use super::server::{KEY, ROOMY};

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}:\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

const SCRIPT: &str = r##"
import asyncio, json, sys, typing
if sys.version_info < (3, 12):
    # There pydantic refuses the client's own `typing.TypedDict`, so that it cannot even be imported.
    import typing_extensions
    typing.TypedDict = typing_extensions.TypedDict
import httpx
from kimina_client import AsyncKiminaClient, KiminaClient, Snippet, VerifyResponse
from kimina_client.proof_utils import parse_client_response

url, key = sys.argv[1:]
facts = {}
client = KiminaClient(api_url=url, api_key=key)
facts["health"] = client.health()
client.test()
codes = {
    "proved": "theorem x (a b : Nat) : a + b = b + a := by\n  omega",
    "failing": "theorem x (a b : Nat) : a + b = b + a := by\n  rfl",
    "sorry": "theorem é (a b : Nat) (h : a < b) : a + b = b + a := by\n  have : a = a := sorry\n  sorry",
    "hidden sorry": "macro \"close\" : tactic => `(tactic| sorry)\ntheorem x : 1 = 2 := by close",
    "mathlib": "import Mathlib\ntheorem x : True := trivial",
    "imports": "import Std.Data.HashMap\nopen Std\n#check HashMap\n#check 1 + 1",
    "axioms": "axiom bad : 1 = 2\ntheorem x : 1 = 2 := bad\n#print axioms x",
}
snippets = [Snippet(id=id, code=code) for id, code in codes.items()]
response = client.check(snippets, timeout=120, batch_size=3, max_workers=2, show_progress=False, debug=True)
facts["status"] = {r.id: r.analyze().status.value for r in response.results}
facts["response"] = {r.id: r.response for r in response.results}
facts["timed"] = all(r.time > 0 for r in response.results)
facts["memory"] = [r.diagnostics["memory_max"] for r in response.results]
response.analyze(1.0)

async def again():
    other = AsyncKiminaClient(api_url=url, api_key=key)
    await other.test()
    facts["async health"] = await other.health()
    found = await other.check([codes["proved"], codes["failing"]], timeout=120, batch_size=1, show_progress=False)
    facts["async"] = [r.analyze().status.value for r in found.results]
    await other.close()

asyncio.run(again())

wrong = KiminaClient(api_url=url, api_key="wrong", n_retries=1)
facts["wrong key"] = wrong.check("#check Nat", show_progress=False).results[0].error
direct = httpx.post(url + "/api/check", json={}, headers={"Authorization": "Bearer wrong"})
facts["wrong key directly"] = [direct.status_code, direct.json()["detail"]]

body = {"codes": [{"custom_id": 7, "proof": codes["proved"]}, {"custom_id": "s", "code": codes["sorry"]}], "timeout": 120}
old = httpx.post(url + "/verify", json=body, headers=client.headers, timeout=200).raise_for_status().json()
VerifyResponse.model_validate(old)
facts["old"] = {r["custom_id"]: parse_client_response(r) for r in old["results"]}
print("@facts " + json.dumps(facts))
"##;

#[test]
fn the_real_client_works_unchanged() {
    if !stp_tests::external("the_real_client_works_unchanged") {
        return;
    }
    let url = format!("http://{}", *ROOMY);
    let mut command = Command::new(stp_tests::clients(env!("CARGO_TARGET_TMPDIR")));
    command
        .args(["-c", SCRIPT, &url, KEY])
        .env_remove("LEAN_SERVER_API_KEY")
        .env_remove("LEANSERVER_API_KEY");
    let output = succeed(&mut command);
    let facts = output.lines().find_map(|line| line.strip_prefix("@facts ")).unwrap();
    let facts: Value = serde_json::from_str(facts).unwrap();

    assert_eq!((&facts["health"]["status"], &facts["async health"]["status"]), (&json!("ok"), &json!("ok")));
    let status = json!({
        "proved": "valid",
        "failing": "lean_error",
        "sorry": "sorry",
        "hidden sorry": "sorry",
        "mathlib": "lean_error",
        "imports": "valid",
        "axioms": "valid",
    });
    assert_eq!(facts["status"], status, "{facts:#}");
    let response = &facts["response"];
    assert!(response["proved"].get("messages").is_none(), "{facts:#}");
    let message = &response["failing"]["messages"][0];
    assert_eq!(
        (&message["severity"], &message["pos"]),
        (&json!("error"), &json!({ "line": 2, "column": 2 }))
    );
    assert_eq!(message["endPos"], json!({ "line": 2, "column": 5 }));
    let sorries = response["sorry"]["sorries"].as_array().unwrap();
    assert_eq!(sorries.len(), 2, "{facts:#}");
    assert_eq!(sorries[0]["goal"], "a b : Nat\nh : a < b\n⊢ a = a");
    assert_eq!(sorries[0]["pos"], json!({ "line": 2, "column": 18 }));
    assert_eq!(sorries[1]["goal"], "a b : Nat\nh : a < b\nthis : a = a\n⊢ a + b = b + a");
    let unknown = response["mathlib"]["messages"][0]["data"].as_str().unwrap();
    assert!(unknown.starts_with("unknown module prefix 'Mathlib'"), "{unknown}");
    let said: Vec<_> = response["imports"]["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["data"].as_str().unwrap())
        .collect();
    assert!(said[0].starts_with("Std.HashMap.{u, v}") && said[1] == "1 + 1 : Nat", "{said:?}");
    let axioms = response["axioms"]["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(axioms["data"], "'x' depends on axioms: [bad]");
    assert_eq!(facts["timed"], true);
    assert!(facts["memory"].as_array().unwrap().iter().all(|bytes| bytes.as_f64().unwrap() > 1e8));

    assert_eq!(facts["async"], json!(["valid", "lean_error"]));
    assert_eq!(facts["wrong key"], "Request failed after 1 retries");
    assert_eq!(facts["wrong key directly"], json!([401, "Invalid API key"]));
    assert_eq!(facts["old"]["7"]["is_valid_no_sorry"], true, "{facts:#}");
    assert_eq!(facts["old"]["s"]["is_valid_with_sorry"], true);
}
