//! Texts where they stand in a page: views of them, without a copy.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryViewArray, DictionaryArray, StringViewArray, UInt32Array};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};

use super::encode::{Cpu, at_each_level};
use super::expand::expand_u128;
use super::gather::gather_u128;
use super::views::INLINE_BYTES_MAX;
use crate::buffers::Pool;

/// Why texts could not be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// They go on behind the end of the page.
    Short,
    /// A code has no entry.
    Code,
    /// They are not UTF-8.
    Utf8,
    /// A page of 2 GiB or more, of which views cannot tell the place.
    Large,
}

/// Views of texts and the buffers that they are in. Every view is that of bytes in its buffer, and where the texts are said to be UTF-8
/// of a `str`.
#[derive(Debug)]
pub(crate) struct PageTexts {
    is_utf8: bool,
    /// Those before `len` are texts.
    views: Vec<u128>,
    len: usize,
    buffers: Vec<Buffer>,
    pool: Arc<Pool>,
    /// The number among `buffers` of those of the dictionary, where they are there.
    dictionary: Option<u32>,
    /// The page that views were made of last, by the place of its bytes.
    page: Option<(*const u8, u32)>,
    /// Bytes that are not in a page.
    own: Vec<u8>,
}

// SAFETY: the pointer is compared and never followed.
unsafe impl Send for PageTexts {}

/// The entries of a dictionary page.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    views: Vec<u128>,
    /// Where the longer ones are, as the first buffer; none where all are short.
    buffer: Option<Buffer>,
}

impl Entries {
    pub(crate) fn memory_bytes(&self) -> usize {
        self.views.capacity() * size_of::<u128>() + self.buffer.as_ref().map_or(0, Buffer::capacity)
    }

    /// The `count` texts of a page, each behind its length.
    pub(crate) fn new(
        cpu: Cpu,
        page: &Buffer,
        count: usize,
        is_utf8: bool,
        pool: &Arc<Pool>,
    ) -> Result<Self, Refusal> {
        if count > page.len() / 4 {
            return Err(Refusal::Short);
        }
        let mut texts = PageTexts::new(is_utf8, pool);
        texts.reserve(count);
        texts.push_plain(cpu, page, 0, count)?;
        texts.views.truncate(count);
        let buffer = texts.buffers.into_iter().next();
        Ok(Self { views: texts.views, buffer })
    }

    pub(crate) fn len(&self) -> usize {
        self.views.len()
    }

    /// All of them, in order.
    pub(crate) fn array(&self, cpu: Cpu, is_utf8: bool, pool: &Arc<Pool>) -> Option<ArrayRef> {
        let codes: Vec<u32> = (0..u32::try_from(self.len()).ok()?).collect();
        let mut texts = PageTexts::new(is_utf8, pool);
        texts.push_codes(cpu, self, &codes).ok()?;
        texts.finish(None)
    }
}

/// A view of bytes that are not in itself.
const fn is_long(view: u128) -> bool {
    view as u32 as usize > INLINE_BYTES_MAX
}

