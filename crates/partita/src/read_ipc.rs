//! Reading Arrow IPC: files (Feather 2) and streams.

use std::sync::Arc;

use partita_formats::ipc::IpcFile;
use partita_plan::node::{IpcInput, KeepAlive, ReadIpc, Split, merged_schema};
use partita_tasks::program::FileInput;

use crate::error::{ErrorKind, Result};
use crate::files;
use crate::frame::DataFrame;
use crate::reader::{InputOptions, Reader};
use crate::session::Session;
use crate::size::ByteSize;

/// Bytes of a partition where nobody says otherwise.
const PARTITION_BYTES: u64 = 64 << 20;

/// Endings of the files that a folder stands for.
pub(crate) const ENDINGS: &[&str] = &[".arrow", ".feather", ".ipc", ".arrows"];

/// Arrow IPC files that are to be read, and how. Nothing is opened before [`Reader::load`].
///
/// Files (Feather 2) and streams are told by their first bytes; buffers may be compressed with LZ4 or Zstandard. Text is read as views, and
/// dictionaries as their values.
///
/// ```
/// use partita::prelude::*;
/// # fn main() -> partita::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let (path, out) = (folder.path().join("trips.csv"), folder.path().join("trips.arrow"));
/// # std::fs::write(&path, "zone,fare\nA,12.5\nB,0\n").unwrap();
/// partita::read_csv(&path).load()?.to_ipc(&out).write()?;
/// let trips = partita::read_ipc(&out).columns(["fare"]).load()?;
/// assert_eq!(trips.filter(col("fare").gt(lit(0.0))).len()?, 1);
/// # Ok(())
/// # }
/// ```
pub type IpcReader = Reader<IpcInputOptions>;

/// What is said of Arrow IPC files alone.
#[derive(Debug, Clone)]
pub struct IpcInputOptions {
    partition_size: ByteSize,
}

impl InputOptions for IpcInputOptions {
    const ENDINGS: &'static [&'static str] = ENDINGS;

    fn new() -> Self {
        Self { partition_size: ByteSize::from(PARTITION_BYTES) }
    }

    fn set_partition_size(&mut self, bytes: ByteSize) {
        self.partition_size = bytes;
    }

    fn load(reader: Reader<Self>) -> Result<DataFrame> {
        let split = Split::Bytes(reader.options.partition_size.bytes()?);
        let listing = files::list(&reader.search)?;
        let files = listing.planned(reader.filters.as_ref(), reader.include_path.as_deref())?;
        let session = &reader.search.session;
        let looked = session.engine().parallel(&files, |planned| look(session, &planned.input))?;
        let schemas = looked.iter().map(|file| (file.messages.name(), file.messages.schema()));
        let in_files = merged_schema(schemas)?;
        let schema = listing.schema(&in_files, reader.include_path.as_deref())?;
        let kept = files.iter().zip(looked).filter(|(planned, _)| !planned.excluded);
        let plan = ReadIpc::plan(kept.map(|(_, file)| file).collect(), schema, split);
        drop(files);
        reader.frame(plan)
    }
}

/// What a file has.
fn look(session: &Session, input: &Arc<FileInput>) -> Result<IpcInput> {
    let bytes = session.engine().storage().open(&input.path)?;
    if bytes.len() != input.bytes {
        let message = format!("{}: it had {} bytes and has {}", input.path, input.bytes, bytes.len());
        return Err(ErrorKind::Option(message).into());
    }
    let messages = Arc::new(IpcFile::open(&*bytes, &input.path)?);
    let reserved = session.engine().ledger().reserve_for_task(
        "read_ipc footers",
        messages.memory_bytes(),
        "name fewer files",
    );
    let reserved = reserved.map_err(|error| {
        crate::Error::from(partita_runtime::Error::from(partita_runtime::ErrorKind::from(error)))
    })?;
    Ok(IpcInput { input: Arc::clone(input), messages, memory: KeepAlive::new(Arc::new(reserved)) })
}
