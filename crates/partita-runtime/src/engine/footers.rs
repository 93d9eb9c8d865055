//! Footers of Parquet files: read once, and kept as long as a plan refers to them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use partita_tasks::host::Footer;
use partita_tasks::program::FileInput;

use super::Engine;
use crate::error::{Error, ErrorKind, Result};

/// A file as it was: path, bytes, modification time.
type Key = (String, u64, i128);

/// What holds the footers are the plans; this only knows where they are.
#[derive(Default)]
pub(super) struct Footers(Mutex<Known>);

#[derive(Default)]
struct Known {
    footers: HashMap<Key, Weak<Footer>>,
    /// Entries at which those whose footers are gone are looked for.
    sweep_at: usize,
}

/// Entries that are kept without a look at whether they are of use.
const SWEEP_MIN: usize = 1024;

fn key(input: &FileInput) -> Key {
    (input.path.clone(), input.bytes, input.modified_ns)
}

impl Footers {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, input: &FileInput) -> Option<Arc<Footer>> {
        self.lock().footers.get(&key(input))?.upgrade()
    }

    fn put(&self, input: &FileInput, footer: &Arc<Footer>) {
        let mut known = self.lock();
        if known.footers.len() >= known.sweep_at.max(SWEEP_MIN) {
            known.footers.retain(|_, footer| footer.strong_count() > 0);
            known.sweep_at = known.footers.len() * 2;
        }
        known.footers.insert(key(input), Arc::downgrade(footer));
    }
}

impl Engine {
    /// The footer of a Parquet file, which is read where nobody holds it. Its memory is reserved as long as somebody does.
    ///
    /// # Errors
    /// Where the file cannot be opened, is no Parquet file or not the one that was listed, or memory is short.
    pub fn footer(&self, input: &FileInput) -> Result<Arc<Footer>> {
        if let Some(held) = self.footers.get(input) {
            return Ok(held);
        }
        let bytes = self.storage.open(&input.path)?;
        let footer =
            Footer::read(input, &*bytes, |operator, bytes, way_out| self.reserve(operator, bytes, way_out));
        let footer = Arc::new(footer.map_err(|error| Error::from(ErrorKind::Task(error)))?);
        self.footers.put(input, &footer);
        Ok(footer)
    }

    pub(crate) fn held_footer(&self, input: &FileInput) -> Option<Arc<Footer>> {
        self.footers.get(input)
    }
}
