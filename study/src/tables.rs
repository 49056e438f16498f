//! Tables as texts: drawn for a screen, or in Markdown.

use comfy_table::{ContentArrangement, Table, presets};

/// The columns of a screen that a drawn table may fill.
pub const WIDTH: u16 = 80;

/// An empty table, drawn or in Markdown. A drawn one breaks its cells into lines where it would not fit a screen.
pub fn table_for(markdown: bool) -> Table {
    let mut table = Table::new();
    if markdown {
        table.load_style(presets::ASCII_MARKDOWN);
    } else {
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_table_is_as_wide_as_its_content_and_at_most_a_screen() {
        let widest =
            |table: &Table| table.to_string().lines().map(|line| line.chars().count()).max().unwrap();
        let mut small = table_for(false);
        small.set_header(["a", "b"]).add_row(["1", "2"]);
        assert!(widest(&small) < 20, "{small}");
        let mut large = table_for(false);
        large.set_header(["what", "how"]).add_row(["x ".repeat(50), "y ".repeat(50)]);
        assert!(widest(&large) <= WIDTH.into(), "{large}");
        let mut markdown = table_for(true);
        markdown.set_header(["what"]).add_row(["x ".repeat(80)]);
        assert_eq!(markdown.to_string().lines().count(), 3, "a row of Markdown is one line");
    }
}
