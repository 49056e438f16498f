//! A native Lean's library as declarations, read from its compiled modules without running Lean.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use olean_export::{Env, Exporter};

use super::KernelError;
use crate::export::Export;
use crate::toolchain::NativeLean;

/// What kernels take the meaning of from the name alone: without it a literal has no type.
pub const LITERALS: [&str; 4] = ["Nat", "String", "Char.ofNat", "String.ofList"];
/// Sets of imports whose modules are kept in memory.
const KEPT: usize = 2;

/// Compiled modules in some folders.
#[derive(Debug)]
pub struct Oleans {
    search: Vec<PathBuf>,
    loaded: Mutex<HashMap<Vec<String>, Arc<Env>>>,
}

impl Oleans {
    /// Modules below these folders, the first that has one wins.
    pub fn new(search: Vec<PathBuf>) -> Self {
        Self { search, loaded: Mutex::default() }
    }

    /// The modules that a native Lean finds.
    ///
    /// # Errors
    /// [`KernelError::Library`] if it does not say where they are.
    pub fn of(lean: &NativeLean) -> Result<Self, KernelError> {
        let failed = |reason: String| KernelError::Library { imports: "this Lean".to_owned(), reason };
        let prefix = said_by(lean, &lean.args, &["--print-prefix"]).map_err(failed)?;
        let mut search = Vec::new();
        // `lake env lean`: the project's own modules come before the toolchain's.
        if let [first, ..] = &lean.args[..]
            && first == "env"
        {
            let path = said_by(lean, &lean.args[..1], &["printenv", "LEAN_PATH"]).map_err(failed)?;
            search.extend(std::env::split_paths(&path));
        } else if let Some(path) = &lean.lean_path {
            search.extend(std::env::split_paths(path));
        }
        search.push(Path::new(&prefix).join("lib").join("lean"));
        Ok(Self::new(search))
    }

    /// The declarations of some constants and of all that they need, among what some modules import. Constants that the modules
    /// do not have are left out: the kernel will miss them if they matter.
    ///
    /// # Errors
    /// [`KernelError::Library`] if a module cannot be found or read.
    pub fn below(&self, imports: &[String], constants: &[String]) -> Result<Export, KernelError> {
        let failed = |reason: String| KernelError::Library { imports: imports.join(", "), reason };
        let env = self.load(imports)?;
        let mut text = Vec::new();
        let mut exporter = Exporter::new(&env, &mut text);
        let mut write = || {
            exporter.meta()?;
            for constant in constants.iter().map(String::as_str).chain(LITERALS) {
                if let Some(found) = env.find_name(constant).filter(|name| env.consts.contains_key(name)) {
                    exporter.constant(found)?;
                }
            }
            Ok::<_, olean_export::Error>(())
        };
        write().map_err(|error| failed(error.to_string()))?;
        exporter.finish().map_err(|error| failed(error.to_string()))?;
        Ok(Export::read(&text[..])?)
    }

    fn load(&self, imports: &[String]) -> Result<Arc<Env>, KernelError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(env) = loaded.get(imports) {
            return Ok(env.clone());
        }
        let roots: Vec<_> = imports.iter().map(String::as_str).collect();
        let env = Env::load(&self.search, &roots).map_err(|error| KernelError::Library {
            imports: imports.join(", "),
            reason: error.to_string(),
        })?;
        let env = Arc::new(env);
        if loaded.len() >= KEPT {
            loaded.clear();
        }
        loaded.insert(imports.to_vec(), env.clone());
        Ok(env)
    }
}

/// The one line that a Lean, or the `lake` around it, prints.
fn said_by(lean: &NativeLean, args: &[std::ffi::OsString], more: &[&str]) -> Result<String, String> {
    let mut command = Command::new(&lean.program);
    command.args(args).args(more);
    if let Some(folder) = &lean.cwd {
        command.current_dir(folder);
    }
    let output = command.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("`{}` ended with {}", more.join(" "), output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
