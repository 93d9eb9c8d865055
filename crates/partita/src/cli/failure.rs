//! What goes wrong, as the program says it.

use std::error::Error as _;
use std::fmt::{self, Display};
use std::io::{self, Write};
use std::process::ExitCode;

use partita::Error;

/// Exit code of work that failed.
const FAILED: u8 = 1;
/// Exit code of a command line that cannot be carried out whatever the files hold.
pub(crate) const USAGE: u8 = 2;
/// Exit code after Ctrl-C: 128 and the number of the signal, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// The end of a command that did not do what was asked: an exit code and what to say.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// A failure with the words of `message`.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { code: FAILED, message: message.into() }
    }

    /// The operating system failed on `what`.
    pub(crate) fn io(what: impl Display, source: &io::Error) -> Self {
        Self::new(format!("{what}: {source}"))
    }

    /// Wrong usage.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self { code: USAGE, message: message.to_string() }
    }

    /// The same failure in other words.
    pub(crate) fn reworded(self, words: impl FnOnce(&str) -> String) -> Self {
        Self { message: words(&self.message), ..self }
    }

    /// Says it on standard error and returns the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        // Where standard error is closed, the exit code is what is left to say it with.
        let _ = writeln!(io::stderr(), "error: {}", self.message.trim_end());
        ExitCode::from(self.code)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if error.is_cancelled() {
            return Self { code: INTERRUPTED, message: "interrupted; the target is as it was".into() };
        }
        Self::new(Chain(&error).to_string())
    }
}

/// An error and its causes, each of which most errors name themselves: only what is new is said.
struct Chain<'a>(&'a Error);

impl Display for Chain<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        out.write_str(&said)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            let words = cause.to_string();
            if !said.contains(&words) {
                write!(out, "\n  caused by: {words}")?;
                said.push_str(&words);
            }
            next = cause.source();
        }
        Ok(())
    }
}
