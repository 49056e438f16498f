//! What is changed in the WebAssembly build's start script and binary.
//!
//! Each replacement must fit exactly once: if it does not, the package is not the one this was made for.

use std::collections::HashSet;

use super::{surface, wasm};

/// (what it is for, text to find, text to put there)
const REPLACEMENTS: [(&str, &str, &str); 10] = [
    (
        "find Lean's symbols, and no others, by a hash table in place of a search through the names of all exports",
        "var __dlsym_js=(handle,symbol,symbolIndex)=>{symbol=UTF8ToString(symbol);",
        "var __dlsym_js=(handle,symbol,symbolIndex)=>{symbol=UTF8ToString(symbol);var stpPlace=/^(l_|lean_|_?init)/.test(symbol)?stpSymbol(symbol):0;if(!stpPlace)dlSetError(\"unknown symbol \"+symbol);return stpPlace&0x7fffffff;",
    ),
    (
        "find symbols of the script itself without listing them",
        "newSymIndex=Object.keys(lib.exports).indexOf(symbol);",
        "newSymIndex=symbol in lib.exports?0:-1;",
    ),
    ("one thread in place of four", "var pthreadPoolSize=4;", "var pthreadPoolSize=1;"),
    (
        "ask for the file flags where Node.js' permissions allow it",
        "process.binding(\"constants\")",
        "({fs:require(\"fs\").constants})",
    ),
    (
        "let the worker bring its own Module",
        "var Module=typeof Module!=\"undefined\"?Module:{};",
        "var Module=globalThis.LeanModule||(typeof Module!=\"undefined\"?Module:{});",
    ),
    (
        "bring the function table, and catch exceptions in WebAssembly",
        "function getWasmImports(){assignWasmImports();",
        "function getWasmImports(){assignWasmImports();stpCatch(wasmImports);",
    ),
    (
        "throw exceptions so that WebAssembly can catch them",
        "uncaughtExceptionCount++;throw exceptionLast};___cxa_throw.sig",
        "uncaughtExceptionCount++;stpRaise()};___cxa_throw.sig",
    ),
    (
        "throw exceptions again so that WebAssembly can catch them",
        "exceptionLast=ptr;throw exceptionLast};___cxa_rethrow.sig",
        "exceptionLast=ptr;stpRaise()};___cxa_rethrow.sig",
    ),
    (
        "resume exceptions so that WebAssembly can catch them",
        "exceptionLast=ptr}throw exceptionLast};___resumeException.sig",
        "exceptionLast=ptr}stpRaise()};___resumeException.sig",
    ),
    (
        "jump out of functions so that WebAssembly can catch it",
        "__emscripten_throw_longjmp=()=>{throw Infinity}",
        "__emscripten_throw_longjmp=()=>{stpRaise()}",
    ),
];

/// Catches exceptions in WebAssembly; `TABLE_SIZE` stands for the places of the function table.
const CATCH: &str = include_str!("catch.js");

/// Where the exports are assigned: a list of names, then one assignment for each.
const ASSIGN: &str = ",wasmTable;function assignWasmExports(wasmExports){";
const ASSIGN_PURPOSE: &str = "assign only the exports that the script uses";
const NARROW_PURPOSE: &str = "offer only what Lean needs";

/// The look-up in the table of symbols that lies beside the script.
const SYMBOLS: &str = ";var stpTable;function stpSymbol(s){if(!stpTable){var b=require(\"fs\").readFileSync(__dirname+\"/lean.symbols\");stpTable=new Uint32Array(b.buffer,b.byteOffset,b.length>>2)}var h=0x811c9dc5,g=0x9747b28c;for(var i=0;i<s.length;i++){var c=s.charCodeAt(i);h=Math.imul(h^c,0x01000193);g^=c;g=Math.imul(g<<5|g>>>27,0x9e3779b1)}h>>>=0;g>>>=0;var m=stpTable.length/3-1;for(var k=h&m;stpTable[3*k+2];k=k+1&m){if(stpTable[3*k]===h&&stpTable[3*k+1]===g)return stpTable[3*k+2]}return 0}";

/// Lets the worker reach the runtime.
const EXPORTS: &str = ";Module.__x={stackRestore,HEAP:()=>{growMemViews();return HEAPU8},wasmMemory:()=>wasmMemory,symbol:s=>{var p=stpSymbol(s);return p>>>31?p&0x7fffffff:p?getWasmTableEntry(p):undefined},FS,NODEFS,LDSO,setStackLimits:(top,low)=>_emscripten_stack_set_limits(top,low)};";

