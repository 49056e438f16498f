//! Writing an export: names, levels, expressions, declarations, each before what refers to it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::json;

use super::{Export, FORMAT};

impl Export {
    /// Writes it as lines of JSON.
    ///
    /// # Errors
    /// If `out` does not take them.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        let meta = json!({
            "meta": {
                "exporter": { "name": "stp", "version": env!("CARGO_PKG_VERSION") },
                "lean": { "version": self.origin.version, "githash": self.origin.githash },
                "format": { "version": FORMAT },
            }
        });
        writeln!(out, "{meta}")?;
        // The first name and the first level are known to everybody.
        for (id, name) in self.names.iter().enumerate().skip(1) {
            numbered(&mut out, "in", id, name)?;
        }
        for (id, level) in self.levels.iter().enumerate().skip(1) {
            numbered(&mut out, "il", id, level)?;
        }
        for (id, expr) in self.exprs.iter().enumerate() {
            numbered(&mut out, "ie", id, expr)?;
        }
        for declaration in &self.declarations {
            serde_json::to_writer(&mut out, declaration)?;
            writeln!(out)?;
        }
        out.flush()
    }

    /// The same as text.
    pub fn to_text(&self) -> String {
        let mut text = Vec::new();
        // Writing to memory does not fail.
        let _ = self.write(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// One object that holds a number and what has it.
fn numbered(out: &mut impl Write, key: &str, id: usize, thing: &impl Serialize) -> io::Result<()> {
    let object = serde_json::to_string(thing)?;
    writeln!(out, "{{\"{key}\":{id},{}", object.trim_start_matches('{'))
}
