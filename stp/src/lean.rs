//! How every command gets its Lean: found, or installed now, with the cache of its verdicts.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use stp_verifier::toolchain::{self, Located, Progress, ToolchainOptions};
use stp_verifier::{Sandbox, Toolchain, VerdictCache};

use crate::args::LeanArgs;
use crate::bytes::Bytes;
use crate::display::Display;

/// The Lean to use, installed now if need be, and says which it is.
pub fn locate_or_install(args: &LeanArgs, display: &Display) -> Result<Toolchain> {
    let lean = match toolchain::locate(&options(args))? {
        Located::Ready(lean) => lean,
        Located::NotInstalled(home) => {
            let installed = install(&home, display)?;
            match toolchain::locate(&options(args))? {
                Located::Ready(lean) => lean,
                Located::NotInstalled(_) => installed,
            }
        }
    };
    let first = lean.describe();
    display.line(first.lines().next().unwrap_or_default());
    display.line(&format!("sandbox of its processes: {}", Sandbox::around(&lean)));
    Ok(lean)
}

/// The cache of verdicts, beside the managed Lean; without one if it cannot be used, and says so.
pub fn cache(args: &LeanArgs, lean: &Toolchain, display: &Display) -> Option<Arc<VerdictCache>> {
    if args.no_cache {
        return None;
    }
    let home = toolchain::home(&options(args)).ok().filter(|_| lean.is_fixed());
    let Some(home) = home else { return Some(Arc::new(VerdictCache::in_memory())) };
    let opened = std::fs::create_dir_all(&home)
        .map_err(anyhow::Error::from)
        .and_then(|()| Ok(VerdictCache::open(&home.join("verdicts.sqlite"))?));
    match opened {
        Ok(cache) => Some(Arc::new(cache)),
        Err(error) => {
            display.line(&format!("going on without the verdict cache: {error}"));
            None
        }
    }
}

/// Where to look for a Lean.
pub fn options(args: &LeanArgs) -> ToolchainOptions {
    let LeanArgs { lean, project, home, repl, kernel, .. } = args.clone();
    ToolchainOptions { lean, project, home, repl, kernel }
}

/// Installs the managed Lean, and shows how far that is.
pub fn install(home: &Path, display: &Display) -> Result<Toolchain> {
    display.line(&format!("installing the managed Lean in {} (once, 500 MB)", home.display()));
    let bytes = Bytes::new(display);
    let show = |progress: Progress| bytes.tell(progress.phase, progress.done, progress.total);
    let lean = toolchain::install(home, &show)?;
    bytes.finish();
    Ok(Toolchain::Managed(lean))
}
