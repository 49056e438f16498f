//! Names and universe levels.

use serde::{Deserialize, Serialize};

use super::renumber::Renumber;

/// A name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Name {
    /// The name without parts, which is always number 0.
    Anonymous,
    /// A name that ends in a word.
    Str(StrName),
    /// A name that ends in a number.
    Num(NumName),
}

/// A name and a word behind it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StrName {
    /// The name before.
    pub pre: u32,
    /// The word.
    pub str: String,
}

/// A name and a number behind it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumName {
    /// The name before.
    pub pre: u32,
    /// The number.
    pub i: u64,
}

/// A universe level.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// The level 0, which is always number 0.
    Zero,
    /// The next one.
    Succ(u32),
    /// The larger of two.
    Max([u32; 2]),
    /// The larger of two, or 0 if the second is.
    Imax([u32; 2]),
    /// A parameter's.
    Param(u32),
}

impl Name {
    pub(in crate::export) fn renumber<R: Renumber>(mut self, to: &R) -> Result<Self, R::Error> {
        match &mut self {
            Self::Anonymous => {}
            Self::Str(StrName { pre, .. }) | Self::Num(NumName { pre, .. }) => *pre = to.name(*pre)?,
        }
        Ok(self)
    }
}

impl Level {
    pub(in crate::export) fn renumber<R: Renumber>(mut self, to: &R) -> Result<Self, R::Error> {
        match &mut self {
            Self::Zero => {}
            Self::Succ(level) => *level = to.level(*level)?,
            Self::Max(pair) | Self::Imax(pair) => *pair = [to.level(pair[0])?, to.level(pair[1])?],
            Self::Param(name) => *name = to.name(*name)?,
        }
        Ok(self)
    }
}
