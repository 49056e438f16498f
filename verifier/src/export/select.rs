//! A part of an export: some constants and all that they need.

use super::join::Chosen;
use super::model::{Const, Declaration, Expr, Inductive, Let, Proj};
use super::{Export, ExportError};

impl Export {
    /// The declarations of some constants, and of what they need of the others here. Unknown names are left out.
    ///
    /// # Errors
    /// Never in fact: a part is no larger than the whole.
    pub fn only(&self, roots: &[String]) -> Result<Self, ExportError> {
        let mut chosen = Chosen {
            exprs: vec![false; self.exprs.len()],
            declarations: vec![false; self.declarations.len()],
        };
        let wanted = self.declared.iter().filter(|(name, _)| roots.contains(&self.name(**name)));
        let mut waiting: Vec<usize> = wanted.map(|(_, place)| *place).collect();
        while let Some(place) = waiting.pop() {
            if !std::mem::replace(&mut chosen.declarations[place], true) {
                let exprs = self.declarations[place].exprs();
                waiting.extend(self.mentioned(exprs, &mut chosen.exprs));
            }
        }
        let mut part = Self::default();
        part.append_chosen(self, &[], Some(&chosen))?;
        Ok(part)
    }

    /// Marks expressions and their parts; returns the declarations of the constants that are new among them.
    fn mentioned(&self, mut waiting: Vec<u32>, seen: &mut [bool]) -> Vec<usize> {
        let mut found = Vec::new();
        while let Some(id) = waiting.pop() {
            let Some(seen) = seen.get_mut(id as usize) else { continue };
            if std::mem::replace(seen, true) {
                continue;
            }
            match self.exprs.get_index(id as usize) {
                None | Some(Expr::Bvar(_) | Expr::Sort(_) | Expr::NatVal(_) | Expr::StrVal(_)) => {}
                Some(Expr::Const(Const { name, .. })) => found.extend(self.declared.get(name)),
                Some(Expr::App(app)) => waiting.extend([app.r#fn, app.arg]),
                Some(Expr::Lam(binder) | Expr::ForallE(binder)) => {
                    waiting.extend([binder.r#type, binder.body])
                }
                Some(Expr::LetE(Let { r#type, value, body, .. })) => waiting.extend([*r#type, *value, *body]),
                Some(Expr::Proj(Proj { type_name, r#struct, .. })) => {
                    found.extend(self.declared.get(type_name));
                    waiting.push(*r#struct);
                }
            }
        }
        found
    }
}

impl Declaration {
    /// The expressions that it consists of.
    fn exprs(&self) -> Vec<u32> {
        match self {
            Self::Axiom(it) => vec![it.r#type],
            Self::Quot(it) => vec![it.r#type],
            Self::Def(it) => vec![it.r#type, it.value],
            Self::Opaque(it) => vec![it.r#type, it.value],
            Self::Thm(it) => vec![it.r#type, it.value],
            Self::Inductive(Inductive { types, ctors, recs }) => {
                let rules = recs.iter().flat_map(|it| it.rules.iter().map(|rule| rule.rhs));
                let types = types.iter().map(|it| it.r#type).chain(ctors.iter().map(|it| it.r#type));
                types.chain(recs.iter().map(|it| it.r#type)).chain(rules).collect()
            }
        }
    }
}
