//! Which modules a text imports.

/// The import lines of a header, in order and one a line; empty where it imports nothing.
pub fn imports_of(header: &str) -> String {
    let is_import = |line: &&str| {
        let words = line.split_whitespace().skip_while(|word| matches!(*word, "public" | "meta"));
        words.take(1).any(|word| word == "import")
    };
    header.lines().filter(is_import).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_told_from_other_lines() {
        let header = "import A\n  public meta import B\nopen Nat\n-- import C\nimportant";
        assert_eq!(imports_of(header), "import A\n  public meta import B");
    }
}
