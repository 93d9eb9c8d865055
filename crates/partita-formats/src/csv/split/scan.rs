//! The way over the input that marking and counting share: pages without quotes in one go, blocks by the parity of
//! their quotes, and single records by the exact machine where that would be wrong.

use memchr::{memchr, memchr2, memchr3};

use super::super::dialect::{Dialect, LineEnd};
use super::machine::Machine;
use super::masks::{BLOCK_BYTES, Block, padded};
use super::quotes::{Outside, Quotes};

/// Bytes that are looked through for quotes before they are read: they stay in the first-level cache.
const PAGE_BYTES: usize = 4096;

/// What is done with what is found. A sink knows where the current line begins.
pub(super) trait Sink {
    /// Takes the bytes `from..to` of the input, which have no quotes, escapes and comments. False: enough.
    fn plain(&mut self, dialect: &Dialect, from: usize, to: usize) -> bool;

    /// Takes what the block at `at` has outside quotes. False: enough.
    fn block(&mut self, at: usize, outside: Outside) -> bool;

    /// Reads the current line again from its beginning, exactly. Returns where the next begins, or `None` where the
    /// line is unfinished or there is enough.
    fn exact(&mut self, machine: &Machine, last: bool) -> Option<usize>;
}

/// Runs over `input`, which begins at a line, until it ends or the sink has enough.
pub(super) fn scan(dialect: &Dialect, machine: &Machine, input: &[u8], last: bool, sink: &mut impl Sink) {
    let mut at = 0;
    let mut quotes = Quotes::START;
    // Lines that may end in two ways are rare: they are read exactly, one by one.
    while dialect.line_end == LineEnd::Any && at < input.len() {
        let Some(line) = sink.exact(machine, last) else { return };
        at = line;
    }
    while at < input.len() {
        let page = &input[at..input.len().min(at + PAGE_BYTES)];
        if quotes.is_plain() && is_plain(dialect, page) {
            if !sink.plain(dialect, at, at + page.len()) {
                return;
            }
            quotes = quotes.behind(dialect, page);
            at += page.len();
            continue;
        }
        let (taken, next) = blocks(dialect, page, at, &mut quotes, sink);
        at += taken;
        match next {
            Next::Page => {}
            Next::Enough => return,
            Next::Exact => {
                let Some(line) = sink.exact(machine, last) else { return };
                at = line;
                quotes = Quotes::START;
            }
        }
    }
    // What is left is a line without an end.
    if last {
        sink.exact(machine, last);
    }
}

enum Next {
    Page,
    Exact,
    Enough,
}

/// Takes the blocks of a page, which is at `at` in the input and, if it is not a multiple of a block, its end.
fn blocks(
    dialect: &Dialect,
    page: &[u8],
    at: usize,
    quotes: &mut Quotes,
    sink: &mut impl Sink,
) -> (usize, Next) {
    let (whole, tail) = page.as_chunks::<BLOCK_BYTES>();
    let mut taken = 0;
    let mut take = |block: &Block, valid: u64, taken: usize| match quotes.block(dialect, block, valid) {
        None => Some(Next::Exact),
        Some(outside) if sink.block(at + taken, outside) => None,
        Some(_) => Some(Next::Enough),
    };
    for block in whole {
        if let Some(next) = take(block, u64::MAX, taken) {
            return (taken, next);
        }
        taken += BLOCK_BYTES;
    }
    if !tail.is_empty() {
        let (block, valid) = padded(tail);
        if let Some(next) = take(&block, valid, taken) {
            return (taken, next);
        }
        taken += tail.len();
    }
    (taken, Next::Page)
}

/// Whether `bytes` have no quotes, escapes and comments.
fn is_plain(dialect: &Dialect, bytes: &[u8]) -> bool {
    let found = match (dialect.quote, dialect.escape, dialect.comment) {
        (None, None, None) => None,
        (Some(a), None, None) | (None, Some(a), None) | (None, None, Some(a)) => memchr(a, bytes),
        (Some(a), Some(b), None) | (Some(a), None, Some(b)) | (None, Some(a), Some(b)) => {
            memchr2(a, b, bytes)
        }
        (Some(a), Some(b), Some(c)) => memchr3(a, b, c, bytes),
    };
    found.is_none()
}
