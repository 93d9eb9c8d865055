//! Bzip2: any number of streams, one behind the other, each block and each stream with its checksum.

use bzip2::{Decompress, Error, Status};

use super::{Codec, Progress};

/// What the library takes: four bytes for each byte of a block, which has 900,000 at most, and its tables.
pub(super) const MEMORY_BYTES: usize = 4 * 900_000 + (128 << 10);

#[derive(Default)]
pub(super) struct Bz2 {
    /// `None`: between streams.
    decoder: Option<Decompress>,
    /// A stream begins here, which the library has not seen yet.
    held: bool,
    /// Streams that have ended.
    streams: u64,
    /// Whether all that the input so far gives has been delivered.
    flushed: bool,
}

impl Bz2 {
    fn wrong(&self, error: Error) -> String {
        match error {
            Error::DataMagic if self.streams > 0 => {
                format!("expected the end or another bzip2 stream behind {}", self.streams)
            }
            Error::DataMagic => "expected a bzip2 header".into(),
            _ => "expected bzip2 data: a block or its checksum is wrong".into(),
        }
    }
}

impl Codec for Bz2 {
    fn is_complete(&self) -> bool {
        self.streams > 0 && self.decoder.is_none() && !self.held
    }

    fn is_holding(&self) -> bool {
        self.held
    }

    fn memory_bytes(&self) -> usize {
        if self.decoder.is_some() { MEMORY_BYTES } else { 0 }
    }

    fn wanted_bytes(&self) -> usize {
        MEMORY_BYTES
    }

    fn decode(&mut self, input: &[u8], out: &mut [u8]) -> Result<Progress, (String, usize)> {
        if self.decoder.is_none() && !self.held {
            let Some(&first) = input.first() else { return Ok(Progress { consumed: 0, produced: 0 }) };
            if first != b'B' {
                return Err((self.wrong(Error::DataMagic), 0));
            }
            self.held = true;
            return Ok(Progress { consumed: 0, produced: 0 });
        }
        if self.flushed && input.is_empty() {
            return Ok(Progress { consumed: 0, produced: 0 });
        }
        self.held = false;
        let decoder = self.decoder.get_or_insert_with(|| Decompress::new(false));
        let (before_in, before_out) = (decoder.total_in(), decoder.total_out());
        let result = decoder.decompress(input, out);
        let consumed = (decoder.total_in() - before_in) as usize;
        let produced = (decoder.total_out() - before_out) as usize;
        let ended = match result {
            Ok(Status::MemNeeded) => {
                return Err(("bzip2 data: there is no memory for a block".into(), consumed));
            }
            Ok(status) => status == Status::StreamEnd,
            Err(error) => return Err((self.wrong(error), consumed.saturating_sub(1))),
        };
        if ended {
            self.decoder = None;
            self.streams += 1;
        }
        self.flushed = ended || produced < out.len();
        Ok(Progress { consumed, produced })
    }
}
