//! Declarations: axioms, definitions, theorems, quotients and inductive types.

use serde::{Deserialize, Serialize};

use super::renumber::Renumber;

/// How eagerly a definition is unfolded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Hints {
    /// Never.
    Opaque,
    /// Always.
    Abbrev,
    /// The higher ones first.
    Regular(u32),
}

/// Whether a definition may be used in proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Safety {
    /// It may not.
    Unsafe,
    /// It may.
    Safe,
    /// It may, as a constant without a value.
    Partial,
}

/// The four constants of quotients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum QuotKind {
    /// `Quot`
    Type,
    /// `Quot.mk`
    Ctor,
    /// `Quot.lift`
    Lift,
    /// `Quot.ind`
    Ind,
}

/// Declares a record of an export, with the name, the parameters and the type that all constants have.
macro_rules! constant {
    ($(#[$about:meta])* $record:ident { $($(#[$what:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $record {
            /// Its name.
            pub name: u32,
            /// Names of its universe parameters.
            pub level_params: Vec<u32>,
            /// Its type.
            pub r#type: u32,
            $($(#[$what])* pub $field: $kind,)*
        }
    };
}

constant!(
    /// A constant that is assumed.
    Axiom {
        /// Whether proofs may not use it.
        is_unsafe: bool,
    }
);
constant!(
    /// A definition.
    Def {
        /// Its value.
        value: u32,
        /// How eagerly it is unfolded.
        hints: Hints,
        /// Whether proofs may use it.
        safety: Safety,
        /// What is defined together with it.
        all: Vec<u32>,
    }
);
constant!(
    /// A constant whose value is hidden.
    Opaque {
        /// Its value.
        value: u32,
        /// Whether proofs may not use it.
        #[serde(default)]
        is_unsafe: bool,
        /// What is defined together with it.
        all: Vec<u32>,
    }
);
constant!(
    /// A theorem.
    Thm {
        /// Its proof.
        value: u32,
        /// What is proved together with it.
        all: Vec<u32>,
    }
);
constant!(
    /// A constant of quotients.
    Quot {
        /// Which one.
        kind: QuotKind,
    }
);
constant!(
    /// An inductive type.
    InductiveType {
        /// Parameters.
        num_params: u32,
        /// Indices.
        num_indices: u32,
        /// The types of its group.
        all: Vec<u32>,
        /// Its constructors.
        ctors: Vec<u32>,
        /// Auxiliary types of nested occurrences.
        num_nested: u32,
        /// Whether it occurs in its constructors.
        is_rec: bool,
        /// Whether proofs may not use it.
        is_unsafe: bool,
        /// Whether it occurs behind a function type there.
        is_reflexive: bool,
    }
);
constant!(
    /// A constructor.
    Constructor {
        /// Its type's name.
        induct: u32,
        /// Its number among the constructors.
        cidx: u32,
        /// Parameters.
        num_params: u32,
        /// Fields.
        num_fields: u32,
        /// Whether proofs may not use it.
        is_unsafe: bool,
    }
);
constant!(
    /// A recursor.
    Recursor {
        /// The types of its group.
        all: Vec<u32>,
        /// Parameters.
        num_params: u32,
        /// Indices.
        num_indices: u32,
        /// Motives.
        num_motives: u32,
        /// Cases.
        num_minors: u32,
        /// What it computes.
        rules: Vec<RecursorRule>,
        /// Whether it computes without looking at the proof.
        k: bool,
        /// Whether proofs may not use it.
        is_unsafe: bool,
    }
);

/// What a recursor computes for a constructor.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecursorRule {
    /// The constructor.
    pub ctor: u32,
    /// Its fields.
    pub nfields: u32,
    /// The value.
    pub rhs: u32,
}

/// A group of inductive types with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inductive {
    /// The types.
    pub types: Vec<InductiveType>,
    /// Their constructors.
    pub ctors: Vec<Constructor>,
    /// Their recursors.
    pub recs: Vec<Recursor>,
}

/// A declaration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Declaration {
    /// A constant that is assumed.
    Axiom(Axiom),
    /// A definition.
    Def(Def),
    /// A constant whose value is hidden.
    Opaque(Opaque),
    /// A theorem.
    Thm(Thm),
    /// A constant of quotients.
    Quot(Quot),
    /// A group of inductive types.
    Inductive(Inductive),
}

impl Declaration {
    /// The constants that it declares.
    pub fn names(&self) -> Vec<u32> {
        match self {
            Self::Axiom(it) => vec![it.name],
            Self::Def(it) => vec![it.name],
            Self::Opaque(it) => vec![it.name],
            Self::Thm(it) => vec![it.name],
            Self::Quot(it) => vec![it.name],
            Self::Inductive(Inductive { types, ctors, recs }) => {
                let types = types.iter().map(|it| it.name);
                types.chain(ctors.iter().map(|it| it.name)).chain(recs.iter().map(|it| it.name)).collect()
            }
        }
    }
}

/// Renumbers what all constants have, and then the rest of one.
macro_rules! head {
    ($it:ident, $to:ident) => {
        $it.name = $to.name($it.name)?;
        $to.names(&mut $it.level_params)?;
        $it.r#type = $to.expr($it.r#type)?;
    };
}

impl Declaration {
    pub(in crate::export) fn renumber<R: Renumber>(mut self, to: &R) -> Result<Self, R::Error> {
        match &mut self {
            Self::Axiom(it) => {
                head!(it, to);
            }
            Self::Quot(it) => {
                head!(it, to);
            }
            Self::Def(it) => {
                head!(it, to);
                it.value = to.expr(it.value)?;
                to.names(&mut it.all)?;
            }
            Self::Opaque(it) => {
                head!(it, to);
                it.value = to.expr(it.value)?;
                to.names(&mut it.all)?;
            }
            Self::Thm(it) => {
                head!(it, to);
                it.value = to.expr(it.value)?;
                to.names(&mut it.all)?;
            }
            Self::Inductive(Inductive { types, ctors, recs }) => {
                for it in types {
                    head!(it, to);
                    to.names(&mut it.all)?;
                    to.names(&mut it.ctors)?;
                }
                for it in ctors {
                    head!(it, to);
                    it.induct = to.name(it.induct)?;
                }
                for it in recs {
                    head!(it, to);
                    to.names(&mut it.all)?;
                    for rule in &mut it.rules {
                        (rule.ctor, rule.rhs) = (to.name(rule.ctor)?, to.expr(rule.rhs)?);
                    }
                }
            }
        }
        Ok(self)
    }
}
