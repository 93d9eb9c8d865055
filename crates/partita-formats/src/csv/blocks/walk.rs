//! From record to record over a stream of bytes, without a look at what is in them.

use super::super::dialect::Dialect;
use super::super::split::machine::{Machine, State};
use super::skim::skim;

/// Where the grammar stands in a stream of bytes, and the line it is in.
pub(crate) struct Walk {
    dialect: Dialect,
    machine: Machine,
    state: State,
    /// Place of the next byte.
    at: u64,
    /// First byte of the current line, while nothing of a record has been seen on it.
    line_start: u64,
}

impl Walk {
    /// A walk from `place`, where a line begins.
    pub(crate) fn new(dialect: &Dialect, place: u64) -> Self {
        let machine = Machine::new(dialect);
        Self { dialect: dialect.clone(), machine, state: State::Line, at: place, line_start: place }
    }

    /// Place of the next byte.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// Passes over bytes that end before the one just before the next cut: a line end there is the first that matters.
    pub(crate) fn pass(&mut self, bytes: &[u8]) {
        self.state = skim(&self.dialect, &self.machine, self.state, bytes);
        self.at += bytes.len() as u64;
    }

    /// Goes on to the first byte of a record that begins at or behind `cut`; returns the bytes taken, and the place where the line
    /// of that record begins if it was found.
    pub(crate) fn land(&mut self, bytes: &[u8], cut: u64) -> (usize, Option<u64>) {
        let mut taken = 0;
        let found = loop {
            taken += self.machine.hop(self.state, &bytes[taken..]);
            let Some(&byte) = bytes.get(taken) else { break None };
            if self.state == State::Line {
                self.line_start = self.at + taken as u64;
            }
            let state = self.machine.step(self.state, byte);
            let begins = self.state.before_record() && !state.before_record();
            self.state = state;
            taken += 1;
            if begins && self.line_start >= cut {
                break Some(self.line_start);
            }
        };
        self.at += taken as u64;
        (taken, found)
    }
}
