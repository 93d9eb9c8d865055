//! Texts and binary values, which come as views: length and, where it is at most 12, the bytes; else the first four, the
//! number of a buffer, and the place in it.

use std::borrow::Cow;

use arrow::buffer::Buffer;
use parquet::basic::Encoding as Laid;
use xxhash_rust::xxh3::xxh3_64;

use super::choice::{self, Choice, Use};
use super::spec::Spec;
use super::{Event, FRONT_BYTES, Store, Work, delta, runs};
use crate::parquet::options::{Encoding, PageLimits, Statistics};
use crate::simd::compact::compact_u128;
use crate::simd::dictionary::{Dictionary, Key};
use crate::simd::encode::Cpu;

/// Bytes of a text that are in its view.
const INLINE_BYTES: u32 = 12;
/// Bytes of the length in front of a plain text.
const LENGTH_BYTES: usize = 4;

/// The texts of a column.
pub(in crate::parquet) struct Texts {
    limits: PageLimits,
    laid: Encoding,
    has_statistics: bool,
    choice: Choice,
    /// Views of short texts; of long ones length, hash, and where they begin in `entries`.
    dictionary: Dictionary<u128>,
    /// The entries of the dictionary in plain encoding.
    entries: Vec<u8>,
    /// Where each begins.
    starts: Vec<u32>,
    /// The open page: one of them is empty.
    codes: Vec<u32>,
    /// Behind [`FRONT_BYTES`], where there are any.
    plain: Vec<u8>,
    text_bytes: usize,
    /// Of the open page without a dictionary.
    bounds: Option<Bounds>,
}

/// The smallest and the largest text, and the first bytes of both as numbers.
struct Bounds {
    low: Vec<u8>,
    high: Vec<u8>,
    low_head: u32,
    high_head: u32,
}

/// The first four bytes as a number of the same order, zeros where there are fewer.
fn head_of(view: u128) -> u32 {
    ((view >> 32) as u32).swap_bytes()
}

/// The bytes of a view.
fn text_of<'a>(view: &'a [u8; 16], heap: &'a [Buffer]) -> &'a [u8] {
    let value = u128::from_le_bytes(*view);
    let length = value as u32;
    if length <= INLINE_BYTES {
        return &view[LENGTH_BYTES..LENGTH_BYTES + length as usize];
    }
    let (buffer, start) = ((value >> 64) as u32 as usize, (value >> 96) as usize);
    let bytes = heap.get(buffer).map(Buffer::as_slice).unwrap_or_default();
    bytes.get(start..start + length as usize).unwrap_or_default()
}

/// Bytes that are copied at once.
const COPY_BYTES: usize = 64;

/// The bytes that a long view of at most [`COPY_BYTES`] begins with, and those behind them, where there are as many.
#[inline(always)]
fn window_of(view: u128, heap: &[Buffer]) -> Option<&[u8; COPY_BYTES]> {
    let (buffer, start) = ((view >> 64) as u32 as usize, (view >> 96) as usize);
    let bytes = heap.get(buffer).filter(|_| view as u32 as usize <= COPY_BYTES)?;
    bytes.get(start..)?.first_chunk()
}

/// The text of a plain encoding that begins at `start`.
fn entry(entries: &[u8], start: usize) -> &[u8] {
    let Some((length, rest)) = entries.get(start..).and_then(|rest| rest.split_first_chunk::<4>()) else {
        return &[];
    };
    rest.get(..u32::from_le_bytes(*length) as usize).unwrap_or_default()
}

/// Appends a text in plain encoding.
fn append(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text);
}

impl Texts {
    pub(in crate::parquet) fn new(spec: &Spec) -> Self {
        Self {
            limits: spec.limits,
            laid: spec.plan.values.unwrap_or(Encoding::Plain),
            has_statistics: spec.statistics != Statistics::None,
            choice: Choice::new(spec.plan.dictionary, spec.limits.dictionary_bytes),
            dictionary: Dictionary::new(),
            entries: Vec::new(),
            starts: Vec::new(),
            codes: Vec::new(),
            plain: Vec::new(),
            text_bytes: 0,
            bounds: None,
        }
    }

