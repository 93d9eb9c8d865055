//! Zstandard (RFC 8878): any number of frames, one behind the other.

use std::io;

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::{Progress, ZSTD_WINDOW_BYTES_MAX};

pub(super) struct Zstd {
    decoder: Decoder<'static>,
    /// Whether a frame has ended and no other has begun.
    complete: bool,
}

impl Zstd {
    pub(super) fn new() -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_BYTES_MAX.ilog2()))?;
        Ok(Self { decoder, complete: false })
    }

    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    pub(super) fn decode(&mut self, input: &[u8], out: &mut [u8]) -> Result<Progress, (String, usize)> {
        // Between frames there is nothing to flush, and an empty call would begin a frame.
        if out.is_empty() || (self.complete && input.is_empty()) {
            return Ok(Progress { consumed: 0, produced: 0 });
        }
        let mut source = InBuffer::around(input);
        let mut sink = OutBuffer::around(out);
        let result = self.decoder.run(&mut source, &mut sink);
        let (consumed, produced) = (source.pos(), sink.pos());
        match result {
            Ok(wanted) => self.complete = wanted == 0,
            Err(error) => return Err((format!("expected zstd data: {error}"), consumed)),
        }
        Ok(Progress { consumed, produced })
    }
}
