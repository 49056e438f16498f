//! Where the values of a run's configuration come from: a preset, a file on top of it, the environment on top of
//! that, and the command line on top of all. Each value remembers who set it, for `stp config show`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use stp_datasets::{did_you_mean, nearest};
use toml::{Table, Value};

use super::RunConfig;
use super::presets::PRESETS;
use crate::error::UsageError;

/// Variables that begin so are settings: `STP_CONFIG__SAMPLING__TOP_P` is `sampling.top_p`.
pub const VARIABLES: &str = "STP_CONFIG__";

/// Who set a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setter {
    /// What a preset does not say.
    Default,
    /// A preset of that name.
    Preset(String),
    /// A run that is forked.
    Run(String),
    /// A TOML file.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
    /// An option on the command line.
    Option(String),
}

impl fmt::Display for Setter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Preset(name) => write!(f, "preset {name}"),
            Self::Run(name) => write!(f, "run {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "{name}"),
            Self::Option(name) => write!(f, "{name}"),
        }
    }
}

/// Values by key, with who set them. Later layers replace earlier ones, key by key.
#[derive(Clone, Debug)]
pub struct Settings {
    values: BTreeMap<String, (Value, Setter)>,
}

impl Settings {
    /// The values of a preset.
    ///
    /// # Errors
    /// [`UsageError`] if there is none of that name.
    pub fn preset(name: &str) -> Result<Self, UsageError> {
        let names: Vec<_> = PRESETS.iter().map(|(name, _)| *name).collect();
        let (_, text) = PRESETS.iter().find(|(known, _)| *known == name).ok_or_else(|| {
            UsageError(format!(
                "There is no preset `{name}`.{} The presets are: {}. For settings of your own, write a TOML \
                 file with the keys to change and give it with --config.",
                did_you_mean(name, names.iter().copied()),
                names.join(", ")
            ))
        })?;
        let table: Table =
            text.parse().map_err(|error| UsageError(format!("The preset `{name}` is not valid: {error}")))?;
        let setter = Setter::Preset(name.to_owned());
        let wrong =
            |error: &dyn fmt::Display| UsageError(format!("The preset `{name}` is not valid: {error}"));
        let whole: RunConfig = table.clone().try_into().map_err(|error: toml::de::Error| wrong(&error))?;
        let whole = Table::try_from(&whole).map_err(|error| wrong(&error))?;
        let defaults = leaves(&whole).into_iter().map(|(key, value)| (key, (value, Setter::Default)));
        let mut values: BTreeMap<_, _> = defaults.collect();
        values.extend(leaves(&table).into_iter().map(|(key, value)| (key, (value, setter.clone()))));
        Ok(Self { values })
    }

    /// The values of a run that is there, by the name that it is shown by.
    ///
    /// # Errors
    /// [`UsageError`] if TOML cannot hold one of them.
    pub fn run(name: &str, config: &RunConfig) -> Result<Self, UsageError> {
        // By way of the text, which has 0.95 where a number of 32 bits is 0.949999988079071.
        let text = toml::to_string(config).map_err(|error| error.to_string());
        let table = text.and_then(|text| text.parse::<Table>().map_err(|error| error.to_string()));
        let table = table.map_err(|error| {
            UsageError(format!("The settings of the run `{name}` cannot be used: {error}"))
        })?;
        let setter = Setter::Run(name.to_owned());
        let values = leaves(&table).into_iter().map(|(key, value)| (key, (value, setter.clone())));
        Ok(Self { values: values.collect() })
    }

