//! What `stp` does when nothing at all is asked of it: it says what can be asked. Under `cargo run` it trains, for that is
//! the command that a clone of the repository is tried with, and whoever types it has asked for something.

/// Whether this process was started by `cargo run`: cargo tells the programs that it runs where it is itself and whose
/// package they are of. A shell does neither.
pub fn started_by_cargo(variable: impl Fn(&str) -> Option<String>) -> bool {
    variable("CARGO").is_some() && variable("CARGO_PKG_NAME").as_deref() == Some(env!("CARGO_PKG_NAME"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cargo_and_only_of_this_package_counts() {
        let of = |variables: &[(&str, &str)]| {
            started_by_cargo(|name| {
                variables.iter().find(|(known, _)| *known == name).map(|it| it.1.to_owned())
            })
        };
        assert!(of(&[("CARGO", "/bin/cargo"), ("CARGO_PKG_NAME", "stp")]));
        assert!(!of(&[("CARGO", "/bin/cargo"), ("CARGO_PKG_NAME", "other")]));
        assert!(!of(&[("CARGO_PKG_NAME", "stp")]) && !of(&[]));
    }
}
