//! One column of a row group: values to pages.
//!
//! Nothing here looks at where one batch ends and the next begins: pages and the end of a dictionary depend on the rows.

pub(super) mod bloom;
pub(super) mod choice;
pub(super) mod chunk;
mod delta;
pub(super) mod flags;
pub(super) mod input;
pub(super) mod levels;
mod runs;
pub(super) mod spec;
#[cfg(test)]
mod tests;
pub(super) mod texts;
pub(super) mod words;

use std::borrow::Cow;
use std::sync::Arc;

use arrow::buffer::{Buffer, NullBuffer};
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, PageType};

use crate::error::Result;
use crate::parquet::codec::{Codecs, Effort};
use crate::parquet::column::bloom::Bloom;
use crate::parquet::column::chunk::{Chunk, PageFacts};
use crate::parquet::column::levels::Levels;
use crate::parquet::column::spec::Spec;
use crate::parquet::header::PageHeader;
use crate::parquet::options::Statistics;
use crate::parquet::row_group::{OwnChunk, SharedPages, lock};
use crate::simd::encode::Cpu;

/// What the columns of a row group use one after the other.
pub(super) struct Work {
    pub(super) cpu: Cpu,
    pub(super) codecs: Codecs,
    /// The page that is being put together.
    page: Vec<u8>,
    /// Its codes, as runs, and what finds these.
    coded: Vec<u8>,
    same: Vec<u64>,
    /// Validity of the rows at hand, 64 a word.
    valid: Vec<u64>,
}

impl Work {
    pub(super) fn new(cpu: Cpu) -> Self {
        let codecs = Codecs::default();
        Self { cpu, codecs, page: Vec::new(), coded: Vec::new(), same: Vec::new(), valid: Vec::new() }
    }

    /// Bytes that are held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.page.capacity()
            + self.coded.capacity()
            + self.codecs.memory_bytes()
            + (self.same.capacity() + self.valid.capacity()) * size_of::<u64>()
    }

    /// Bytes that the next page takes, where that is `raw_bytes` long: those of its buffers that are not held yet, and the
    /// page itself.
    pub(super) fn missing_bytes(&self, compression: Compression, raw_bytes: usize) -> usize {
        let missing = raw_bytes.saturating_sub(self.page.capacity());
        raw_bytes + missing + self.codecs.missing_bytes(compression, raw_bytes)
    }
}

/// What happens behind a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// It is time to ask whether the dictionary pays.
    Check,
    /// The dictionary is as large as it may be, or searches in it take too long.
    Limit,
    /// The page is as large as it may be.
    Full,
}

/// The values of one column: those of the open page, and the dictionary of the chunk.
pub(super) trait Store {
    /// A value as it comes: a number, or a view of a text.
    type Value: Copy;
    /// A value that bounds others.
    type Bound: Clone;

    /// Takes values up to the first event; returns how many.
    fn push(&mut self, cpu: Cpu, values: &[Self::Value], heap: &[Buffer]) -> (usize, Option<Event>);

    /// A number of values, at least 1, before the last of which no event happens.
    fn calm(&self) -> usize;

    /// The values whose bit is set.
    fn compact(cpu: Cpu, values: &[Self::Value], valid: &[u64], out: &mut Vec<Self::Value>);

    /// Hands over the bytes that a value has in a plain page, for a bloom filter; where several values are equal, those of all of
    /// them.
    fn value_bytes(&self, value: &Self::Value, heap: &[Buffer], insert: &mut dyn FnMut(&[u8]));

    /// Whether the open page is in codes of the dictionary.
    fn has_dictionary(&self) -> bool;

    /// Whether the dictionary should be given up, as far as the values so far tell.
    fn is_hopeless(&self, work: &mut Work) -> bool;

    /// Whether the values so far are smaller with the dictionary than without; asked before the first page.
    fn pays(&self, work: &mut Work) -> bool;

    /// Whether there should be no dictionary from here on; asked once, at the end of the first page.
    fn is_outgrown(&self, work: &mut Work) -> bool;

    /// Turns the codes of the open page into values, and forgets the dictionary. Not where that takes more than
    /// `bytes_max`.
    fn expand(&mut self, bytes_max: usize) -> bool;

    /// Appends the entries of the dictionary, and forgets it: values are values from here on. Their number.
    fn end_dictionary(&mut self, out: &mut Vec<u8>) -> usize;

    /// Appends the values of the open page, which is empty from here on.
    fn end_page(&mut self, work: &mut Work, out: &mut Vec<u8>) -> Encoding;

    /// The same, where the values stand in a buffer as a page has them: that, with [`FRONT_BYTES`] before them that are free,
    /// and the encoding. It comes back by [`Store::return_page`].
    fn take_page(&mut self) -> Option<(Vec<u8>, Encoding)> {
        None
    }

    /// Takes the buffer of a page back, for the next one.
    fn return_page(&mut self, _: Vec<u8>) {}

