//! Standard input, made a file: blocks, samples and retries need to read by position.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::sync::{Mutex, PoisonError};

use crate::error::{ErrorKind, Result};

/// Spooled inputs of a session: temporary files without a name, so that nothing stays behind however the process ends.
#[derive(Default)]
pub(crate) struct Spool(Mutex<Vec<File>>);

impl Spool {
    /// Writes everything that `input` has to a temporary file and returns a path by which this process can open it.
    pub(crate) fn take(&self, input: &mut dyn Read) -> Result<String> {
        let failed = |source: io::Error| ErrorKind::Io { path: "standard input".into(), source };
        let mut file = tempfile::tempfile().map_err(failed)?;
        io::copy(input, &mut file).map_err(failed)?;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(file);
        Ok(path)
    }
}
