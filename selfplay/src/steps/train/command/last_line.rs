//! The line of a command's output that tells why it failed. That is seldom the last: launchers of several processes print a
//! report and a border below the error.

/// What was printed last.
#[derive(Debug, Default)]
pub struct LastLine {
    error: String,
    words: String,
}

impl LastLine {
    /// A line was printed.
    pub fn hear(&mut self, line: &str) {
        if names_an_error(line) {
            // A launcher's own, of which the error was the reason, comes later.
            if self.error.is_empty() || !names_a_child(line) {
                line.clone_into(&mut self.error);
            }
        } else if line.contains(char::is_alphanumeric) {
            line.clone_into(&mut self.words);
        }
    }

    /// The training goes on: what was printed before is not why it will fail.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// The last error, as Python names them; else the last line with a word in it; else nothing.
    pub fn telling(&self) -> &str {
        if self.error.is_empty() { &self.words } else { &self.error }
    }
}

/// Whether a line begins with an exception's name, behind the number of the process that torch puts before it.
fn names_an_error(line: &str) -> bool {
    let line = match line.strip_prefix("[rank") {
        Some(rest) => rest.split_once("]: ").map_or(line, |(_, rest)| rest),
        None => line,
    };
    let name = line.split([':', ' ']).next().unwrap_or_default();
    let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_');
    name.chars().all(is_name) && (name.ends_with("Error") || name.ends_with("Exception"))
}

/// Whether a line begins with what torchrun and accelerate say when a process of theirs has failed.
fn names_a_child(line: &str) -> bool {
    let name = line.split([':', ' ']).next().unwrap_or_default();
    name.ends_with("ChildFailedError") || name.ends_with("CalledProcessError")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn telling(lines: &[&str]) -> String {
        let mut last = LastLine::default();
        lines.iter().for_each(|line| last.hear(line));
        last.telling().to_owned()
    }

    #[test]
    fn the_error_is_told_and_not_the_border_below_it() {
        let of_torchrun = [
            "[rank3]: torch.OutOfMemoryError: CUDA out of memory.",
            "E1129 12:00:00 api.py:869] failed (exitcode: 1) local_rank: 3 (pid: 77) of binary: /usr/bin/python3",
            "Traceback (most recent call last):",
            "  File \"/usr/bin/torchrun\", line 8, in <module>",
            "torch.distributed.elastic.multiprocessing.errors.ChildFailedError:",
            "============================================================",
            "examples/train-trl.py FAILED",
            "  exitcode  : 1 (pid: 77)",
            "  error_file: <N/A>",
            "============================================================",
        ];
        assert_eq!(telling(&of_torchrun), of_torchrun[0]);
        let of_accelerate = [
            "ValueError: no data",
            "Traceback (most recent call last):",
            "subprocess.CalledProcessError: Command '['python3', 'x.py']' returned non-zero exit status 1.",
        ];
        assert_eq!(telling(&of_accelerate), of_accelerate[0]);
        assert_eq!(telling(&of_accelerate[1..]), of_accelerate[2], "nobody said more");
        assert_eq!(telling(&["ValueError: no data", "cleaning up"]), "ValueError: no data");
        assert_eq!(telling(&["no memory", "-----"]), "no memory");
        assert_eq!(telling(&["Errors: 0", "done"]), "done");
        assert_eq!(telling(&["===="]), "");
    }
}
