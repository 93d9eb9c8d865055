//! Rows of many batches as one batch.

mod views;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, RecordBatch, RecordBatchOptions,
    make_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::compute::interleave;
use arrow::datatypes::{ArrowNativeType, BinaryViewType, DataType, SchemaRef, StringViewType};

use crate::compute::physical::{Physical, physical};
use crate::error::{ErrorKind, Result};

/// Where stretches of rows that follow each other have at least so many rows on average, they are copied whole.
const STRETCH_ROWS_MIN: usize = 4;

/// The rows at `places` (batch, row), in that order, as one batch. All batches are of `schema`. Texts stay in the
/// buffers of their batches where most of these are still needed, and are copied where not.
///
/// # Errors
/// [`ErrorKind::Shape`] where a place or a batch is not there, or a batch is of another schema.
pub fn gather(schema: &SchemaRef, batches: &[RecordBatch], places: &[(u32, u32)]) -> Result<RecordBatch> {
    check(schema, batches, places)?;
    if places.is_empty() {
        return Ok(RecordBatch::new_empty(Arc::clone(schema)));
    }
    let places = Places::new(places);
    let columns = (0..schema.fields().len())
        .map(|at| places.column(&batches.iter().map(|batch| batch.column(at)).collect::<Vec<_>>()))
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(places.rows.len()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

fn check(schema: &SchemaRef, batches: &[RecordBatch], places: &[(u32, u32)]) -> Result<()> {
    for batch in batches {
        let types = batch.columns().iter().map(|column| column.data_type());
        if !types.eq(schema.fields().iter().map(|field| field.data_type())) {
            let message = format!("expected a batch of {schema:?}, got {:?}", batch.schema());
            return Err(ErrorKind::Shape(message).into());
        }
    }
    let is_there = |&(batch, row): &(u32, u32)| {
        batches.get(batch as usize).is_some_and(|batch| (row as usize) < batch.num_rows())
    };
    match places.iter().find(|place| !is_there(place)) {
        Some((batch, row)) => Err(ErrorKind::Shape(format!("no row {row} in batch {batch}")).into()),
        None => Ok(()),
    }
}

/// Places that are there.
struct Places<'a> {
    rows: &'a [(u32, u32)],
    /// The same, where rows that follow each other are many.
    stretches: Option<Vec<Stretch>>,
}

struct Stretch {
    batch: usize,
    row: usize,
    rows: usize,
}

impl<'a> Places<'a> {
    fn new(rows: &'a [(u32, u32)]) -> Self {
        let follows = |a: &(u32, u32), b: &(u32, u32)| a.0 == b.0 && u64::from(a.1) + 1 == u64::from(b.1);
        let count = 1 + rows.windows(2).filter(|pair| !follows(&pair[0], &pair[1])).count();
        let stretches = (rows.len() / count >= STRETCH_ROWS_MIN).then(|| {
            let stretch = |rows: &[(u32, u32)]| Stretch {
                batch: rows[0].0 as usize,
                row: rows[0].1 as usize,
                rows: rows.len(),
            };
            rows.chunk_by(follows).map(stretch).collect()
        });
        Self { rows, stretches }
    }

    fn column(&self, sources: &[&ArrayRef]) -> Result<ArrayRef> {
        match sources[0].data_type() {
            DataType::Boolean => {
                let values: Vec<&BooleanBuffer> =
                    sources.iter().map(|source| source.as_boolean().values()).collect();
                let values = self.bits(|batch| Some(values[batch]));
                return Ok(Arc::new(BooleanArray::new(values, self.nulls(sources))));
            }
            DataType::Utf8View => return Ok(views::gather::<StringViewType>(self, sources)),
            DataType::BinaryView => return Ok(views::gather::<BinaryViewType>(self, sources)),
            _ => {}
        }
        let values = match physical(sources[0]) {
            Some(Physical::I8(_)) => {
                self.fixed(sources, |of| if let Physical::I8(of) = of { of } else { &[] })
            }
            Some(Physical::I16(_)) => {
                self.fixed(sources, |of| if let Physical::I16(of) = of { of } else { &[] })
            }
            Some(Physical::I32(_)) => {
                self.fixed(sources, |of| if let Physical::I32(of) = of { of } else { &[] })
            }
            Some(Physical::I64(_)) => {
                self.fixed(sources, |of| if let Physical::I64(of) = of { of } else { &[] })
            }
            Some(Physical::U8(_)) => {
                self.fixed(sources, |of| if let Physical::U8(of) = of { of } else { &[] })
            }
            Some(Physical::U16(_)) => {
                self.fixed(sources, |of| if let Physical::U16(of) = of { of } else { &[] })
            }
            Some(Physical::U32(_)) => {
                self.fixed(sources, |of| if let Physical::U32(of) = of { of } else { &[] })
            }
            Some(Physical::U64(_)) => {
                self.fixed(sources, |of| if let Physical::U64(of) = of { of } else { &[] })
            }
            Some(Physical::F32(_)) => {
                self.fixed(sources, |of| if let Physical::F32(of) = of { of } else { &[] })
            }
            Some(Physical::F64(_)) => {
                self.fixed(sources, |of| if let Physical::F64(of) = of { of } else { &[] })
            }
            Some(Physical::I128(_)) => {
                self.fixed(sources, |of| if let Physical::I128(of) = of { of } else { &[] })
            }
            None => return self.any(sources),
        };
        let data = ArrayData::builder(sources[0].data_type().clone()).len(self.rows.len());
        Ok(make_array(data.add_buffer(values).nulls(self.nulls(sources)).build()?))
    }

    fn any(&self, sources: &[&ArrayRef]) -> Result<ArrayRef> {
        let sources: Vec<&dyn Array> = sources.iter().map(|source| source.as_ref()).collect();
        let places: Vec<(usize, usize)> =
            self.rows.iter().map(|place| (place.0 as usize, place.1 as usize)).collect();
        Ok(interleave(&sources, &places)?)
    }

    fn fixed<'s, T: ArrowNativeType>(
        &self,
        sources: &[&'s ArrayRef],
        slice: impl Fn(Physical<'s>) -> &'s [T],
    ) -> Buffer {
        let slices: Vec<&[T]> =
            sources.iter().map(|source| physical(*source).map_or(&[][..], &slice)).collect();
        Buffer::from_vec(self.values(&slices))
    }

    fn values<T: Copy>(&self, sources: &[&[T]]) -> Vec<T> {
        match (&self.stretches, sources) {
            (Some(stretches), _) => {
                let mut values = Vec::with_capacity(self.rows.len());
                for Stretch { batch, row, rows } in stretches {
                    values.extend_from_slice(&sources[*batch][*row..row + rows]);
                }
                values
            }
            (None, [source]) => self.rows.iter().map(|place| source[place.1 as usize]).collect(),
            (None, _) => self.rows.iter().map(|place| sources[place.0 as usize][place.1 as usize]).collect(),
        }
    }

    /// The bits of all places; set where a batch has none.
    fn bits<'s>(&self, source: impl Fn(usize) -> Option<&'s BooleanBuffer>) -> BooleanBuffer {
        let Some(stretches) = &self.stretches else {
            return BooleanBuffer::collect_bool(self.rows.len(), |at| {
                let (batch, row) = self.rows[at];
                source(batch as usize).is_none_or(|bits| bits.value(row as usize))
            });
        };
        let mut all = BooleanBufferBuilder::new(self.rows.len());
        for Stretch { batch, row, rows } in stretches {
            match source(*batch) {
                Some(bits) => all.append_buffer(&bits.slice(*row, *rows)),
                None => all.append_n(*rows, true),
            }
        }
        all.finish()
    }

    fn nulls(&self, sources: &[&ArrayRef]) -> Option<NullBuffer> {
        let nulls: Vec<Option<&BooleanBuffer>> = sources
            .iter()
            .map(|source| source.nulls().filter(|nulls| nulls.null_count() > 0).map(NullBuffer::inner))
            .collect();
        let has_any = nulls.iter().any(Option::is_some);
        let nulls = has_any.then(|| NullBuffer::new(self.bits(|batch| nulls[batch])));
        nulls.filter(|nulls| nulls.null_count() > 0)
    }
}
