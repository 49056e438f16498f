//! `stp config show`, and how a run gets its settings.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Map, json};
use stp_selfplay::config::docs;
use stp_selfplay::config::settings::{Setter, Settings};
use stp_selfplay::error::UsageError;

use crate::args::SettingsArgs;

/// The columns of a screen.
const WIDTH: usize = 80;

/// `stp config`.
#[derive(Clone, Debug, Args)]
pub struct ConfigArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// `stp config ...`.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every setting of `stp train` with these options, what it is for, and where its value comes from.
    Show(ConfigShowArgs),
    /// Print a page in Markdown that explains all settings: docs/settings.md.
    Docs,
}

/// `stp config show`.
#[derive(Clone, Debug, Args)]
pub struct ConfigShowArgs {
    /// The options that `train` would get.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// JSON in place of TOML.
    #[arg(long)]
    pub json: bool,
}

/// Does what is asked of the settings.
pub fn config(args: &ConfigArgs) -> Result<ExitCode> {
    match &args.command {
        ConfigCommand::Show(args) => show(args),
        ConfigCommand::Docs => {
            print!("{}", docs::markdown()?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The settings that these options, the environment and the file make on top of others: a preset's, or a run's.
pub fn gather(base: Settings, args: &SettingsArgs) -> Result<Settings, UsageError> {
    let mut settings = base;
    if let Some(path) = &args.config {
        settings.file(path)?;
    }
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    settings.environment(std::env::vars_os().filter_map(text))?;
    for assignment in &args.set {
        settings.assignment(assignment)?;
    }
    let integer = |number: u64| i64::try_from(number).map(toml::Value::Integer);
    let too_large = |_| UsageError("--seed is too large; take a number below 2^63.".to_owned());
    let options = [
        ("method", args.method.map(|method| method.as_str().into())),
        ("seed", args.seed.map(integer).transpose().map_err(too_large)?),
        ("rounds", args.rounds.map(|rounds| i64::from(rounds).into())),
        ("corpus", args.corpus.clone().map(toml::Value::String)),
    ];
    for (key, value) in options {
        if let Some(value) = value {
            settings.set(key, value, Setter::Option(format!("--{key}")))?;
        }
    }
    Ok(settings)
}

/// Prints them; as TOML it is a file that `--config` takes.
fn show(args: &ConfigShowArgs) -> Result<ExitCode> {
    let settings = gather(Settings::preset(&args.settings.preset)?, &args.settings)?;
    settings.config()?;
    if args.json {
        let rows: Map<_, _> = settings
            .values()
            .into_iter()
            .map(|(key, value, setter)| {
                let meaning = docs::sentence(&key);
                (key, json!({ "value": value, "from": setter.to_string(), "meaning": meaning }))
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = String::new();
    for (key, value, setter) in settings.values() {
        let (of, name) = key.rsplit_once('.').unwrap_or(("", &key));
        if of != table {
            println!("\n[{of}]");
            of.clone_into(&mut table);
        }
        for line in docs::sentence(&key).map(|sentence| wrapped(sentence, WIDTH - 2)).unwrap_or_default() {
            println!("# {line}");
        }
        println!("{:<44} # {setter}", format!("{name} = {value}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// A text in lines of at most `width` characters, but for words that are longer.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrapped("extraordinary it is", 5), ["extraordinary", "it is"]);
        assert!(wrapped("", 5).is_empty());
    }
}
