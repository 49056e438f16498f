//! What of JavaScript the WebAssembly build can reach.
//!
//! Text that a process elaborates may name any function of the build, and with a native write to its memory call any of
//! them. The build brings all of emscripten: sound, windows, sockets, `system`, `dlopen`, scripts as strings. Lean needs
//! files to read, a clock, memory and threads. The rest is taken out of the script before it starts: what the binary does
//! not import is not offered, and what it imports but Lean does not need answers that it cannot.

use std::collections::HashSet;

const IMPORTS: &str = "function assignWasmImports(){wasmImports={";

/// Put after the imports. `stpWall` replaces functions by others that are made from them; the table of those that a
/// thread asks the main one for holds the same functions and must have the same replacements.
const WALLS: &str = r#"};const stpNew=new Map(),stpOpen=new Set(Object.values(wasmImports));
const stpWall=(names,make)=>{for(const n of names){const old=wasmImports[n];if(!old)continue;const made=Object.assign(make(old),{sig:old.sig});stpNew.set(old,made);wasmImports[n]=made}};
stpWall("emscripten_console_log emscripten_console_error emscripten_console_warn emscripten_console_trace emscripten_out emscripten_err _emscripten_log_formatted _dlopen_js _emscripten_dlopen_js _emscripten_system emscripten_run_script emscripten_run_script_int emscripten_run_script_string emscripten_set_timeout _setitimer_js emscripten_wget_data getnameinfo".split(" "),()=>()=>0);
stpWall("accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmsg sendmsg sendto socket chmod fchmod fchmodat2 fchown32 fchownat fallocate ftruncate64 truncate64 mkdirat mknodat renameat rmdir symlinkat unlinkat utimensat".split(" ").map(n=>"__syscall_"+n),()=>()=>-69);
stpWall(Object.keys(wasmImports).filter(n=>/^(al[A-Z]|alc[A-Z]|emscripten_(gl|alc))/.test(n)),()=>()=>0);
stpWall(["emscripten_asm_const_int"],old=>(code,...rest)=>stpScripts.has(code)?old(code,...rest):0);
stpWall(["__syscall_openat"],old=>(dir,path,flags,varargs)=>(flags&0o3103)===0?old(dir,path,flags,varargs):-69);
for(let i=3;i<proxiedFunctionTable.length;i++){const f=proxiedFunctionTable[i];proxiedFunctionTable[i]=stpNew.get(f)||(stpOpen.has(f)?f:()=>-52)}
stpWall(["_emscripten_receive_on_main_thread_js"],old=>(f,asm,...rest)=>asm?0:old(f,0,...rest));"#;

/// How the pieces of JavaScript begin that Lean needs: reading a variable of the environment, and the program's path.
const SCRIPTS: [&str; 2] = [
    ":$0=>{var envVar=UTF8ToString($0);var val=ENV[envVar];",
    ":()=>{var isNode=typeof process!==\"undefined\"&&(process.release&&process.release.name===\"node\");var path;",
];

/// The script with those imports alone that the binary has, and walls in the place of what Lean does not need.
pub(super) fn narrow(script: &str, imported: &HashSet<&str>) -> Option<String> {
    let start = script.find(IMPORTS)? + IMPORTS.len();
    let end = start + script[start..].find('}')?;
    let is_imported = |entry: &&str| {
        let name = entry.split(':').next().unwrap_or_default().trim_matches('"');
        name == "memory" || imported.contains(name)
    };
    let kept: Vec<&str> = script[start..end].split(',').filter(is_imported).collect();
    let scripts: Vec<&str> = SCRIPTS.iter().map(|begin| number_of(script, begin)).collect::<Option<_>>()?;
    let scripts = format!("const stpScripts=new Set([{}]);", scripts.join(","));
    let walls = WALLS.replacen("};", &format!("}};{scripts}"), 1);
    Some([&script[..start], &kept.join(","), &walls, &script[end + 1..]].concat())
}

/// The number under which a piece of JavaScript is called.
fn number_of<'a>(script: &'a str, begin: &str) -> Option<&'a str> {
    let end = script.find(begin)?;
    let digits = script[..end].rfind(|c: char| !c.is_ascii_digit())? + 1;
    (digits < end).then(|| &script[digits..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_imported_is_offered() {
        let scripts = SCRIPTS.iter().zip([17, 23]).map(|(begin, number)| format!(",{number}{begin}}}"));
        let text = format!(
            "x={{1:0{}}};{IMPORTS}a:_a,\"b\":_b,c:_c,memory:m}}}};run()",
            scripts.collect::<String>()
        );
        let narrow = narrow(&text, &HashSet::from(["b", "c"])).unwrap();
        assert!(
            narrow.contains("wasmImports={\"b\":_b,c:_c,memory:m};const stpScripts=new Set([17,23]);"),
            "{narrow}"
        );
        assert!(narrow.ends_with("(f,0,...rest));};run()"), "{narrow}");
        assert_eq!(super::narrow("no imports", &HashSet::new()), None);
    }
}
