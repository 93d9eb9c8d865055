//! Rows of many batches as one batch.

mod views;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, RecordBatch, RecordBatchOptions,
    make_array, new_empty_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::compute::interleave;
use arrow::datatypes::{ArrowNativeType, BinaryViewType, DataType, SchemaRef, StringViewType};

use crate::error::{ErrorKind, Result};

/// Where stretches of rows that follow each other have at least so many rows on average, they are copied whole.
const STRETCH_ROWS_MIN: usize = 4;

/// The rows at `places` (batch, row), in that order, as one batch. All batches are of `schema`. Texts stay in the
/// buffers of their batches where most of these are still needed, and are copied where not.
///
/// # Errors
/// [`ErrorKind::Shape`] where a place or a batch is not there, or a batch is of another schema.
pub fn gather(schema: &SchemaRef, batches: &[RecordBatch], places: &[(u32, u32)]) -> Result<RecordBatch> {
    let mut sources = Sources::new(schema);
    batches.iter().enumerate().try_for_each(|(slot, batch)| sources.set(slot, batch))?;
    sources.gather(places)
}

/// Batches that rows are gathered from more than once: what has to be looked at once is looked at once.
///
/// ```
/// use std::sync::Arc;
///
/// use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
/// use arrow::datatypes::Int64Type;
/// use partita_columns::sort::Sources;
///
/// # fn main() -> partita_columns::error::Result<()> {
/// let batch = |values: Vec<i64>| {
///     RecordBatch::try_from_iter([("a", Arc::new(Int64Array::from(values)) as ArrayRef)])
/// };
/// let (first, second) = (batch(vec![1, 4])?, batch(vec![2, 3])?);
/// let mut sources = Sources::new(&first.schema());
/// sources.set(0, &first)?;
/// sources.set(1, &second)?;
/// let rows = sources.gather(&[(0, 0), (1, 0), (1, 1), (0, 1)])?;
/// assert_eq!(rows.column(0).as_primitive::<Int64Type>().values(), &[1, 2, 3, 4]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Sources {
    schema: SchemaRef,
    /// Rows of each batch.
    rows: Vec<usize>,
    columns: Vec<Column>,
}

/// A column of all batches.
#[derive(Debug)]
struct Column {
    data_type: DataType,
    /// Bits are set where a value is there; `None` where all are.
    nulls: Vec<Option<BooleanBuffer>>,
    values: Values,
}

#[derive(Debug)]
enum Values {
    /// Values of 1, 2, 4, 8 or 16 bytes.
    Fixed(usize, Vec<Buffer>),
    Bits(Vec<BooleanBuffer>),
    Views(Vec<ArrayRef>),
    Any(Vec<ArrayRef>),
}

impl Values {
    fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Bits(Vec::new()),
            DataType::Utf8View | DataType::BinaryView => Self::Views(Vec::new()),
            // Their sixteen bytes are not aligned as those of a number.
            DataType::Interval(_) => Self::Any(Vec::new()),
            _ => match data_type.primitive_width() {
                Some(width @ (1 | 2 | 4 | 8 | 16)) => Self::Fixed(width, Vec::new()),
                _ => Self::Any(Vec::new()),
            },
        }
    }

    fn set(&mut self, slot: usize, array: &ArrayRef) {
        match self {
            Self::Fixed(width, all) => {
                let data = array.to_data();
                let bytes = data.buffers()[0].slice_with_length(data.offset() * *width, data.len() * *width);
                put(all, slot, bytes, || Buffer::from_vec(Vec::<u128>::new()));
            }
            Self::Bits(all) => {
                put(all, slot, array.as_boolean().values().clone(), || BooleanBuffer::new_unset(0));
            }
            Self::Views(all) | Self::Any(all) => {
                put(all, slot, Arc::clone(array), || new_empty_array(array.data_type()));
            }
        }
    }
}

/// Puts a value at a position; those before it are there already, or become empty.
fn put<T>(all: &mut Vec<T>, at: usize, value: T, mut empty: impl FnMut() -> T) {
    while all.len() <= at {
        all.push(empty());
    }
    all[at] = value;
}

impl Sources {
    /// No batches yet, of a schema.
    pub fn new(schema: &SchemaRef) -> Self {
        let column = |data_type: &DataType| Column {
            data_type: data_type.clone(),
            nulls: Vec::new(),
            values: Values::new(data_type),
        };
        let columns = schema.fields().iter().map(|field| column(field.data_type())).collect();
        Self { schema: Arc::clone(schema), rows: Vec::new(), columns }
    }