    /// Lays a TOML file over them.
    ///
    /// # Errors
    /// [`UsageError`] if it cannot be read, is not TOML, or has a key that does not exist.
    pub fn file(&mut self, path: &Path) -> Result<(), UsageError> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| {
            UsageError(format!(
                "Cannot read the settings {shown}: {error}. Check the path given with --config."
            ))
        })?;
        let table: Table = text
            .parse()
            .map_err(|error: toml::de::Error| UsageError(format!("{shown} is not valid TOML: {error}")))?;
        for (key, value) in leaves(&table) {
            self.set(&key, value, Setter::File(path.to_owned()))?;
        }
        Ok(())
    }

    /// Lays those variables of the environment over them that begin with [`VARIABLES`].
    ///
    /// # Errors
    /// [`UsageError`] if one names a key that does not exist.
    pub fn environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), UsageError> {
        let mut variables: Vec<_> = variables.into_iter().collect();
        variables.sort();
        for (name, text) in variables {
            if let Some(key) = name.strip_prefix(VARIABLES) {
                let key = key.to_lowercase().replace("__", ".");
                self.set_text(&key, &text, Setter::Variable(name.clone()))?;
            }
        }
        Ok(())
    }

    /// Lays an option `--set KEY=VALUE` over them.
    ///
    /// # Errors
    /// [`UsageError`] if it has no `=` or names a key that does not exist.
    pub fn assignment(&mut self, text: &str) -> Result<(), UsageError> {
        let (key, new) = text.split_once('=').ok_or_else(|| {
            UsageError(format!("`--set {text}` has no `=`. Write for example --set sampling.top_p=0.9"))
        })?;
        self.set_text(key.trim(), new.trim(), Setter::Option(format!("--set {text}")))
    }

    /// Sets what was not written as TOML: where a text is wanted it is one, so that a command may be `true`.
    fn set_text(&mut self, key: &str, text: &str, setter: Setter) -> Result<(), UsageError> {
        let is_text = self.values.get(key).is_some_and(|(known, _)| known.is_str());
        let new = Some(value(text)).filter(|new| !is_text || new.is_str());
        self.set(key, new.unwrap_or_else(|| Value::String(text.to_owned())), setter)
    }

    /// Sets one value; `key` has dots between the names of tables.
    ///
    /// # Errors
    /// [`UsageError`] if there is no such key, or its value must be a text and is none.
    pub fn set(&mut self, key: &str, value: Value, setter: Setter) -> Result<(), UsageError> {
        if let Some(known) = self.values.get_mut(key) {
            if known.0.is_str() && !value.is_str() {
                return Err(UsageError(format!(
                    "The setting `{key}` is a text, and {value} ({setter}) is none. Write {key} = \"…\", with quotes."
                )));
            }
            *known = (value, setter);
            return Ok(());
        }
        let inside = format!("{key}.");
        if let Some(one) = self.values.keys().find(|known| known.starts_with(&inside)) {
            return Err(UsageError(format!(
                "`{key}` is a table of settings and has no value itself ({setter}). Set those in it, such as `{one}`; \
                 `stp config show` prints all of them."
            )));
        }
        let hint = self.near(key).map_or_else(String::new, |known| format!(" Did you mean `{known}`?"));
        Err(UsageError(format!(
            "There is no setting `{key}` ({setter}).{hint} `stp config show` prints all of them."
        )))
    }

    /// The key that a wrong one may have been meant to be: its last name in another table, the whole of it misspelt, or
    /// its last name misspelt or only begun.
    fn near(&self, key: &str) -> Option<&str> {
        fn last(key: &str) -> &str {
            key.rsplit('.').next().unwrap_or_default()
        }
        let wrong = last(key);
        let keys = || self.values.keys().map(String::as_str);
        let named = |name: &str| keys().find(|known| last(known) == name);
        nearest(key, keys().filter(|known| last(known) == wrong))
            .or_else(|| named(wrong))
            .or_else(|| nearest(key, keys()))
            .or_else(|| nearest(wrong, keys().map(last)).and_then(named))
            .or_else(|| keys().find(|known| !wrong.is_empty() && last(known).starts_with(wrong)))
    }

    /// The configuration that they make.
    ///
    /// # Errors
    /// [`UsageError`] naming the key that does not fit and where its value came from.
    pub fn config(&self) -> Result<RunConfig, UsageError> {
        let config: RunConfig = self.table().try_into().map_err(|error: toml::de::Error| {
            // The error's own text names the key, on a line of its own.
            let reason = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            UsageError(format!(
                "The settings ({}) do not fit: {reason}. Mend that key and try again.",
                self.sources()
            ))
        })?;
        config.validate()?;
        Ok(config)
    }

    /// Who set the value of a key, if there is such a key.
    pub fn setter(&self, key: &str) -> Option<&Setter> {
        self.values.get(key).map(|(_, setter)| setter)
    }

    /// Every key with its value and who set it, in the order of the keys.
    pub fn values(&self) -> Vec<(String, Value, Setter)> {
        let row = |(key, (value, setter)): (&String, &(Value, Setter))| {
            (key.clone(), value.clone(), setter.clone())
        };
        let mut values: Vec<_> = self.values.iter().map(row).collect();
        // Keys without a table come first, as TOML wants them, and each table's keys stand together.
        values.sort_by_cached_key(|(key, ..)| key.rsplit_once('.').map(|(table, _)| table.to_owned()));
        values
    }

    fn sources(&self) -> String {
        let mut sources: Vec<_> = self.values.values().map(|(_, setter)| setter.to_string()).collect();
        sources.sort();
        sources.dedup();
        sources.join(", ")
    }

    /// The values in their tables.
    fn table(&self) -> Table {
        let mut table = Table::new();
        for (key, (value, _)) in &self.values {
            let nested =
                |inner: Value, name: &str| Value::Table(Table::from_iter([(name.to_owned(), inner)]));
            if let Value::Table(one) = key.rsplit('.').fold(value.clone(), nested) {
                merge(&mut table, one);
            }
        }
        table
    }
}

