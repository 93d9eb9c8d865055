//! Zstandard (RFC 8878): any number of frames, one behind the other.

use std::io;

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::{Codec, Progress, ZSTD_WINDOW_BYTES_MAX};

pub(super) struct Zstd {
    decoder: Decoder<'static>,
    /// Whether a frame has ended and no other has begun.
    complete: bool,
    /// Whether all that the input so far gives has been delivered.
    flushed: bool,
}

impl Zstd {
    pub(super) fn new() -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_BYTES_MAX.ilog2()))?;
        Ok(Self { decoder, complete: false, flushed: true })
    }
}

impl Codec for Zstd {
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
        let result = self.decoder.run(&mut source, &mut sink);
        let (consumed, produced) = (source.pos(), sink.pos());
        match result {
            Ok(wanted) => {
                self.complete = wanted == 0;
                self.flushed = self.complete || produced < out_bytes;
            }
            Err(error) => return Err((format!("expected zstd data: {error}"), consumed)),
        }
        Ok(Progress { consumed, produced })
    }
}
