//! The variables of the environment that this program reads: one that looks like a slip of the pen is named.

use stp_datasets::nearest;
use stp_selfplay::config::settings::VARIABLES;

/// What all variables of this program begin with.
const PREFIX: &str = "STP_";
/// All of them but those that are settings.
const KNOWN: [&str; 7] =
    ["STP_API_KEY", "STP_DEVICE", "STP_HOME", "STP_LEAN", "STP_LOG", "STP_NATS", "STP_PRESET"];
/// Variables of the tests begin so, and those that a training's command finds.
const OTHERS: [&str; 3] = ["STP_TEST_", "STP_SOAK_", "STP_TRAIN_"];

/// A warning for each variable that this program does not know and that reads like one that it does.
pub fn warnings(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut strange: Vec<_> = names.into_iter().filter(|name| is_strange(name)).collect();
    strange.sort();
    let meant = |name: &str| {
        let setting =
            name.strip_prefix(VARIABLES.trim_end_matches('_')).map(|rest| rest.trim_start_matches('_'));
        match setting.filter(|rest| !rest.is_empty()) {
            Some(rest) => Some(format!("{VARIABLES}{rest}")),
            None => nearest(name, KNOWN).map(str::to_owned),
        }
    };
    let warning = |name: &String| {
        let meant = meant(name)?;
        Some(format!("the variable {name} is none of stp's and is not read. Did you mean {meant}?"))
    };
    strange.iter().filter_map(warning).collect()
}

/// Whether it begins as ours do and is none of them. A wrong key of a setting is an error of its own, with the key.
fn is_strange(name: &str) -> bool {
    let known = KNOWN.contains(&name) || OTHERS.iter().any(|others| name.starts_with(others));
    name.starts_with(PREFIX) && !known && !name.starts_with(VARIABLES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str) -> String {
        warnings([name.to_owned(), "PATH".to_owned()]).join(" ")
    }

    #[test]
    fn a_slip_is_named_and_what_is_right_or_of_others_is_not() {
        assert!(said("STP_PRSET").contains("mean STP_PRESET?"));
        assert!(said("STP_DEVCE").contains("mean STP_DEVICE?"));
        assert!(said("STP_CONFIG_SEED").contains("mean STP_CONFIG__SEED?"));
        for fine in [
            "STP_PRESET",
            "STP_CONFIG__SEED",
            "STP_TEST_ABORT",
            "STP_TRAIN_DATA",
            "STP_BRIDGE_PRIORITY",
            "STP",
            "HOME",
        ] {
            assert_eq!(said(fine), "", "{fine}");
        }
    }
}
