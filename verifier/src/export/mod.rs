//! Declarations as data, in the format that kernels other than Lean's own read: Lean's export format 3.1, one JSON object a line.
//!
//! Names, levels and expressions are numbered and refer to earlier ones; declarations refer to these. Whatever is read here may
//! come from a process that ran hostile text: it is well-formed or refused, and what is written holds each thing once, as
//! other kernels demand. Whether a declaration is *true* is the business of a kernel.

mod join;
mod model;
mod read;
mod select;
mod write;

use std::collections::HashMap;
use std::io;

use indexmap::IndexSet;

pub use model::{
    App, Axiom, Binder, BinderInfo, Const, Constructor, Declaration, Def, Expr, Hints, Inductive,
    InductiveType, Let, Level, Name, NumName, Opaque, Proj, Quot, QuotKind, Recursor, RecursorRule, Safety,
    StrName, Thm,
};

/// The version of the format that is written, and the only one that is read.
pub const FORMAT: &str = "3.1.0";

/// Why data is no export, or why two exports do not fit together.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It cannot be read at all.
    #[error("the export cannot be read: {0}. Check that its file is whole and readable.")]
    Io(#[from] io::Error),
    /// A line is not of the format.
    #[error(
        "line {line} of the export is not of Lean's export format 3.1: {reason}. Make it again with an exporter of this version, such as lean4export 3.1."
    )]
    Malformed {
        /// From 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Two exports declare the same name differently.
    #[error(
        "`{0}` is declared in two ways, so the exports cannot be one file. Export the theorems of each header by themselves."
    )]
    Conflict(String),
    /// More of something than a number can count.
    #[error("the export is too large: more than four billion names, levels or expressions")]
    TooLarge,
}

/// The Lean whose declarations these are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportingLean {
    /// Its version.
    pub version: String,
    /// The commit that it was built from.
    pub githash: String,
}

/// Declarations in an order in which a kernel can take them, with all that they consist of.
#[derive(Clone, Debug)]
pub struct Export {
    origin: ExportingLean,
    names: IndexSet<Name>,
    levels: IndexSet<Level>,
    exprs: IndexSet<Expr>,
    declarations: Vec<Declaration>,
    /// The declaration that each name belongs to.
    declared: HashMap<u32, usize>,
}

impl Default for Export {
    fn default() -> Self {
        Self::new(ExportingLean::default())
    }
}

impl Export {
    /// Nothing yet, of a Lean.
    pub fn new(origin: ExportingLean) -> Self {
        Self {
            origin,
            names: IndexSet::from([Name::Anonymous]),
            levels: IndexSet::from([Level::Zero]),
            exprs: IndexSet::new(),
            declarations: Vec::new(),
            declared: HashMap::new(),
        }
    }

    /// The Lean whose declarations these are.
    pub fn origin(&self) -> &ExportingLean {
        &self.origin
    }

    /// The declarations, each after all that it mentions.
    pub fn declarations(&self) -> &[Declaration] {
        &self.declarations
    }

    /// A name as text: its parts with dots between them.
    pub fn name(&self, id: u32) -> String {
        match self.names.get_index(id as usize) {
            None | Some(Name::Anonymous) => String::new(),
            Some(Name::Str(StrName { pre: 0, str })) => str.clone(),
            Some(Name::Num(NumName { pre: 0, i })) => i.to_string(),
            Some(Name::Str(StrName { pre, str })) => format!("{}.{str}", self.name(*pre)),
            Some(Name::Num(NumName { pre, i })) => format!("{}.{i}", self.name(*pre)),
        }
    }

    /// Whether a constant of this name (see [`Self::name`]) is declared here.
    pub fn declares(&self, name: &str) -> bool {
        self.declared.keys().any(|&id| self.name(id) == name)
    }

    /// Constants that the declarations mention and that are not among them: what must be below them.
    pub fn missing(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .exprs
            .iter()
            .filter_map(|expr| match expr {
                Expr::Const(Const { name, .. }) => Some(*name),
                Expr::Proj(Proj { type_name, .. }) => Some(*type_name),
                _ => None,
            })
            .filter(|name| !self.declared.contains_key(name))
            .map(|name| self.name(name))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The axioms among the declarations.
    pub fn axioms(&self) -> Vec<String> {
        let axioms = self.declarations.iter().filter_map(|declaration| match declaration {
            Declaration::Axiom(axiom) => Some(self.name(axiom.name)),
            _ => None,
        });
        axioms.collect()
    }

    fn intern_name(&mut self, name: Name) -> Result<u32, ExportError> {
        number(self.names.insert_full(name).0)
    }

    fn intern_level(&mut self, level: Level) -> Result<u32, ExportError> {
        number(self.levels.insert_full(level).0)
    }

    fn intern_expr(&mut self, expr: Expr) -> Result<u32, ExportError> {
        number(self.exprs.insert_full(expr).0)
    }

    /// Adds a declaration; `false` if one of its names is declared already.
    fn declare(&mut self, declaration: Declaration) -> bool {
        let names = declaration.names();
        let place = self.declarations.len();
        if names.iter().any(|name| self.declared.contains_key(name)) {
            return false;
        }
        self.declared.extend(names.into_iter().map(|name| (name, place)));
        self.declarations.push(declaration);
        true
    }
}

fn number(place: usize) -> Result<u32, ExportError> {
    u32::try_from(place).map_err(|_| ExportError::TooLarge)
}

#[cfg(test)]
mod tests;
