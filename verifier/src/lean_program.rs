//! Programs in Lean, put together of the modules that they consist of.

use crate::protocol::Role;

/// What all programs are built on.
pub(crate) const ELABORATION: &str = include_str!("../../lean-project/Stp/Elaboration.lean");
/// What makes sketches of proofs that fail, on top of it.
pub(crate) const SKETCHES: &[&str] = &[
    include_str!("../../lean-project/Stp/Cut.lean"),
    include_str!("../../lean-project/Stp/Goal.lean"),
    include_str!("../../lean-project/Stp/Sketch.lean"),
];

/// What a native Lean's elaborator and checker share: the protocol's lines, and environments by their imports.
const FRONTEND: &str = include_str!("../../lean-project/Stp/Frontend.lean");
const ELABORATOR: &[&str] = &[
    include_str!("../../lean-project/Stp/Worker/Export.lean"),
    include_str!("../../lean-project/Stp/Worker/Text.lean"),
    include_str!("../../lean-project/Worker.lean"),
];
const CHECKER: &[&str] = &[
    include_str!("../../lean-project/Stp/Checker/Export.lean"),
    include_str!("../../lean-project/Stp/Checker/Declarations.lean"),
    include_str!("../../lean-project/Stp/Checker/Sha256.lean"),
    include_str!("../../lean-project/Stp/Checker/Statement.lean"),
    include_str!("../../lean-project/Stp/Checker/Axioms.lean"),
    include_str!("../../lean-project/Stp/Checker/Premises.lean"),
    include_str!("../../lean-project/Stp/Checker/Verdict.lean"),
    include_str!("../../lean-project/Stp/Checker/Library.lean"),
    include_str!("../../lean-project/Checker.lean"),
];

/// A native Lean's program for a role.
pub(crate) fn native(role: Role) -> String {
    match role {
        Role::Elaborator => one_file(&[&[ELABORATION, FRONTEND], SKETCHES, ELABORATOR].concat()),
        Role::Checker => one_file(&[&[ELABORATION, FRONTEND], CHECKER].concat()),
    }
}

/// The programs that a native Lean runs: what elaborates, and what judges. For tests, which compile them once.
#[doc(hidden)]
pub fn native_programs() -> [String; 2] {
    [Role::Elaborator, Role::Checker].map(native)
}

/// Modules as one file, which needs none but Lean's own.
pub(crate) fn one_file(modules: &[&str]) -> String {
    let mut text = String::from("import Lean\n");
    for line in modules.iter().flat_map(|module| module.lines()).filter(|line| !line.starts_with("import ")) {
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Where a module ends in a program; all that it imports stands before it.
    fn end_of(program: &str, module: &str) -> usize {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lean-project");
        let source = std::fs::read_to_string(folder.join(format!("{module}.lean"))).unwrap();
        let (imports, own): (Vec<_>, Vec<_>) = source.lines().partition(|line| line.starts_with("import "));
        let own = own.join("\n");
        let begins = program.find(&own).unwrap_or_else(|| panic!("{module} is no part of the program"));
        for import in imports {
            if import != "import Lean" {
                let import = import.trim_start_matches("import ").replace('.', "/");
                assert!(end_of(program, &import) <= begins, "{module} stands before {import}");
            }
        }
        begins + own.len()
    }

    #[test]
    fn each_program_is_one_file_of_all_that_its_modules_import() {
        for (role, module) in [(Role::Elaborator, "Worker"), (Role::Checker, "Checker")] {
            let text = native(role);
            let imports: Vec<_> = text.lines().filter(|line| line.starts_with("import ")).collect();
            assert_eq!(imports, ["import Lean"]);
            assert!(end_of(&text, module) > 0);
        }
    }
}