    fn width(&self) -> u32 {
        runs::width_of(self.starts.len().saturating_sub(1) as u64)
    }

    /// Bytes of the open page in codes.
    fn coded_bytes(&self, work: &mut Work) -> usize {
        let mut coded = std::mem::take(&mut work.coded);
        coded.clear();
        runs::encode(&self.codes, self.width(), work, &mut coded);
        let bytes = coded.len();
        work.coded = coded;
        bytes
    }

    /// Bytes of the open page, which is in codes, in plain encoding.
    fn plain_bytes(&self) -> usize {
        self.text_bytes + LENGTH_BYTES * self.codes.len()
    }

    /// The open page, where it is in plain encoding.
    fn plain(&self) -> &[u8] {
        self.plain.get(FRONT_BYTES..).unwrap_or_default()
    }

    /// The code of a text, which is new where there was none.
    #[inline(always)]
    fn code(&mut self, view: u128, heap: &[Buffer]) -> u32 {
        if view as u32 <= INLINE_BYTES {
            if let Some(code) = self.dictionary.find_by(view.spread(), |&there| there == view) {
                return code;
            }
            return self.add(view, view, heap);
        }
        let bytes = view.to_le_bytes();
        let text = text_of(&bytes, heap);
        let key = u128::from(view as u32) | u128::from(xxh3_64(text) as u32) << 32;
        let entries = &self.entries;
        let found = self.dictionary.find_by(key.spread(), |&there| {
            there as u64 == key as u64 && entry(entries, (there >> 64) as usize) == text
        });
        match found {
            Some(code) => code,
            None => self.add(view, key | (self.entries.len() as u128) << 64, heap),
        }
    }

    #[cold]
    fn add(&mut self, view: u128, key: u128, heap: &[Buffer]) -> u32 {
        self.starts.push(self.entries.len() as u32);
        append(text_of(&view.to_le_bytes(), heap), &mut self.entries);
        self.dictionary.add(key)
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= self.choice.limit_bytes || self.dictionary.is_crowded()
    }

    fn push_codes(&mut self, values: &[u128], heap: &[Buffer]) -> (usize, Option<Event>) {
        let check = self.choice.before_check();
        let room = (self.limits.page_bytes / size_of::<u32>()).saturating_sub(self.codes.len()).max(1);
        let most = values.len().min(check.unwrap_or(usize::MAX)).min(room);
        self.codes.reserve(most);
        let (mut taken, before) = (0, self.entries.len());
        for &view in &values[..most] {
            let code = self.code(view, heap);
            self.codes.push(code);
            self.text_bytes += view as u32 as usize;
            taken += 1;
            if self.is_full() {
                break;
            }
        }
        self.choice.values += taken;
        let event = if self.entries.len() > before && self.is_full() {
            Some(Event::Limit)
        } else if check == Some(taken) {
            self.choice.checked_bytes = self.entries.len();
            Some(Event::Check)
        } else {
            (taken == room).then_some(Event::Full)
        };
        (taken, event)
    }

    fn push_plain(&mut self, values: &[u128], heap: &[Buffer]) -> (usize, Option<Event>) {
        if self.plain.is_empty() {
            self.plain.resize(FRONT_BYTES, 0);
        }
        for (index, &view) in values.iter().enumerate() {
            let length = view as u32;
            let bytes = view.to_le_bytes();
            let end = self.plain.len() + LENGTH_BYTES + length as usize;
            if length <= INLINE_BYTES {
                // A short view is the plain encoding, and zeros.
                self.plain.extend_from_slice(&bytes);
                self.plain.truncate(end);
            } else if let Some(window) = window_of(view, heap) {
                self.plain.extend_from_slice(&bytes[..LENGTH_BYTES]);
                self.plain.extend_from_slice(window);
                self.plain.truncate(end);
            } else {
                append(text_of(&bytes, heap), &mut self.plain);
            }
            self.text_bytes += length as usize;
            if self.has_statistics {
                self.bound(view, &bytes, heap);
            }
            if self.plain.len() - FRONT_BYTES >= self.limits.page_bytes {
                return (index + 1, Some(Event::Full));
            }
        }
        (values.len(), None)
    }

