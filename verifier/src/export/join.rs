//! One export of several: what they share is there once, and everything is numbered anew.

use std::collections::HashMap;

use super::model::{Declaration, Name, NumName, Renumber, StrName};
use super::{Export, ExportError};

/// What of an export is taken over.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) exprs: Vec<bool>,
    pub(super) declarations: Vec<bool>,
}

/// Where the things of another export are in this one.
#[derive(Debug)]
struct Places {
    names: Vec<u32>,
    levels: Vec<u32>,
    exprs: Vec<u32>,
    /// Other numbers for the names of what the other one declares.
    renamed: HashMap<u32, u32>,
}

impl Places {
    /// The number of a name that stands for a constant, as far as the place where it stands tells: binders and parameters are
    /// told by their names alone, which may be a constant's as well, and lose nothing by it.
    fn of(&self, id: u32) -> u32 {
        self.renamed.get(&id).or_else(|| self.names.get(id as usize)).copied().unwrap_or_default()
    }
}

impl Renumber for Places {
    type Error = ExportError;

    fn name(&self, id: u32) -> Result<u32, ExportError> {
        Ok(self.of(id))
    }

    fn level(&self, id: u32) -> Result<u32, ExportError> {
        self.levels.get(id as usize).copied().ok_or(ExportError::TooLarge)
    }

    fn expr(&self, id: u32) -> Result<u32, ExportError> {
        self.exprs.get(id as usize).copied().ok_or(ExportError::TooLarge)
    }
}

impl Export {
    /// Adds the declarations of another export behind those that are here. What both declare in the same way is kept once.
    ///
    /// # Errors
    /// [`ExportError::Conflict`] if both declare a name, differently.
    pub fn append(&mut self, other: &Self) -> Result<(), ExportError> {
        self.append_below(other, &[])
    }

    /// The same, with the names of all that `other` declares put behind some words, so that they are in nobody's way.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_below(&mut self, other: &Self, words: &[&str]) -> Result<(), ExportError> {
        self.append_chosen(other, words, None)
    }

    pub(super) fn append_chosen(
        &mut self,
        other: &Self,
        words: &[&str],
        chosen: Option<&Chosen>,
    ) -> Result<(), ExportError> {
        if self.declarations.is_empty() {
            self.origin = other.origin.clone();
        }
        let mut places = Places {
            names: Vec::with_capacity(other.names.len()),
            levels: Vec::with_capacity(other.levels.len()),
            exprs: Vec::with_capacity(other.exprs.len()),
            renamed: HashMap::new(),
        };
        for name in &other.names {
            let name = plainly(name.clone(), &places.names);
            places.names.push(self.intern_name(name)?);
        }
        if !words.is_empty() {
            for id in other.declarations.iter().flat_map(Declaration::names) {
                let renamed = self.name_below(other, id, words)?;
                places.renamed.insert(id, renamed);
            }
        }
        for level in &other.levels {
            let level = level.clone().renumber(&places)?;
            places.levels.push(self.intern_level(level)?);
        }
        for (id, expr) in other.exprs.iter().enumerate() {
            if chosen.is_some_and(|chosen| !chosen.exprs[id]) {
                places.exprs.push(u32::MAX); // nothing that is taken over refers to it
                continue;
            }
            let expr = expr.clone().renumber(&places)?;
            places.exprs.push(self.intern_expr(expr)?);
        }
        let taken = |place: &usize| chosen.is_none_or(|chosen| chosen.declarations[*place]);
        for place in (0..other.declarations.len()).filter(taken) {
            let declaration = &other.declarations[place];
            let declaration = declaration.clone().renumber(&places)?;
            self.add(declaration)?;
        }
        Ok(())
    }

    fn add(&mut self, declaration: Declaration) -> Result<(), ExportError> {
        let names = declaration.names();
        let known = names.iter().find_map(|name| Some((*name, *self.declared.get(name)?)));
        match known {
            Some((_, place)) if self.declarations[place] == declaration => Ok(()),
            Some((name, _)) => Err(ExportError::Conflict(self.name(name))),
            None => {
                self.declare(declaration);
                Ok(())
            }
        }
    }

    /// A name of `other` behind some words.
    fn name_below(&mut self, other: &Self, id: u32, words: &[&str]) -> Result<u32, ExportError> {
        match other.names.get_index(id as usize).cloned() {
            None | Some(Name::Anonymous) => {
                let mut pre = 0;
                for word in words {
                    pre = self.intern_name(Name::Str(StrName { pre, str: (*word).to_owned() }))?;
                }
                Ok(pre)
            }
            Some(Name::Str(StrName { pre, str })) => {
                let pre = self.name_below(other, pre, words)?;
                self.intern_name(Name::Str(StrName { pre, str }))
            }
            Some(Name::Num(NumName { pre, i })) => {
                let pre = self.name_below(other, pre, words)?;
                self.intern_name(Name::Num(NumName { pre, i }))
            }
        }
    }
}

/// A name behind another whose number is known.
fn plainly(mut name: Name, names: &[u32]) -> Name {
    match &mut name {
        Name::Anonymous => {}
        Name::Str(StrName { pre, .. }) | Name::Num(NumName { pre, .. }) => {
            *pre = names.get(*pre as usize).copied().unwrap_or_default();
        }
    }
    name
}
