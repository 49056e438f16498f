//! `stp config show`, and how a run gets its settings.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Map, json};

use crate::cli::{ConfigShowArgs, SettingsArgs};
use crate::error::UsageError;
use crate::settings::{Origin, Settings};

/// The settings that these options, the environment, the file and the preset make.
pub(super) fn gather(args: &SettingsArgs) -> Result<Settings, UsageError> {
    let mut settings = Settings::preset(&args.preset)?;
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
            settings.set(key, value, Origin::Option(format!("--{key}")))?;
        }
    }
    Ok(settings)
}

/// Prints them; as TOML it is a file that `--config` takes.
pub(super) fn show(args: &ConfigShowArgs) -> Result<ExitCode> {
    let settings = gather(&args.settings)?;
    settings.config()?;
    if args.json {
        let rows: Map<_, _> = settings
            .values()
            .into_iter()
            .map(|(key, value, origin)| (key, json!({ "value": value, "from": origin.to_string() })))
            .collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = String::new();
    for (key, value, origin) in settings.values() {
        let (of, name) = key.rsplit_once('.').unwrap_or(("", &key));
        if of != table {
            println!("\n[{of}]");
            of.clone_into(&mut table);
        }
        println!("{:<44} # {origin}", format!("{name} = {value}"));
    }
    Ok(ExitCode::SUCCESS)
}
