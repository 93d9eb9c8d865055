//! Standard input, made a file: blocks, samples and retries need to read by position.

use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use tempfile::{NamedTempFile, TempPath};

use crate::error::{ErrorKind, Result};

/// Spooled inputs of a session. The files are deleted when the session ends.
#[derive(Default)]
pub(crate) struct Spool(Mutex<Vec<TempPath>>);

impl Spool {
    /// Writes everything that `input` has to a temporary file and returns its path.
    pub(crate) fn take(&self, input: &mut dyn Read) -> Result<String> {
        let failed = |source: io::Error| ErrorKind::Io { path: "standard input".into(), source };
        let mut file = NamedTempFile::with_prefix("partita-stdin-").map_err(failed)?;
        io::copy(input, file.as_file_mut()).map_err(failed)?;
        let path = file.into_temp_path();
        let shown = path.to_str().map(str::to_owned);
        let not_utf8 = || failed(io::Error::other("the folder for temporary files has a name that is not UTF-8"));
        let shown = shown.ok_or_else(not_utf8)?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(path);
        Ok(shown)
    }
}
