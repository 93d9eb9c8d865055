//! Record batches of a file, of the columns that are wanted.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use arrow_ipc::MetadataVersion;

use super::buffers::Buffers;
use super::caught;
use super::file::{Block, DictionaryBlock, IpcFile, limits};
use super::schema::Node;
use crate::error::{ErrorKind, Result};
use crate::io::ReadAt;
use crate::parquet::read::{malformed, read_exact};

/// Reads record batches, in any order; dictionaries are kept from one to the next.
pub struct IpcReader {
    pub(super) file: Arc<IpcFile>,
    input: Arc<dyn ReadAt>,
    /// Positions of the columns that are read, in the order in which they come out.
    columns: Vec<usize>,
    schema: SchemaRef,
    /// The dictionaries that these columns need.
    needed: Vec<i64>,
    pub(super) dictionaries: HashMap<i64, ArrayRef>,
    /// How many of the file's dictionary blocks have been seen.
    loaded: usize,
    dictionary_bytes: usize,
    /// Bytes of the last batch, and of what reading it took.
    batch_bytes: usize,
    memory_bytes_max: usize,
}

impl IpcReader {
    /// A reader of some columns of `input`, which takes at most so many bytes of memory.
    ///
    /// # Errors
    /// Where a column is none.
    pub fn new(
        file: &Arc<IpcFile>,
        input: Arc<dyn ReadAt>,
        columns: Vec<usize>,
        memory_bytes_max: usize,
    ) -> Result<Self> {
        let schema: SchemaRef = Arc::new(file.schema().project(&columns)?);
        let mut needed = Vec::new();
        for column in columns.iter().filter_map(|column| file.columns.get(*column)) {
            column.collect_dictionaries(&file.values, &mut needed);
        }
        Ok(Self {
            file: Arc::clone(file),
            input,
            columns,
            schema,
            needed,
            dictionaries: HashMap::new(),
            loaded: 0,
            dictionary_bytes: 0,
            batch_bytes: 0,
            memory_bytes_max,
        })
    }

    /// The schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Bytes of memory that it takes: dictionaries, and the batch that was read last.
    pub fn memory_bytes(&self) -> usize {
        self.dictionary_bytes + self.batch_bytes
    }

    /// Bytes of memory that it may take.
    pub fn memory_bytes_max(&self) -> usize {
        self.memory_bytes_max
    }

    /// Lets it take so many bytes of memory.
    pub fn set_memory_bytes_max(&mut self, bytes: usize) {
        self.memory_bytes_max = bytes;
    }

