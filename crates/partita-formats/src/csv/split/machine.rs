//! The grammar as a table: ten states, eight classes of bytes, one look-up a byte. Exact for every input; the
//! 64-byte paths hand over to it where they cannot be sure.

use memchr::{memchr, memchr2};

use super::super::dialect::{Dialect, LineEnd};
use super::super::records::ESCAPED;

/// Where the bytes read so far leave the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing of the line.
    Line,
    /// Only a `\r`, which may be part of the line end.
    LineCr,
    /// Nothing of the field, or blanks that are to be trimmed.
    Field,
    /// In a field, outside quotes.
    Bare,
    /// Inside quotes.
    Quoted,
    /// Behind a quote inside quotes, which closes them or is the first of two.
    Closing,
    /// Behind an escape outside quotes.
    BareEscape,
    /// Behind an escape inside quotes.
    QuotedEscape,
    /// In a comment behind a record.
    Comment,
    /// In a comment that is all of its line.
    CommentLine,
}

const STATES: [State; 10] = [
    State::Line,
    State::LineCr,
    State::Field,
    State::Bare,
    State::Quoted,
    State::Closing,
    State::BareEscape,
    State::QuotedEscape,
    State::Comment,
    State::CommentLine,
];

impl State {
    /// Whether nothing of a record has been seen on this line so far.
    pub(crate) fn before_record(self) -> bool {
        matches!(self, State::Line | State::LineCr | State::CommentLine)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Other,
    Separator,
    LineEnd,
    Quote,
    Escape,
    Comment,
    Blank,
    Cr,
}

const CLASSES: [Class; 8] = [
    Class::Other,
    Class::Separator,
    Class::LineEnd,
    Class::Quote,
    Class::Escape,
    Class::Comment,
    Class::Blank,
    Class::Cr,
];

/// What one byte does to a state.
fn transition(state: State, class: Class) -> State {
    match (state, class) {
        (State::Quoted, Class::Quote) => State::Closing,
        (State::Quoted, Class::Escape) => State::QuotedEscape,
        (State::Quoted | State::QuotedEscape, _) => State::Quoted,
        (State::BareEscape, _) => State::Bare,
        (_, Class::LineEnd) => State::Line,
        (State::Comment | State::CommentLine, _) => state,
        (State::Line, Class::Comment) => State::CommentLine,
        (_, Class::Comment) => State::Comment,
        (_, Class::Separator) => State::Field,
        (_, Class::Escape) => State::BareEscape,
        (State::Line | State::Field | State::Closing, Class::Quote) => State::Quoted,
        (State::Line | State::Field, Class::Blank) => State::Field,
        (State::Line, Class::Cr) => State::LineCr,
        _ => State::Bare,
    }
}

/// What [`Machine::record`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// A record; the next line begins at the byte given.
    Record(usize),
    /// A line that is no record; the next begins at the byte given.
    Skipped(usize),
    /// The input ended first.
    Unfinished,
}

/// The table of one dialect.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    classes: [Class; 256],
    /// Indexed by state and class.
    next: [[State; CLASSES.len()]; STATES.len()],
    line_end: LineEnd,
    quote: Option<u8>,
    escape: Option<u8>,
    strips_cr: bool,
}

impl Machine {
    pub(crate) fn new(dialect: &Dialect) -> Self {
        let mut classes = [Class::Other; 256];
        // Of bytes with two roles the later one here wins; `Dialect::check` refuses such dialects.
        if dialect.trim {
            classes[usize::from(b' ')] = Class::Blank;
            classes[usize::from(b'\t')] = Class::Blank;
        }
        let lf = dialect.line_end == LineEnd::Lf;
        if lf {
            classes[usize::from(b'\r')] = Class::Cr;
        }
        if !lf {
            classes[usize::from(b'\r')] = Class::LineEnd;
        }
        for (byte, class) in [
            (dialect.comment, Class::Comment),
            (dialect.quote, Class::Quote),
            (dialect.escape, Class::Escape),
            (Some(dialect.separator), Class::Separator),
            (Some(b'\n'), Class::LineEnd),
        ] {
            if let Some(byte) = byte {
                classes[usize::from(byte)] = class;
            }
        }
        Self {
            classes,
            next: STATES.map(|state| CLASSES.map(|class| transition(state, class))),
            line_end: dialect.line_end,
            quote: dialect.quote,
            escape: dialect.escape,
            strips_cr: lf,
        }
    }

