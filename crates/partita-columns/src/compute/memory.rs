//! Memory that a kernel asks for before it makes texts, whose size its input does not bound.

use std::fmt::Debug;

use crate::error::Result;

/// Who promises memory to the kernels of one expression.
pub trait Memory: Debug {
    /// Asks for `bytes` more, for what the kernel is about to make.
    ///
    /// # Errors
    /// Where they are not to be had: [`crate::ErrorKind::Memory`].
    fn take(&self, bytes: usize) -> Result<()>;
}

/// As much as is asked for: for constants, which are of one row.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlimited;

impl Memory for Unlimited {
    fn take(&self, _: usize) -> Result<()> {
        Ok(())
    }
}
