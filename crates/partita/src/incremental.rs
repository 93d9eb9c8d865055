//! Recurring jobs: which inputs a data set does not have yet.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use partita_runtime::dataset::{Dataset, DatasetOptions, InputFingerprint};
use partita_runtime::storage::Input;

use crate::context::Inputs;
use crate::error::Result;
use crate::session::Session;

/// Inputs, as compared with those that the manifest of a data set names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewInputs {
    /// Those that it does not name, in order: all of them where there is no data set.
    pub new: Vec<String>,
    /// Those that it names, unchanged since: same size, same modification time.
    pub known: Vec<String>,
    /// Those that it names and that have another size or modification time now.
    pub changed: Vec<String>,
    /// Those that it names and that are not among the inputs.
    pub missing: Vec<String>,
}

impl Session {
    /// Compares inputs with those that the data set in the folder `target` was made of, so that a recurring job reads what is new
    /// and appends it ([`crate::ParquetWriter::append`]). Files are compared by their real paths; no file is read.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let (days, out) = (folder.path().join("days"), folder.path().join("out"));
    /// # std::fs::create_dir(&days).unwrap();
    /// # std::fs::write(days.join("1.csv"), "n\n1\n").unwrap();
    /// let session = Session::new()?;
    /// session.read_csv(&days).load()?.to_parquet(&out).write()?;
    /// # std::fs::write(days.join("2.csv"), "n\n2\n").unwrap();
    /// // The next day there is one more file.
    /// let inputs = session.new_inputs(&days, &out)?;
    /// assert_eq!((inputs.new.len(), inputs.known.len()), (1, 1));
    /// session.read_csv(inputs.new).load()?.to_parquet(&out).append(true).write()?;
    /// assert!(session.new_inputs(&days, &out)?.new.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where an input is not there, or what is at the target is no data set.
    pub fn new_inputs(&self, inputs: impl Into<Inputs>, target: impl AsRef<Path>) -> Result<NewInputs> {
        let storage = self.engine().storage();
        let mut listed = Vec::new();
        for pattern in inputs.into().0 {
            listed.extend(storage.list(&pattern)?);
        }
        let options = DatasetOptions { disk: Arc::clone(storage.disk()), ..DatasetOptions::default() };
        let known = Dataset::inputs(target.as_ref(), &options)?.unwrap_or_default();
        Ok(compare(listed, known))
    }
}

fn compare(listed: Vec<Input>, known: Vec<InputFingerprint>) -> NewInputs {
    // Of an input that was added twice the last time counts.
    let mut before: HashMap<PathBuf, InputFingerprint> =
        known.into_iter().map(|input| (real(&input.path), input)).collect();
    let mut compared = NewInputs::default();
    for input in listed {
        let list = match before.remove(&real(&input.path)) {
            None => &mut compared.new,
            Some(old) if (old.bytes, old.modified_ns) == (input.bytes, input.modified_ns) => {
                &mut compared.known
            }
            Some(_) => &mut compared.changed,
        };
        list.push(input.path);
    }
    compared.missing = before.into_values().map(|input| input.path).collect();
    compared.missing.sort_unstable();
    compared
}

/// Where a file is, whatever it is called.
fn real(path: &str) -> PathBuf {
    let path = path.strip_prefix("file://").unwrap_or(path);
    fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path))
}
