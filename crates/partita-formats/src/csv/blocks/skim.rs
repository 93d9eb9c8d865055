//! The state of the grammar behind a stretch of bytes whose records do not matter.

use memchr::{memchr, memrchr};

use super::super::dialect::{Dialect, LineEnd};
use super::super::split::machine::{Machine, State};
use super::super::split::masks::BLOCK_BYTES;
use super::super::split::quotes::Quotes;

/// Bytes without quotes and escapes that are worth a look at their last line instead of all their blocks.
const STRETCH_BYTES_MIN: usize = 1024;

/// Bytes that are read by blocks before the next look ahead for such a stretch.
const PAGE_BYTES: usize = 4096;

/// The state behind `bytes`, from `state` before them. A state of the beginning of a line may be returned as that of
/// any field's, and one that is in a comment as the other such: what follows is read the same.
pub(super) fn skim(dialect: &Dialect, machine: &Machine, mut state: State, bytes: &[u8]) -> State {
    if dialect.line_end == LineEnd::Any {
        return run(machine, state, bytes);
    }
    let mut at = 0;
    while at < bytes.len() {
        at += machine.hop(state, &bytes[at..]);
        let rest = &bytes[at..];
        let Some(&byte) = rest.first() else { break };
        let taken = if state == State::Quoted || Quotes::from_state(state).is_none() {
            state = machine.step(state, byte);
            1
        } else {
            match machine.find_quote_or_escape(rest).unwrap_or(rest.len()) {
                stretch if stretch >= STRETCH_BYTES_MIN || stretch == rest.len() => {
                    state = behind_stretch(dialect, machine, state, &rest[..stretch]);
                    stretch
                }
                _ => page(dialect, machine, &mut state, &rest[..rest.len().min(PAGE_BYTES)]),
            }
        };
        at += taken;
    }
    state
}

/// The state behind `bytes`, which have no quotes and escapes; `state` is one outside quotes. Not all bytes are
/// looked at: lines that have ended do not matter.
fn behind_stretch(dialect: &Dialect, machine: &Machine, state: State, bytes: &[u8]) -> State {
    let (mut state, mut tail) = match memrchr(b'\n', bytes) {
        Some(last) => (State::Line, &bytes[last + 1..]),
        None => (state, bytes),
    };
    if let [_, _, .., _] = tail
        && !dialect.trim
        && dialect.comment.is_none_or(|comment| memchr(comment, tail).is_none())
    {
        // In the middle of a long line only the last byte tells.
        state = State::Bare;
        tail = &tail[tail.len() - 1..];
    }
    run(machine, state, tail)
}

/// Reads the page by blocks, or, where that would not be exact, to the end of a line; returns the bytes taken.
fn page(dialect: &Dialect, machine: &Machine, state: &mut State, bytes: &[u8]) -> usize {
    let (blocks, tail) = bytes.as_chunks::<BLOCK_BYTES>();
    let Some(mut quotes) = Quotes::from_state(*state) else { return 0 };
    let mut taken = 0;
    for block in blocks {
        if quotes.block(dialect, block).is_none() {
            let (line, next) = machine.run_line(quotes.state(), &bytes[taken..]);
            *state = next;
            return taken + line;
        }
        taken += BLOCK_BYTES;
    }
    *state = run(machine, quotes.state(), tail);
    bytes.len()
}

/// The state behind `bytes`, byte by byte.
fn run(machine: &Machine, mut state: State, mut bytes: &[u8]) -> State {
    while !bytes.is_empty() {
        let (taken, next) = machine.run_line(state, bytes);
        state = next;
        bytes = &bytes[taken..];
    }
    state
}
