//! Texts and bytes of any length.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parquet::errors::ParquetError;

use super::coded::Coded;
use super::damage::Damage;
use super::delta::Delta;
use super::header::Layout;
use super::hybrid::{Hybrid, Piece};
use super::shared::Shared;
use super::words::big_endian;
use super::{CODES, Sink, Work};
use crate::buffers::Pool;
use crate::error::Result;
use crate::simd::encode::Cpu;
use crate::simd::page_texts::{Entries, PageTexts, Refusal};
use crate::simd::unpack::unpack32;

impl From<Refusal> for Damage {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Short => Self::short(),
            Refusal::Code => Self::new("codes of its dictionary, got one beyond it"),
            Refusal::Utf8 => Self::new("texts of UTF-8, and one is not"),
            Refusal::Large => Self::new("texts of less than 2 GiB in all"),
        }
    }
}

/// Where the texts of the page at hand are, and how far they have been read.
enum State {
    Closed,
    Plain { at: usize },
    Codes(Hybrid),
    Lengths { lengths: Delta<u32>, at: usize },
    Shared(Box<Shared>),
}

/// The texts of a column.
pub(super) struct Texts {
    target: DataType,
    is_utf8: bool,
    texts: PageTexts,
    entries: Entries,
    state: State,
    /// Codes in the place of texts, where they are wanted, and no page has had anything else.
    coded: Option<Coded>,
    /// Entries of a dictionary of which codes are worth it.
    coded_entries_max: u64,
}

impl Texts {
    pub(super) fn new(is_utf8: bool, target: &DataType, pool: &Arc<Pool>) -> Self {
        Self {
            target: target.clone(),
            is_utf8,
            texts: PageTexts::new(is_utf8, pool),
            entries: Entries::default(),
            state: State::Closed,
            coded: None,
            coded_entries_max: 0,
        }
    }

    /// Goes on with texts in the place of codes.
    fn give_up_codes(&mut self, cpu: Cpu) -> Result<(), Damage> {
        let Some(coded) = self.coded.take() else { return Ok(()) };
        let rows = coded.codes().len();
        if self.entries.len() == 0 {
            // None of them has a text.
            self.texts.expand(cpu, 0, rows, &vec![0; rows.div_ceil(64)]);
        } else {
            self.texts.push_codes(cpu, &self.entries, coded.codes())?;
        }
        Ok(())
    }

    fn push_codes(&mut self, page: &[u8], count: usize, work: &mut Work) -> Result<(), Damage> {
        let State::Codes(hybrid) = &mut self.state else { return Err(Damage::short()) };
        if let Some(coded) = &mut self.coded {
            return coded.push(hybrid, page, (count, self.entries.len()), work);
        }
        let mut left = count;
        while left > 0 {
            left -= match hybrid.next(page, left.min(CODES))? {
                Piece::Same { code, count } => {
                    self.texts.push_same(&self.entries, code, count)?;
                    count
                }
                Piece::Packed { at, skip, count } => {
                    let codes = &mut work.codes[..skip + count];
                    unpack32(work.cpu, &page[at..], hybrid.width(), codes);
                    self.texts.push_codes(work.cpu, &self.entries, &codes[skip..])?;
                    count
                }
            };
        }
        Ok(())
    }
}

impl Sink for Texts {
    fn keep_codes(&mut self, entries_max: u64) {
        self.coded_entries_max = entries_max;
        self.coded = (self.target == DataType::Utf8View).then(Coded::default);
    }

    fn reserve(&mut self, rows: usize) {
        match &mut self.coded {
            Some(coded) => coded.reserve(rows),
            None => self.texts.reserve(rows),
        }
    }

    fn dictionary(&mut self, page: &Buffer, count: usize, work: &mut Work) -> Result<(), Damage> {
        if count as u64 > self.coded_entries_max {
            self.give_up_codes(work.cpu)?;
        }
        self.entries = Entries::new(work.cpu, page, count, self.is_utf8, self.texts.pool())?;
        Ok(())
    }

