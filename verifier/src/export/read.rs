//! Reading an export, line by line, with every number looked at before it is used.

use std::fmt;
use std::io::BufRead;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::model::{App, Declaration, Expr, Let, Level, Name, Renumber};
use super::{Export, ExportError, ExportingLean};

/// Bound variables are counted in 20 bits by Lean itself.
const MAX_VARIABLE: u32 = 1 << 16;
const MAX_DIGITS: usize = 100_000;

/// One line.
#[derive(Debug)]
enum Row {
    Meta(Meta),
    Name(u32, Name),
    Level(u32, Level),
    Expr(u32, Expr),
    /// An expression with metadata, which is as good as the expression.
    Mdata(u32, u32),
    Declaration(Declaration),
}

#[derive(Debug, Deserialize)]
struct Meta {
    lean: Lean,
    format: Format,
}

#[derive(Debug, Deserialize)]
struct Lean {
    version: String,
    githash: String,
}

#[derive(Debug, Deserialize)]
struct Format {
    version: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mdata {
    expr: u32,
    #[serde(rename = "data")]
    _data: IgnoredAny,
}

/// What stands in a line beside its number.
enum Part {
    Meta(Meta),
    Name(Name),
    Level(Level),
    Expr(Expr),
    Mdata(Mdata),
    Declaration(Declaration),
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line of an export")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
        let mut index: Option<(&str, u32)> = None;
        let mut part = None;
        while let Some(key) = map.next_key::<&str>()? {
            if let "in" | "il" | "ie" = key {
                if index.replace((key, map.next_value()?)).is_some() {
                    return Err(de::Error::custom("it has two numbers"));
                }
            } else if part.replace(read_part(key, &mut map)?).is_some() {
                return Err(de::Error::custom("it is two things"));
            }
        }
        match (index, part) {
            (None, Some(Part::Meta(meta))) => Ok(Row::Meta(meta)),
            (None, Some(Part::Declaration(declaration))) => Ok(Row::Declaration(declaration)),
            (Some(("in", id)), Some(Part::Name(name))) => Ok(Row::Name(id, name)),
            (Some(("il", id)), Some(Part::Level(level))) => Ok(Row::Level(id, level)),
            (Some(("ie", id)), Some(Part::Expr(expr))) => Ok(Row::Expr(id, expr)),
            (Some(("ie", id)), Some(Part::Mdata(mdata))) => Ok(Row::Mdata(id, mdata.expr)),
            _ => Err(de::Error::custom("its number does not fit what it is")),
        }
    }
}

fn read_part<'de, A: MapAccess<'de>>(key: &str, map: &mut A) -> Result<Part, A::Error> {
    Ok(match key {
        "meta" => Part::Meta(map.next_value()?),
        "str" => Part::Name(Name::Str(map.next_value()?)),
        "num" => Part::Name(Name::Num(map.next_value()?)),
        "succ" => Part::Level(Level::Succ(map.next_value()?)),
        "max" => Part::Level(Level::Max(map.next_value()?)),
        "imax" => Part::Level(Level::Imax(map.next_value()?)),
        "param" => Part::Level(Level::Param(map.next_value()?)),
        "bvar" => Part::Expr(Expr::Bvar(map.next_value()?)),
        "sort" => Part::Expr(Expr::Sort(map.next_value()?)),
        "const" => Part::Expr(Expr::Const(map.next_value()?)),
        "app" => Part::Expr(Expr::App(map.next_value::<App>()?)),
        "lam" => Part::Expr(Expr::Lam(map.next_value()?)),
        "forallE" => Part::Expr(Expr::ForallE(map.next_value()?)),
        "letE" => Part::Expr(Expr::LetE(map.next_value::<Let>()?)),
        "proj" => Part::Expr(Expr::Proj(map.next_value()?)),
        "natVal" => Part::Expr(Expr::NatVal(map.next_value()?)),
        "strVal" => Part::Expr(Expr::StrVal(map.next_value()?)),
        "mdata" => Part::Mdata(map.next_value()?),
        "axiom" => Part::Declaration(Declaration::Axiom(map.next_value()?)),
        "def" => Part::Declaration(Declaration::Def(map.next_value()?)),
        "opaque" => Part::Declaration(Declaration::Opaque(map.next_value()?)),
        "thm" => Part::Declaration(Declaration::Thm(map.next_value()?)),
        "quot" => Part::Declaration(Declaration::Quot(map.next_value()?)),
        "inductive" => Part::Declaration(Declaration::Inductive(map.next_value()?)),
        other => return Err(de::Error::custom(format!("`{other}` is nothing that it can be"))),
    })
}

