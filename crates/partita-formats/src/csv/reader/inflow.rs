//! What comes out of a decoder, with what was taken out ahead of it.

use std::any::Any;
use std::collections::VecDeque;

use super::super::stream::Decoder;
use super::scanner::Feed;
use crate::error::{Error, Result};

/// Holds the memory of a piece of text for as long as it lives.
pub type Room = Box<dyn Any + Send + Sync>;

/// A part of a decoded text.
pub(super) struct Piece {
    bytes: Vec<u8>,
    filled: usize,
    /// What pays for it; `None`: its reader does.
    room: Option<Room>,
}

impl Piece {
    /// A piece to be filled.
    pub(super) fn with_room(bytes: usize, room: Room) -> Self {
        Self { bytes: vec![0; bytes], filled: 0, room: Some(room) }
    }

    /// A piece that its reader pays for.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self { filled: bytes.len(), bytes, room: None }
    }

    /// The same memory, to be filled again.
    pub(super) fn emptied(self) -> Self {
        Self { filled: 0, ..self }
    }

    /// Bytes that it may have.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    pub(super) fn spare(&mut self) -> &mut [u8] {
        &mut self.bytes[self.filled..]
    }

    pub(super) fn fill(&mut self, count: usize) {
        self.filled = (self.filled + count).min(self.bytes.len());
    }

    /// Takes off what lies at `at` and behind.
    pub(super) fn cut(&mut self, at: usize) -> Vec<u8> {
        let rest = self.text().get(at..).unwrap_or_default().to_vec();
        self.filled = self.filled.min(at);
        rest
    }
}

/// The decoded bytes of a file in order, those before the data left out.
pub(super) struct Inflow {
    pub(super) decoder: Decoder,
    /// Compressed end of the file.
    len: u64,
    /// Decoded bytes before the data.
    skip: u64,
    /// Compressed byte up to which may be decoded now: an end of a partition.
    reach: u64,
    /// Compressed bytes from one end of a partition to the next.
    block_bytes: u64,
    /// Ends of partitions that were passed, and the decoded bytes before each.
    passed: VecDeque<(u64, u64)>,
    /// What was decoded and not consumed, from byte `at` of the first piece on.
    pub(super) ready: VecDeque<Piece>,
    at: usize,
    /// The error that comes behind it.
    pub(super) failed: Option<Error>,
}

impl Inflow {
    pub(super) fn new(decoder: Decoder, len: u64, skip: u64) -> Self {
        Self {
            decoder,
            len,
            skip,
            reach: 0,
            block_bytes: u64::MAX,
            passed: VecDeque::new(),
            ready: VecDeque::new(),
            at: 0,
            failed: None,
        }
    }

    /// All partitions end at multiples of `bytes`: then each has the records that begin in what its bytes give, whatever
    /// is read at once.
    pub(super) fn cut_every(&mut self, bytes: u64) {
        self.block_bytes = bytes.max(1);
    }

    /// Begins the partition that ends at `compressed_end`; returns the decoded bytes before that end where it was passed.
    pub(super) fn enter(&mut self, compressed_end: u64) -> Option<u64> {
        while let Some(&(end, place)) = self.passed.front() {
            if end == compressed_end {
                return Some(place);
            }
            if end > compressed_end {
                break;
            }
            self.passed.pop_front();
        }
        self.reach = compressed_end;
        None
    }

    /// Decodes into `out`; `past`: also from behind the end of the partition.
    pub(super) fn decode(&mut self, out: &mut [u8], past: bool) -> Result<usize> {
        while self.skip > 0 {
            let part = usize::try_from(self.skip).unwrap_or(usize::MAX).min(out.len());
            let got = self.decode_any(&mut out[..part], past)?;
            if got == 0 {
                return Ok(0);
            }
            self.skip -= got as u64;
        }
        self.decode_any(out, past)
    }

    fn decode_any(&mut self, out: &mut [u8], past: bool) -> Result<usize> {
        loop {
            let got = self.decoder.read(out, self.reach)?;
            if got > 0 || out.is_empty() || !past || self.reach >= self.len {
                return Ok(got);
            }
            self.passed.push_back((self.reach, self.decoder.delivered()));
            self.reach = self.reach.saturating_add(self.block_bytes);
        }
    }

    /// Bytes of memory held that nobody else pays for.
    pub(super) fn memory_bytes(&self) -> usize {
        let unpaid = self.ready.iter().filter(|piece| piece.room.is_none());
        let ready: usize = unpaid.map(|piece| piece.bytes.capacity()).sum();
        self.decoder.memory_bytes() + ready + self.passed.capacity() * size_of::<(u64, u64)>()
    }
}

impl Feed for Inflow {
    fn read(&mut self, out: &mut [u8], past: bool) -> Result<usize> {
        while let Some(piece) = self.ready.front() {
            let rest = &piece.text()[self.at..];
            if rest.is_empty() {
                self.ready.pop_front();
                self.at = 0;
                continue;
            }
            let count = rest.len().min(out.len());
            out[..count].copy_from_slice(&rest[..count]);
            self.at += count;
            return Ok(count);
        }
        match self.failed.take() {
            Some(error) => Err(error),
            None => self.decode(out, past),
        }
    }
}

impl Inflow {
    /// Has all that is ready paid for; `false`: it was refused.
    pub(super) fn pay(&mut self, room: &mut dyn FnMut(usize) -> Option<Room>) -> bool {
        self.ready.iter_mut().all(|piece| {
            if piece.room.is_none() {
                piece.room = room(piece.bytes.capacity());
            }
            piece.room.is_some()
        })
    }

    /// Makes what is ready begin with `bytes`, and drops what was consumed.
    pub(super) fn put_back(&mut self, bytes: Vec<u8>) {
        if self.at > 0
            && let Some(mut piece) = self.ready.pop_front()
        {
            let rest = piece.cut(self.at);
            self.at = 0;
            self.put_back(rest);
        }
        if !bytes.is_empty() {
            self.ready.push_front(Piece::of(bytes));
        }
    }
}
