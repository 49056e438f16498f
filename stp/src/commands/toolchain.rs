//! `stp toolchain`: which Lean is used, and installing one.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;
use stp_verifier::toolchain::{self, Located};
use stp_verifier::{Sandbox, Toolchain};

use crate::args::LeanArgs;
use crate::display::Display;
use crate::lean::{install, options};

/// `stp toolchain`.
#[derive(Clone, Debug, Args)]
pub struct ToolchainArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: ToolchainCommand,
    /// One JSON object in place of lines.
    #[arg(long, global = true)]
    pub json: bool,
    /// Which Lean to use.
    #[command(flatten)]
    pub lean: LeanArgs,
}

/// `stp toolchain ...`.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ToolchainCommand {
    /// Say which Lean would be used, and why.
    Status,
    /// Install the managed Lean now.
    Install,
}

/// Says which Lean is used, or installs one.
pub fn toolchain(args: &ToolchainArgs) -> Result<ExitCode> {
    let text = match (args.command, toolchain::locate(&options(&args.lean))?) {
        (_, Located::Ready(lean)) => ready(&lean, args.json),
        (ToolchainCommand::Status, Located::NotInstalled(home)) => not_installed(&home, args.json),
        (ToolchainCommand::Install, Located::NotInstalled(home)) => {
            let lean = install(&home, &Display::new(false))?;
            installed(&lean, &home, args.json)
        }
    };
    println!("{text}");
    Ok(ExitCode::SUCCESS)
}

fn ready(lean: &Toolchain, as_json: bool) -> String {
    let (kind, place) = match lean {
        Toolchain::Managed(lean) => ("managed", &lean.root),
        Toolchain::Native(lean) => ("native", &lean.program),
    };
    let sandbox = Sandbox::around(lean);
    if !as_json {
        return format!("{}\nsandbox: {sandbox}", lean.describe());
    }
    let (version, sandbox) = (lean.version(), sandbox.to_string());
    json!({ "installed": true, "kind": kind, "version": version, "place": place, "sandbox": sandbox })
        .to_string()
}

fn not_installed(home: &Path, as_json: bool) -> String {
    if as_json {
        return json!({ "installed": false, "kind": "managed", "place": home }).to_string();
    }
    format!(
        "managed Lean: not installed\nwhy:     no --lean, STP_LEAN or --project was given\nplace:   {}\n\
         `stp toolchain install` installs it; so does the first command that needs it.",
        home.display()
    )
}

fn installed(lean: &Toolchain, home: &Path, as_json: bool) -> String {
    if as_json {
        let version = lean.version();
        return json!({ "installed": true, "kind": "managed", "version": version, "place": home })
            .to_string();
    }
    lean.describe()
}
