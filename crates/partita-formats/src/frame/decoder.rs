//! A frame to batches.

use std::sync::Arc;

use arrow::array::{ArrayData, ArrayDataBuilder, ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow::buffer::{BooleanBuffer, Buffer, MutableBuffer, NullBuffer};
use arrow::datatypes::{DataType, SchemaRef};

use super::blocks::{BlockReader, ReadScratch};
use super::segments::{ALIGN_BYTES, allocation_bytes};
use super::walk::{child_types, fixed_width};
use super::{FrameError, FrameSummary};
use crate::io::ReadAt;

/// Reads frames. What it needs for that is allocated once: [`super::DECODER_BYTES`].
#[derive(Default)]
pub struct FrameDecoder {
    scratch: ReadScratch,
}

impl FrameDecoder {
    /// Reads the frame at `offset` of `input`: the batches that were written as `tag`, with `schema`. Allocates
    /// `summary.memory_bytes`, and the structs of the arrays.
    ///
    /// # Errors
    /// [`FrameError::Io`] where the input cannot be read; [`FrameError::Damaged`] where the bytes are not those that
    /// were written.
    pub fn decode(
        &mut self,
        input: &dyn ReadAt,
        offset: u64,
        tag: u64,
        summary: &FrameSummary,
        schema: &SchemaRef,
    ) -> Result<Vec<RecordBatch>, FrameError> {
        let mut blocks = BlockReader::new(&mut self.scratch, input, offset, summary.bytes, tag)?;
        let segments = read_segments(&mut blocks, summary.memory_bytes)?;
        let zero = MutableBuffer::from_len_zeroed(size_of::<i64>()).into();
        let mut reader = Reader { blocks, segments, next: 0, zero };
        let mut batches = Vec::with_capacity(summary.batches);
        let mut rows = 0_u64;
        for _ in 0..summary.batches {
            let batch = reader.batch(schema, summary.rows - rows)?;
            rows += batch.num_rows() as u64;
            batches.push(batch);
        }
        if rows != summary.rows {
            return Err(reader.blocks.damaged(format!("expected {} rows, found {rows}", summary.rows)));
        }
        reader.blocks.finish(summary.checksum)?;
        Ok(batches)
    }
}

/// A buffer, and where in it the bytes begin that were written.
struct Segment {
    buffer: Buffer,
    pad: usize,
}

fn read_segments(blocks: &mut BlockReader<'_>, memory_bytes: usize) -> Result<Vec<Segment>, FrameError> {
    let count = blocks.count()?;
    let mut left = memory_bytes;
    let mut sizes = Vec::new();
    for _ in 0..count {
        let packed = blocks.count()?;
        let (len, pad) = (packed / ALIGN_BYTES, packed % ALIGN_BYTES);
        // Each takes some of the memory that was foretold, so that there cannot be too many.
        left = match left.checked_sub(allocation_bytes(pad, len)) {
            Some(left) if len > 0 => left,
            _ => return Err(blocks.damaged(format!("expected {memory_bytes} bytes of memory, found more"))),
        };
        sizes.push((len, pad));
    }
    if left > 0 {
        return Err(blocks.damaged(format!("expected {memory_bytes} bytes of memory, found {left} less")));
    }
    sizes.into_iter().map(|(len, pad)| read_segment(blocks, len, pad)).collect()
}

fn read_segment(blocks: &mut BlockReader<'_>, len: usize, pad: usize) -> Result<Segment, FrameError> {
    let mut buffer = MutableBuffer::with_capacity(pad + len);
    buffer.extend_zeros(pad);
    while buffer.len() < pad + len {
        let bytes = blocks.take(pad + len - buffer.len())?;
        buffer.extend_from_slice(bytes);
    }
    Ok(Segment { buffer: buffer.into(), pad })
}

/// Reads the description; the buffers are there.
struct Reader<'a> {
    blocks: BlockReader<'a>,
    segments: Vec<Segment>,
    /// The next segment that no piece has named.
    next: usize,
    /// The offset of an array without rows.
    zero: Buffer,
}

