//! Zstandard (RFC 8878): any number of frames, one behind the other.
//!
//! The head of each frame is read here first: it says how much memory the library will take, before it takes it.

use std::io;

use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_error_name};

use super::{Codec, Progress, ZSTD_WINDOW_BYTES_MAX};

/// Bytes of the longest head of a frame: magic number, descriptor, window, dictionary, size.
pub(super) const HEAD_BYTES_MAX: usize = 18;

/// What the library takes beside the window: its tables, one compressed block, and room behind the window for two more.
const FIXED_BYTES: usize = 640 << 10;

/// The most that is ever taken.
pub(super) const MEMORY_BYTES_MAX: usize = ZSTD_WINDOW_BYTES_MAX + FIXED_BYTES;

/// Where in a frame the stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// In the head; all bytes of it so far are held back.
    Head,
    /// Behind the head, which the library has not seen yet.
    Held,
    /// In the data.
    Body,
}

pub(super) struct Zstd {
    decoder: DCtx<'static>,
    part: Part,
    head: [u8; HEAD_BYTES_MAX],
    held: usize,
    /// Memory of the largest frame so far.
    wanted_bytes: usize,
    /// Whether a frame has ended.
    ended: bool,
    /// Whether all that the input so far gives has been delivered.
    flushed: bool,
}

/// What the head of a frame says, as far as it is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// It is at least so long.
    Longer(usize),
    /// It is complete: memory for the frame, in bytes; 0 for one that is skipped.
    Complete(u64),
    /// It is none.
    Wrong,
}

/// Reads the head of a frame from its first bytes.
pub(super) fn read_head(head: &[u8]) -> Head {
    let Some((magic, rest)) = head.split_first_chunk::<4>() else { return Head::Longer(4) };
    match u32::from_le_bytes(*magic) {
        0xFD2F_B528 => {}
        0x184D_2A50..=0x184D_2A5F => {
            return if head.len() < 8 { Head::Longer(8) } else { Head::Complete(0) };
        }
        _ => return Head::Wrong,
    }
    let Some((&descriptor, rest)) = rest.split_first() else { return Head::Longer(5) };
    let is_single = descriptor & 0x20 != 0;
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let size = match descriptor >> 6 {
        0 => usize::from(is_single),
        power => 1 << power,
    };
    let length = usize::from(!is_single) + dictionary + size;
    let Some(fields) = rest.get(..length) else { return Head::Longer(5 + length) };
    let window = if is_single {
        let number = fields[dictionary..].iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
        // Two bytes hold the size less 256.
        if size == 2 { number + 256 } else { number }
    } else {
        let base = 1_u64 << (10 + (fields[0] >> 3));
        base + base / 8 * u64::from(fields[0] & 7)
    };
    Head::Complete(window.saturating_add(FIXED_BYTES as u64))
}

impl Zstd {
    pub(super) fn new() -> io::Result<Self> {
        let failed = |code| io::Error::other(get_error_name(code));
        let mut decoder = DCtx::try_create().ok_or(io::ErrorKind::OutOfMemory)?;
        decoder.init().map_err(failed)?;
        decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_BYTES_MAX.ilog2())).map_err(failed)?;
        Ok(Self {
            decoder,
            part: Part::Head,
            head: [0; HEAD_BYTES_MAX],
            held: 0,
            wanted_bytes: 0,
            ended: false,
            flushed: true,
        })
    }

    /// Takes bytes of the head from `input`, and no others; returns how many.
    fn take_head(&mut self, input: &[u8]) -> Result<usize, (String, usize)> {
        let mut taken = 0;
        loop {
            match read_head(&self.head[..self.held]) {
                Head::Longer(length) => {
                    let room = &mut self.head[self.held..length.min(HEAD_BYTES_MAX)];
                    let some = room.len().min(input.len() - taken);
                    room[..some].copy_from_slice(&input[taken..taken + some]);
                    self.held += some;
                    taken += some;
                    if self.held < length {
                        return Ok(taken);
                    }
                }
                Head::Complete(bytes) => {
                    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
                    if bytes > MEMORY_BYTES_MAX {
                        let message = format!(
                            "a zstd frame with a window of {} bytes; at most {ZSTD_WINDOW_BYTES_MAX} are read: decompress it \
                             first (zstd -d --long=31), or compress it without --long and --ultra",
                            bytes.saturating_sub(FIXED_BYTES)
                        );
                        return Err((message, taken));
                    }
                    self.wanted_bytes = self.wanted_bytes.max(bytes);
                    self.part = Part::Held;
                    return Ok(taken);
                }
                Head::Wrong => {
                    let message = "expected zstd data: here begins neither a frame nor the end of the file";
                    return Err((message.into(), taken.saturating_sub(self.held)));
                }
            }
        }
    }

    /// Gives `input` to the library.
    fn run(&mut self, input: &[u8], out: &mut [u8]) -> Result<Progress, (String, usize)> {
        let out_bytes = out.len();
        let mut source = InBuffer::around(input);
        let mut sink = OutBuffer::around(out);
        let result = self.decoder.decompress_stream(&mut sink, &mut source);
        let (consumed, produced) = (source.pos(), sink.pos());
        let wanted =
            result.map_err(|code| (format!("expected zstd data: {}", get_error_name(code)), consumed))?;
        if wanted == 0 {
            self.part = Part::Head;
            self.held = 0;
            self.ended = true;
        }
        self.flushed = wanted == 0 || produced < out_bytes;
        Ok(Progress { consumed, produced })
    }
}

impl Codec for Zstd {
    fn is_complete(&self) -> bool {
        self.ended && self.part == Part::Head && self.held == 0
    }

    fn is_holding(&self) -> bool {
        self.part == Part::Held
    }

    fn memory_bytes(&self) -> usize {
        self.decoder.sizeof()
    }

    fn wanted_bytes(&self) -> usize {
        self.wanted_bytes
    }

    fn decode(&mut self, input: &[u8], out: &mut [u8]) -> Result<Progress, (String, usize)> {
        if self.part == Part::Head {
            return Ok(Progress { consumed: self.take_head(input)?, produced: 0 });
        }
        if self.part == Part::Held {
            self.part = Part::Body;
            let head = self.head;
            let given = self.run(&head[..self.held], out).map_err(|(message, _)| (message, 0))?;
            if given.consumed < self.held && self.part == Part::Body {
                return Err(("expected zstd data: a head that is none".into(), 0));
            }
            return self.decode_body(input, out, given.produced);
        }
        self.decode_body(input, out, 0)
    }
}

impl Zstd {
    /// Goes on in the data, where `produced` bytes of `out` are there already.
    fn decode_body(
        &mut self,
        input: &[u8],
        out: &mut [u8],
        produced: usize,
    ) -> Result<Progress, (String, usize)> {
        // The library counts calls that cannot get on, and takes several for an error.
        if self.part != Part::Body || self.flushed && input.is_empty() || produced > 0 {
            return Ok(Progress { consumed: 0, produced });
        }
        self.run(input, out)
    }
}