    #[inline(always)]
    fn bound(&mut self, view: u128, bytes: &[u8; 16], heap: &[Buffer]) {
        let head = head_of(view);
        match &self.bounds {
            Some(bounds) if bounds.low_head < head && head < bounds.high_head => {}
            _ => self.widen(text_of(bytes, heap), head),
        }
    }

    fn widen(&mut self, text: &[u8], head: u32) {
        let Some(bounds) = &mut self.bounds else {
            let (low, high) = (text.to_vec(), text.to_vec());
            self.bounds = Some(Bounds { low, high, low_head: head, high_head: head });
            return;
        };
        if text < &bounds.low[..] {
            bounds.low.clear();
            bounds.low.extend_from_slice(text);
            bounds.low_head = head;
        }
        if text > &bounds.high[..] {
            bounds.high.clear();
            bounds.high.extend_from_slice(text);
            bounds.high_head = head;
        }
    }

    /// The smallest and the largest entry that the codes of the open page name.
    fn coded_bounds(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut is_named = vec![false; self.starts.len()];
        for &code in &self.codes {
            is_named[code as usize] = true;
        }
        let named = self.starts.iter().zip(is_named).filter(|(_, is_named)| *is_named);
        let mut texts = named.map(|(&start, _)| entry(&self.entries, start as usize));
        let first = texts.next()?;
        let (low, high) = texts.fold((first, first), |(low, high), text| (low.min(text), high.max(text)));
        Some((low.to_vec(), high.to_vec()))
    }

    fn forget_dictionary(&mut self) {
        self.choice.is_open = false;
        self.dictionary = Dictionary::new();
        self.entries = Vec::new();
        self.starts = Vec::new();
        self.codes = Vec::new();
    }
}

impl Store for Texts {
    type Value = u128;
    type Bound = Vec<u8>;

    fn push(&mut self, _: Cpu, values: &[u128], heap: &[Buffer]) -> (usize, Option<Event>) {
        match self.choice.is_open {
            true => self.push_codes(values, heap),
            false => self.push_plain(values, heap),
        }
    }

    fn calm(&self) -> usize {
        if !self.choice.is_open {
            // Events are found value by value.
            return usize::MAX;
        }
        let room = (self.limits.page_bytes / size_of::<u32>()).saturating_sub(self.codes.len());
        room.min(self.choice.before_check().unwrap_or(usize::MAX)).max(1)
    }

    fn compact(cpu: Cpu, values: &[u128], valid: &[u64], out: &mut Vec<u128>) {
        compact_u128(cpu, values, valid, out);
    }

    fn value_bytes(&self, value: &u128, heap: &[Buffer], insert: &mut dyn FnMut(&[u8])) {
        insert(text_of(&value.to_le_bytes(), heap));
    }

    fn has_dictionary(&self) -> bool {
        self.choice.is_open && self.choice.plan == Use::Pays
    }

    fn is_hopeless(&self, _: &mut Work) -> bool {
        self.choice.is_beyond(self.starts.len(), self.entries.len())
    }

    fn pays(&self, work: &mut Work) -> bool {
        if self.choice.plan == Use::Always || self.codes.is_empty() {
            return !self.codes.is_empty();
        }
        choice::PAGE_BYTES + self.entries.len() + self.coded_bytes(work) < self.plain_bytes()
    }

    fn is_outgrown(&self, work: &mut Work) -> bool {
        self.choice.is_outgrown(self.entries.len(), self.coded_bytes(work), self.plain_bytes())
    }