    /// Reads a record batch, whole: its buffers are those of the arrays.
    ///
    /// # Errors
    /// Where the store fails; [`ErrorKind::Malformed`] where the file is damaged; [`ErrorKind::Window`] where it takes more memory
    /// than is allowed: the call may be repeated once that is granted.
    pub fn read(&mut self, batch: usize) -> Result<RecordBatch> {
        self.batch_bytes = 0;
        self.load_dictionaries(batch)?;
        let file = Arc::clone(&self.file);
        let Some(block) = file.batches.get(batch) else {
            return Err(malformed(&file.name, format!("it has no record batch {batch}")));
        };
        let (rows, columns) = caught(&file.name, "a record batch", || self.read_batch(&file, *block))?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let read = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options);
        read.map_err(|error| malformed(&file.name, format!("record batch {batch}: {error}")))
    }

    fn read_batch(&mut self, file: &IpcFile, block: Block) -> Result<(usize, Vec<ArrayRef>)> {
        let metadata = self.metadata(block)?;
        let input = Arc::clone(&self.input);
        let (rows, mut buffers) = describe(&metadata, block, &*input, &file.name, None)?;
        let wanted = |column: &usize| self.columns.contains(column);
        let mut bytes = 0_u64;
        for (place, node) in file.columns.iter().enumerate() {
            bytes = bytes.saturating_add(self.measure(node, &mut buffers, wanted(&place))?);
        }
        self.take(bytes.saturating_add(buffers.scratch))?;
        buffers.begin();
        let mut read: HashMap<usize, ArrayRef> = HashMap::new();
        for (place, node) in file.columns.iter().enumerate() {
            if self.columns.contains(&place) {
                read.insert(place, self.array(node, &mut buffers)?);
            } else {
                skip(node, &mut buffers)?;
            }
        }
        let columns = self.columns.iter().filter_map(|column| read.get(column).map(Arc::clone));
        Ok((rows, columns.collect()))
    }

    /// The dictionaries as they are before a record batch.
    fn load_dictionaries(&mut self, batch: usize) -> Result<()> {
        let file = Arc::clone(&self.file);
        let is_behind = |block: &DictionaryBlock| block.before > batch;
        if self.loaded > 0 && file.dictionaries.get(self.loaded - 1).is_some_and(is_behind) {
            self.dictionaries.clear();
            (self.loaded, self.dictionary_bytes) = (0, 0);
        }
        while let Some(block) = file.dictionaries.get(self.loaded).filter(|block| !is_behind(block)) {
            if !self.needed.is_empty() {
                caught(&file.name, "a dictionary", || self.load_dictionary(&file, block.block))?;
            }
            self.loaded += 1;
        }
        Ok(())
    }

    fn load_dictionary(&mut self, file: &IpcFile, block: Block) -> Result<()> {
        let metadata = self.metadata(block)?;
        let mut id = None;
        let input = Arc::clone(&self.input);
        let (_, mut buffers) = describe(&metadata, block, &*input, &file.name, Some(&mut id))?;
        let Some((id, is_delta)) = id.filter(|(id, _)| self.needed.contains(id)) else { return Ok(()) };
        let Some((_, node)) = file.values.iter().find(|(known, _)| *known == id) else { return Ok(()) };
        self.batch_bytes = 0;
        let before = self.dictionaries.get(&id).filter(|_| is_delta).map(Arc::clone);
        let again = before.as_ref().map_or(0, |values| values.get_array_memory_size() as u64);
        let bytes = self.measure(node, &mut buffers, true)?;
        self.take(bytes.saturating_add(again).saturating_add(buffers.scratch))?;
        buffers.begin();
        let mut values = self.array(node, &mut buffers)?;
        if let Some(before) = before {
            values = arrow::compute::concat(&[&before, &values])?;
        }
        self.dictionary_bytes += std::mem::take(&mut self.batch_bytes);
        self.dictionaries.insert(id, values);
        Ok(())
    }

    /// What describes a message. It was checked that it lies in the file.
    fn metadata(&self, block: Block) -> Result<Vec<u8>> {
        let mut metadata = vec![0; block.metadata_bytes];
        read_exact(&*self.input, &self.file.name, block.offset, &mut metadata)?;
        Ok(metadata)
    }

    /// Asks for memory.
    pub(super) fn take(&mut self, bytes: u64) -> Result<()> {
        let wanted = usize::try_from(bytes).unwrap_or(usize::MAX).saturating_add(self.memory_bytes());
        if wanted > self.memory_bytes_max {
            return Err(ErrorKind::Window { file: self.file.name.clone(), bytes: wanted }.into());
        }
        self.batch_bytes += bytes as usize;
        Ok(())
    }
}

/// Passes over a field.
pub(super) fn skip(node: &Node, buffers: &mut Buffers<'_>) -> Result<()> {
    buffers.node()?;
    let parts = node.parts(buffers.is_old);
    let further = if parts.is_variadic { buffers.views()? } else { 0 };
    (0..usize::from(parts.validity) + parts.fixed + further).for_each(|_| buffers.skip());
    node.children.iter().try_for_each(|child| skip(child, buffers))
}

/// The rows of a message, and its buffers; of a dictionary, its number and whether it is added to what there is.
fn describe<'a>(
    metadata: &[u8],
    block: Block,
    input: &'a dyn ReadAt,
    file: &'a str,
    dictionary: Option<&mut Option<(i64, bool)>>,
) -> Result<(usize, Buffers<'a>)> {
    let wrong = |message: &str| malformed(file, format!("the message at byte {}: {message}", block.offset));
    // A length, and before it, since version 0.15 of Arrow, a mark.
    let prefix = if metadata.starts_with(&[0xFF; 4]) { 8 } else { 4 };
    let metadata = metadata.get(prefix..).unwrap_or_default();
    let message = arrow_ipc::root_as_message_with_opts(&limits(metadata.len()), metadata)
        .map_err(|_| wrong("it is damaged"))?;
    let batch = match dictionary {
        None => message.header_as_record_batch().ok_or_else(|| wrong("it is no record batch"))?,
        Some(found) => {
            let header = message.header_as_dictionary_batch().ok_or_else(|| wrong("it is no dictionary"))?;
            *found = Some((header.id(), header.isDelta()));
            header.data().ok_or_else(|| wrong("it is an empty dictionary"))?
        }
    };
    let rows = usize::try_from(batch.length()).ok().filter(|rows| *rows <= i32::MAX as usize);
    let rows = rows.ok_or_else(|| wrong(&format!("a record batch of {} rows", batch.length())))?;
    let buffers = Buffers {
        input,
        file,
        block,
        nodes: batch.nodes().into_iter().flatten().copied().collect(),
        buffers: batch.buffers().into_iter().flatten().copied().collect(),
        variadic: batch.variadicBufferCounts().into_iter().flatten().collect(),
        codec: batch.compression().map(|compression| compression.codec()),
        is_old: message.version() < MetadataVersion::V5,
        scratch: 0,
        next_node: 0,
        next_buffer: 0,
        next_variadic: 0,
    };
    Ok((rows, buffers))
}
