//! Zstandard (RFC 8878): any number of frames, one behind the other.

use std::io;

use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_error_name};

use super::{Codec, Progress, ZSTD_WINDOW_BYTES_MAX};

pub(super) struct Zstd {
    decoder: DCtx<'static>,
    /// Whether a frame has ended and no other has begun.
    complete: bool,
    /// Whether all that the input so far gives has been delivered.
    flushed: bool,
}

impl Zstd {
    pub(super) fn new() -> io::Result<Self> {
        let failed = |code| io::Error::other(get_error_name(code));
        let mut decoder = DCtx::try_create().ok_or(io::ErrorKind::OutOfMemory)?;
        decoder.init().map_err(failed)?;
        decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_BYTES_MAX.ilog2())).map_err(failed)?;
        Ok(Self { decoder, complete: false, flushed: true })
    }
}

impl Codec for Zstd {
    fn memory_bytes(&self) -> usize {
        self.decoder.sizeof()
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn decode(&mut self, input: &[u8], out: &mut [u8]) -> Result<Progress, (String, usize)> {
        // The library counts calls that cannot get on, and takes several for an error.
        if self.flushed && input.is_empty() {
            return Ok(Progress { consumed: 0, produced: 0 });
        }
        let out_bytes = out.len();
        let mut source = InBuffer::around(input);
        let mut sink = OutBuffer::around(out);
        let result = self.decoder.decompress_stream(&mut sink, &mut source);
        let (consumed, produced) = (source.pos(), sink.pos());
        match result {
            Ok(wanted) => {
                self.complete = wanted == 0;
                self.flushed = self.complete || produced < out_bytes;
            }
            Err(code) => return Err((format!("expected zstd data: {}", get_error_name(code)), consumed)),
        }
        Ok(Progress { consumed, produced })
    }
}