    fn expand(&mut self, bytes_max: usize) -> bool {
        if self.plain_bytes() > bytes_max {
            return false;
        }
        if self.has_statistics {
            self.bounds = self.coded_bounds().map(|(low, high)| {
                let head = |text: &[u8]| {
                    let mut head = [0; 4];
                    head.iter_mut().zip(text).for_each(|(head, &byte)| *head = byte);
                    u32::from_be_bytes(head)
                };
                let (low_head, high_head) = (head(&low), head(&high));
                Bounds { low, high, low_head, high_head }
            });
        }
        let mut plain = Vec::with_capacity(FRONT_BYTES + self.plain_bytes());
        plain.resize(FRONT_BYTES, 0);
        for &code in &self.codes {
            append(entry(&self.entries, self.starts[code as usize] as usize), &mut plain);
        }
        self.plain = plain;
        self.forget_dictionary();
        true
    }

    fn end_dictionary(&mut self, out: &mut Vec<u8>) -> usize {
        let entries = self.starts.len();
        out.extend_from_slice(&self.entries);
        self.forget_dictionary();
        entries
    }

    fn end_page(&mut self, work: &mut Work, out: &mut Vec<u8>) -> Laid {
        self.text_bytes = 0;
        self.bounds = None;
        if self.choice.is_open && !self.starts.is_empty() {
            let width = self.width();
            out.push(width as u8);
            runs::encode(&self.codes, width, work, out);
            self.codes.clear();
            return Laid::RLE_DICTIONARY;
        }
        let encoding = match self.laid {
            Encoding::DeltaLength => {
                delta::encode_lengths(work.cpu, self.plain(), out);
                Laid::DELTA_LENGTH_BYTE_ARRAY
            }
            Encoding::DeltaBytes => {
                delta::encode_prefixes(work.cpu, self.plain(), out);
                Laid::DELTA_BYTE_ARRAY
            }
            _ => {
                out.extend_from_slice(self.plain());
                Laid::PLAIN
            }
        };
        self.plain.clear();
        encoding
    }

    fn take_page(&mut self) -> Option<(Vec<u8>, Laid)> {
        let is_coded = self.choice.is_open && !self.starts.is_empty();
        let is_laid_out = matches!(self.laid, Encoding::DeltaLength | Encoding::DeltaBytes);
        if is_coded || is_laid_out || self.plain.is_empty() {
            return None;
        }
        self.text_bytes = 0;
        self.bounds = None;
        Some((std::mem::take(&mut self.plain), Laid::PLAIN))
    }

    fn return_page(&mut self, mut page: Vec<u8>) {
        page.clear();
        self.plain = page;
    }

    fn bounds(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        match self.choice.is_open {
            true => self.coded_bounds(),
            false => self.bounds.take().map(|bounds| (bounds.low, bounds.high)),
        }
    }

    fn text_bytes(&self) -> Option<i64> {
        Some(self.text_bytes as i64)
    }

    fn is_below(&self, low: &Vec<u8>, high: &Vec<u8>) -> bool {
        low < high
    }

    fn bound_bytes(bound: &Vec<u8>) -> Cow<'_, [u8]> {
        Cow::Borrowed(bound)
    }

    fn bound_memory(bound: &Vec<u8>) -> usize {
        bound.capacity()
    }

    fn open_bytes(&self) -> (usize, usize) {
        match self.choice.is_open {
            true => (self.codes.len() * self.width() as usize / 8, self.entries.len()),
            false => (self.plain().len(), 0),
        }
    }

    fn memory_bytes(&self) -> usize {
        let bounds = self.bounds.as_ref().map_or(0, |bounds| bounds.low.capacity() + bounds.high.capacity());
        self.dictionary.memory_bytes()
            + self.entries.capacity()
            + (self.starts.capacity() + self.codes.capacity()) * size_of::<u32>()
            + self.plain.capacity()
            + bounds
    }
}
