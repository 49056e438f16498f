//! What an export consists of, with the field names of its JSON. Numbers are places in the tables of names, levels and
//! expressions.

mod declarations;
mod exprs;
mod names;
mod renumber;

pub use declarations::{
    Axiom, Constructor, Declaration, Def, Hints, Inductive, InductiveType, Opaque, Quot, QuotKind, Recursor,
    RecursorRule, Safety, Thm,
};
pub use exprs::{App, Binder, BinderInfo, Const, Expr, Let, Proj};
pub use names::{Level, Name, NumName, StrName};
pub(super) use renumber::Renumber;