/// What is written beside each other.
pub struct Patched {
    /// The start script.
    pub script: String,
    /// The binary.
    pub wasm: Vec<u8>,
    /// The table of symbols.
    pub symbols: Vec<u8>,
}

/// The patched script and binary, or the purpose of the change that does not fit.
pub fn patch(script: &str, binary: &[u8]) -> Result<Patched, &'static str> {
    let script = slim(script).ok_or(ASSIGN_PURPOSE)?;
    let script = replace(script)?;
    let script = surface::narrow(&script, &wasm::imports(binary)?).ok_or(NARROW_PURPOSE)?;
    let keep = exports_named(&script);
    let rewritten = wasm::rewrite(binary, &keep)?;
    let script = script.replace("TABLE_SIZE", &rewritten.places.to_string());
    Ok(Patched { wasm: rewritten.wasm, symbols: rewritten.symbols, script })
}

fn replace(mut script: String) -> Result<String, &'static str> {
    for (purpose, from, to) in REPLACEMENTS {
        let mut places = script.match_indices(from).map(|(place, _)| place);
        let (Some(place), None) = (places.next(), places.next()) else { return Err(purpose) };
        script.replace_range(place..place + from.len(), to);
    }
    // Before the last statement, which starts everything.
    let start = script.rfind("var wasmExports;").ok_or("add the table of symbols")?;
    script.insert_str(start, &format!("{SYMBOLS};{CATCH}"));
    script.push_str(EXPORTS);
    Ok(script)
}

/// Leaves out the variables of exports, and their assignments, that nothing else in the script mentions.
fn slim(script: &str) -> Option<String> {
    let names_end = script.find(ASSIGN)?;
    let names_start = script[..names_end].rfind("var ")? + "var ".len();
    let body_start = names_end + ASSIGN.len();
    let body_end = body_start + script[body_start..].find('}')?;
    let (before, after) = (&script[..names_start], &script[body_end..]);
    let used: HashSet<&str> = identifiers(before).chain(identifiers(after)).collect();
    let names: HashSet<&str> = script[names_start..names_end].split(',').collect();
    let is_used = |name: &str| used.contains(name) || !names.contains(name);
    let kept: Vec<&str> = script[body_start..body_end]
        .split(';')
        .filter(|statement| {
            statement
                .split_once("=Module[")
                .is_none_or(|(name, _)| is_used(name) || statement.contains("wasmTable"))
        })
        .collect();
    let mut variables: Vec<&str> = script[names_start..names_end].split(',').collect();
    let assigned: HashSet<&str> =
        kept.iter().filter_map(|statement| statement.split_once('=')).map(|(name, _)| name).collect();
    variables.retain(|name| assigned.contains(name));
    variables.push("wasmTable;function assignWasmExports(wasmExports){");
    Some([before, &variables.join(","), &kept.join(";"), after].concat())
}

fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$'))
        .filter(|word| word.starts_with('_'))
}

/// The exports that the script reads: `wasmExports["name"]`, and what it looks up by a string.
fn exports_named(script: &str) -> HashSet<&str> {
    let mut names: HashSet<&str> = script
        .split("wasmExports[\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"').map(|(name, _)| name))
        .collect();
    names.extend(["main", "__main_argc_argv"]);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn original() -> String {
        let places = REPLACEMENTS.map(|(_, from, _)| from).join(" middle ");
        format!(
            "{places};_used();var _used,_unused{ASSIGN}_used=Module[\"_used\"]=wasmExports[\"used\"];\
             _unused=Module[\"_unused\"]=wasmExports[\"unused\"];\
             __table=Module[\"__table\"]=wasmTable=wasmExports[\"table\"]}}var wasmExports;run()"
        )
    }

    #[test]
    fn replaces_each_place_and_adds_the_exports() {
        let patched = replace(original()).unwrap();
        for (_, _, to) in REPLACEMENTS {
            assert!(patched.contains(to));
        }
        assert!(patched.ends_with(EXPORTS));
        for added in ["function stpSymbol", "function stpCatch"] {
            assert!(patched.find(added) < patched.find("var wasmExports;"));
        }
    }

    #[test]
    fn a_missing_or_double_place_is_refused() {
        assert!(replace(String::new()).is_err());
        assert!(replace(original().repeat(2)).is_err());
    }

    #[test]
    fn only_what_the_script_uses_is_assigned() {
        let slim = slim(&original()).unwrap();
        assert!(slim.contains("var _used,wasmTable;"), "{slim}");
        assert_eq!(exports_named(&slim), HashSet::from(["used", "table", "main", "__main_argc_argv"]));
        assert!(super::slim("no assignments").is_none());
    }
}
