//! Programs in Lean, put together of the modules that they consist of.

/// What all programs are built on.
pub(crate) const ELABORATION: &str = include_str!("../../lean-project/Stp/Elaboration.lean");
/// What makes sketches of proofs that fail, on top of it.
pub(crate) const SKETCHES: &[&str] = &[
    include_str!("../../lean-project/Stp/Cut.lean"),
    include_str!("../../lean-project/Stp/Goal.lean"),
    include_str!("../../lean-project/Stp/Sketch.lean"),
];

/// Modules as one file, which needs none but Lean's own.
pub(crate) fn one_file(modules: &[&str]) -> String {
    let mut text = String::from("import Lean\n");
    for line in modules.iter().flat_map(|module| module.lines()).filter(|line| !line.starts_with("import ")) {
        text.push_str(line);
        text.push('\n');
    }
    text
}
