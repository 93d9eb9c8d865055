//! Ctrl-C, and the signals that ask a program to end.
//!
//! While nothing has been written there is nothing to clean up, and the program ends at once. While a data
//! set is being written the first signal cancels the run, which takes back what it has begun; the second ends
//! the program at once, and the next writer of the same target sweeps up.

use std::sync::{Arc, Mutex, PoisonError};

use partita::CancelToken;

use super::failure::{Failure, INTERRUPTED};

/// What a signal does.
#[derive(Debug, Default)]
pub(crate) struct Interrupt {
    run: Mutex<Option<CancelToken>>,
}

impl Interrupt {
    /// From now on the first signal cancels `run`.
    pub(crate) fn cancels(&self, run: CancelToken) {
        *self.run.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
    }

    fn signal(&self) {
        let run = self.run.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match run.filter(|run| !run.is_cancelled()) {
            Some(run) => run.cancel(),
            None => exit_at_once(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "nothing has been written, or the user asked twice")]
fn exit_at_once() {
    std::process::exit(INTERRUPTED.into());
}

/// Sends the signals of this process to `interrupt`.
///
/// # Errors
/// Where the operating system does not let signals be handled.
pub(crate) fn listen(interrupt: &Arc<Interrupt>) -> Result<(), Failure> {
    let interrupt = Arc::clone(interrupt);
    ctrlc::set_handler(move || interrupt.signal())
        .map_err(|error| Failure::new(format!("signals cannot be handled: {error}")))
}