    /// The state behind `byte`.
    pub(crate) fn step(&self, state: State, byte: u8) -> State {
        self.next[state as usize][self.classes[usize::from(byte)] as usize]
    }

    /// Runs from `state` over `bytes` and stops behind the first line end outside quotes; returns the bytes taken
    /// and the state behind them ([`State::Line`] exactly where it stopped at a line end, or began so and `bytes`
    /// is empty).
    pub(crate) fn run_line(&self, mut state: State, bytes: &[u8]) -> (usize, State) {
        let mut at = 0;
        loop {
            at += self.hop(state, &bytes[at..]);
            let Some(&byte) = bytes.get(at) else { return (at, state) };
            state = self.step(state, byte);
            at += 1;
            if state == State::Line {
                return (at, state);
            }
        }
    }

    /// Bytes at the head of `bytes` that leave `state` as it is, in the states that may last.
    pub(crate) fn hop(&self, state: State, bytes: &[u8]) -> usize {
        let found = match state {
            State::Quoted => self.find_quote_or_escape(bytes),
            State::Comment | State::CommentLine => self.line_end.find(bytes),
            _ => return 0,
        };
        found.unwrap_or(bytes.len())
    }

    /// The first quote or escape byte.
    pub(crate) fn find_quote_or_escape(&self, bytes: &[u8]) -> Option<usize> {
        match (self.quote, self.escape) {
            (Some(quote), Some(escape)) => memchr2(quote, escape, bytes),
            (Some(byte), None) | (None, Some(byte)) => memchr(byte, bytes),
            (None, None) => None,
        }
    }

    /// Reads the line that begins at `start` and appends its field ends; `last`: the input ends with `input`.
    /// Where the line is unfinished or no record, `ends` is as it was. `input` is shorter than 2 GiB.
    pub(crate) fn record(&self, input: &[u8], start: usize, last: bool, ends: &mut Vec<u32>) -> Line {
        let first = ends.len();
        let mut state = State::Line;
        let mut at = start;
        let mut escaped = 0;
        // A `\r` before this byte is no part of a line end.
        let mut fixed = start;
        loop {
            at += self.hop(state, &input[at..]);
            let Some(&byte) = input.get(at) else { break };
            let next = self.step(state, byte);
            match next {
                State::Line => {
                    if state.before_record() {
                        return Line::Skipped(at + 1);
                    }
                    if state != State::Comment {
                        ends.push(self.without_cr(input, fixed, at) as u32 | escaped);
                    }
                    return Line::Record(at + 1);
                }
                State::Field if self.classes[usize::from(byte)] == Class::Separator => {
                    ends.push(at as u32 | escaped);
                    escaped = 0;
                }
                State::Comment if state != State::Comment => ends.push(at as u32 | escaped),
                State::Quoted => escaped = ESCAPED,
                State::BareEscape | State::QuotedEscape => {
                    escaped = ESCAPED;
                    fixed = at + 2;
                }
                _ => {}
            }
            state = next;
            at += 1;
        }
        if !last {
            ends.truncate(first);
            return Line::Unfinished;
        }
        match state {
            State::Line | State::LineCr | State::CommentLine => return Line::Skipped(at),
            State::Comment => {}
            State::Quoted => ends.push(at as u32 | escaped),
            _ => ends.push(self.without_cr(input, fixed, at) as u32 | escaped),
        }
        Line::Record(at)
    }

    /// The end of the last field of a record whose line ends at `at`: one byte earlier where a `\r` belongs to the
    /// line end. `fixed`: the first byte that may be dropped.
    pub(crate) fn without_cr(&self, input: &[u8], fixed: usize, at: usize) -> usize {
        if self.strips_cr && at > fixed && input[at - 1] == b'\r' { at - 1 } else { at }
    }
}
