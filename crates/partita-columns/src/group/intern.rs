//! Values to codes, counted in the order in which values are first seen; null is one of them.

use std::ops::Deref;

use arrow::array::ByteView;
use arrow::buffer::Buffer;
use xxhash_rust::xxh3::xxh3_64;

use super::table::{Store, Table, hash_pair, hash_word};
use crate::error::Result;
use crate::wide::Valid;

/// Longest text that its view holds.
pub(super) const INLINE: u32 = 12;

/// Bytes of texts that are kept together.
const CHUNK_BYTES_MIN: usize = 4 << 10;
const CHUNK_BYTES_MAX: usize = 16 << 20;

/// Keys of one width.
pub(super) trait Word: Copy + Eq + Default {
    fn hash(self) -> u64;
    /// Equal for equal keys alone.
    fn bits(self) -> u128;
}

impl Word for u64 {
    #[inline(always)]
    fn hash(self) -> u64 {
        hash_word(self)
    }

    #[inline(always)]
    fn bits(self) -> u128 {
        self.into()
    }
}

impl Word for u128 {
    #[inline(always)]
    fn hash(self) -> u64 {
        hash_pair(self as u64, (self >> 64) as u64)
    }

    #[inline(always)]
    fn bits(self) -> u128 {
        self
    }
}

/// Codes of words.
#[derive(Debug, Clone, Default)]
pub(super) struct Words<K> {
    table: Table,
    keys: Vec<K>,
    null: Option<u32>,
}

struct WordStore<'a, K> {
    keys: &'a mut Vec<K>,
    rows: &'a [K],
}

impl<K: Word> Store for WordStore<'_, K> {
    #[inline(always)]
    fn hash(&self, row: usize) -> u64 {
        self.rows[row].hash()
    }

    #[inline(always)]
    fn short(&self, row: usize) -> u128 {
        self.rows[row].bits()
    }

    #[inline(always)]
    fn is_short(&self, _: usize) -> bool {
        true
    }

    #[inline(always)]
    fn is(&self, number: u32, row: usize) -> bool {
        self.keys[number as usize] == self.rows[row]
    }

    #[inline(always)]
    fn is_as_before(&self, row: usize) -> bool {
        self.rows[row] == self.rows[row - 1]
    }

    fn keep(&mut self, row: usize) {
        self.keys.push(self.rows[row]);
    }
}

impl<K: Word> Words<K> {
    /// Keys by code; what stands at [`Words::null`] is arbitrary.
    pub(super) fn keys(&self) -> &[K] {
        &self.keys
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn slots(&self) -> usize {
        self.table.slots()
    }

    /// The code of null, where it was seen.
    pub(super) fn null(&self) -> Option<u32> {
        self.null
    }

    /// The codes of rows; row `i` is null where `valid` says so of `first + i`.
    pub(super) fn push(&mut self, rows: &[K], nulls: (Option<&Valid>, usize), out: &mut [u32]) -> Result<()> {
        let is_run = is_run(rows);
        let mut store = WordStore { keys: &mut self.keys, rows };
        let Some(valid) = nulls.0 else { return self.table.number(&mut store, 0, out, is_run) };
        for (from, until, is_valid) in spans(valid, nulls.1, rows.len()) {
            if is_valid {
                self.table.number(&mut store, from, &mut out[from..until], is_run)?;
                continue;
            }
            let code = *self.null.get_or_insert_with(|| {
                store.keys.push(K::default());
                self.table.skip();
                (self.table.len() - 1) as u32
            });
            out[from..until].fill(code);
        }
        Ok(())
    }

    /// Keeps a key beside the table; how many there are then.
    pub(super) fn keep(&mut self, key: K) -> u32 {
        self.keys.push(key);
        self.keys.len() as u32
    }

    pub(super) fn clear(&mut self) {
        self.table.clear();
        self.keys.clear();
        self.null = None;
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.table.memory_bytes() + self.keys.capacity() * size_of::<K>()
    }

    pub(super) fn need_bytes(&self, more: usize) -> usize {
        self.table.need_bytes(more) + grown::<K>(self.keys.capacity(), self.keys.len() + more)
    }
}

/// Bytes of a vector while it grows to hold `len`.
pub(super) fn grown<T>(capacity: usize, len: usize) -> usize {
    if len <= capacity {
        return capacity * size_of::<T>();
    }
    (capacity + len.max(capacity * 2).max(8)) * size_of::<T>()
}

/// Whether most rows are as the one before them, by a sample.
fn is_run<K: PartialEq>(rows: &[K]) -> bool {
    let pairs = rows.windows(2).step_by(64);
    let sampled = pairs.len();
    pairs.filter(|pair| pair[0] == pair[1]).count() > sampled / 8 * 7
}

/// The rows in pieces that are all valid or all null: from, until, whether valid.
fn spans(valid: &Valid, first: usize, rows: usize) -> impl Iterator<Item = (usize, usize, bool)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let from = at;
        if from >= rows {
            return None;
        }
        let is_valid = valid.at(first + from);
        while at < rows && valid.at(first + at) == is_valid {
            at += 1;
        }
        Some((from, at, is_valid))
    })
}

