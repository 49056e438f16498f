//! The settings that come with the program.

/// The presets that come with the program: name and TOML text.
pub const PRESETS: [(&str, &str); 6] = [
    ("tiny", include_str!("../../presets/tiny.toml")),
    ("smoke", include_str!("../../presets/smoke.toml")),
    ("small", include_str!("../../presets/small.toml")),
    ("smollm2", include_str!("../../presets/smollm2.toml")),
    ("deepseek-prover-7b", include_str!("../../presets/deepseek-prover-7b.toml")),
    ("kimina-1.5b", include_str!("../../presets/kimina-1.5b.toml")),
];
