//! Runs side by side: in which settings they differ.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use stp_selfplay::config::RunConfig;
use stp_selfplay::config::settings::leaves;
use toml::Table;

/// A setting that is not the same in all runs.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Differing {
    key: String,
    /// For each run; none where it is not set.
    values: Vec<Option<String>>,
}

/// The settings in which runs differ, in the order of keys.
pub(super) fn differing(configs: &[&RunConfig]) -> Vec<Differing> {
    let settings: Vec<_> = configs.iter().map(|config| settings(config)).collect();
    let keys: BTreeSet<_> = settings.iter().flat_map(BTreeMap::keys).collect();
    let all = keys.into_iter().map(|key| Differing {
        key: key.clone(),
        values: settings.iter().map(|of| of.get(key).cloned()).collect(),
    });
    all.filter(|it| it.values.windows(2).any(|pair| pair[0] != pair[1])).collect()
}

/// All settings by key, each as its TOML text.
fn settings(config: &RunConfig) -> BTreeMap<String, String> {
    let table = toml::to_string(config).ok().and_then(|text| text.parse::<Table>().ok()).unwrap_or_default();
    leaves(&table).into_iter().map(|(key, value)| (key, value.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_listed() {
        let smoke = RunConfig::load("smoke", None).unwrap();
        let mut other = RunConfig { seed: 7, ..smoke.clone() };
        other.sampling.top_p = 0.5;
        let found = differing(&[&smoke, &other, &smoke]);
        let keys: Vec<_> = found.iter().map(|it| it.key.as_str()).collect();
        assert_eq!(keys, ["sampling.top_p", "seed"]);
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(found[1].values, [text("0"), text("7"), text("0")]);
        assert!(differing(&[&smoke]).is_empty() && differing(&[]).is_empty());
    }
}
