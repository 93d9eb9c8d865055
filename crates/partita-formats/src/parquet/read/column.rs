//! Flat columns of a row group: pages to arrays.
//!
//! Nothing that a page says is believed before its bytes bear it out: sizes are compared with the chunk, numbers of values
//! with the bytes that they take, codes with the dictionary, texts with their page. Memory grows with what is there, up to
//! what is allowed.

mod codec;
mod coded;
mod damage;
mod delta;
mod fixed;
mod flags;
mod header;
mod hybrid;
mod levels;
mod lookup;
mod pages;
mod shared;
mod spare;
mod spec;
mod texts;
mod walk;
mod words;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::compute::filter;

use self::codec::Codecs;
use self::damage::Damage;
use self::fixed::Fixed;
use self::flags::Flags;
use self::header::{Header, Kind, Layout, LevelPlace};
use self::hybrid::Hybrid;
use self::levels::{Levels, Validity};
use self::pages::{PageError, Pages, Place, Stored};
use self::spare::Spare;
use self::spec::Shape;
pub use self::spec::{ChunkSpec, PagePlace};
use self::texts::Texts;
use self::words::{Wire, Words};
use crate::buffers::Pool;
use crate::error::{ErrorKind, Result};
use crate::io::ReadAt;
use crate::simd::encode::Cpu;

/// Codes that are unpacked at once.
const CODES: usize = 2048;

/// Bytes that a column may hold as long as nothing else is said.
const MEMORY_BYTES_MAX: usize = 64 << 20;

/// What columns that are read in turn have in common: decompressors and room to work in. Columns of one task share one.
#[derive(Clone)]
pub struct Scratch {
    work: Arc<Mutex<Work>>,
    pool: Arc<Pool>,
    /// Whether what the pool keeps is held for this alone.
    has_own_pool: bool,
}

impl Default for Scratch {
    fn default() -> Self {
        Self { work: Arc::default(), pool: Pool::small(), has_own_pool: true }
    }
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scratch")
    }
}

impl Scratch {
    /// With nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// With the buffers of arrays that others have made.
    pub fn with_pool(pool: Arc<Pool>) -> Self {
        Self { work: Arc::default(), pool, has_own_pool: false }
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that are held, without those of a pool of others.
    pub fn memory_bytes(&self) -> usize {
        let idle_bytes = if self.has_own_pool { self.pool.idle_bytes() } else { 0 };
        let work = self.work();
        idle_bytes
            + work.codecs.memory_bytes()
            + work.codes.capacity() * size_of::<u32>()
            + work.lengths.capacity() * size_of::<u32>()
            + (work.valid.capacity() + work.kept.capacity()) * size_of::<u64>()
            + work.kept_codes.capacity() * size_of::<u32>()
            + work.levels.capacity()
            + work.spare.memory_bytes()
    }
}

struct Work {
    cpu: Cpu,
    codecs: Codecs,
    codes: Vec<u32>,
    lengths: Vec<u32>,
    /// Validity of the rows at hand, 64 a word.
    valid: Vec<u64>,
    /// Which of the rows at hand are wanted, 64 a word; the codes of these.
    kept: Vec<u64>,
    kept_codes: Vec<u32>,
    levels: Vec<u8>,
    spare: Spare,
    /// Bytes that the column at hand may copy.
    room: usize,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            cpu: Cpu::new(),
            codecs: Codecs::default(),
            // The codes before the first that is wanted belong to the same group of eight.
            codes: vec![0; CODES + 8],
            lengths: Vec::new(),
            valid: Vec::new(),
            kept: Vec::new(),
            kept_codes: Vec::new(),
            levels: Vec::new(),
            spare: Spare::default(),
            room: 0,
        }
    }
}

