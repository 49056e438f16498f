//! What is changed in the WebAssembly build's start script.
//!
//! Each replacement must fit exactly once: if it does not, the package is not the one this was made for.

/// (what it is for, text to find, text to put there)
const REPLACEMENTS: [(&str, &str, &str); 4] = [
    (
        "find symbols by a map in place of a search through 200,000 keys (110 s to 8 s at the start)",
        "newSymIndex=Object.keys(lib.exports).indexOf(symbol);if(newSymIndex==-1||",
        "if(!lib.__i){lib.__k=Object.keys(lib.exports);lib.__i=new Map(lib.__k.map((k,i)=>[k,i]))}newSymIndex=lib.__i.has(symbol)?lib.__i.get(symbol):-1;if(newSymIndex==-1||",
    ),
    (
        "the same for the look-up by index",
        "var symName=Object.keys(symDict)[symbolIndex]",
        "var lx=LDSO.loadedLibsByHandle[handle];if(!lx.__k){lx.__k=Object.keys(symDict);lx.__i=new Map(lx.__k.map((k,i)=>[k,i]))}var symName=lx.__k[symbolIndex]",
    ),
    (
        "one thread in place of four: each costs about 0.7 GB",
        "var pthreadPoolSize=4;",
        "var pthreadPoolSize=1;",
    ),
    (
        "let the worker bring its own Module",
        "var Module=typeof Module!=\"undefined\"?Module:{};",
        "var Module=globalThis.LeanModule||(typeof Module!=\"undefined\"?Module:{});",
    ),
];

/// Lets the worker reach the runtime.
const EXPORTS: &str = ";Module.__x={stackRestore,HEAP:()=>{growMemViews();return HEAPU8},wasmMemory:()=>wasmMemory,ev:c=>eval(c)};";

/// The patched script, or the purpose of the replacement that does not fit.
pub fn patch(script: &str) -> Result<String, &'static str> {
    let mut patched = script.to_owned();
    for (purpose, from, to) in REPLACEMENTS {
        let mut places = patched.match_indices(from).map(|(place, _)| place);
        let (Some(place), None) = (places.next(), places.next()) else { return Err(purpose) };
        patched.replace_range(place..place + from.len(), to);
    }
    patched.push_str(EXPORTS);
    Ok(patched)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn original() -> String {
        REPLACEMENTS.map(|(_, from, _)| from).join(" middle ")
    }

    #[test]
    fn replaces_each_place_and_adds_the_exports() {
        let patched = patch(&original()).unwrap();
        for (_, _, to) in REPLACEMENTS {
            assert!(patched.contains(to));
        }
        assert!(patched.ends_with(EXPORTS));
    }

    #[test]
    fn a_missing_or_double_place_is_refused() {
        assert!(patch("").is_err());
        assert!(patch(&original().repeat(2)).is_err());
    }
}