/// Where the things of a file are in the tables that are made of it.
#[derive(Debug)]
struct Places {
    names: Vec<u32>,
    levels: Vec<u32>,
    exprs: Vec<u32>,
}

impl Renumber for Places {
    type Error = String;

    fn name(&self, id: u32) -> Result<u32, String> {
        place(&self.names, id, "name")
    }

    fn level(&self, id: u32) -> Result<u32, String> {
        place(&self.levels, id, "level")
    }

    fn expr(&self, id: u32) -> Result<u32, String> {
        place(&self.exprs, id, "expression")
    }
}

fn place(places: &[u32], id: u32, what: &str) -> Result<u32, String> {
    places.get(id as usize).copied().ok_or_else(|| format!("there is no {what} {id} before it"))
}

impl Export {
    /// Reads an export.
    ///
    /// # Errors
    /// [`ExportError`] if it cannot be read or is not well-formed: a number that nothing has, a line that is two things, a
    /// constant declared twice.
    pub fn read(mut input: impl BufRead) -> Result<Self, ExportError> {
        let mut export = Self::default();
        let mut places = Places { names: vec![0], levels: vec![0], exprs: Vec::new() };
        let mut text = String::new();
        let mut line = 0;
        loop {
            text.clear();
            line += 1;
            if input.read_line(&mut text)? == 0 {
                break;
            }
            let malformed = |reason: String| ExportError::Malformed { line, reason };
            if text.trim().is_empty() {
                continue;
            }
            let row: Row = serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?;
            if matches!(row, Row::Meta(_)) != (line == 1) {
                return Err(malformed("the first line, and no other, says which format it is".to_owned()));
            }
            export.take(row, &mut places).map_err(|refusal| match refusal {
                Refusal::Reason(reason) => malformed(reason),
                Refusal::Error(error) => error,
            })?;
        }
        if line == 1 {
            return Err(ExportError::Malformed { line, reason: "it is empty".to_owned() });
        }
        Ok(export)
    }

    fn take(&mut self, row: Row, places: &mut Places) -> Result<(), Refusal> {
        match row {
            Row::Meta(Meta { lean, format }) => {
                if !format.version.starts_with("3.1.") {
                    return Err(format!("its format is {}", format.version).into());
                }
                self.origin = ExportingLean { version: lean.version, githash: lean.githash };
            }
            Row::Name(id, name) => {
                in_order(id, places.names.len(), "name")?;
                let name = name.renumber(places)?;
                places.names.push(self.intern_name(name)?);
            }
            Row::Level(id, level) => {
                in_order(id, places.levels.len(), "level")?;
                let level = level.renumber(places)?;
                places.levels.push(self.intern_level(level)?);
            }
            Row::Expr(id, expr) => {
                in_order(id, places.exprs.len(), "expression")?;
                let expr = sound(expr)?.renumber(places)?;
                places.exprs.push(self.intern_expr(expr)?);
            }
            Row::Mdata(id, inner) => {
                in_order(id, places.exprs.len(), "expression")?;
                places.exprs.push(places.expr(inner)?);
            }
            Row::Declaration(declaration) => {
                let declaration = declaration.renumber(places)?;
                let names = declaration.names();
                let Some(&first) = names.first() else {
                    return Err("it declares nothing".to_owned().into());
                };
                let different: std::collections::HashSet<_> = names.iter().collect();
                if different.len() < names.len() || !self.declare(declaration) {
                    return Err(format!("`{}` is declared twice", self.name(first)).into());
                }
            }
        }
        Ok(())
    }
}

/// Why a line is not taken: its own fault or another.
enum Refusal {
    Reason(String),
    Error(ExportError),
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self::Reason(reason)
    }
}

impl From<ExportError> for Refusal {
    fn from(error: ExportError) -> Self {
        Self::Error(error)
    }
}

fn in_order(id: u32, next: usize, what: &str) -> Result<(), String> {
    if id as usize == next { Ok(()) } else { Err(format!("{what} {id} stands where {next} should")) }
}

/// What Lean could not hold is refused.
fn sound(expr: Expr) -> Result<Expr, String> {
    match &expr {
        Expr::Bvar(variable) if *variable > MAX_VARIABLE => {
            Err("a bound variable is out of range".to_owned())
        }
        Expr::NatVal(digits) => {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            if !plain || digits.len() > MAX_DIGITS || (digits.len() > 1 && digits.starts_with('0')) {
                return Err("a number is not written in plain digits".to_owned());
            }
            Ok(expr)
        }
        _ => Ok(expr),
    }
}