/// The array that is being put together, and the values of the page at hand.
trait Sink: Send {
    /// Has rows given as codes of their dictionary, where the sink can, pages allow it and it has no more than so many entries.
    fn keep_codes(&mut self, _entries_max: u64) {}
    /// Makes room for `rows` rows in all.
    fn reserve(&mut self, rows: usize);
    /// Takes the entries of the dictionary: `count` of them, plain.
    fn dictionary(&mut self, page: &Buffer, count: usize, work: &mut Work) -> Result<(), Damage>;
    /// Begins the values of a page of so many rows.
    fn open(&mut self, layout: Layout, page: &Buffer, rows: usize) -> Result<(), Damage>;
    /// Appends the next `present` values of the page.
    fn append(&mut self, page: &Buffer, present: usize, work: &mut Work) -> Result<(), Damage>;
    /// Whether rows that are not wanted can be left out here.
    fn can_keep(&self) -> bool {
        false
    }
    /// Appends those of the next `rows` values of the page that `work.kept` says; `false` where all have to be appended first.
    fn append_kept(&mut self, _page: &Buffer, _rows: usize, _work: &mut Work) -> Result<bool, Damage> {
        Ok(false)
    }
    /// Of the last `rows` rows leaves those that `work.kept` says.
    fn keep(&mut self, _rows: usize, _work: &Work) {}
    /// Spreads the last `present` values over `rows` rows, as `work.valid` says.
    fn expand(&mut self, present: usize, rows: usize, work: &mut Work);
    /// Forgets the rows from `rows` on.
    fn truncate(&mut self, rows: usize);
    /// The rows so far; then there are none.
    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef>;
    /// Lets go of the dictionary and the page at hand.
    fn close(&mut self);
    fn len(&self) -> usize;
    fn memory_bytes(&self) -> usize;
}

/// The codes of a page: their width, then runs and packed groups.
fn codes(page: &[u8]) -> Result<Hybrid, Damage> {
    // A page of nulls may have nothing.
    Hybrid::new(page.first().copied().unwrap_or(0), page.len().min(1))
}

/// The values of a page whose bytes are in as many streams.
fn split_values(page: &[u8], width: usize) -> Result<usize, Damage> {
    match page.len().is_multiple_of(width) {
        true => Ok(page.len() / width),
        false => Err(Damage::new(format!("streams of one length, {width} in all, got {} bytes", page.len()))),
    }
}

/// The page at hand.
#[derive(Default)]
struct Open {
    page: Buffer,
    /// The part of it behind the levels.
    values: Buffer,
    levels: Levels,
    /// Rows that have not been read.
    rows: usize,
}

/// Where the dictionary is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dictionary {
    /// Nowhere, as far as has been seen.
    None,
    /// At this byte of the file, not yet read.
    At(u64),
    Read,
}

/// One column of one row group, read from its first row to its last.
///
/// Arrays of numbers own their values. Views of texts point into pages as they were decompressed, and into the dictionary: these buffers
/// are shared by the arrays of neighbouring batches.
pub struct ColumnReader {
    spec: ChunkSpec,
    scratch: Scratch,
    pages: Pages,
    sink: Box<dyn Sink>,
    validity: Validity,
    open: Open,
    dictionary: Dictionary,
    dictionary_page: Buffer,
    /// Rows that no page at hand or before has had.
    rows_behind: u64,
    /// Number of the page that comes next; its first byte.
    page: usize,
    page_start: u64,
    /// Rows whose validity is known and whose values are not: of how many, and how many values.
    due: Option<(usize, usize)>,
    /// A skip that was interrupted.
    skip: Option<Skip>,
    /// Which rows of the array under construction are wanted, where not all are.
    kept: Option<BooleanBuffer>,
    memory_bytes_max: usize,
}

/// Rows that are being passed over.
struct Skip {
    left: usize,
    /// Values and rows of the array under construction, which stay.
    values: usize,
    rows: usize,
}