    fn open(&mut self, layout: Layout, page: &Buffer, _: usize) -> Result<(), Damage> {
        self.state = match layout {
            Layout::Plain => State::Plain { at: 0 },
            Layout::Dictionary => State::Codes(super::codes(page)?),
            Layout::DeltaLengthByteArray => {
                let lengths = Delta::new(page, 0)?;
                let at = lengths.end(page)?.1;
                State::Lengths { lengths, at }
            }
            Layout::DeltaByteArray => State::Shared(Box::new(Shared::new(page)?)),
            other => return Err(other.refuse()),
        };
        Ok(())
    }

    fn append(&mut self, page: &Buffer, present: usize, work: &mut Work) -> Result<(), Damage> {
        if present > 0 && !matches!(self.state, State::Codes(_)) {
            self.give_up_codes(work.cpu)?;
        }
        match &mut self.state {
            State::Closed => return Err(Damage::short()),
            State::Plain { at } => *at = self.texts.push_plain(work.cpu, page, *at, present)?,
            State::Codes(_) => self.push_codes(page, present, work)?,
            State::Lengths { lengths, at } => {
                work.lengths.clear();
                work.lengths.resize(present, 0);
                lengths.take(work.cpu, page, &mut work.lengths)?;
                *at = self.texts.push_lengths(work.cpu, page, *at, &work.lengths)?;
            }
            State::Shared(shared) => {
                let copied = self.texts.copied_bytes();
                let room = work.room.saturating_sub(copied);
                let taken =
                    shared.take(work.cpu, page, present, room, |text| Ok(self.texts.push_copy(text)?));
                taken.map_err(|damage| match damage {
                    Damage::Memory(bytes) => Damage::Memory(bytes.saturating_add(copied)),
                    other => other,
                })?;
            }
        }
        Ok(())
    }

    fn expand(&mut self, present: usize, rows: usize, work: &mut Work) {
        match &mut self.coded {
            Some(coded) => coded.expand(present, rows, work),
            None => self.texts.expand(work.cpu, present, rows, &work.valid),
        }
    }

    fn truncate(&mut self, rows: usize) {
        match &mut self.coded {
            Some(coded) => coded.truncate(rows),
            None => self.texts.truncate(rows),
        }
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        if let Some(coded) = &mut self.coded {
            return coded.finish(nulls, || {
                let texts = self.entries.array(Cpu::new(), self.is_utf8, self.texts.pool());
                Ok(texts.ok_or_else(|| ParquetError::General("a dictionary of too many texts".into()))?)
            });
        }
        let texts = self
            .texts
            .finish(nulls)
            .ok_or_else(|| ParquetError::General(format!("a bit for each of {} rows", self.texts.len())))?;
        match &self.target {
            DataType::Utf8View | DataType::BinaryView => Ok(texts),
            DataType::Decimal128(precision, scale) => {
                let numbers = texts.as_binary_view().iter().map(|bytes| bytes.map(number).transpose());
                let numbers: Decimal128Array = numbers.collect::<Result<_, _>>()?;
                Ok(Arc::new(numbers.with_precision_and_scale(*precision, *scale)?))
            }
            other => Ok(cast(&texts, other)?),
        }
    }

    fn close(&mut self) {
        self.entries = Entries::default();
        self.state = State::Closed;
    }

    fn len(&self) -> usize {
        self.coded.as_ref().map_or_else(|| self.texts.len(), |coded| coded.codes().len())
    }

    fn memory_bytes(&self) -> usize {
        let state = match &self.state {
            State::Lengths { lengths, .. } => lengths.memory_bytes(),
            State::Shared(shared) => shared.memory_bytes(),
            _ => 0,
        };
        let coded = self.coded.as_ref().map_or(0, Coded::memory_bytes);
        self.texts.memory_bytes() + self.entries.memory_bytes() + state + coded
    }
}

/// The number that bytes are, highest first.
fn number(bytes: &[u8]) -> Result<i128, ParquetError> {
    let (more, last) = bytes.split_at(bytes.len().saturating_sub(16));
    let number = big_endian(last);
    let sign = if number < 0 { u8::MAX } else { 0 };
    match more.iter().all(|&byte| byte == sign) {
        true => Ok(number),
        false => {
            Err(ParquetError::General(format!("a decimal of {} bytes: expected at most 16", bytes.len())))
        }
    }
}
