//! Xz (the .xz file format, version 1.2): any number of streams, with padding between them.
//!
//! How much memory a block takes stands in its head. The library stops there as long as it is not allowed so much.

use liblzma::stream::{Action, Error, Status, Stream, TELL_UNSUPPORTED_CHECK};

use super::{Codec, Progress, XZ_DICTIONARY_BYTES_MAX};

/// What the library takes beside a block's dictionary.
const FIXED_BYTES: usize = 1 << 20;

/// The most that is ever taken.
pub(super) const MEMORY_BYTES_MAX: usize = XZ_DICTIONARY_BYTES_MAX + FIXED_BYTES;

/// What it takes before the first block.
const BASE_BYTES: usize = 64 << 10;

/// Bytes of the longest head of a stream and its first block.
pub(super) const HEAD_BYTES_MAX: usize = 12 + 1024;

pub(super) struct Xz {
    /// `None`: between streams.
    decoder: Option<Stream>,
    /// The head of a block has been read, whose memory has not been taken yet.
    held: bool,
    /// Memory of the largest block so far whose head has been read.
    wanted_bytes: usize,
    /// Memory of the largest block that has been begun.
    taken_bytes: usize,
    /// Streams that have ended.
    streams: u64,
    /// Zeros behind the last of them.
    padding: u64,
    /// Whether all that the input so far gives has been delivered.
    flushed: bool,
}

/// A decoder that stops at the head of each block that takes more than nothing.
fn begin() -> Result<Stream, Error> {
    Stream::new_stream_decoder(1, TELL_UNSUPPORTED_CHECK)
}

/// The memory that a decoder asks for which has stopped for want of it; it is allowed to take it from now on. The library
/// says only whether a limit is high enough, so that it is found by bisection.
fn needed_bytes(decoder: &mut Stream) -> Result<u64, Error> {
    let (mut low, mut high) = (0, 1_u64 << 40);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match decoder.set_memlimit(middle) {
            Ok(()) => high = middle,
            Err(Error::MemLimit) => low = middle,
            Err(error) => return Err(error),
        }
    }
    decoder.set_memlimit(high)?;
    Ok(high)
}

/// Memory for the first block of a file that begins with `first`; that of a decoder at rest where the block's head is
/// not there.
pub(super) fn first_bytes(first: &[u8]) -> u64 {
    let Ok(mut decoder) = begin() else { return BASE_BYTES as u64 };
    match decoder.process(first, &mut [], Action::Run) {
        Err(Error::MemLimit) => needed_bytes(&mut decoder).unwrap_or(BASE_BYTES as u64),
        _ => BASE_BYTES as u64,
    }
}

fn wrong(error: Error) -> String {
    match error {
        Error::Options => "an xz block with filters or options that are not known".into(),
        Error::UnsupportedCheck => "an xz stream with a checksum of a kind that is not known".into(),
        Error::Mem => "xz data: there is no memory for a block".into(),
        _ => "expected xz data: a block or a checksum is wrong".into(),
    }
}

impl Xz {
    pub(super) fn new() -> Self {
        Self {
            decoder: None,
            held: false,
            wanted_bytes: BASE_BYTES,
            taken_bytes: BASE_BYTES,
            streams: 0,
            padding: 0,
            flushed: true,
        }
    }

    /// Takes the padding off `input`, and begins a stream where one begins; returns the bytes taken.
    fn between(&mut self, input: &[u8]) -> Result<usize, (String, usize)> {
        let zeros = if self.streams > 0 { input.iter().take_while(|byte| **byte == 0).count() } else { 0 };
        self.padding += zeros as u64;
        let Some(&first) = input.get(zeros) else { return Ok(zeros) };
        if first != 0xFD || !self.padding.is_multiple_of(4) {
            let message = format!(
                "expected the end or another xz stream behind {} and {} zeros, found byte {first:#04x}",
                self.streams, self.padding
            );
            return Err((message, zeros));
        }
        self.decoder = Some(begin().map_err(|error| (wrong(error), zeros))?);
        self.flushed = false;
        Ok(zeros)
    }

    fn hold(&mut self) -> Result<(), String> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        let bytes = usize::try_from(needed_bytes(decoder).map_err(wrong)?).unwrap_or(usize::MAX);
        if bytes > MEMORY_BYTES_MAX {
            return Err(format!(
                "an xz block with a dictionary of about {bytes} bytes; at most {XZ_DICTIONARY_BYTES_MAX} are read: \
                 decompress it first (xz -k -d FILE), or compress it with a smaller one (xz -9 has 67108864)"
            ));
        }
        self.wanted_bytes = self.wanted_bytes.max(bytes);
        self.held = true;
        Ok(())
    }
}

impl Codec for Xz {
    fn is_complete(&self) -> bool {
        self.streams > 0 && self.decoder.is_none() && self.padding.is_multiple_of(4)
    }

    fn is_holding(&self) -> bool {
        self.held
    }

    fn memory_bytes(&self) -> usize {
        if self.decoder.is_some() { self.taken_bytes } else { BASE_BYTES }
    }

    fn wanted_bytes(&self) -> usize {
        self.wanted_bytes
    }

    fn decode(&mut self, input: &[u8], out: &mut [u8]) -> Result<Progress, (String, usize)> {
        let taken = if self.decoder.is_none() { self.between(input)? } else { 0 };
        let input = &input[taken..];
        let idle = Progress { consumed: taken, produced: 0 };
        let Some(decoder) = &mut self.decoder else { return Ok(idle) };
        if !self.held && self.flushed && input.is_empty() {
            return Ok(idle);
        }
        if self.held {
            self.held = false;
            self.taken_bytes = self.wanted_bytes;
        }
        let (before_in, before_out) = (decoder.total_in(), decoder.total_out());
        let result = decoder.process(input, out, Action::Run);
        let consumed = taken + (decoder.total_in() - before_in) as usize;
        let produced = (decoder.total_out() - before_out) as usize;
        let ended = match result {
            Ok(status) => status == Status::StreamEnd,
            // Bytes before the block go first: the next call comes back here.
            Err(Error::MemLimit) if produced > 0 => false,
            Err(Error::MemLimit) => {
                self.hold().map_err(|message| (message, consumed))?;
                false
            }
            Err(error) => return Err((wrong(error), consumed)),
        };
        if ended {
            self.decoder = None;
            self.streams += 1;
            self.padding = 0;
        }
        self.flushed = ended || produced < out.len();
        Ok(Progress { consumed, produced })
    }
}
