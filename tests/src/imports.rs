//! Which file of a crate imports which: read from `use` lines and paths, so that circles of files can be found.
//!
//! `mod x;` and a parent's `pub use` of its own child are no imports; unit tests are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A module's path inside its crate; the root's is empty.
type Module = Vec<String>;

/// The source of each module of a crate.
#[derive(Clone, Debug, Default)]
pub struct Crate {
    sources: BTreeMap<Module, String>,
    /// For each module the names that its `use` lines bring in from the crate, with their paths.
    names: BTreeMap<Module, BTreeMap<String, Vec<String>>>,
    /// For each module the names that it hands on, and where they come from.
    reexports: BTreeMap<Module, BTreeMap<String, Module>>,
}

impl Crate {
    /// Reads the `.rs` files of a `src` folder; `main.rs` stands above all modules and is left out where there is a `lib.rs`.
    ///
    /// # Panics
    /// If a file cannot be read.
    pub fn read(src: &Path) -> Self {
        let mut files = Vec::new();
        collect(src, src, &mut files);
        Self::of(files)
    }

    /// Of files, by their paths below `src`.
    pub fn of(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let sources =
            files.into_iter().filter_map(|(path, text)| Some((module(&path)?, without_tests(&text))));
        let mut found = Self { sources: sources.collect(), ..Self::default() };
        let modules: Vec<_> = found.sources.keys().cloned().collect();
        for module in &modules {
            let own = |path: &[String]| path.first().is_some_and(|first| is_own(first));
            let named = uses(&found.sources[module]).into_iter().filter(|(_, path)| own(path));
            let named = named.filter_map(|(_, path)| Some((path.last()?.clone(), path)));
            found.names.insert(module.clone(), named.collect());
        }
        for module in modules {
            let paths = uses(&found.sources[&module]);
            let handed: BTreeMap<_, _> = paths
                .into_iter()
                .filter(|(public, _)| *public)
                .filter_map(|(_, path)| Some((path.last()?.clone(), found.absolute(&module, &path)?)))
                .collect();
            found.reexports.insert(module, handed);
        }
        found
    }

    /// The modules that each module imports.
    pub fn imports(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let of = |module: &Module| -> BTreeSet<Module> {
            let text = &self.sources[module];
            let used = uses(text).into_iter().chain(paths(text).into_iter().map(|path| (false, path)));
            used.filter_map(|(public, path)| {
                let target = self.resolve(self.absolute(module, &path)?, 0)?;
                let child = public && target.len() > module.len() && target.starts_with(module);
                (target != *module && !child).then_some(target)
            })
            .collect()
        };
        self.sources.keys().map(|module| (module.clone(), of(module))).collect()
    }

    /// Groups of modules each of which imports, by way of others, itself.
    pub fn circles(&self) -> Vec<Vec<String>> {
        let imports = self.imports();
        let reached: BTreeMap<_, _> =
            imports.keys().map(|module| (module, reach(&imports, module))).collect();
        let mut circles = BTreeSet::new();
        for (module, from_here) in &reached {
            if from_here.contains(*module) {
                let same = from_here.iter().filter(|other| reached[other].contains(*module));
                circles.insert(same.map(|module| module.join("::")).collect::<Vec<_>>());
            }
        }
        circles.into_iter().collect()
    }

