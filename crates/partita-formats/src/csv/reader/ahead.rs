//! The text of a partition taken out of a decoder at once, up to the first record of the next one, for somebody else to read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::blocks::Walk;
use super::inflow::{Inflow, Piece, Room};
use super::lines::LineCounter;
use super::scanner::Feed;
use super::stream_reader::StreamReader;
use crate::error::{ErrorKind, Result};

#[cfg(test)]
mod tests;

/// Bytes of the parts in which a text is taken out.
#[derive(Clone, Copy)]
struct Sizes {
    /// A piece of memory.
    piece: usize,
    /// Decoded at once: they are looked at while they are in cache.
    step: usize,
    /// Decoded at once behind the end of a partition: what is not of its last record goes to the next one.
    past: usize,
}

impl Sizes {
    /// With chunks of 256 KiB: 1 MiB, 128 KiB, and 32 KiB.
    fn of(chunk_bytes: usize) -> Self {
        let chunk = chunk_bytes.max(1);
        Self { piece: chunk.saturating_mul(4), step: chunk.div_ceil(2), past: chunk.div_ceil(8) }
    }
}

/// Memory of texts that were read, for the next ones of the same file: pages that are in use are faster than new ones.
pub struct SpareText(Mutex<Option<Vec<Piece>>>);

impl SpareText {
    /// Lets go of it, and keeps no more.
    pub fn close(&self) {
        let spare = self.lock().take();
        drop(spare);
    }

    fn take(&self, bytes: usize) -> Option<Piece> {
        let mut spare = self.lock();
        let pieces = spare.as_mut()?;
        pieces.pop_if(|piece| piece.capacity() == bytes).map(Piece::emptied)
    }

    /// A piece of `bytes`, which `room` pays for where it is new.
    fn piece(&self, bytes: usize, room: &mut dyn FnMut(usize) -> Option<Room>) -> Option<Piece> {
        self.take(bytes).or_else(|| Some(Piece::with_room(bytes, room(bytes)?)))
    }

