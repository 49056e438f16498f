//! Expressions: what types, values and proofs are written in.

use serde::{Deserialize, Serialize};

use super::renumber::Renumber;

/// An expression. Metadata is left out when one is read: no kernel looks at it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Expr {
    /// A bound variable, counted from the innermost binder.
    Bvar(u32),
    /// A universe.
    Sort(u32),
    /// A constant.
    Const(Const),
    /// An application.
    App(App),
    /// A function.
    Lam(Binder),
    /// A function type.
    ForallE(Binder),
    /// A local definition.
    LetE(Let),
    /// A projection.
    Proj(Proj),
    /// A natural number, in decimal digits.
    NatVal(String),
    /// A text.
    StrVal(String),
}

/// A constant at universe levels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Const {
    /// Its name.
    pub name: u32,
    /// Its levels.
    pub us: Vec<u32>,
}

/// An application.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// What is applied.
    pub r#fn: u32,
    /// To what.
    pub arg: u32,
}

/// How a binder's argument is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BinderInfo {
    /// `(x : t)`
    Default,
    /// `{x : t}`
    Implicit,
    /// `⦃x : t⦄`
    StrictImplicit,
    /// `[x : t]`
    InstImplicit,
}

/// A binder and what it is in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Binder {
    /// The variable's name.
    pub name: u32,
    /// Its type.
    pub r#type: u32,
    /// What it may stand in.
    pub body: u32,
    /// How it is given.
    pub binder_info: BinderInfo,
}

/// A local definition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Let {
    /// The variable's name.
    pub name: u32,
    /// Its type.
    pub r#type: u32,
    /// Its value.
    pub value: u32,
    /// What it may stand in.
    pub body: u32,
    /// A hint without meaning to kernels; always false once read.
    pub nondep: bool,
}

/// A field of a structure.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Proj {
    /// The structure's type.
    pub type_name: u32,
    /// The field's number.
    pub idx: u32,
    /// The structure.
    pub r#struct: u32,
}

impl Expr {
    pub(in crate::export) fn renumber<R: Renumber>(mut self, to: &R) -> Result<Self, R::Error> {
        match &mut self {
            Self::Bvar(_) | Self::NatVal(_) | Self::StrVal(_) => {}
            Self::Sort(level) => *level = to.level(*level)?,
            Self::Const(Const { name, us }) => {
                *name = to.name(*name)?;
                for level in us {
                    *level = to.level(*level)?;
                }
            }
            Self::App(App { r#fn, arg }) => (*r#fn, *arg) = (to.expr(*r#fn)?, to.expr(*arg)?),
            Self::Lam(binder) | Self::ForallE(binder) => {
                binder.name = to.name(binder.name)?;
                (binder.r#type, binder.body) = (to.expr(binder.r#type)?, to.expr(binder.body)?);
            }
            Self::LetE(it) => {
                it.name = to.name(it.name)?;
                (it.r#type, it.value, it.body) = (to.expr(it.r#type)?, to.expr(it.value)?, to.expr(it.body)?);
                it.nondep = false;
            }
            Self::Proj(it) => {
                (it.type_name, it.r#struct) = (to.name(it.type_name)?, to.expr(it.r#struct)?);
            }
        }
        Ok(self)
    }
}
