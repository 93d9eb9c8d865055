//! Compressors, one of each kind for all columns of a row group.

use std::io::{self, Write};

use brotli::enc::BrotliEncoderParams;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use zstd::bulk::Compressor;
use zstd::zstd_safe::{CParameter, compress_bound};

use crate::error::Result;
use crate::parquet::memory::compressor_bytes;

/// How hard a page is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Effort {
    /// As the level says.
    #[default]
    Level,
    /// As the lowest level.
    Least,
}

/// The highest level of Zstandard at which pages that gain little by it are compressed with the lowest: who asks for
/// more wants the size.
const PROBED_LEVEL_MAX: i32 = 3;
/// The lowest level.
const LEAST_LEVEL: i32 = 1;
/// Bytes from the middle of a page that tell what a level gains: fewer do not show what comes again after some thousands of
/// rows.
const PROBE_BYTES: usize = 64 << 10;
/// A level has to save one part of so many.
const PROBE_GAIN: usize = 16;

/// Bytes of a Deflate compressor: its window, chains and symbols.
const GZIP_BYTES: usize = 384 << 10;

/// Bytes of a Brotli compressor for pages of the default size: at the levels up to 9, and at the two above.
const BROTLI_BYTES: [usize; 2] = [8 << 20, 48 << 20];
/// Its window, as a power of two: that of a page.
const BROTLI_WINDOW: i32 = 20;

/// The compressors and the buffer that they fill.
#[derive(Default)]
pub(super) struct Codecs {
    zstd: Option<(Compressor<'static>, i32)>,
    /// Bytes that the library says it holds.
    zstd_bytes: usize,
    snappy: Option<snap::raw::Encoder>,
    out: Vec<u8>,
}

impl Codecs {
    /// Compresses a page; what is returned is as it stands in the file.
    pub(super) fn compress<'a>(
        &'a mut self,
        compression: Compression,
        effort: Effort,
        page: &'a [u8],
    ) -> Result<&'a [u8]> {
        self.out.clear();
        match compression {
            Compression::UNCOMPRESSED => return Ok(page),
            Compression::ZSTD(level) => {
                let level = match effort {
                    Effort::Level => level.compression_level(),
                    Effort::Least => LEAST_LEVEL,
                };
                self.zstd(level, page)?;
            }
            Compression::SNAPPY => {
                self.out.resize(snap::raw::max_compress_len(page.len()), 0);
                let encoder = self.snappy.get_or_insert_with(snap::raw::Encoder::new);
                let bytes = encoder.compress(page, &mut self.out).map_err(external)?;
                self.out.truncate(bytes);
            }
            Compression::LZ4_RAW => {
                self.out.resize(lz4_flex::block::get_maximum_output_size(page.len()), 0);
                let bytes = lz4_flex::block::compress_into(page, &mut self.out).map_err(external)?;
                self.out.truncate(bytes);
            }
            Compression::GZIP(level) => {
                let level = flate2::Compression::new(level.compression_level());
                let mut encoder = flate2::write::GzEncoder::new(&mut self.out, level);
                encoder.write_all(page).and_then(|()| encoder.try_finish()).map_err(external)?;
            }
            Compression::BROTLI(level) => {
                let quality = level.compression_level() as i32;
                let params =
                    BrotliEncoderParams { quality, lgwin: BROTLI_WINDOW, ..BrotliEncoderParams::default() };
                brotli::BrotliCompress(&mut &page[..], &mut self.out, &params).map_err(external)?;
            }
            other => return Err(ParquetError::NYI(format!("compression {other}")).into()),
        }
        Ok(&self.out)
    }

    /// Compresses into the buffer.
    fn zstd(&mut self, level: i32, page: &[u8]) -> Result<()> {
        let failed = |error: io::Error| ParquetError::External(Box::new(error));
        let (compressor, current) = match &mut self.zstd {
            Some(open) => open,
            none => none.insert((Compressor::new(level).map_err(failed)?, level)),
        };
        if *current != level {
            compressor.set_parameter(CParameter::CompressionLevel(level)).map_err(failed)?;
            *current = level;
        }
        self.out.clear();
        self.out.reserve_exact(compress_bound(page.len()));
        compressor.compress_to_buffer(page, &mut self.out).map_err(failed)?;
        self.zstd_bytes = compressor.context_mut().sizeof();
        Ok(())
    }

    /// How hard pages like this one should be tried: at the levels below 4, a search for repetitions that finds next to
    /// none is most of the time. Packed codes and differences are mostly such pages.
    pub(super) fn probe(&mut self, compression: Compression, page: &[u8]) -> Result<Effort> {
        let Compression::ZSTD(level) = compression else {
            return Ok(Effort::Level);
        };
        let level = level.compression_level();
        if level > PROBED_LEVEL_MAX || level <= LEAST_LEVEL {
            return Ok(Effort::Level);
        }
        let start = (page.len() / 2).saturating_sub(PROBE_BYTES / 2);
        let sample = &page[start..page.len().min(start + PROBE_BYTES)];
        self.zstd(level, sample)?;
        let hard = self.out.len();
        self.zstd(LEAST_LEVEL, sample)?;
        let gain = self.out.len().saturating_sub(hard);
        Ok(if gain * PROBE_GAIN < self.out.len() { Effort::Least } else { Effort::Level })
    }

    fn context_bytes(&self) -> usize {
        let snappy = self.snappy.as_ref().map_or(0, |_| compressor_bytes(Compression::SNAPPY, 1));
        self.zstd_bytes + snappy
    }

    /// Bytes that are held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.out.capacity() + self.context_bytes()
    }

    /// Bytes that will be held for a page of `raw_bytes`, and are not yet.
    pub(super) fn missing_bytes(&self, compression: Compression, raw_bytes: usize) -> usize {
        let context = match compression {
            // One for each page.
            Compression::GZIP(_) if raw_bytes > 0 => GZIP_BYTES,
            Compression::BROTLI(level) if raw_bytes > 0 => {
                BROTLI_BYTES[usize::from(level.compression_level() > 9)]
            }
            other => compressor_bytes(other, raw_bytes).saturating_sub(self.context_bytes()),
        };
        raw_bytes.saturating_sub(self.out.capacity()) + context
    }
}

fn external(error: impl std::error::Error + Send + Sync + 'static) -> ParquetError {
    ParquetError::External(Box::new(error))
}