impl std::fmt::Debug for ColumnReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ColumnReader").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl ColumnReader {
    /// A reader of a column that is covered. Nothing is read yet.
    ///
    /// # Errors
    /// Where the column is not covered ([`ChunkSpec::is_covered`]), or its bytes are not in the file.
    pub fn new(input: Arc<dyn ReadAt>, spec: ChunkSpec, scratch: &Scratch) -> Result<Self> {
        let target = &spec.target;
        let sink: Box<dyn Sink> = match spec.shape().filter(|_| codec::is_covered(spec.compression)) {
            None => {
                return Err(ErrorKind::Options(format!(
                    "{}: column \"{}\" of {} in {} as {target}: no such column is read",
                    spec.file, spec.column, spec.physical, spec.compression
                ))
                .into());
            }
            Some(Shape::Flags) => Box::new(Flags::new()),
            Some(Shape::Words32) => Box::new(Words::<u32>::new(Wire::Same, target, &scratch.pool)),
            Some(Shape::Words64) => Box::new(Words::<u64>::new(Wire::Same, target, &scratch.pool)),
            Some(Shape::Int96(unit)) => Box::new(Words::<u64>::new(Wire::Int96(unit), target, &scratch.pool)),
            Some(Shape::BigEndian(bytes)) => {
                Box::new(Words::<i128>::new(Wire::BigEndian(bytes), target, &scratch.pool))
            }
            Some(Shape::Fixed(bytes)) => Box::new(Fixed::new(bytes, target, &scratch.pool)),
            Some(Shape::Texts { is_utf8 }) => Box::new(Texts::new(is_utf8, target, &scratch.pool)),
            Some(Shape::TextNumbers) => Box::new(Texts::new(false, target, &scratch.pool)),
        };
        if spec.range.start > spec.range.end || spec.range.end > input.len() {
            let message = format!(
                "row group {}, column \"{}\": expected bytes of the file, which has {}, got {} to {}",
                spec.row_group,
                spec.column,
                input.len(),
                spec.range.start,
                spec.range.end
            );
            return Err(ErrorKind::Malformed { file: spec.file.to_string(), message }.into());
        }
        let window = scratch.work().spare.take(pages::PIECE_BYTES);
        Ok(Self {
            pages: Pages::new(input, &spec, window),
            scratch: scratch.clone(),
            sink,
            validity: Validity::default(),
            open: Open::default(),
            dictionary: Dictionary::None,
            dictionary_page: Buffer::default(),
            rows_behind: spec.rows,
            page: 0,
            page_start: spec.range.start,
            due: None,
            skip: None,
            kept: None,
            memory_bytes_max: MEMORY_BYTES_MAX,
            spec,
        })
    }

    /// Rows that have not been read or passed over.
    pub fn rows_left(&self) -> u64 {
        self.rows_behind + self.open.rows as u64
    }

    /// Has texts and decimals given as `Dictionary(UInt32, ..)`, as long as all pages have codes of a dictionary that has less
    /// entries than half of the rows. To be called before anything is read.
    pub fn keep_codes(&mut self) {
        self.sink.keep_codes(self.spec.rows / 2);
    }

    /// Bytes of the file that were read.
    pub fn bytes_read(&self) -> u64 {
        self.pages.bytes_read()
    }

    /// Bytes that are held: the window of the file, the page at hand and those that were handed out last, the dictionary, and the array
    /// under construction. Arrays that were handed out share pages and dictionary, which count here and there; what is in
    /// the [`Scratch`] does not count.
    pub fn memory_bytes(&self) -> usize {
        self.pages.memory_bytes()
            + self.open.page.capacity()
            + self.open.levels.memory_bytes()
            + self.dictionary_page.capacity()
            + self.sink.memory_bytes()
            + self.validity.memory_bytes()
    }

    /// Bytes that may be held before [`ColumnReader::read`] refuses to go on, 64 MiB at first.
    pub fn memory_bytes_max(&self) -> usize {
        self.memory_bytes_max
    }

    /// Lets the reader hold more, or less.
    pub fn set_memory_bytes_max(&mut self, bytes: usize) {
        self.memory_bytes_max = bytes;
    }

    /// The next `rows` rows.
    ///
    /// # Errors
    /// Where there are not as many, where bytes are not what they should be ([`ErrorKind::Malformed`]), where the store fails,
    /// and where the next page needs more memory than is allowed ([`ErrorKind::Window`], with the bytes that it takes
    /// in all): once that is allowed, the same call goes on where this one ended.
    pub fn read(&mut self, rows: usize) -> Result<ArrayRef> {
        self.expect_rows(rows.saturating_sub(self.validity.rows()))?;
        self.fill(rows)?;
        self.sink.finish(self.validity.finish())
    }

    /// Of the next rows those whose bit is set, of which there is one for each.
    ///
    /// # Errors
    /// As [`ColumnReader::read`].
    pub fn read_kept(&mut self, kept: &BooleanBuffer) -> Result<ArrayRef> {
        let mask = || BooleanArray::new(kept.clone(), None);
        if !self.sink.can_keep() {
            return Ok(filter(&self.read(kept.len())?, &mask())?);
        }
        self.expect_rows(kept.len().saturating_sub(self.validity.rows()))?;
        self.kept = Some(kept.clone());
        let filled = self.fill(kept.len());
        self.kept = None;
        filled?;
        let nulls = match self.validity.finish() {
            None => None,
            Some(nulls) => {
                let there = filter(&BooleanArray::new(nulls.into_inner(), None), &mask())?;
                Some(NullBuffer::new(there.as_boolean().values().clone()))
            }
        };
        self.sink.finish(nulls)
    }

    /// Passes over the next `rows` rows. Pages that lie within are not decompressed, and where the offset index is known not read.
    ///
    /// # Errors
    /// As [`ColumnReader::read`].
    pub fn skip(&mut self, rows: usize) -> Result<()> {
        let mut skip = match self.skip.take() {
            Some(interrupted) => interrupted,
            None => {
                self.expect_rows(rows)?;
                Skip { left: rows, values: self.sink.len(), rows: self.validity.rows() }
            }
        };
        while skip.left > 0 {
            if let Err(error) = self.skip_step(&mut skip) {
                self.skip = Some(skip);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Passes over pages, or over rows of the page at hand.
    fn skip_step(&mut self, skip: &mut Skip) -> Result<()> {
        if self.open.rows == 0 && self.due.is_none() {
            skip.left -= self.pass_pages(skip.left).map_err(|error| self.place().error(error))?;
            if skip.left == 0 {
                return Ok(());
            }
            return self.next_page().map_err(|error| self.place().error(error));
        }
        let target = match self.due {
            Some(_) => self.validity.rows(),
            None => skip.rows + skip.left.min(self.open.rows).min(SKIPPED_ROWS),
        };
        self.fill(target)?;
        self.sink.truncate(skip.values);
        self.validity.truncate(skip.rows);
        skip.left -= target - skip.rows;
        Ok(())
    }

    fn expect_rows(&self, rows: usize) -> Result<()> {
        if rows as u64 > self.rows_left() {
            let left = self.rows_left();
            let column = &self.spec.column;
            let message = format!("column \"{column}\": expected {rows} more rows, and there are {left}");
            return Err(ErrorKind::Malformed { file: self.spec.file.to_string(), message }.into());
        }
        Ok(())
    }

    fn place(&self) -> Place<'_> {
        Place {
            file: &self.spec.file,
            column: &self.spec.column,
            row_group: self.spec.row_group,
            page: self.page.saturating_sub(1),
            byte: self.page_start,
        }
    }

    /// Goes on until the array has `rows` rows.
    fn fill(&mut self, rows: usize) -> Result<()> {
        self.sink.reserve(rows);
        while self.validity.rows() < rows || self.due.is_some() {
            let step = match self.open.rows == 0 && self.due.is_none() {
                true => self.next_page(),
                false => self.take(rows - self.validity.rows()),
            };
            step.map_err(|error| self.place().error(error))?;
        }
        Ok(())
    }

    /// Takes at most `most` rows of the page at hand.
    fn take(&mut self, most: usize) -> Result<(), PageError> {
        let (rows, present) = match self.due {
            Some(due) => due,
            None => {
                let rows = most.min(self.open.rows);
                let present = self.open.levels.take(rows, &mut self.validity)?;
                self.open.rows -= rows;
                *self.due.insert((rows, present))
            }
        };
        let mut guard = self.scratch.work();
        let work = &mut *guard;
        work.room = self.memory_bytes_max;
        let first = self.validity.rows() - rows;
        work.kept.clear();
        if let Some(kept) = &self.kept {
            work.kept.extend(kept.slice(first, rows).bit_chunks().iter_padded());
        }
        let is_full = present == rows && self.kept.is_some();
        if !(is_full && self.sink.append_kept(&self.open.values, rows, work)?) {
            self.sink.append(&self.open.values, present, work)?;
            if present < rows {
                self.validity.words(first, &mut work.valid);
                self.sink.expand(present, rows, work);
            }
            if self.kept.is_some() {
                self.sink.keep(rows, work);
            }
        }
        self.due = None;
        Ok(())
    }

    /// The header of the page that comes next.
    fn header(&mut self) -> Result<(Header, usize), PageError> {
        self.page_start = self.pages.at();
        if self.pages.left() == 0 {
            let (rows, behind) = (self.spec.rows, self.rows_behind);
            return Err(Damage::new(format!("{rows} rows in the column, and {behind} are not there")).into());
        }
        self.pages.header()
    }

    /// Opens the next data page.
    fn next_page(&mut self) -> Result<(), PageError> {
        let (header, length) = self.header()?;
        self.allow(&header)?;
        if let (Kind::Data { layout: Layout::Dictionary, .. }, Dictionary::At(at)) =
            (header.kind, self.dictionary)
        {
            // This page stays next if there is no memory for the dictionary.
            let read = self.seek_dictionary(at);
            self.pages.seek(self.page_start);
            read?;
        }
        self.page += 1;
        self.pages.pass(length);
        match header.kind {
            Kind::Other => self.pages.pass(header.stored_bytes),
            Kind::Dictionary => self.read_dictionary(&header)?,
            Kind::Data { layout, levels } => self.open_page(&header, layout, levels)?,
        }
        Ok(())
    }

    /// Whether there is memory for a page.
    fn allow(&self, header: &Header) -> Result<(), Damage> {
        let spare = self.open.page.capacity();
        let needed =
            self.memory_bytes().saturating_add(self.pages.missing_bytes(header)).saturating_sub(spare);
        if needed > self.memory_bytes_max { Err(Damage::Memory(needed)) } else { Ok(()) }
    }

    fn seek_dictionary(&mut self, at: u64) -> Result<(), PageError> {
        if !self.pages.seek(at) {
            return Err(Damage::new("the dictionary in the column").into());
        }
        let (header, length) = self.pages.header()?;
        self.allow(&header)?;
        if header.kind != Kind::Dictionary {
            return Err(Damage::new("a dictionary before pages that use it").into());
        }
        self.pages.pass(length);
        self.read_dictionary(&header)
    }

    fn read_dictionary(&mut self, header: &Header) -> Result<(), PageError> {
        if self.dictionary == Dictionary::Read {
            return Err(Damage::new("one dictionary in the column, got another").into());
        }
        let mut guard = self.scratch.work();
        let work = &mut *guard;
        let (stored, raw, crc) = (header.stored_bytes, header.raw_bytes, header.crc);
        let how = Stored { apart: 0, stored, raw, is_compressed: true, crc };
        let page = self.pages.page(work, how)?;
        self.sink.dictionary(&page, header.values, work)?;
        self.dictionary_page = page;
        self.dictionary = Dictionary::Read;
        Ok(())
    }

    /// Reads and decompresses a data page.
    fn open_page(&mut self, header: &Header, layout: Layout, place: LevelPlace) -> Result<(), PageError> {
        if layout == Layout::Dictionary && self.dictionary != Dictionary::Read {
            return Err(Damage::new("a dictionary before pages that use it").into());
        }
        self.open.values = Buffer::default();
        let page = std::mem::take(&mut self.open.page);
        if page.capacity() > 0 {
            self.pages.give_back(page);
        }
        let (apart, is_compressed) = match place {
            LevelPlace::Apart { repetition_bytes, bytes, is_compressed } => {
                (repetition_bytes.saturating_add(bytes), is_compressed)
            }
            _ => (0, true),
        };
        let short = || Damage::new("levels that end with their page");
        let stored = header.stored_bytes.checked_sub(apart).ok_or_else(short)?;
        let raw = header.raw_bytes.checked_sub(apart).ok_or_else(short)?;
        let mut guard = self.scratch.work();
        let work = &mut *guard;
        let how = Stored { apart, stored, raw, is_compressed, crc: header.crc };
        let page = self.pages.page(work, how)?;
        let values = match place {
            LevelPlace::Apart { repetition_bytes, .. } => {
                match self.spec.is_nullable && apart > repetition_bytes {
                    true => self.open.levels.open(&work.levels[repetition_bytes..])?,
                    false => self.open.levels.clear(),
                }
                page.clone()
            }
            _ if !self.spec.is_nullable => {
                self.open.levels.clear();
                page.clone()
            }
            LevelPlace::Prefixed => {
                let bytes = page.first_chunk().map(|bytes| u32::from_le_bytes(*bytes) as usize);
                let end = bytes.ok_or_else(short)?.saturating_add(4);
                self.open.levels.open(page.get(4..end).ok_or_else(short)?)?;
                page.slice(end)
            }
            LevelPlace::Bits => {
                let bytes = header.values.div_ceil(8);
                self.open.levels.open_bits(page.get(..bytes).ok_or_else(short)?);
                page.slice(bytes)
            }
        };
        let rows = usize::try_from(self.rows_behind).unwrap_or(usize::MAX).min(header.values);
        self.sink.open(layout, &values, rows)?;
        (self.open.page, self.open.values) = (page, values);
        self.open.rows = rows;
        self.rows_behind -= rows as u64;
        Ok(())
    }
}

impl Drop for ColumnReader {
    /// Leaves buffers that nobody else has to the columns that come next.
    fn drop(&mut self) {
        self.sink.close();
        self.open.values = Buffer::default();
        let mut work = self.scratch.work();
        for page in [std::mem::take(&mut self.open.page), std::mem::take(&mut self.dictionary_page)] {
            work.spare.give(page.into_vec().unwrap_or_default());
        }
        self.pages.close(&mut work.spare);
    }
}

/// Rows that are decoded at once to be passed over.
const SKIPPED_ROWS: usize = 8192;
