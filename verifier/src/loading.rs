//! Which imports a Lean process has in memory. To load others takes a while, which is no part of a candidate's time.

use std::collections::VecDeque;

use crate::protocol::Question;

/// Imports in memory, those used last at the end.
#[derive(Debug)]
pub(crate) struct Loaded {
    kept: VecDeque<String>,
    most: usize,
}

impl Loaded {
    /// Of a process that keeps so many at least, and has begun with those of a text that imports nothing.
    pub(crate) fn new(most: usize) -> Self {
        Self { kept: VecDeque::from([String::new()]), most }
    }

    /// Whether these must be loaded. They are in memory afterwards.
    pub(crate) fn lacks(&mut self, imports: &str) -> bool {
        let known = self.kept.iter().position(|kept| kept == imports);
        if let Some(place) = known {
            self.kept.remove(place);
        } else if self.kept.len() >= self.most {
            self.kept.pop_front();
        }
        self.kept.push_back(imports.to_owned());
        known.is_none()
    }
}

/// The text whose imports a question needs.
pub(crate) fn text_of(question: &Question) -> &str {
    match question {
        Question::Elaborate { header, .. }
        | Question::Statement { header, .. }
        | Question::Sketch { header, .. } => header,
        Question::File { code } | Question::Source { code } => code,
        Question::Reference { header, imports, .. } | Question::Check { header, imports, .. } => {
            header.as_deref().or(imports.as_deref()).unwrap_or_default()
        }
        Question::Declarations { imports, .. } => imports,
        Question::Signatures { .. } | Question::Theorems {} => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_last_is_kept() {
        let mut loaded = Loaded::new(2);
        assert!(!loaded.lacks(""));
        assert!(loaded.lacks("import A"));
        assert!(!loaded.lacks("") && !loaded.lacks("import A"));
        assert!(loaded.lacks("import B"), "instead of none");
        assert!(!loaded.lacks("import A"));
        assert!(loaded.lacks("") && loaded.lacks("import B"));
    }
}
