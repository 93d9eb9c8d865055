//! What is wrong with a page, before it is known which.

use std::borrow::Cow;

/// What was expected, and what was got instead.
#[derive(Debug)]
pub(super) enum Damage {
    /// The bytes are not what the format says.
    Wrong(Cow<'static, str>),
    /// So many bytes of memory are needed for what comes next, and they are not allowed.
    Memory(usize),
}

impl Damage {
    pub(super) fn new(expected: impl Into<Cow<'static, str>>) -> Self {
        Self::Wrong(expected.into())
    }

    /// There are fewer bytes than values need.
    pub(super) fn short() -> Self {
        Self::new("more bytes: its values go on behind its end")
    }

    /// A code that is not one of `entries`.
    pub(super) fn code(entries: usize) -> Self {
        Self::new(format!("codes of a dictionary of {entries} entries, got one beyond them"))
    }
}
