//! What a kernel makes of its literals before it sees rows: a compiled pattern, a zone.

use std::any::Any;
use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, OnceLock};

use crate::error::Result;

/// A place for one value that is made of the literals of a call, when it is first needed. Clones share it, so that all
/// tasks of an expression do. It is not part of what the call means: any two are equal, and none is serialized.
#[derive(Clone, Default)]
pub struct Prepared(Arc<OnceLock<Arc<dyn Any + Send + Sync>>>);

impl Prepared {
    /// The value that was made, or that `make` makes now. A kernel always asks for the same type.
    ///
    /// # Errors
    /// Those of `make`; nothing is kept then.
    pub fn get<T: Any + Send + Sync>(&self, make: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        if let Some(made) = self.0.get()
            && let Ok(made) = Arc::clone(made).downcast::<T>()
        {
            return Ok(made);
        }
        let made = Arc::new(make()?);
        let kept: Arc<dyn Any + Send + Sync> = Arc::<T>::clone(&made);
        // Another thread may have been first: then both are the same, and its own is dropped in the end.
        let _ = self.0.set(kept);
        Ok(made)
    }
}

impl Debug for Prepared {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Prepared")
    }
}

impl PartialEq for Prepared {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