fn merge(base: &mut Table, more: Table) {
    for (key, value) in more {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(value)) => merge(inner, value),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// What TOML makes of the text, or else the text itself: `0.9`, `true`, `core`.
fn value(text: &str) -> Value {
    format!("value = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

/// All values that are no tables, with their keys.
pub fn leaves(table: &Table) -> Vec<(String, Value)> {
    let leaf = |(key, value): (&String, &Value)| match value {
        Value::Table(inner) => {
            leaves(inner).into_iter().map(|(rest, value)| (format!("{key}.{rest}"), value)).collect()
        }
        other => vec![(key.clone(), other.clone())],
    };
    table.iter().flat_map(leaf).collect()
}

impl RunConfig {
    /// The preset of that name, with the keys of `overlay` (a TOML file) laid over it.
    ///
    /// # Errors
    /// [`UsageError`] for an unknown preset, an unreadable file, or a key that does not exist.
    pub fn load(preset: &str, overlay: Option<&Path>) -> Result<Self, UsageError> {
        let mut settings = Settings::preset(preset)?;
        if let Some(path) = overlay {
            settings.file(path)?;
        }
        settings.config()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setter(settings: &Settings, key: &str) -> String {
        settings.values().into_iter().find(|(it, ..)| it == key).unwrap().2.to_string()
    }

    #[test]
    fn later_layers_win_and_are_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        std::fs::write(&path, "rounds = 7\nseed = 7\n[sampling]\ntop_p = 0.7\ntemperature = 0.7").unwrap();
        let mut settings = Settings::preset("tiny").unwrap();
        settings.file(&path).unwrap();
        let variables = [
            ("STP_CONFIG__SEED", "8"),
            ("STP_CONFIG__SAMPLING__TOP_P", "0.8"),
            ("STP_HOME", "/x"),
            ("PATH", "/y"),
        ];
        settings.environment(variables.map(|(name, text)| (name.to_owned(), text.to_owned()))).unwrap();
        settings.assignment("sampling.top_p=0.9").unwrap();
        settings.assignment("corpus = my.jsonl").unwrap();
        let config = settings.config().unwrap();
        assert_eq!((config.rounds, config.seed, config.corpus.as_str()), (7, 8, "my.jsonl"));
        assert_eq!((config.sampling.temperature, config.sampling.top_p), (0.7, 0.9));
        assert_eq!(setter(&settings, "rounds"), path.display().to_string());
        assert_eq!(setter(&settings, "seed"), "STP_CONFIG__SEED");
        assert_eq!(setter(&settings, "sampling.top_p"), "--set sampling.top_p=0.9");
        assert_eq!(setter(&settings, "stage1.epochs"), "preset tiny");
        assert_eq!(setter(&settings, "repair.share"), "default");
    }

    #[test]
    fn a_mistake_names_its_place() {
        let mut settings = Settings::preset("tiny").unwrap();
        let variable = |name: &str| [(name.to_owned(), "1".to_owned())];
        let text = settings.environment(variable("STP_CONFIG__TEMPERATURE")).unwrap_err().to_string();
        assert!(text.contains("STP_CONFIG__TEMPERATURE") && text.contains("sampling.temperature"), "{text}");
        for (wrong, meant) in [
            ("sampling.temprature=1", "`sampling.temperature`"),
            ("sampling.epochs=1", "epochs`"),
            ("stage2.epochs=1", "`stage1.epochs`"),
            ("temprature=1", "temperature`"),
            ("rouns=1", "`rounds`"),
            ("proving.valid_sample=1", "`proving.valid_samples`"),
        ] {
            let text = settings.assignment(wrong).unwrap_err().to_string();
            assert!(text.contains("Did you mean") && text.contains(meant), "{wrong}: {text}");
        }
        let text = settings.assignment("xyzzy=1").unwrap_err().to_string();
        assert!(!text.contains("Did you mean"), "{text}");
        let text = Settings::preset("tniy").unwrap_err().to_string();
        assert!(text.contains("Did you mean `tiny`?"), "{text}");
        assert!(settings.assignment("rounds").unwrap_err().to_string().contains("no `=`"));
        settings.assignment("rounds=many").unwrap();
        let text = settings.config().unwrap_err().to_string();
        assert!(text.contains("--set rounds=many") && text.contains("u32"), "{text}");
    }

    #[test]
    fn a_text_needs_quotes_in_a_file_alone() {
        let mut settings = Settings::preset("tiny").unwrap();
        settings.assignment("sampling.server.reload=true").unwrap();
        let variable = ("STP_CONFIG__TRAINING__COMMAND".to_owned(), "7".to_owned());
        settings.environment([variable]).unwrap();
        let config = settings.config().unwrap();
        assert_eq!((&*config.sampling.server.reload, &*config.training.command), ("true", "7"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        for (text, hint) in [
            ("[sampling.server]\nreload = true", "Write sampling.server.reload = \"…\""),
            ("[sampling]\nserver = true", "`sampling.server` is a table"),
        ] {
            std::fs::write(&path, text).unwrap();
            let said = settings.file(&path).unwrap_err().to_string();
            assert!(said.contains(hint) && said.contains("mine.toml"), "{said}");
        }
        let said = settings.assignment("sampling.server=true").unwrap_err().to_string();
        assert!(said.contains("such as `sampling.server.concurrency`"), "{said}");
    }

    #[test]
    fn the_keys_of_a_table_stand_together() {
        let values = Settings::preset("tiny").unwrap().values();
        let mut tables: Vec<_> = values.iter().map(|(key, ..)| key.rsplit_once('.').map(|it| it.0)).collect();
        tables.dedup();
        let distinct: std::collections::BTreeSet<_> = tables.iter().collect();
        assert_eq!(distinct.len(), tables.len(), "{tables:?}");
        assert!(tables[0].is_none() && tables.contains(&Some("round.lora")));
    }

    #[test]
    fn a_whole_number_may_stand_for_a_fraction() {
        let mut settings = Settings::preset("tiny").unwrap();
        settings.assignment("sampling.top_p=1").unwrap();
        assert_eq!(settings.config().unwrap().sampling.top_p, 1.0);
    }
}