    /// Smallest and largest value of the open page, where there are any; asked before its end.
    fn bounds(&mut self) -> Option<(Self::Bound, Self::Bound)>;

    /// Bytes of the texts of the open page.
    fn text_bytes(&self) -> Option<i64>;

    /// Whether one bound is below another.
    fn is_below(&self, low: &Self::Bound, high: &Self::Bound) -> bool;

    /// A bound as it is written.
    fn bound_bytes(bound: &Self::Bound) -> Cow<'_, [u8]>;

    /// Bytes that a bound holds beside itself.
    fn bound_memory(_: &Self::Bound) -> usize {
        0
    }

    /// Bytes of the open page, and of the dictionary, before compression.
    fn open_bytes(&self) -> (usize, usize);

    /// Bytes that are held.
    fn memory_bytes(&self) -> usize;
}

/// Bytes before the values of a page that is not moved any more, for its levels, which mostly take less.
pub(super) const FRONT_BYTES: usize = 2048;

/// Pages between two looks at what a level of compression gains.
const PAGES_BETWEEN_PROBES: usize = 16;

/// One column of a row group.
pub(super) struct Column<S: Store> {
    spec: Arc<Spec>,
    store: S,
    levels: Levels,
    chunk: Chunk<S::Bound>,
    pages: SharedPages,
    /// The number of the dictionary's page among `pages`.
    dictionary: Option<usize>,
    effort: Effort,
    bloom: Option<Bloom>,
    /// Values of rows that are not null.
    present: Vec<S::Value>,
}

impl<S: Store> Column<S> {
    pub(super) fn new(spec: &Arc<Spec>, store: S, pages: SharedPages) -> Self {
        Self {
            store,
            levels: Levels::default(),
            chunk: Chunk::new(spec),
            pages,
            dictionary: None,
            effort: Effort::default(),
            bloom: spec.bloom_values.map(Bloom::new),
            present: Vec::new(),
            spec: Arc::clone(spec),
        }
    }

    /// Takes the values of a batch, one a row; those of null rows mean nothing.
    pub(super) fn write(
        &mut self,
        values: &[S::Value],
        heap: &[Buffer],
        validity: Option<&NullBuffer>,
        work: &mut Work,
    ) -> Result<()> {
        if let Some(bloom) = &mut self.bloom {
            bloom.add(&self.store, values, heap, validity);
        }
        let mut row = 0;
        while row < values.len() {
            let room = self.spec.limits.page_rows.saturating_sub(self.levels.rows()).max(1);
            let rows = room.min(self.store.calm()).min(values.len() - row);
            let valid = validity.map(|valid| valid.slice(row, rows)).filter(|valid| valid.null_count() > 0);
            let values = &values[row..row + rows];
            let (taken, event) = match &valid {
                None => self.store.push(work.cpu, values, heap),
                Some(valid) if valid.null_count() == rows => (rows, None),
                Some(valid) => self.push_present(values, heap, valid, work),
            };
            self.levels.push(taken, valid.as_ref());
            row += taken;
            match event {
                Some(Event::Check) if self.store.is_hopeless(work) => self.give_up(work)?,
                Some(Event::Limit) => self.give_up(work)?,
                Some(Event::Full) => self.end_page(work)?,
                _ => {}
            }
            if self.levels.rows() >= self.spec.limits.page_rows {
                self.end_page(work)?;
            }
        }
        Ok(())
    }

    /// Takes the values of the rows that are valid; the number of rows up to an event.
    fn push_present(
        &mut self,
        values: &[S::Value],
        heap: &[Buffer],
        valid: &NullBuffer,
        work: &mut Work,
    ) -> (usize, Option<Event>) {
        work.valid.clear();
        work.valid.extend(valid.inner().bit_chunks().iter_padded());
        let mut present = std::mem::take(&mut self.present);
        present.clear();
        S::compact(work.cpu, values, &work.valid, &mut present);
        let (taken, event) = self.store.push(work.cpu, &present, heap);
        self.present = present;
        match event {
            // No null behind the value belongs to it, wherever the batch ends.
            Some(_) => (levels::rows_with(&work.valid, taken), event),
            None => (values.len(), None),
        }
    }

    /// Goes on without a dictionary. Where no page has left, and it does not pay so far, there was none.
    fn give_up(&mut self, work: &mut Work) -> Result<()> {
        let page_bytes = self.spec.limits.page_bytes;
        if self.chunk.is_empty() && !self.store.pays(work) && self.store.expand(page_bytes) {
            if self.store.open_bytes().0 >= page_bytes {
                self.emit_page(work)?;
            }
            return Ok(());
        }
        self.emit_page(work)?;
        self.emit_dictionary(work)
    }