impl Reader<'_> {
    fn batch(&mut self, schema: &SchemaRef, rows_max: u64) -> Result<RecordBatch, FrameError> {
        let rows = self.blocks.count()?;
        if rows as u64 > rows_max {
            return Err(self.blocks.damaged(format!("expected at most {rows_max} rows, found {rows}")));
        }
        let columns: Vec<ArrayRef> = schema
            .fields()
            .iter()
            .map(|field| self.array(field.data_type(), rows).map(make_array))
            .collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
            .map_err(|error| self.blocks.damaged(error.to_string()))
    }

    fn array(&mut self, data_type: &DataType, len: usize) -> Result<ArrayData, FrameError> {
        let builder = ArrayDataBuilder::new(data_type.clone()).len(len);
        if let DataType::Dictionary(keys, values) = data_type {
            return self.dictionary(builder, keys, values, len);
        }
        let builder = builder.nulls(self.nulls(len)?);
        let builder = match data_type {
            DataType::Null => builder,
            DataType::Boolean => {
                let (bits, offset) = self.bits()?;
                builder.add_buffer(bits).offset(offset)
            }
            DataType::Utf8 | DataType::Binary => {
                let offsets = self.offsets(len, size_of::<i32>())?;
                builder.add_buffer(offsets).add_buffer(self.piece()?)
            }
            DataType::LargeUtf8 | DataType::LargeBinary => {
                let offsets = self.offsets(len, size_of::<i64>())?;
                builder.add_buffer(offsets).add_buffer(self.piece()?)
            }
            DataType::Utf8View | DataType::BinaryView => self.views(builder, len)?,
            DataType::List(item) | DataType::Map(item, _) => {
                let offsets = self.offsets(len, size_of::<i32>())?;
                builder.add_buffer(offsets).add_child_data(self.child(item.data_type())?)
            }
            DataType::LargeList(item) => {
                let offsets = self.offsets(len, size_of::<i64>())?;
                builder.add_buffer(offsets).add_child_data(self.child(item.data_type())?)
            }
            DataType::FixedSizeList(item, _) => builder.add_child_data(self.child(item.data_type())?),
            DataType::Struct(fields) => {
                let children = fields.iter().map(|field| self.array(field.data_type(), len));
                builder.child_data(children.collect::<Result<_, _>>()?)
            }
            other => match fixed_width(other) {
                Some(width) => builder.add_buffer(self.values(len, width)?),
                None => self.parts(builder, other)?,
            },
        };
        self.build(builder)
    }

    /// Everything is validated again: offsets, text, keys of dictionaries.
    fn build(&self, builder: ArrayDataBuilder) -> Result<ArrayData, FrameError> {
        builder.build().map_err(|error| self.blocks.damaged(error.to_string()))
    }

    fn dictionary(
        &mut self,
        builder: ArrayDataBuilder,
        keys: &DataType,
        values: &DataType,
        len: usize,
    ) -> Result<ArrayData, FrameError> {
        let keys = self.array(keys, len)?;
        let values = self.child(values)?;
        let builder = builder.nulls(keys.nulls().cloned()).buffers(keys.buffers().to_vec());
        self.build(builder.add_child_data(values))
    }

    fn child(&mut self, data_type: &DataType) -> Result<ArrayData, FrameError> {
        let len = self.blocks.count()?;
        self.array(data_type, len)
    }

    fn views(&mut self, builder: ArrayDataBuilder, len: usize) -> Result<ArrayDataBuilder, FrameError> {
        let mut buffers = vec![Buffer::default()];
        for _ in 0..self.blocks.count()? {
            buffers.push(self.piece()?);
        }
        buffers[0] = self.values(len, size_of::<u128>())?;
        Ok(builder.buffers(buffers))
    }

    fn parts(
        &mut self,
        builder: ArrayDataBuilder,
        data_type: &DataType,
    ) -> Result<ArrayDataBuilder, FrameError> {
        let mut builder = builder.offset(self.blocks.count()?);
        for index in 0..self.blocks.count()? {
            let piece = self.piece()?;
            let width = match (data_type, index) {
                (DataType::Union(..), 0) => size_of::<i8>(),
                (DataType::LargeListView(_), _) => size_of::<i64>(),
                _ => size_of::<i32>(),
            };
            if piece.len() % width > 0 {
                return Err(self.blocks.damaged(format!("{} bytes of values of {width} each", piece.len())));
            }
            builder = builder.add_buffer(piece);
        }
        for child in child_types(data_type) {
            builder = builder.add_child_data(self.child(child)?);
        }
        Ok(builder)
    }

    /// A piece of `len` values of `width` bytes each.
    fn values(&mut self, len: usize, width: usize) -> Result<Buffer, FrameError> {
        let piece = self.piece()?;
        if len.checked_mul(width) != Some(piece.len()) {
            let what = format!("expected {len} values of {width} bytes each, found {} bytes", piece.len());
            return Err(self.blocks.damaged(what));
        }
        Ok(piece)
    }

    /// The offsets of no rows are not written.
    fn offsets(&mut self, len: usize, width: usize) -> Result<Buffer, FrameError> {
        let values = if len == 0 { 0 } else { len.saturating_add(1) };
        let offsets = self.values(values, width)?;
        Ok(if len == 0 { self.zero.slice_with_length(0, width) } else { offsets })
    }

    fn nulls(&mut self, len: usize) -> Result<Option<NullBuffer>, FrameError> {
        let (bits, offset) = self.bits()?;
        if bits.is_empty() {
            return Ok(None);
        }
        if bits.len().saturating_mul(8) < len.saturating_add(offset) {
            return Err(self
                .blocks
                .damaged(format!("expected nulls of {len} rows, found {} bytes", bits.len())));
        }
        Ok(Some(NullBuffer::new(BooleanBuffer::new(bits, offset, len))))
    }

    fn bits(&mut self) -> Result<(Buffer, usize), FrameError> {
        let bits = self.piece()?;
        let offset = if bits.is_empty() { 0 } else { self.blocks.count()? };
        if offset > 7 {
            return Err(self.blocks.damaged(format!("bits that begin at bit {offset}")));
        }
        Ok((bits, offset))
    }

    /// 0: no bytes. 1: all of the next segment. Others: a segment's number and 2, a place in it, and a length.
    fn piece(&mut self) -> Result<Buffer, FrameError> {
        let code = self.blocks.count()?;
        let (number, place) = match code {
            0 => return Ok(Buffer::default()),
            1 => (self.next, None),
            _ => (code - 2, Some((self.blocks.count()?, self.blocks.count()?))),
        };
        self.next = self.next.max(number.saturating_add(1));
        let missing = || self.blocks.damaged(format!("no such piece: segment {number}, {place:?}"));
        let segment = self.segments.get(number).ok_or_else(missing)?;
        let have = segment.buffer.len() - segment.pad;
        let (start, len) = place.unwrap_or((0, have));
        if start.checked_add(len).is_none_or(|end| end > have) {
            return Err(missing());
        }
        Ok(segment.buffer.slice_with_length(segment.pad + start, len))
    }
}
