//! The inputs of a command. Standard input becomes a file: readers look at several places of their input, and
//! most of them at once.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::{AsFd, AsRawFd};

use super::failure::Failure;

/// What stands for standard input on the command line.
const STDIN: &str = "-";

/// Its name in messages.
const STDIN_SHOWN: &str = "<stdin>";

/// Inputs that can be opened by name.
#[derive(Debug)]
pub(crate) struct Sources {
    paths: Vec<String>,
    /// Standard input as a file, and the path by which this process opens it again.
    stdin: Option<(File, String)>,
    /// Whether all of standard input is in its file.
    is_whole: bool,
}

impl Sources {
    /// All of the inputs. What comes through a pipe is written to a temporary file that has no name, so that
    /// nothing is left of it however this process ends.
    ///
    /// # Errors
    /// Where standard input is named twice, cannot be read, or does not fit the temporary folder.
    pub(crate) fn open(inputs: &[String]) -> Result<Self, Failure> {
        let mut sources = Self::begin(inputs)?;
        sources.read_on(u64::MAX)?;
        Ok(sources)
    }

    /// The inputs, with nothing read of standard input yet where it is a pipe: see [`Sources::read_on`].
    ///
    /// # Errors
    /// As [`Sources::open`].
    pub(crate) fn begin(inputs: &[String]) -> Result<Self, Failure> {
        let piped = inputs.iter().filter(|input| *input == STDIN).count();
        if piped > 1 {
            return Err(Failure::usage("standard input (-) is named twice; it can be read once"));
        }
        let mut sources = Self { paths: inputs.to_vec(), stdin: None, is_whole: true };
        if piped == 1 {
            let (file, is_whole) = match redirected()? {
                Some(file) => (file, true),
                None => (tempfile::tempfile().map_err(|error| spool_failure(&error))?, false),
            };
            let path = path_of(&file);
            for input in sources.paths.iter_mut().filter(|input| *input == STDIN) {
                input.clone_from(&path);
            }
            sources.stdin = Some((file, path));
            sources.is_whole = is_whole;
        }
        Ok(sources)
    }

    /// Reads at most `bytes` more of standard input; says whether that was the end of it.
    ///
    /// # Errors
    /// Where it cannot be read, or does not fit the temporary folder.
    pub(crate) fn read_on(&mut self, bytes: u64) -> Result<bool, Failure> {
        if let Some((file, _)) = self.stdin.as_mut().filter(|_| !self.is_whole) {
            let copied = io::copy(&mut io::stdin().lock().take(bytes), file);
            self.is_whole = copied.map_err(|error| spool_failure(&error))? < bytes;
        }
        Ok(self.is_whole)
    }

    /// The file that standard input is being written to, where some of it has not been read yet.
    pub(crate) fn spool(&self) -> Option<File> {
        let (file, _) = self.stdin.as_ref().filter(|_| !self.is_whole)?;
        file.try_clone().ok()
    }

    /// Whether some of standard input has not been read yet.
    pub(crate) fn is_partial(&self) -> bool {
        !self.is_whole
    }

    /// The names by which the inputs are opened.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.paths.clone()
    }

    /// Leaves out all inputs but these.
    pub(crate) fn keep(&mut self, paths: Vec<String>) {
        self.paths = paths;
    }

    /// `text` with the name that standard input has for users.
    pub(crate) fn shown(&self, text: &str) -> String {
        match &self.stdin {
            Some((_, path)) => text.replace(path, STDIN_SHOWN),
            None => text.to_owned(),
        }
    }
}

fn spool_failure(error: &io::Error) -> Failure {
    let folder = std::env::temp_dir();
    Failure::new(format!(
        "standard input: {error}; it is kept in {} while it is read, set TMPDIR to use another folder",
        folder.display()
    ))
}

/// Standard input where it is a file from its first byte on, as in `partita head - < trips.csv`.
fn redirected() -> Result<Option<File>, Failure> {
    let stdin = io::stdin();
    let handle = stdin.as_fd().try_clone_to_owned().map_err(|error| Failure::io(STDIN_SHOWN, &error))?;
    let mut file = File::from(handle);
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    let is_usable = is_file && file.stream_position().is_ok_and(|position| position == 0);
    Ok((is_usable && File::open(path_of(&file)).is_ok()).then_some(file))
}

/// The path by which this process opens a file that it holds.
fn path_of(file: &File) -> String {
    let folder = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    format!("{folder}/{}", file.as_raw_fd())
}
