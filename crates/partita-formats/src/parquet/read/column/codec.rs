//! Decompressors, one of each kind for all columns that share a [`super::Scratch`].

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

use brotli::enc::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};
use parquet::basic::Compression;
use zstd::bulk::Decompressor;

use super::damage::Damage;

/// Bytes of memory of a Zstandard decompressor.
const ZSTD_BYTES: usize = 160 << 10;

/// Decompressors that are kept.
#[derive(Default)]
pub(super) struct Codecs {
    zstd: Option<Decompressor<'static>>,
}

/// Whether pages compressed so can be read.
pub(super) fn is_covered(compression: Compression) -> bool {
    !matches!(compression, Compression::LZO)
}

impl Codecs {
    /// Decompresses `stored` into `page`, which is `raw_bytes` long then.
    ///
    /// No more memory is touched than the bytes make up for: where a codec's ratio has a bound, it is asked for first.
    pub(super) fn decompress(
        &mut self,
        compression: Compression,
        stored: &[u8],
        raw_bytes: usize,
        page: &mut Vec<u8>,
    ) -> Result<(), Damage> {
        if raw_bytes == 0 {
            page.clear();
            return Ok(());
        }
        let written = match compression {
            Compression::ZSTD(_) => self.zstd(stored, raw_bytes, page)?,
            Compression::SNAPPY => {
                let told = snap::raw::decompress_len(stored).map_err(wrong)?;
                expect_size(raw_bytes, told)?;
                expect_ratio(stored, raw_bytes, SNAPPY_RATIO_MAX)?;
                page.resize(raw_bytes, 0);
                snap::raw::Decoder::new().decompress(stored, page).map_err(wrong)?
            }
            Compression::LZ4_RAW => lz4(stored, raw_bytes, page)?,
            Compression::LZ4 => lz4_framed(stored, raw_bytes, page)?,
            Compression::GZIP(_) => {
                expect_ratio(stored, raw_bytes, DEFLATE_RATIO_MAX)?;
                page.clear();
                let decoder = flate2::read::MultiGzDecoder::new(stored);
                decoder.take(raw_bytes as u64 + 1).read_to_end(page).map_err(wrong)?
            }
            Compression::BROTLI(_) => brotli(stored, raw_bytes, page)?,
            other => return Err(Damage::new(format!("a codec that is read, got {other}"))),
        };
        expect_size(raw_bytes, written)
    }

    fn zstd(&mut self, stored: &[u8], raw_bytes: usize, page: &mut Vec<u8>) -> Result<usize, Damage> {
        if let Ok(Some(told)) = zstd::zstd_safe::get_frame_content_size(stored) {
            // Of the first frame; there may be others.
            if told > raw_bytes as u64 {
                return Err(size(raw_bytes, told));
            }
        }
        let decompressor = match &mut self.zstd {
            Some(open) => open,
            none => none.insert(Decompressor::new().map_err(wrong)?),
        };
        page.clear();
        page.reserve(raw_bytes);
        decompressor.decompress_to_buffer(stored, page).map_err(wrong)
    }

    /// Bytes that are held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.zstd.as_ref().map_or(0, |_| ZSTD_BYTES)
    }
}

/// The most that a byte can become: 64 bytes are copied by 3.
const SNAPPY_RATIO_MAX: usize = 22;
const LZ4_RATIO_MAX: usize = 256;
const DEFLATE_RATIO_MAX: usize = 1032;

fn lz4(stored: &[u8], raw_bytes: usize, page: &mut Vec<u8>) -> Result<usize, Damage> {
    expect_ratio(stored, raw_bytes, LZ4_RATIO_MAX)?;
    page.resize(raw_bytes, 0);
    lz4_flex::block::decompress_into(stored, page).map_err(wrong)
}