    /// Keeps no more than all pieces of one text.
    fn keep(&self, pieces: Vec<Piece>) {
        if let Some(spare) = &mut *self.lock()
            && let Some(bytes) = pieces.iter().map(Piece::capacity).max()
        {
            let room = pieces.len().saturating_sub(spare.len());
            spare.extend(pieces.into_iter().filter(|piece| piece.capacity() == bytes).take(room));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Piece>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for SpareText {
    fn default() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }
}

/// The decoded records of one partition.
pub struct StreamText {
    pieces: Vec<Piece>,
    spare: Arc<SpareText>,
    place: u64,
    counter: Option<LineCounter>,
}

impl StreamText {
    /// Bytes of it.
    pub fn bytes(&self) -> usize {
        self.pieces.iter().map(|piece| piece.text().len()).sum()
    }

    /// Where its memory goes when it is dropped.
    pub fn spare(&self) -> &Arc<SpareText> {
        &self.spare
    }

    /// The counter of lines behind its last byte.
    fn last_counter(&self) -> Option<LineCounter> {
        let mut counter = self.counter?;
        self.pieces.iter().for_each(|piece| counter.feed(piece.text()));
        Some(counter)
    }

    /// Place of its first byte in the decoded file.
    pub(super) fn place(&self) -> u64 {
        self.place
    }

    /// A counter of lines that stands at its first byte, where lines are counted.
    pub(super) fn counter(&self) -> Option<LineCounter> {
        self.counter
    }
}

impl Drop for StreamText {
    fn drop(&mut self) {
        self.spare.keep(std::mem::take(&mut self.pieces));
    }
}

/// Reads a text from its beginning.
pub(super) struct TextFeed {
    text: Arc<StreamText>,
    piece: usize,
    at: usize,
}

impl TextFeed {
    pub(super) fn new(text: Arc<StreamText>) -> Self {
        Self { text, piece: 0, at: 0 }
    }
}

impl Feed for TextFeed {
    fn read(&mut self, out: &mut [u8], _past: bool) -> Result<usize> {
        while let Some(piece) = self.text.pieces.get(self.piece) {
            let rest = &piece.text()[self.at..];
            if rest.is_empty() {
                (self.piece, self.at) = (self.piece + 1, 0);
                continue;
            }
            let count = rest.len().min(out.len());
            out[..count].copy_from_slice(&rest[..count]);
            self.at += count;
            return Ok(count);
        }
        Ok(0)
    }
}

/// How far a partition has been taken out.
pub(super) struct Ahead {
    walk: Walk,
    /// Place where the partition begins.
    begin: u64,
    /// Place behind what is ready.
    end: u64,
    sizes: Sizes,
}

/// What there was to take.
enum Taken {
    Some,
    /// Nothing more.
    Nothing,
    /// No room for it.
    NoRoom,
}

impl StreamReader {
    /// Takes out all records of the partition that ends at `compressed_end`, and is then behind it. `room` pays for so many bytes
    /// of text. `None`: it refused, or the partition has something that must be told in its place (damage, a record
    /// that is too long); then [`StreamReader::next_batch`] reads it from its beginning.
    ///
    /// # Errors
    /// [`ErrorKind::Window`]: see [`StreamReader::allow`].
    pub fn read_ahead(
        &mut self,
        compressed_end: u64,
        room: &mut dyn FnMut(usize) -> Option<Room>,
    ) -> Result<Option<StreamText>> {
        let (place, counter) = (self.scanner.place(), self.scanner.counter());
        let spare = Arc::clone(&self.spare);
        let mut text = StreamText { pieces: Vec::new(), spare, place, counter };
        let Some(cut) = self.enter(compressed_end) else { return Ok(Some(text)) };
        let window = self.scanner.give_back();
        self.feed.put_back(window);
        if !self.feed.pay(room) {
            return Ok(None);
        }
        let mut ahead = self.ahead.take().unwrap_or_else(|| {
            let block = self.scanner.block();
            let (walk, sizes) = (Walk::new(&block.dialect, place), Sizes::of(block.limits.chunk_bytes));
            Ahead { walk, begin: place, end: place + length(&self.feed), sizes }
        });
        ahead.begin = place;
        let found = self.find_end(&mut ahead, cut, room);
        match found {
            Ok(Some(end)) => {
                let rest = self.take(&mut text, end - place);
                self.feed.put_back(rest);
                self.scanner.jump(end, text.last_counter());
                self.ahead = Some(ahead);
                self.leave(compressed_end, true);
                Ok(Some(text))
            }
            Ok(None) => Ok(None),
            Err(error) if matches!(error.kind(), ErrorKind::Window { .. }) => {
                self.ahead = Some(ahead);
                Err(error)
            }
            Err(error) => {
                self.feed.failed = Some(error);
                Ok(None)
            }
        }
    }

    /// Decodes until the first record of the next partition has come; returns the place where it begins.
    fn find_end(
        &mut self,
        ahead: &mut Ahead,
        cut: bool,
        room: &mut dyn FnMut(usize) -> Option<Room>,
    ) -> Result<Option<u64>> {
        let begin = ahead.begin;
        loop {
            if let Some(limit) = self.limit {
                if limit <= begin {
                    return Ok(Some(begin));
                }
                if let Some(start) = ahead.land(&self.feed, limit) {
                    return Ok(Some(start));
                }
                let record_bytes_max = self.scanner.block().limits.record_bytes_max as u64;
                if ahead.end - limit > record_bytes_max {
                    return Ok(None);
                }
            } else if cut {
                ahead.pass(&self.feed, ahead.end.saturating_sub(1));
            }
            let past = self.limit.is_some();
            match ahead.more(&mut self.feed, past, &mut |bytes| self.spare.piece(bytes, room))? {
                Taken::Some => {}
                Taken::NoRoom => return Ok(None),
                Taken::Nothing if past || !cut => return Ok(Some(ahead.end)),
                Taken::Nothing => {
                    self.limit = Some(ahead.end);
                    self.scanner.begin_partition(self.limit);
                }
            }
        }
    }

    /// Moves the first bytes of what is ready into `text`; returns the rest.
    fn take(&mut self, text: &mut StreamText, bytes: u64) -> Vec<u8> {
        let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
        let mut rest = Vec::new();
        while let Some(mut piece) = self.feed.ready.pop_front() {
            if piece.text().len() > left {
                let behind = piece.cut(left);
                rest.extend_from_slice(&behind);
            }
            left -= piece.text().len().min(left);
            if !piece.text().is_empty() {
                text.pieces.push(piece);
            }
        }
        rest
    }
}

impl Ahead {
    /// Passes over what is ready up to `to`.
    fn pass(&mut self, feed: &Inflow, to: u64) {
        let mut place = self.begin;
        for piece in &feed.ready {
            let (text, start) = (piece.text(), place);
            place += text.len() as u64;
            if place > self.walk.at() && self.walk.at() < to {
                let from = at(self.walk.at(), start, text.len());
                self.walk.pass(&text[from..at(to, start, text.len())]);
            }
        }
    }

    /// Looks for the first record that begins at or behind `limit` in what is ready.
    fn land(&mut self, feed: &Inflow, limit: u64) -> Option<u64> {
        self.pass(feed, limit - 1);
        let mut place = self.begin;
        for piece in &feed.ready {
            let (text, start) = (piece.text(), place);
            place += text.len() as u64;
            if place > self.walk.at() {
                let from = at(self.walk.at(), start, text.len());
                if let (_, Some(found)) = self.walk.land(&text[from..], limit) {
                    return Some(found);
                }
            }
        }
        None
    }

    /// Decodes some more.
    fn more(
        &mut self,
        feed: &mut Inflow,
        past: bool,
        piece: &mut dyn FnMut(usize) -> Option<Piece>,
    ) -> Result<Taken> {
        if feed.ready.back_mut().is_none_or(|piece| piece.spare().is_empty()) {
            // A small block takes no more than one small piece.
            let is_first = self.end - self.begin < self.sizes.piece as u64;
            let bytes = if is_first { self.sizes.step } else { self.sizes.piece };
            let Some(new) = piece(bytes) else { return Ok(Taken::NoRoom) };
            feed.ready.push_back(new);
        }
        let Some(mut piece) = feed.ready.pop_back() else { return Ok(Taken::NoRoom) };
        let most = if past { self.sizes.past } else { self.sizes.step }.min(piece.spare().len());
        let mut count = 0;
        let done = loop {
            match feed.decode(&mut piece.spare()[..most - count], past) {
                Ok(0) => break Ok(()),
                Ok(got) => {
                    piece.fill(got);
                    count += got;
                }
                Err(error) => break Err(error),
            }
        };
        feed.ready.push_back(piece);
        self.end += count as u64;
        done?;
        Ok(if count > 0 { Taken::Some } else { Taken::Nothing })
    }
}

/// Bytes that are ready.
fn length(feed: &Inflow) -> u64 {
    feed.ready.iter().map(|piece| piece.text().len() as u64).sum()
}

/// `place` in a piece of `bytes` that begins at `start`.
fn at(place: u64, start: u64, bytes: usize) -> usize {
    usize::try_from(place.saturating_sub(start)).unwrap_or(usize::MAX).min(bytes)
}