impl PageTexts {
    pub(crate) fn new(is_utf8: bool, pool: &Arc<Pool>) -> Self {
        Self {
            is_utf8,
            views: Vec::new(),
            len: 0,
            buffers: Vec::new(),
            pool: Arc::clone(pool),
            dictionary: None,
            page: None,
            own: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where views come from.
    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Makes room for `rows` texts in all.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.pool.grow(&mut self.views, rows);
    }

    /// Makes room for `rows` more; they are zeros or left over.
    fn grow(&mut self, rows: usize) -> &mut [u128] {
        self.reserve(self.len + rows);
        &mut self.views[self.len..self.len + rows]
    }

    /// Appends `count` texts of `page` from byte `at` on, each behind its length in 4 bytes; the byte behind them.
    pub(crate) fn push_plain(
        &mut self,
        cpu: Cpu,
        page: &Buffer,
        at: usize,
        count: usize,
    ) -> Result<usize, Refusal> {
        let number = self.page_number(page)?;
        let (end, longest) = plain_views(cpu, page, at, number, self.grow(count)).ok_or(Refusal::Short)?;
        if self.is_utf8 {
            // Lengths below 128 are ASCII, so no character goes over them: all is UTF-8 where every text is.
            let is_utf8 = longest < 128 && simdutf8::basic::from_utf8(&page[at..end]).is_ok();
            if !is_utf8 && !self.is_each_utf8(page, count) {
                return Err(Refusal::Utf8);
            }
        }
        self.keep(page, number, longest);
        self.len += count;
        Ok(end)
    }

    /// Appends texts of `page` from byte `at` on, one after the other, of these lengths; the byte behind them.
    pub(crate) fn push_lengths(
        &mut self,
        cpu: Cpu,
        page: &Buffer,
        at: usize,
        lengths: &[u32],
    ) -> Result<usize, Refusal> {
        let number = self.page_number(page)?;
        let target = self.grow(lengths.len());
        let (end, longest) = length_views(cpu, page, at, lengths, number, target).ok_or(Refusal::Short)?;
        if self.is_utf8 && !is_utf8_at(&page[at..end], lengths) {
            return Err(Refusal::Utf8);
        }
        self.keep(page, number, longest);
        self.len += lengths.len();
        Ok(end)
    }

    /// Appends the entries of codes.
    pub(crate) fn push_codes(&mut self, cpu: Cpu, entries: &Entries, codes: &[u32]) -> Result<(), Refusal> {
        let shift = self.dictionary_shift(entries)?;
        let target = self.grow(codes.len());
        if !gather_u128(cpu, &entries.views, codes, target) {
            return Err(Refusal::Code);
        }
        if shift != 0 {
            target.iter_mut().filter(|view| is_long(**view)).for_each(|view| *view += shift);
        }
        self.len += codes.len();
        Ok(())
    }

    /// Appends the same entry so many times.
    pub(crate) fn push_same(&mut self, entries: &Entries, code: u32, count: usize) -> Result<(), Refusal> {
        let shift = self.dictionary_shift(entries)?;
        let view = *entries.views.get(code as usize).ok_or(Refusal::Code)?;
        let view = if is_long(view) { view + shift } else { view };
        self.grow(count).fill(view);
        self.len += count;
        Ok(())
    }

    /// What a view of the dictionary lacks to be one of this array.
    fn dictionary_shift(&mut self, entries: &Entries) -> Result<u128, Refusal> {
        let Some(buffer) = &entries.buffer else { return Ok(0) };
        let number = match self.dictionary {
            Some(number) => number,
            None => {
                let number = self.next_number()?;
                self.buffers.push(buffer.clone());
                *self.dictionary.insert(number)
            }
        };
        Ok(u128::from(number) << 64)
    }

    /// Appends a text that is copied.
    pub(crate) fn push_copy(&mut self, text: &[u8]) -> Result<(), Refusal> {
        if self.is_utf8 && simdutf8::basic::from_utf8(text).is_err() {
            return Err(Refusal::Utf8);
        }
        // Its own bytes come last among the buffers, by a number that is put in at the end.
        let offset = u32::try_from(self.own.len() + text.len()).map_err(|_| Refusal::Large)?;
        let offset = (offset as usize - text.len()) as u128;
        let view = view_of(text, 0, OWN_NUMBER, offset as usize).ok_or(Refusal::Large)?;
        if is_long(view) {
            self.own.extend_from_slice(text);
        }
        self.grow(1)[0] = view;
        self.len += 1;
        Ok(())
    }

    /// Spreads the last texts, `present` of them, over `rows` rows, those whose bit is set.
    pub(crate) fn expand(&mut self, cpu: Cpu, present: usize, rows: usize, valid: &[u64]) {
        let start = self.len.saturating_sub(present);
        self.reserve(start + rows);
        let views = &mut self.views[start..start + rows];
        // Nothing but texts may be moved.
        if self.len >= present && super::expand::present(rows, valid) == present {
            expand_u128(cpu, views, valid);
        } else {
            views.fill(0);
        }
        self.len = start + rows;
    }

    /// Forgets the texts from `rows` on.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.len = self.len.min(rows);
    }