    /// A path as one from the crate's root; `None` for paths into other crates.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([module, rest].concat()),
            "super" => {
                let mut base = module.clone();
                let ups = path.iter().take_while(|part| *part == "super").count();
                base.truncate(base.len().saturating_sub(ups));
                Some([&base, &path[ups..]].concat())
            }
            _ => {
                let child = [module.as_slice(), std::slice::from_ref(first)].concat();
                if self.sources.contains_key(&child) {
                    return Some([module, path].concat());
                }
                let used = self.names.get(module)?.get(first)?;
                Some([self.absolute(module, used)?.as_slice(), rest].concat())
            }
        }
    }

    /// The module in which what a path names is written.
    fn resolve(&self, path: Module, depth: usize) -> Option<Module> {
        let longest = (0..=path.len()).rev().find(|end| self.sources.contains_key(&path[..*end]))?;
        let (module, rest) = path.split_at(longest);
        let Some(name) = rest.first() else { return Some(module.to_vec()) };
        match self.reexports.get(module).and_then(|handed| handed.get(name)) {
            Some(origin) if depth < 8 => {
                let further = [origin.as_slice(), &rest[1..]].concat();
                self.resolve(further, depth + 1).or_else(|| Some(module.to_vec()))
            }
            _ => Some(module.to_vec()),
        }
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            files.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The module of a file; `None` for tests and for what stands above the library.
fn module(path: &str) -> Option<Module> {
    let mut parts: Module = path.strip_suffix(".rs")?.split('/').map(str::to_owned).collect();
    let last = parts.last()?.clone();
    if last == "tests" || last.ends_with("_tests") || parts == ["main"] {
        return None;
    }
    if last == "mod" || parts == ["lib"] {
        parts.pop();
    }
    Some(parts)
}

/// The text without comments and without a module of tests at its end.
fn without_tests(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let line = |line: &str| line.split("//").next().unwrap_or_default().to_owned() + "\n";
    text[..end].lines().map(line).collect()
}

/// The paths of all `use` items, groups taken apart, and whether each is public.
fn uses(text: &str) -> Vec<(bool, Vec<String>)> {
    let mut found = Vec::new();
    for item in text.split(';') {
        let Some(start) = use_start(item) else { continue };
        let public = item[..start].trim_end().ends_with("pub") || item[..start].trim_end().ends_with(')');
        let path: String = item[start + 4..].split_whitespace().collect::<Vec<_>>().join(" ");
        found.extend(expand(&path).into_iter().map(|path| (public, path)));
    }
    found
}

/// Where a `use` begins in what stands before a semicolon.
fn use_start(item: &str) -> Option<usize> {
    item.rfind("use ").filter(|start| starts_item(&item[..*start]))
}

/// Whether only a visibility stands before it on its line.
fn starts_item(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default().trim();
    line.is_empty() || line == "pub" || line.starts_with("pub(")
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn expand(path: &str) -> Vec<Vec<String>> {
    let Some(open) = path.find('{') else {
        let plain = path.split(" as ").next().unwrap_or_default();
        return vec![
            plain.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect(),
        ];
    };
    let prefix: Vec<String> =
        path[..open].split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
    let close = path.rfind('}').unwrap_or(path.len());
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for character in path[open + 1..close].chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(character);
    }
    let inner = parts.iter().filter(|part| !part.trim().is_empty()).flat_map(|part| expand(part.trim()));
    inner
        .map(|inner| prefix.iter().cloned().chain(inner.into_iter().filter(|part| part != "self")).collect())
        .collect()
}

/// Whether a path that begins so stays in the crate.
fn is_own(first: &str) -> bool {
    ["crate", "super", "self"].contains(&first)
}

/// Paths in the code outside `use` items: of the crate, or of modules and names that are in scope.
fn paths(text: &str) -> Vec<Vec<String>> {
    let is_part = |character: char| character.is_alphanumeric() || character == '_' || character == ':';
    let code: String = text.split(';').map(|item| &item[..use_start(item).unwrap_or(item.len())]).collect();
    let words = code.split(|character: char| !is_part(character));
    let parts = |word: &str| -> Vec<String> {
        word.split("::").map(str::to_owned).filter(|part| !part.is_empty()).collect()
    };
    words.filter(|word| word.contains("::")).map(parts).collect()
}

/// All that a module imports, by way of others as well.
fn reach(imports: &BTreeMap<Module, BTreeSet<Module>>, module: &Module) -> BTreeSet<Module> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&Module> = imports[module].iter().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next.clone()) {
            open.extend(imports.get(next).into_iter().flatten());
        }
    }
    reached
}
