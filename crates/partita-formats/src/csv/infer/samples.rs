//! The parts of a file that inference looks at.

use std::sync::Arc;

use super::super::decode::parsers::rows_of;
use super::super::decode::{Block, Fields, Layout, Rules, Slow, Span};
use super::super::header::Header;
use super::super::options::{Infer, Ragged, ReadOptions};
use super::super::reader::Buffer;
use super::super::records::Records;
use super::super::split::Splitter;
use super::super::stream::Decoder;
use super::super::value::Manner;
use super::kinds::{Kinds, classify};
use super::known::Known;
use super::{ColumnGuess, ColumnTypes, OddValue};
use crate::error::{ErrorKind, Result};
use crate::io::ReadAt;
use crate::simd::decode::{Kernels, ROWS};

/// Consecutive records of the right width that make a place believable.
const RECORDS_MIN: usize = 4;

/// Looks at one file.
pub(super) struct Samples<'a> {
    input: &'a Arc<dyn ReadAt>,
    header: &'a Header,
    options: &'a ReadOptions,
    splitter: Splitter,
    records: Records,
    layout: Layout,
    spans: Vec<Span>,
    columns: Vec<Observed>,
    block: Box<Block>,
}

/// One column that is looked at.
struct Observed {
    name: String,
    field: usize,
    rules: Rules,
    manner: Manner,
    kinds: Kinds,
    /// None where a null text looks like a number or a time, or numbers have other marks: no short cuts.
    known: Option<Known>,
    must_be_date: bool,
    odd: Option<OddValue>,
}

impl<'a> Samples<'a> {
    pub(super) fn new(
        input: &'a Arc<dyn ReadAt>,
        header: &'a Header,
        options: &'a ReadOptions,
    ) -> Result<Self> {
        let wanted = |name: &String| {
            options.dtype(name).is_none() && options.usecols.as_ref().is_none_or(|used| used.contains(name))
        };
        let mut columns = Vec::new();
        for (field, name) in header.names.iter().enumerate().filter(|(_, name)| wanted(name)) {
            let rules = Rules::for_inference(options, &header.dialect, name)?;
            let like_value = |text: &[u8]| !classify(text, rules.manner()).intersects(Kinds::TEXT);
            let is_plain = rules.pattern().is_none() && rules.numbers().is_plain();
            columns.push(Observed {
                name: name.clone(),
                field,
                kinds: Kinds::NONE,
                known: (is_plain && !rules.nulls.iter().any(like_value)).then(|| Known::new(rules.kernels)),
                must_be_date: options.is_date(name),
                odd: None,
                manner: rules.manner().clone(),
                rules,
            });
        }
        Ok(Self {
            input,
            header,
            options,
            splitter: Splitter::new(&header.dialect),
            records: Records::default(),
            layout: Layout::new(header.width(), options.ragged),
            spans: Vec::new(),
            columns,
            block: Box::new(Block::new(Kernels::new())),
        })
    }

    /// Takes the samples that the options ask for.
    pub(super) fn take(&mut self) -> Result<()> {
        let Infer::Sample { head_bytes, places, place_bytes } = self.options.infer else {
            return self.take_head(u64::MAX);
        };
        let len = self.input.len();
        let sampled = (head_bytes as u64).saturating_add((places as u64).saturating_mul(place_bytes as u64));
        if !self.header.packing.is_none() {
            // Its middle cannot be reached but through all that stands before it.
            return self.take_head(head_bytes as u64);
        }
        if len - self.header.data_start.min(len) <= sampled {
            return self.take_head(u64::MAX);
        }
        self.take_head(head_bytes as u64)?;
        let begin = self.header.data_start + head_bytes as u64;
        // The end of the file, then places spread by a fixed sequence: the same file gives the same types.
        let mut random = len;
        let last = len.saturating_sub(place_bytes as u64);
        for place in 0..places {
            let offset = if place == 0 {
                last
            } else {
                begin + splitmix(&mut random) % last.saturating_sub(begin).max(1)
            };
            self.take_place(offset.max(begin), place_bytes)?;
        }
        Ok(())
    }