    /// Ends the open page.
    fn end_page(&mut self, work: &mut Work) -> Result<()> {
        if self.chunk.is_empty() && self.store.has_dictionary() && self.store.is_outgrown(work) {
            self.give_up(work)?;
        }
        self.emit_page(work)
    }

    /// Encodes, compresses and stores the open page, where there is one.
    fn emit_page(&mut self, work: &mut Work) -> Result<()> {
        let (rows, nulls) = (self.levels.rows(), self.levels.nulls());
        if rows == 0 {
            return Ok(());
        }
        let bounds = match self.spec.statistics {
            Statistics::None => None,
            _ => self.store.bounds(),
        };
        let text_bytes = self.store.text_bytes();
        let mut page = std::mem::take(&mut work.page);
        page.clear();
        match self.spec.is_nullable {
            true => self.levels.end_page(&mut page),
            false => self.levels.clear(),
        }
        let in_place = if page.len() <= FRONT_BYTES { self.store.take_page() } else { None };
        let (stored, encoding) = match in_place {
            Some((mut values, encoding)) => {
                let kind = PageHeader { kind: PageType::DATA_PAGE, values: rows, encoding };
                let start = FRONT_BYTES - page.len();
                values[start..FRONT_BYTES].copy_from_slice(&page);
                let stored = self.store_page(&kind, &values[start..], work);
                self.store.return_page(values);
                (stored, encoding)
            }
            None => {
                let encoding = self.store.end_page(work, &mut page);
                let kind = PageHeader { kind: PageType::DATA_PAGE, values: rows, encoding };
                (self.store_page(&kind, &page, work), encoding)
            }
        };
        work.page = page;
        let (raw_bytes, bytes) = stored?;
        let facts = PageFacts { rows, nulls, bounds, text_bytes, encoding, raw_bytes, bytes };
        self.chunk.add_page(facts, &self.store);
        Ok(())
    }

    /// Compresses and stores the dictionary, where there is one.
    fn emit_dictionary(&mut self, work: &mut Work) -> Result<()> {
        let mut page = std::mem::take(&mut work.page);
        page.clear();
        let values = self.store.end_dictionary(&mut page);
        if values > 0 {
            let kind = PageHeader { kind: PageType::DICTIONARY_PAGE, values, encoding: Encoding::PLAIN };
            let place = lock(&self.pages).count();
            let stored = self.store_page(&kind, &page, work);
            self.dictionary = Some(place);
            let (raw_bytes, bytes) = stored?;
            self.chunk.add_dictionary(raw_bytes, bytes);
        }
        work.page = page;
        Ok(())
    }

    /// The bytes of the page with its header, before and after compression.
    fn store_page(&mut self, header: &PageHeader, page: &[u8], work: &mut Work) -> Result<(usize, usize)> {
        let compression = self.spec.compression;
        if header.kind == PageType::DATA_PAGE && self.chunk.pages().is_multiple_of(PAGES_BETWEEN_PROBES) {
            self.effort = work.codecs.probe(compression, page)?;
        }
        let effort = match header.kind {
            PageType::DATA_PAGE => self.effort,
            _ => Effort::default(),
        };
        let body = work.codecs.compress(compression, effort, page)?;
        let head = header.bytes(page.len(), body.len())?;
        let mut blob = Vec::with_capacity(head.len() + body.len());
        blob.extend_from_slice(&head);
        blob.extend_from_slice(body);
        let bytes = blob.len();
        lock(&self.pages).push(Bytes::from(blob), page.len());
        Ok((head.len() + page.len(), bytes))
    }

    /// Ends the column.
    pub(super) fn finish(mut self, work: &mut Work) -> Result<OwnChunk> {
        if self.chunk.is_empty() && self.store.has_dictionary() && !self.store.pays(work) {
            self.store.expand(usize::MAX);
        }
        self.emit_page(work)?;
        self.emit_dictionary(work)?;
        let mut close = self.chunk.close::<S>()?;
        close.bloom_filter = self.bloom.map(Bloom::finish);
        Ok(OwnChunk { close, pages: self.pages, dictionary: self.dictionary })
    }

    /// Bytes that are held beside finished pages; and those of the open page before compression.
    pub(super) fn memory_bytes(&self) -> (usize, usize) {
        let pages = lock(&self.pages);
        let held = self.store.memory_bytes()
            + self.levels.memory_bytes()
            + self.chunk.memory_bytes::<S>()
            + self.bloom.as_ref().map_or(0, Bloom::memory_bytes)
            + self.present.capacity() * size_of::<S::Value>()
            + pages.resident()
            + pages.index_bytes();
        let (open, dictionary) = self.store.open_bytes();
        (held, open.max(dictionary) + self.levels.rows() / 8)
    }

    /// Bytes in the file if the chunk ended here, those of the open page and of the dictionary in full.
    pub(super) fn encoded_bytes(&self) -> usize {
        let (open, dictionary) = self.store.open_bytes();
        self.chunk.bytes() + open + dictionary
    }
}
