//! `stp completions` and `stp man`: what a shell and `man` want to know of the command line, made from its definition.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Command};
use stp_selfplay::error::UsageError;

/// `stp completions`.
#[derive(Clone, Copy, Debug, Args)]
pub struct CompletionsArgs {
    /// The shell, for example `stp completions bash > /etc/bash_completion.d/stp`.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `stp man`.
#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// The command, for example `train`, or `data import` in two words.
    pub command: Vec<String>,
}

/// Prints the completion script of the command line.
pub fn completions(args: CompletionsArgs, mut command: Command) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "stp", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual page of the command line, or of one of its commands.
pub fn man(args: &ManArgs, mut command: Command) -> Result<ExitCode> {
    command.build();
    for name in &args.command {
        command = command.find_subcommand(name).cloned().ok_or_else(|| {
            UsageError(format!(
                "there is no command `stp {}`; `stp --help` lists them.",
                args.command.join(" ")
            ))
        })?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    std::io::stdout().write_all(&page)?;
    Ok(ExitCode::SUCCESS)
}
