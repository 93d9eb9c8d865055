//! Compressed files: a decompressor goes from task to task, ahead of the tasks that read what came out of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use partita_formats::ErrorKind as FormatsErrorKind;
use partita_formats::csv::reader::{Room, SpareText, StreamReader, StreamText};
use partita_formats::io::ReadAt;

use super::early;
use super::source::{DECOMPRESS_FIRST, first_guess};
use crate::error::{ErrorKind, Result};
use crate::host::{Host, Reservation};
use crate::program::{CsvFile, CsvScan, StreamId};

/// Who holds blocks that are decompressed ahead.
const AHEAD: &str = "read_csv: decompressed ahead";

/// Memory that must be to be had before a block is begun ahead, in bytes.
const PROBE_BYTES: usize = 1 << 20;

/// A block of a compressed file that waits for its task. It may be dropped at any time: then its task starts at the beginning of
/// the file.
pub struct HeldText {
    text: Mutex<Option<Arc<StreamText>>>,
    spare: Arc<SpareText>,
    bytes: usize,
}

impl HeldText {
    fn new(text: StreamText) -> Self {
        let (bytes, spare) = (text.bytes(), Arc::clone(text.spare()));
        Self { text: Mutex::new(Some(Arc::new(text))), spare, bytes }
    }

    /// Bytes of it.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Where the memory of texts of its file is kept when they were read.
    pub fn spare(&self) -> &Arc<SpareText> {
        &self.spare
    }

    /// Gives its memory back, once no task is reading it.
    pub fn drop_text(&self) {
        self.spare.close();
        let dropped = self.lock().take();
        drop(dropped);
    }

    pub(super) fn text(&self) -> Option<Arc<StreamText>> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<StreamText>>> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A decompressor on its way from block to block, and the promise that pays for all that it holds.
pub(super) struct PaidStream {
    pub(super) reader: StreamReader,
    pub(super) memory: Box<dyn Reservation>,
    /// Bytes that the decompressor may take.
    allowed_bytes: usize,
}

impl PaidStream {
    /// The decompressor of the block before, or, where it is not here (a retry, another process), a new one brought
    /// to the same place.
    pub(super) fn take(
        scan: &CsvScan,
        stream: Option<StreamId>,
        input: Arc<dyn ReadAt>,
        host: &dyn Host,
    ) -> Result<Self> {
        if let Some(state) = stream.and_then(|stream| host.take_stream(stream, scan.block))
            && let Ok(reader) = state.downcast::<PaidStream>()
        {
            return Ok(*reader);
        }
        let block = Arc::clone(&scan.file.block);
        let mut reader = StreamReader::new(block, input)?.cut_every(scan.file.block_bytes);
        if let Some(records) = scan.file.rows_max {
            reader = reader.end_after(records);
        }
        if let Some(filter) = early::of(scan, host)? {
            reader = reader.filtered(filter)?;
        }
        reader.allow(0);
        let memory = host.reserve("read_csv", first_guess(&scan.file.block), DECOMPRESS_FIRST)?;
        let mut stream = PaidStream { reader, memory, allowed_bytes: 0 };
        for block in 0..scan.block {
            let end = stream_end(&scan.file, block);
            stream.call(|reader| reader.skip(end))?;
            if host.is_cancelled() {
                return Err(ErrorKind::Cancelled.into());
            }
        }
        Ok(stream)
    }

    /// Calls the reader, and asks for more memory wherever it needs some to go on.
    pub(super) fn call<T>(
        &mut self,
        mut call: impl FnMut(&mut StreamReader) -> partita_formats::Result<T>,
    ) -> Result<T> {
        loop {
            let error = match call(&mut self.reader) {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let FormatsErrorKind::Window { bytes, .. } = error.kind() else { return Err(early::told(error)) };
            self.memory.resize(self.memory.bytes() + bytes.saturating_sub(self.allowed_bytes))?;
            self.allowed_bytes = *bytes;
            self.reader.allow(*bytes);
        }
    }

    /// Asks for more memory where the reader holds more than there is.
    pub(super) fn pay(&mut self) -> Result<()> {
        let bytes = self.reader.memory_bytes();
        if bytes > self.memory.bytes() { self.memory.resize(bytes) } else { Ok(()) }
    }

    /// Decompresses the block of `scan` as a whole, where there is memory for it.
    pub(super) fn read_ahead(&mut self, scan: &CsvScan, host: &dyn Host) -> Result<Option<HeldText>> {
        if host.reserve_ahead(AHEAD, PROBE_BYTES).is_none() {
            return Ok(None);
        }
        let before = self.reader.bytes_read();
        let mut room = |bytes| {
            let paid = if host.is_cancelled() { None } else { host.reserve_ahead(AHEAD, bytes) };
            paid.map(|paid| -> Room { Box::new(paid) })
        };
        let text = self.call(|reader| reader.read_ahead(scan.range.end, &mut room))?;
        if text.is_some() {
            self.pay()?;
            host.progress(self.reader.bytes_read().saturating_sub(before), 0);
        }
        Ok(text.map(HeldText::new))
    }
}

/// Compressed byte at which block `block` of a compressed file ends.
fn stream_end(file: &CsvFile, block: usize) -> u64 {
    (block as u64 + 1).saturating_mul(file.block_bytes).min(file.bytes)
}
