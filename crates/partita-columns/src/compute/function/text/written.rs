//! A column of new text.

use arrow::array::StringViewBuilder;

use super::TEXT_BYTES_MAX;
use crate::compute::Memory;
use crate::compute::function::value;
use crate::error::{ErrorKind, Result};
use crate::scalar::Value;

/// Longer texts lie in blocks, shorter ones in their views.
const INLINE_BYTES_MAX: usize = 12;

/// Bytes of the first block and of the last ones; each is twice as large as the one before, as the builder has them.
const BLOCK_BYTES: std::ops::Range<usize> = 16 << 10..2 << 20;

/// A text that is shorter is written without asking.
const ROOM_BYTES: usize = 64 << 10;

/// A column of new text, row by row, through one scratch text. Memory is asked for before it is used: blocks of the column, and
/// the scratch where it is large.
pub(in crate::compute::function) struct Written<'a> {
    builder: StringViewBuilder,
    out: Out<'a>,
    /// Bytes that are left in the block, and those of the next one.
    left: usize,
    next: usize,
}

/// The text of a row on its way.
pub(in crate::compute::function) struct Out<'a> {
    text: String,
    /// Bytes that the text may have.
    room: usize,
    memory: &'a dyn Memory,
}

impl<'a> Written<'a> {
    pub(in crate::compute::function) fn new(memory: &'a dyn Memory, rows: usize) -> Self {
        Self {
            builder: StringViewBuilder::with_capacity(rows),
            out: Out { text: String::new(), room: ROOM_BYTES, memory },
            left: 0,
            next: BLOCK_BYTES.start,
        }
    }

    pub(in crate::compute::function) fn null(&mut self) {
        self.builder.append_null();
    }

    /// Says how long the next text may be, at most.
    ///
    /// # Errors
    /// Those of the memory; nothing is said about a text that is too long for one.
    #[inline]
    pub(in crate::compute::function) fn expect(&mut self, bytes: usize) -> Result<()> {
        if bytes > self.out.room { self.out.grow(bytes.min(TEXT_BYTES_MAX)) } else { Ok(()) }
    }

    /// As [`Written::expect`], of a text that has this length.
    #[inline]
    pub(in crate::compute::function) fn expect_all(&mut self, bytes: usize) -> Result<()> {
        check_length(bytes)?;
        self.expect(bytes)
    }

    /// The text that `write` leaves in an empty one: as was expected, or with [`Out::push`].
    #[inline]
    pub(in crate::compute::function) fn row(&mut self, write: impl FnOnce(&mut Out<'a>)) -> Result<()> {
        self.try_row(|out| {
            write(out);
            Ok(())
        })
    }

    /// As [`Written::row`].
    #[inline]
    pub(in crate::compute::function) fn try_row(
        &mut self,
        write: impl FnOnce(&mut Out<'a>) -> Result<()>,
    ) -> Result<()> {
        self.out.text.clear();
        write(&mut self.out)?;
        let bytes = self.out.text.len();
        check_length(bytes)?;
        if bytes > INLINE_BYTES_MAX {
            if bytes > self.left {
                self.open_block(bytes)?;
            }
            self.left -= bytes;
        }
        Ok(self.builder.try_append_value(&self.out.text)?)
    }

    #[cold]
    fn open_block(&mut self, bytes: usize) -> Result<()> {
        self.left = bytes.max(self.next);
        self.next = (self.next * 2).min(BLOCK_BYTES.end);
        self.out.memory.take(self.left)
    }

    pub(in crate::compute::function) fn finish(mut self) -> Result<Value> {
        value(self.builder.finish())
    }
}

impl Out<'_> {
    /// The text, for as many bytes as were expected.
    #[inline]
    pub(in crate::compute::function) fn text(&mut self) -> &mut String {
        &mut self.text
    }

    /// Adds a part, of which nothing was said before.
    ///
    /// # Errors
    /// Where the text would be too long; those of the memory.
    #[inline]
    pub(in crate::compute::function) fn push(&mut self, part: &str) -> Result<()> {
        let bytes = self.text.len() + part.len();
        if bytes > self.room {
            check_length(bytes)?;
            self.expect(part.len())?;
        }
        self.text.push_str(part);
        Ok(())
    }

    /// Says that up to `bytes` more come.
    ///
    /// # Errors
    /// Those of the memory.
    pub(in crate::compute::function) fn expect(&mut self, bytes: usize) -> Result<()> {
        let bytes = self.text.len().saturating_add(bytes);
        if bytes > self.room {
            self.grow(bytes.saturating_mul(2).min(TEXT_BYTES_MAX.max(bytes)))
        } else {
            Ok(())
        }
    }

    #[cold]
    fn grow(&mut self, bytes: usize) -> Result<()> {
        self.memory.take(bytes - self.room)?;
        // No more than was asked for, where it is much.
        self.text.reserve_exact(bytes.saturating_sub(self.text.len()));
        self.room = bytes;
        Ok(())
    }
}

/// Whether a text may become so long.
fn check_length(bytes: usize) -> Result<()> {
    if bytes <= TEXT_BYTES_MAX {
        return Ok(());
    }
    let message = format!("a text would be {bytes} bytes long, the most are {} MiB", TEXT_BYTES_MAX >> 20);
    Err(ErrorKind::Shape(message).into())
}