    /// Puts a batch at a position, in the place of the one that is there.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] where it is of another schema.
    pub fn set(&mut self, slot: usize, batch: &RecordBatch) -> Result<()> {
        let types = batch.columns().iter().map(|column| column.data_type());
        if !types.eq(self.columns.iter().map(|column| &column.data_type)) {
            let message = format!("expected a batch of {:?}, got {:?}", self.schema, batch.schema());
            return Err(ErrorKind::Shape(message).into());
        }
        for (column, array) in self.columns.iter_mut().zip(batch.columns()) {
            let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
            put(&mut column.nulls, slot, nulls.map(|nulls| nulls.inner().clone()), || None);
            column.values.set(slot, array);
        }
        put(&mut self.rows, slot, batch.num_rows(), || 0);
        Ok(())
    }

    /// The rows at `places` (position of the batch, row), in that order.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] where a place is not there.
    pub fn gather(&self, places: &[(u32, u32)]) -> Result<RecordBatch> {
        let is_there = |&(slot, row): &(u32, u32)| {
            self.rows.get(slot as usize).is_some_and(|rows| (row as usize) < *rows)
        };
        if let Some((slot, row)) = places.iter().find(|place| !is_there(place)) {
            return Err(ErrorKind::Shape(format!("no row {row} in batch {slot}")).into());
        }
        if places.is_empty() {
            return Ok(RecordBatch::new_empty(Arc::clone(&self.schema)));
        }
        let places = Places::new(places);
        let columns = self.columns.iter().map(|column| places.column(column)).collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(places.rows.len()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
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

    fn column(&self, of: &Column) -> Result<ArrayRef> {
        let values = match &of.values {
            Values::Bits(all) => {
                let values = self.bits(|batch| Some(&all[batch]));
                return Ok(Arc::new(BooleanArray::new(values, self.nulls(of))));
            }
            Values::Views(all) if of.data_type == DataType::Utf8View => {
                return Ok(views::gather::<StringViewType>(self, all, self.nulls(of)));
            }
            Values::Views(all) => return Ok(views::gather::<BinaryViewType>(self, all, self.nulls(of))),
            Values::Any(all) => return self.any(all),
            Values::Fixed(1, all) => self.fixed::<u8>(all),
            Values::Fixed(2, all) => self.fixed::<u16>(all),
            Values::Fixed(4, all) => self.fixed::<u32>(all),
            Values::Fixed(8, all) => self.fixed::<u64>(all),
            Values::Fixed(_, all) => self.fixed::<i128>(all),
        };
        let data = ArrayData::builder(of.data_type.clone()).len(self.rows.len());
        Ok(make_array(data.add_buffer(values).nulls(self.nulls(of)).build()?))
    }

    fn any(&self, sources: &[ArrayRef]) -> Result<ArrayRef> {
        let sources: Vec<&dyn Array> = sources.iter().map(|source| source.as_ref()).collect();
        let places: Vec<(usize, usize)> =
            self.rows.iter().map(|place| (place.0 as usize, place.1 as usize)).collect();
        Ok(interleave(&sources, &places)?)
    }

    fn fixed<T: ArrowNativeType>(&self, sources: &[Buffer]) -> Buffer {
        let slices: Vec<&[T]> = sources.iter().map(Buffer::typed_data::<T>).collect();
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
            (None, [source]) => {
                // SAFETY: `Sources::gather` has looked at all places: their rows are in the one batch there is.
                let value = |place: &(u32, u32)| unsafe { *source.get_unchecked(place.1 as usize) };
                self.rows.iter().map(value).collect()
            }
            (None, _) => {
                // SAFETY: `Sources::gather` has looked at all places: each is a row of a batch that is there, and
                // `sources` has the values of all rows of all batches.
                let value = |place: &(u32, u32)| unsafe {
                    *sources.get_unchecked(place.0 as usize).get_unchecked(place.1 as usize)
                };
                self.rows.iter().map(value).collect()
            }
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

    fn nulls(&self, of: &Column) -> Option<NullBuffer> {
        let has_any = of.nulls.iter().any(Option::is_some);
        let nulls = has_any.then(|| NullBuffer::new(self.bits(|batch| of.nulls[batch].as_ref())));
        nulls.filter(|nulls| nulls.null_count() > 0)
    }
}
