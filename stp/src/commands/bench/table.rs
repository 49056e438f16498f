//! Tables as the README shows them.

use comfy_table::{Table, presets::ASCII_MARKDOWN};

/// An empty table in Markdown.
pub(super) fn markdown() -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table
}