/// As Hadoop frames it: blocks, each behind its sizes before and after compression, big endian. What older writers left instead,
/// frames of LZ4 or a bare block, is read too.
fn lz4_framed(stored: &[u8], raw_bytes: usize, page: &mut Vec<u8>) -> Result<usize, Damage> {
    expect_ratio(stored, raw_bytes, LZ4_RATIO_MAX)?;
    page.resize(raw_bytes, 0);
    if hadoop(stored, page).is_some() {
        return Ok(raw_bytes);
    }
    let mut decoder = lz4_flex::frame::FrameDecoder::new(stored);
    if decoder.read_exact(page).is_ok() {
        return Ok(raw_bytes);
    }
    lz4(stored, raw_bytes, page)
}

fn hadoop(mut stored: &[u8], mut page: &mut [u8]) -> Option<()> {
    while !stored.is_empty() {
        let (raw, rest) = stored.split_first_chunk()?;
        let (bytes, rest) = rest.split_first_chunk()?;
        let raw = usize::try_from(u32::from_be_bytes(*raw)).ok()?;
        let block = rest.get(..usize::try_from(u32::from_be_bytes(*bytes)).ok()?)?;
        let (target, after) = page.split_at_mut_checked(raw)?;
        if lz4_flex::block::decompress_into(block, target).ok()? != raw {
            return None;
        }
        stored = &rest[block.len()..];
        page = after;
    }
    page.is_empty().then_some(())
}

/// Bytes that a Brotli decoder gives at first; more, as long as they come.
const BROTLI_BYTES: usize = 256 << 10;

/// Brotli has no bound on its ratio: the page grows with what comes. The window is at most 16 MiB, and as much of it is touched
/// as comes out.
fn brotli(stored: &[u8], raw_bytes: usize, page: &mut Vec<u8>) -> Result<usize, Damage> {
    let broke_off = |_| Damage::new("bytes that can be decompressed, and decompressing them broke off");
    page.clear();
    catch_unwind(AssertUnwindSafe(|| brotli_steps(stored, raw_bytes, page))).map_err(broke_off)?
}

fn brotli_steps(stored: &[u8], raw_bytes: usize, page: &mut Vec<u8>) -> Result<usize, Damage> {
    let alloc = StandardAlloc::default;
    let mut state = BrotliState::new_strict(alloc(), alloc(), alloc());
    let (mut left, mut taken, mut given, mut all) = (stored.len(), 0, 0, 0);
    loop {
        let room = page.len().saturating_mul(2).clamp(BROTLI_BYTES.min(raw_bytes), raw_bytes);
        page.resize(room, 0);
        let mut free = room - given;
        let step = BrotliDecompressStream(
            &mut left, &mut taken, stored, &mut free, &mut given, page, &mut all, &mut state,
        );
        match step {
            BrotliResult::ResultSuccess => return Ok(given),
            BrotliResult::NeedsMoreOutput if given < raw_bytes => {}
            BrotliResult::NeedsMoreOutput => return Err(size(raw_bytes, "more")),
            BrotliResult::NeedsMoreInput => {
                return Err(Damage::new("compressed bytes that end with their page"));
            }
            BrotliResult::ResultFailure => return Err(wrong("they are no Brotli")),
        }
    }
}

fn expect_ratio(stored: &[u8], raw_bytes: usize, most: usize) -> Result<(), Damage> {
    if raw_bytes / most > stored.len() {
        let stored = stored.len();
        return Err(Damage::new(format!("at most {most} bytes of each byte, got {raw_bytes} of {stored}")));
    }
    Ok(())
}

fn expect_size(raw_bytes: usize, got: usize) -> Result<(), Damage> {
    if got == raw_bytes { Ok(()) } else { Err(size(raw_bytes, got)) }
}

fn size(expected: usize, got: impl std::fmt::Display) -> Damage {
    Damage::new(format!("{expected} bytes after decompression, got {got}"))
}

fn wrong(error: impl std::fmt::Display) -> Damage {
    Damage::new(format!("bytes that can be decompressed: {error}"))
}