/// Codes of texts or bytes. Each is kept as a view: up to [`INLINE`] bytes within it, longer ones in `chunks`.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    table: Table,
    views: Vec<u128>,
    chunks: Vec<Vec<u8>>,
    longest: u32,
    null: Option<u32>,
}

struct TextStore<'a> {
    views: &'a mut Vec<u128>,
    longest: &'a mut u32,
    chunks: &'a mut Vec<Vec<u8>>,
    rows: &'a [u128],
    buffers: &'a [Buffer],
}

/// The bytes of a view that does not hold them.
#[inline]
pub(super) fn long_bytes<B: Deref<Target = [u8]>>(view: u128, buffers: &[B]) -> &[u8] {
    let view = ByteView::from(view);
    let from = view.offset as usize;
    &buffers[view.buffer_index as usize][from..from + view.length as usize]
}

/// The bytes of a view: `inline` takes those that it holds.
pub(super) fn view_bytes<'a, B: Deref<Target = [u8]>>(
    view: u128,
    buffers: &'a [B],
    inline: &'a mut [u8; 16],
) -> &'a [u8] {
    if view as u32 > INLINE {
        return long_bytes(view, buffers);
    }
    *inline = view.to_le_bytes();
    &inline[4..4 + view as u32 as usize]
}

impl TextStore<'_> {
    #[inline(always)]
    fn long(&self, row: usize) -> &[u8] {
        long_bytes(self.rows[row], self.buffers)
    }
}

impl Store for TextStore<'_> {
    #[inline(always)]
    fn hash(&self, row: usize) -> u64 {
        let view = self.rows[row];
        if view as u32 <= INLINE {
            hash_pair(view as u64, (view >> 64) as u64)
        } else {
            xxh3_64(self.long(row))
        }
    }

    #[inline(always)]
    fn short(&self, row: usize) -> u128 {
        self.rows[row]
    }

    #[inline(always)]
    fn is_short(&self, row: usize) -> bool {
        self.rows[row] as u32 <= INLINE
    }

    #[inline(always)]
    fn is(&self, number: u32, row: usize) -> bool {
        let (kept, view) = (self.views[number as usize], self.rows[row]);
        if view as u32 <= INLINE {
            return kept == view;
        }
        // Length and first bytes.
        kept as u64 == view as u64 && long_bytes(kept, self.chunks) == self.long(row)
    }

    #[inline(always)]
    fn is_as_before(&self, row: usize) -> bool {
        // Long texts are the same where they are at one place.
        self.rows[row] == self.rows[row - 1]
    }

    fn keep(&mut self, row: usize) {
        let view = self.rows[row];
        *self.longest = (*self.longest).max(view as u32);
        if view as u32 <= INLINE {
            self.views.push(view);
            return;
        }
        let view = put_text(self.chunks, long_bytes(view, self.buffers));
        self.views.push(view);
    }
}

