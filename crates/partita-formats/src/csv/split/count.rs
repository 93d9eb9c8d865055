//! Records of a chunk, counted.

use memchr::{memchr, memrchr};

use super::super::dialect::Dialect;
use super::machine::{Line, Machine};
use super::quotes::Outside;
use super::scan::Sink;

/// Counts the records of `input`.
pub(super) struct Counter<'a> {
    machine: &'a Machine,
    input: &'a [u8],
    pub(super) records: usize,
    /// First byte of the current line.
    pub(super) start: usize,
    scratch: &'a mut Vec<u32>,
}

impl<'a> Counter<'a> {
    pub(super) fn new(machine: &'a Machine, input: &'a [u8], scratch: &'a mut Vec<u32>) -> Self {
        Self { machine, input, records: 0, start: 0, scratch }
    }

    #[inline(always)]
    fn end_line(&mut self, at: usize) {
        let end = self.machine.without_cr(self.input, self.start, at);
        self.records += usize::from(end != self.start);
        self.start = at + 1;
    }
}

impl Sink for Counter<'_> {
    fn plain(&mut self, _: &Dialect, mut from: usize, to: usize) -> bool {
        // The lines counted below want to see two bytes before their ends. If these are a line end, or one and a
        // `\r`, it was outside quotes: a quote would stand between it and here.
        while from < 2 {
            let Some(at) = memchr(b'\n', &self.input[from..to]) else { return true };
            self.end_line(from + at);
            from = self.start;
        }
        let Some(last) = memrchr(b'\n', &self.input[from..to]) else { return true };
        self.start = from + last + 1;
        self.records += count_lines(&self.input[from - 2..self.start]);
        true
    }

    #[inline(always)]
    fn block(&mut self, at: usize, outside: Outside) -> bool {
        let mut line_ends = outside.line_ends;
        while line_ends != 0 {
            self.end_line(at + line_ends.trailing_zeros() as usize);
            line_ends &= line_ends - 1;
        }
        true
    }

    fn exact(&mut self, machine: &Machine, last: bool) -> Option<usize> {
        self.scratch.clear();
        match machine.record(self.input, self.start, last, self.scratch) {
            Line::Unfinished => return None,
            Line::Skipped(next) => self.start = next,
            Line::Record(next) => {
                self.records += 1;
                self.start = next;
            }
        }
        Some(self.start)
    }
}

/// Lines that end in `bytes` behind its first two bytes, but for the empty ones and those of a lone `\r`.
fn count_lines(bytes: &[u8]) -> usize {
    // So many that a sum of eight bits holds: then the compiler counts in vectors of bytes.
    const RUN: usize = 128;
    let mut count = 0;
    let (before_last, last, here) = (bytes, &bytes[1..], &bytes[2..]);
    for ((before_last, last), here) in before_last.chunks(RUN).zip(last.chunks(RUN)).zip(here.chunks(RUN)) {
        let mut run = 0_u8;
        for ((&before_last, &last), &here) in before_last.iter().zip(last).zip(here) {
            let empty = (last == b'\n') | ((last == b'\r') & (before_last == b'\n'));
            run += u8::from((here == b'\n') & !empty);
        }
        count += usize::from(run);
    }
    count
}
