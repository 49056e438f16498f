//! The weights of a folder one by one, without a model: for a look at files that are to become one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::TensorFile;
use super::reader::{files, may_be_left};
use crate::ModelError;

/// The weights in the files of a folder.
pub(crate) struct Survey {
    files: Vec<(PathBuf, TensorFile)>,
    /// The file and the shape of each.
    weights: BTreeMap<String, (usize, Vec<usize>)>,
}

impl Survey {
    /// Reads the headers of a folder's files.
    ///
    /// # Errors
    /// [`ModelError::Checkpoint`] with the file at fault.
    pub(crate) fn open(dir: &Path) -> Result<Self, ModelError> {
        let (_, files) = files(dir)?;
        let mut weights = BTreeMap::new();
        for (index, (_, file)) in files.iter().enumerate() {
            weights.extend(file.shapes().map(|(name, shape)| (name.clone(), (index, shape.to_vec()))));
        }
        weights.retain(|name, _| !may_be_left(name) || name == HEAD);
        Ok(Self { files, weights })
    }

    /// Where this folder has other weights than the one that it was made from: a name with what is wrong.
    pub(crate) fn differs_from(&self, base: &Self, tied: bool) -> Option<String> {
        let counts = |name: &str| !(tied && name == HEAD);
        for (name, (_, shape)) in base.weights.iter().filter(|(name, _)| counts(name)) {
            match self.weights.get(name) {
                None => return Some(format!("the weight `{name}` is missing")),
                Some((_, found)) if found != shape => {
                    return Some(format!(
                        "the weight `{name}` should have the shape {shape:?}, but has {found:?}"
                    ));
                }
                Some(_) => {}
            }
        }
        let more = self.weights.keys().find(|name| counts(name) && !base.weights.contains_key(*name));
        more.map(|name| format!("it has a weight `{name}` that the model has not"))
    }

    /// Reads every weight; the first that has a number which is none.
    ///
    /// # Errors
    /// [`ModelError::Checkpoint`] if a file cannot be read to its end.
    pub(crate) fn not_finite(&mut self) -> Result<Option<String>, ModelError> {
        for (name, (index, shape)) in &self.weights {
            let (path, file) = &mut self.files[*index];
            let values = file.read(name, shape).map_err(|reason| ModelError::damaged(path, reason))?;
            if values.iter().any(|value| !value.is_finite()) {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }
}

/// The output projection, which tied checkpoints may repeat.
const HEAD: &str = "lm_head.weight";