/// Keeps a long text; its view.
pub(super) fn put_text(chunks: &mut Vec<Vec<u8>>, text: &[u8]) -> u128 {
    let has_room = chunks.last().is_some_and(|chunk| chunk.capacity() - chunk.len() >= text.len());
    if !has_room {
        let next = chunks.last().map_or(CHUNK_BYTES_MIN, |chunk| chunk.capacity() * 2);
        chunks.push(Vec::with_capacity(next.min(CHUNK_BYTES_MAX).max(text.len())));
    }
    let number = chunks.len() - 1;
    let chunk = &mut chunks[number];
    let offset = chunk.len() as u32;
    chunk.extend_from_slice(text);
    ByteView::new(text.len() as u32, &text[..4])
        .with_buffer_index(number as u32)
        .with_offset(offset)
        .as_u128()
}

/// Bytes of chunks that take so many bytes of texts more, the longest of `longest`: the end of each chunk may stay empty.
pub(super) fn chunks_need(chunks: &[Vec<u8>], more: usize, longest: usize) -> usize {
    let held: usize = chunks.iter().map(Vec::capacity).sum();
    let last = chunks.last().map_or(0, Vec::capacity).clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX);
    if more == 0 { held } else { held + 2 * more + 2 * last + longest }
}

impl Texts {
    /// Bytes of the longest one.
    pub(super) fn longest(&self) -> usize {
        self.longest as usize
    }

    /// Views by code; what stands at [`Texts::null`] is arbitrary.
    pub(super) fn views(&self) -> &[u128] {
        &self.views
    }

    pub(super) fn chunks(&self) -> &[Vec<u8>] {
        &self.chunks
    }

    pub(super) fn len(&self) -> usize {
        self.views.len()
    }

    pub(super) fn null(&self) -> Option<u32> {
        self.null
    }

    /// How the texts of two codes compare.
    pub(super) fn compare(&self, a: u32, b: u32) -> std::cmp::Ordering {
        let (a, b) = (self.views[a as usize], self.views[b as usize]);
        let (mut one, mut other) = ([0; 16], [0; 16]);
        view_bytes(a, &self.chunks, &mut one).cmp(view_bytes(b, &self.chunks, &mut other))
    }

    /// As [`Words::push`]; long texts are in `buffers`.
    pub(super) fn push(
        &mut self,
        rows: &[u128],
        buffers: &[Buffer],
        nulls: (Option<&Valid>, usize),
        out: &mut [u32],
    ) -> Result<()> {
        let is_run = is_run(rows);
        let Self { views, chunks, longest, .. } = self;
        let mut store = TextStore { views, chunks, longest, rows, buffers };
        let Some(valid) = nulls.0 else { return self.table.number(&mut store, 0, out, is_run) };
        for (from, until, is_valid) in spans(valid, nulls.1, rows.len()) {
            if is_valid {
                self.table.number(&mut store, from, &mut out[from..until], is_run)?;
                continue;
            }
            let code = *self.null.get_or_insert_with(|| {
                store.views.push(0);
                self.table.skip();
                (self.table.len() - 1) as u32
            });
            out[from..until].fill(code);
        }
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.table.clear();
        self.views.clear();
        self.chunks.clear();
        self.longest = 0;
        self.null = None;
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(Vec::capacity).sum();
        self.table.memory_bytes()
            + self.views.capacity() * size_of::<u128>()
            + chunks
            + self.chunks.capacity() * size_of::<Vec<u8>>()
    }

    /// For so many rows more, whose long texts have so many bytes in all.
    pub(super) fn need_bytes(&self, more: usize, (bytes, longest): (usize, usize)) -> usize {
        let chunks = self.chunks.len() + 2 + 2 * bytes / CHUNK_BYTES_MIN;
        self.table.need_bytes(more)
            + grown::<u128>(self.views.capacity(), self.views.len() + more)
            + chunks_need(&self.chunks, bytes, longest)
            + grown::<Vec<u8>>(self.chunks.capacity(), chunks)
    }
}