    /// Bytes that are held, without those of pages and of the dictionary.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.views.capacity() * size_of::<u128>() + self.own.capacity()
    }

    /// Bytes that were copied for the array at hand.
    pub(crate) fn copied_bytes(&self) -> usize {
        self.own.len()
    }

    /// The texts so far as `Utf8View` or `BinaryView`; then there are none. `None` where the nulls are not as many.
    pub(crate) fn finish(&mut self, nulls: Option<NullBuffer>) -> Option<ArrayRef> {
        if nulls.as_ref().is_some_and(|nulls| nulls.len() != self.len) {
            return None;
        }
        let len = std::mem::take(&mut self.len);
        self.reserve(len);
        let mut buffers = std::mem::take(&mut self.buffers);
        if !self.own.is_empty() {
            let number = (buffers.len() as u128) << 64;
            let own = OWN_NUMBER as u128;
            for view in &mut self.views[..len] {
                if is_long(*view) && (*view >> 64) as u32 as u128 == own {
                    *view = *view & !(u128::from(u32::MAX) << 64) | number;
                }
            }
            buffers.push(Buffer::from_vec(std::mem::take(&mut self.own)));
        }
        (self.dictionary, self.page) = (None, None);
        let views = self.pool.lend(std::mem::take(&mut self.views), len);
        let views = ScalarBuffer::new(views, 0, len);
        // SAFETY: each of the first `len` views is of bytes that are in the buffer of its number, or in itself with zeros behind
        // them: those of pages were made by `plain_views` and `length_views`, which check the bytes; those of entries are such
        // views; those of rows without a value are the empty one. What is said to be UTF-8 was checked before `len` passed it.
        // The nulls are as many. The views are written again only where nobody else has them: the pool has them back by then.
        Some(unsafe {
            match self.is_utf8 {
                true => Arc::new(StringViewArray::new_unchecked(views, buffers, nulls)),
                false => Arc::new(BinaryViewArray::new_unchecked(views, buffers, nulls)),
            }
        })
    }

    /// The number of the page among the buffers, where it is or will be.
    fn page_number(&self, page: &Buffer) -> Result<u32, Refusal> {
        if i32::try_from(page.len()).is_err() {
            return Err(Refusal::Large);
        }
        match self.page {
            Some((place, number)) if place == page.as_ptr() => Ok(number),
            _ => self.next_number(),
        }
    }

    fn next_number(&self) -> Result<u32, Refusal> {
        u32::try_from(self.buffers.len()).ok().filter(|&number| number < OWN_NUMBER).ok_or(Refusal::Large)
    }

    /// Keeps the page where a text is too long for its view.
    fn keep(&mut self, page: &Buffer, number: u32, longest: usize) {
        if longest > INLINE_BYTES_MAX && self.buffers.len() == number as usize {
            self.buffers.push(page.clone());
            self.page = Some((page.as_ptr(), number));
        }
    }

    /// Whether each of `count` new texts of `page` is UTF-8.
    fn is_each_utf8(&self, page: &[u8], count: usize) -> bool {
        self.views[self.len..self.len + count].iter().all(|&view| {
            let len = view as u32 as usize;
            if is_long(view) {
                let offset = (view >> 96) as usize;
                page.get(offset..offset + len).is_some_and(|text| simdutf8::basic::from_utf8(text).is_ok())
            } else {
                let bytes = view.to_le_bytes();
                bytes.get(4..4 + len).is_some_and(|text| std::str::from_utf8(text).is_ok())
            }
        })
    }
}

/// The number of the buffer of copied texts while it is not among the others.
const OWN_NUMBER: u32 = u32::MAX;

/// Whether texts of these lengths that follow each other are UTF-8: all of them together, and none begins in a character.
fn is_utf8_at(bytes: &[u8], lengths: &[u32]) -> bool {
    let mut at = 0;
    simdutf8::basic::from_utf8(bytes).is_ok_and(|all| {
        all.is_ascii()
            || lengths.iter().all(|&length| {
                at += length as usize;
                all.is_char_boundary(at)
            })
    })
}