    /// Reads on from the first record until `bytes_max` bytes of data have been seen, and one record at least.
    fn take_head(&mut self, bytes_max: u64) -> Result<()> {
        let header = self.header;
        let mut decoder = Decoder::new(Arc::clone(self.input), &header.file, header.packing)?;
        let mut before = vec![0; usize::try_from(header.data_start).unwrap_or(usize::MAX).min(64 << 10)];
        let mut left = header.data_start;
        while left > 0 {
            let part = usize::try_from(left).unwrap_or(usize::MAX).min(before.len());
            let got = decoder.read(&mut before[..part], u64::MAX)?;
            if got == 0 {
                return Ok(());
            }
            left -= got as u64;
        }
        let chunk_bytes = self.options.chunk_bytes.min(usize::try_from(bytes_max).unwrap_or(usize::MAX));
        let mut buffer = Buffer::new(chunk_bytes, header.data_start);
        // What the reader will skip says nothing about the columns.
        let width_only = self.options.ragged == Ragged::Skip;
        let (mut ended, mut seen_any) = (false, false);
        loop {
            self.records.clear();
            let consumed = self.splitter.split(buffer.window(), ended, usize::MAX, &mut self.records);
            if consumed > 0 {
                seen_any |= !self.records.is_empty();
                let rows = self.layout.lay_out_freely(&self.records, width_only);
                self.look(&buffer.window()[..consumed], rows, buffer.place());
                buffer.consume(consumed);
            }
            let read = buffer.end_place() - header.data_start;
            let too_long = buffer.window().len() > self.options.record_bytes_max;
            if ended || too_long || seen_any && (read >= bytes_max || self.is_settled()) {
                return Ok(());
            }
            ended = buffer
                .refill(self.options.record_bytes_max.saturating_add(1), |out| decoder.read(out, u64::MAX))?;
        }
    }

    /// Looks at the whole lines of a place somewhere in the file.
    fn take_place(&mut self, offset: u64, bytes: usize) -> Result<()> {
        let file = &self.header.file;
        let mut buffer = vec![0; bytes];
        let got = self
            .input
            .read_full_at(offset, &mut buffer)
            .map_err(|source| ErrorKind::Io { file: file.clone(), source })?;
        let Some(first) = self.header.dialect.line_end.find(&buffer[..got]) else { return Ok(()) };
        let lines = &buffer[first + 1..got];
        let ended = offset + got as u64 >= self.input.len();
        self.records.clear();
        let consumed = self.splitter.split(lines, ended, usize::MAX, &mut self.records);
        let lines = &lines[..consumed];
        let quoted =
            self.header.dialect.quote.is_some_and(|quote| memchr::memchr(quote, &buffer[..got]).is_some());
        let right = self.layout.lay_out_freely(&self.records, true);
        let wrong = self.records.len() - right;
        // Quotes may mean that the place began inside some; with one column every line has the right width.
        let believable = if quoted { wrong == 0 && self.header.width() > 1 } else { wrong * 10 <= right };
        if right >= RECORDS_MIN && believable {
            self.look(lines, right, offset + first as u64 + 1);
        }
        Ok(())
    }

    /// Whether every column is text already, so that no further value can change anything.
    fn is_settled(&self) -> bool {
        self.columns.iter().all(|column| column.kinds.intersects(Kinds::TEXT))
    }

    /// Classifies the records that were laid out.
    fn look(&mut self, bytes: &[u8], rows: usize, place: u64) {
        for column in &mut self.columns {
            if column.kinds.intersects(Kinds::TEXT) {
                continue;
            }
            let source = self.layout.source(&self.records, column.field, &mut self.spans);
            let fields = Fields { rows, source, picked: None };
            column.look(bytes, &fields, &mut self.block, (place, &self.header.file));
        }
    }

    pub(super) fn finish(self) -> ColumnTypes {
        let guess =
            |column: Observed| ColumnGuess { name: column.name, kinds: column.kinds, odd: column.odd };
        ColumnTypes { columns: self.columns.into_iter().map(guess).collect() }
    }
}

impl Observed {
    /// Classifies fields of a chunk that begins at a place of a file.
    fn look(&mut self, bytes: &[u8], fields: &Fields<'_>, block: &mut Block, (place, file): (u64, &str)) {
        for first in (0..fields.rows).step_by(ROWS) {
            block.take(bytes, fields, first, self.rules.quote);
            let known = self.known.as_mut().map_or(0, |known| known.rows(self.kinds, bytes, block));
            for row in rows_of(block.rows_mask() & !known) {
                let span = fields.span(first + row);
                let Slow::Text(text) = self.rules.value(bytes, span) else { continue };
                let kinds = classify(text, &self.manner);
                self.kinds = self.kinds.union(kinds);
                if self.must_be_date && self.odd.is_none() && !kinds.is_temporal() {
                    self.odd = Some(OddValue::new(file, place + u64::from(span.start), text));
                }
                if self.kinds.intersects(Kinds::TEXT) {
                    return;
                }
            }
        }
    }
}

/// The next number of the SplitMix64 sequence (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators").
pub(crate) fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