/// The view of `text`, which is `offset` bytes behind `base` in the buffer of that number.
#[inline(always)]
fn view_of(text: &[u8], base: usize, number: u32, offset: usize) -> Option<u128> {
    let len = text.len();
    if len <= INLINE_BYTES_MAX {
        let mut bytes = [0; 16];
        bytes[..len].copy_from_slice(text);
        return Some(u128::from_le_bytes(bytes) << 32 | len as u128);
    }
    let head = text.first_chunk().map_or(0, |head| u32::from_le_bytes(*head));
    let place = u32::try_from(base + offset).ok()?;
    Some(len as u128 | u128::from(head) << 32 | u128::from(number) << 64 | u128::from(place) << 96)
}

/// The view of the `len` bytes of `page` from `at` on, which are there.
#[inline(always)]
fn view_at(page: &[u8], at: usize, len: usize, number: u32) -> u128 {
    match page.get(at..).and_then(<[u8]>::first_chunk) {
        Some(bytes) => {
            let bytes = u128::from_le_bytes(*bytes);
            if len > INLINE_BYTES_MAX {
                let head = u128::from(bytes as u32);
                len as u128 | head << 32 | u128::from(number) << 64 | (at as u128) << 96
            } else {
                let mask = (1_u128 << (8 * len)) - 1;
                (bytes & mask) << 32 | len as u128
            }
        }
        // The last bytes of a page.
        None => page.get(at..at + len).and_then(|text| view_of(text, 0, number, at)).unwrap_or(0),
    }
}

#[inline(always)]
fn plain_views_body(page: &[u8], mut at: usize, number: u32, out: &mut [u128]) -> Option<(usize, usize)> {
    let mut longest = 0;
    for view in out {
        let len = u32::from_le_bytes(*page.get(at..)?.first_chunk()?) as usize;
        let start = at + 4;
        if len > page.len() - start {
            return None;
        }
        *view = view_at(page, start, len, number);
        longest = longest.max(len);
        at = start + len;
    }
    Some((at, longest))
}

#[inline(always)]
fn length_views_body(
    page: &[u8],
    mut at: usize,
    lengths: &[u32],
    number: u32,
    out: &mut [u128],
) -> Option<(usize, usize)> {
    let mut longest = 0;
    for (view, &len) in out.iter_mut().zip(lengths) {
        let len = len as usize;
        if len > page.len().checked_sub(at)? {
            return None;
        }
        *view = view_at(page, at, len, number);
        longest = longest.max(len);
        at += len;
    }
    Some((at, longest))
}

/// `texts` by `codes`, as `Dictionary(UInt32, ..)`; `None` where a row has a value and its code no text, or the nulls are not as
/// many.
pub(crate) fn coded(
    cpu: Cpu,
    codes: Vec<u32>,
    nulls: Option<NullBuffer>,
    texts: &ArrayRef,
) -> Option<ArrayRef> {
    let entries = u32::try_from(texts.len()).unwrap_or(u32::MAX);
    let is_there =
        |row: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) || codes[row] < entries;
    if !are_below(cpu, &codes, entries) && !(0..codes.len()).all(is_there) {
        return None;
    }
    let codes = UInt32Array::try_new(codes.into(), nulls).ok()?;
    // SAFETY: the code of each row that is not null is that of one of the texts: just seen.
    Some(Arc::new(unsafe { DictionaryArray::new_unchecked(codes, Arc::clone(texts)) }))
}

/// Whether all codes are less than `entries`.
pub(crate) fn are_below(cpu: Cpu, codes: &[u32], entries: u32) -> bool {
    are_below_at(cpu, codes, entries)
}

#[inline(always)]
fn are_below_body(codes: &[u32], entries: u32) -> bool {
    codes.iter().fold(true, |all, code| all & (*code < entries))
}

at_each_level! {
    /// As [`are_below`].
    fn are_below_at(codes: &[u32], entries: u32) -> bool = are_below_body;
}
at_each_level! {
    /// Views of texts behind their lengths; the byte behind them, and the length of the longest. `None` where they are not there.
    fn plain_views(page: &[u8], at: usize, number: u32, out: &mut [u128]) -> Option<(usize, usize)> = plain_views_body;
}
at_each_level! {
    /// As [`plain_views`], of texts whose lengths are elsewhere.
    fn length_views(page: &[u8], at: usize, lengths: &[u32], number: u32, out: &mut [u128]) -> Option<(usize, usize)> = length_views_body;
}
