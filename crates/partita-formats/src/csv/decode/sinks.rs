//! Typed loops, and the arrays that they fill.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, PrimitiveArray, new_null_array};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::super::reader::{ColumnSource, ColumnSpec, CsvBlock};
use super::super::schema_file::type_name;
use super::super::value::{BoolWords, Unit, Zone};
use super::bits::{Bits, Nulls};
use super::fields::Fields;
use super::lent::Lent;
use super::parsers::{DateParser, FloatParser, IntParser, Parser, StampParser, rows_of};
use super::rules::Slow;
use super::text::{PathSink, TextSink};
use super::{Chunk, Misfit, Rules, Scratch, Span, local};
use crate::error::{ErrorKind, Result};
use crate::simd::decode::{Kernels, ROWS, Word};

/// The column of one batch under construction.
pub(crate) trait Sink: Send {
    /// Appends one value a field; what does not fit is null and reported.
    fn push(&mut self, chunk: &Chunk<'_>, fields: &Fields<'_>, rules: &mut Rules, scratch: &mut Scratch);

    /// Appends `rows` values that no field says: null, or the path.
    fn repeat(&mut self, rows: usize);

    /// The array so far, and an empty column with room for `capacity` rows in its place.
    fn finish(&mut self, capacity: usize) -> Result<ArrayRef>;

    /// Forgets the rows so far.
    fn clear(&mut self);

    /// Bytes of text behind views.
    fn text_bytes(&self) -> usize {
        0
    }

    /// Bytes of memory held.
    fn memory_bytes(&self) -> usize;
}

/// The sink of a column.
pub(crate) fn sink(block: &CsvBlock, spec: &ColumnSpec, rules: &Rules, rows: usize) -> Result<Box<dyn Sink>> {
    match spec.source {
        ColumnSource::Path => return Ok(Box::new(PathSink::new(&block.file))),
        ColumnSource::Missing => {
            return Ok(Box::new(NullSink { data_type: spec.data_type.clone(), rows: 0 }));
        }
        ColumnSource::Field(_) => {}
    }
    let kernels = rules.kernels;
    if !rules.numbers().is_plain()
        && let Some(sink) = local::sink(spec, rules, rows)
    {
        return Ok(sink);
    }
    let sink: Box<dyn Sink> = match &spec.data_type {
        DataType::Boolean => Box::new(BoolSink::new(rules)),
        DataType::Int8 => primitive::<Int8Type, _>(IntParser::<Int8Type>::new(kernels), spec, rules, rows),
        DataType::Int16 => primitive::<Int16Type, _>(IntParser::<Int16Type>::new(kernels), spec, rules, rows),
        DataType::Int32 => primitive::<Int32Type, _>(IntParser::<Int32Type>::new(kernels), spec, rules, rows),
        DataType::Int64 => primitive::<Int64Type, _>(IntParser::<Int64Type>::new(kernels), spec, rules, rows),
        DataType::UInt8 => primitive::<UInt8Type, _>(IntParser::<UInt8Type>::new(kernels), spec, rules, rows),
        DataType::UInt16 => {
            primitive::<UInt16Type, _>(IntParser::<UInt16Type>::new(kernels), spec, rules, rows)
        }
        DataType::UInt32 => {
            primitive::<UInt32Type, _>(IntParser::<UInt32Type>::new(kernels), spec, rules, rows)
        }
        DataType::UInt64 => {
            primitive::<UInt64Type, _>(IntParser::<UInt64Type>::new(kernels), spec, rules, rows)
        }
        DataType::Float32 => {
            primitive::<Float32Type, _>(FloatParser::<Float32Type>::new(kernels, b'.'), spec, rules, rows)
        }
        DataType::Float64 => {
            primitive::<Float64Type, _>(FloatParser::<Float64Type>::new(kernels, b'.'), spec, rules, rows)
        }
        DataType::Date32 => {
            let parser = DateParser { kernels, pattern: rules.pattern().cloned() };
            primitive::<Date32Type, _>(parser, spec, rules, rows)
        }
        DataType::Timestamp(unit, zone) => timestamp(*unit, zone.as_deref(), spec, rules, rows)?,
        DataType::Utf8View => Box::new(TextSink::new(rules, rows)),
        other => return Err(unsupported(spec, other)),
    };
    Ok(sink)
}

fn unsupported(spec: &ColumnSpec, data_type: &DataType) -> crate::Error {
    let message = format!("column {:?}: {} cannot be read from CSV", spec.name, type_name(data_type));
    ErrorKind::Options(message).into()
}

fn timestamp(
    unit: TimeUnit,
    zone: Option<&str>,
    spec: &ColumnSpec,
    rules: &Rules,
    rows: usize,
) -> Result<Box<dyn Sink>> {
    let unknown = || unsupported(spec, &spec.data_type);
    let parser = StampParser {
        unit: Unit::new(unit),
        zone: zone.map(|zone| Zone::parse(zone).ok_or_else(unknown)).transpose()?,
        local_times: spec.local_times,
        kernels: rules.kernels,
        pattern: rules.pattern().cloned(),
    };
    Ok(match unit {
        TimeUnit::Second => primitive::<TimestampSecondType, _>(parser, spec, rules, rows),
        TimeUnit::Millisecond => primitive::<TimestampMillisecondType, _>(parser, spec, rules, rows),
        TimeUnit::Microsecond => primitive::<TimestampMicrosecondType, _>(parser, spec, rules, rows),
        TimeUnit::Nanosecond => primitive::<TimestampNanosecondType, _>(parser, spec, rules, rows),
    })
}

pub(super) fn primitive<T, P>(mut parser: P, spec: &ColumnSpec, rules: &Rules, rows: usize) -> Box<dyn Sink>
where
    T: ArrowPrimitiveType,
    P: Parser<Native = T::Native> + 'static,
{
    // Texts that are null and would be values too: only these are looked for behind the fast path.
    let suspects = rules.nulls.iter().filter_map(|null| parser.full(null)).collect();
    Box::new(PrimitiveSink::<T, P> {
        parser,
        suspects,
        data_type: spec.data_type.clone(),
        values: Vec::with_capacity(rows + ROWS),
        rows: 0,
        lent: Lent::default(),
        nulls: Nulls::default(),
    })
}

struct PrimitiveSink<T: ArrowPrimitiveType, P> {
    parser: P,
    suspects: Vec<T::Native>,
    data_type: DataType,
    /// The first `rows` are those of the column; what stands behind them is of no account.
    values: Vec<T::Native>,
    rows: usize,
    lent: Lent,
    nulls: Nulls,
}

/// A field of a chunk on the slow way: its row, and where it is.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    pub(crate) row: u32,
    pub(crate) span: Span,
}

impl Field {
    pub(crate) fn of(fields: &Fields<'_>, at: usize) -> Self {
        Self { row: fields.row(at) as u32, span: fields.span(at) }
    }
}

/// The value of a field in any shape; `None`: it is null, or does not fit and is reported.
#[inline(never)]
fn slow<T>(
    mut parse: impl FnMut(&[u8]) -> Option<T>,
    field: Field,
    chunk: &Chunk<'_>,
    rules: &mut Rules,
    misfits: &mut Vec<Misfit>,
) -> Option<T> {
    let Slow::Text(text) = rules.value(chunk.bytes, field.span) else { return None };
    let value = parse(text);
    if value.is_none() {
        misfits.push(rules.misfit(chunk, field.span, field.row, false));
    }
    value
}

impl<T: ArrowPrimitiveType, P: Parser<Native = T::Native>> Sink for PrimitiveSink<T, P> {
    fn push(&mut self, chunk: &Chunk<'_>, fields: &Fields<'_>, rules: &mut Rules, scratch: &mut Scratch) {
        let Self { parser, suspects, values, nulls, .. } = self;
        let Scratch { block, misfits } = scratch;
        let before = self.rows;
        let until = before + fields.rows.next_multiple_of(ROWS);
        // Memory that is used again need not be cleared.
        if values.len() < until {
            values.resize(until, T::Native::default());
        }
        for (first, found) in (0..fields.rows).step_by(ROWS).zip(values[before..].as_chunks_mut().0) {
            block.take(chunk.bytes, fields, first, rules.quote);
            let mut odd = parser.run(chunk.bytes, block, found);
            for suspect in suspects.iter() {
                let same = found.iter().enumerate().map(|(row, value)| u64::from(value == suspect) << row);
                odd |= same.fold(0, |mask, bit| mask | bit);
            }
            odd &= block.rows_mask();
            let mut missing = if odd == 0 { 0 } else { block.empty() & odd };
            // Whoever looks at all values, null or not, finds zeros where there is none.
            rows_of(missing).for_each(|row| found[row] = T::Native::default());
            for row in rows_of(odd & !missing) {
                if rules.says_null(chunk.bytes, block.place(row)) {
                    missing |= 1 << row;
                    found[row] = T::Native::default();
                    continue;
                }
                let field = Field::of(fields, first + row);
                let value = slow(|text| parser.full(text), field, chunk, rules, misfits);
                missing |= u64::from(value.is_none()) << row;
                found[row] = value.unwrap_or_default();
            }
            nulls.push(missing, block.rows());
        }
        self.rows += fields.rows;
    }

    fn repeat(&mut self, rows: usize) {
        self.nulls.repeat(rows);
        self.values.truncate(self.rows);
        self.rows += rows;
        self.values.resize(self.rows, T::Native::default());
    }

    fn finish(&mut self, capacity: usize) -> Result<ArrayRef> {
        self.values.truncate(std::mem::take(&mut self.rows));
        let values = self.lent.hand_out(&mut self.values, capacity + ROWS);
        let array = PrimitiveArray::<T>::try_new(values, self.nulls.take())?;
        Ok(Arc::new(array.with_data_type(self.data_type.clone())))
    }

    fn clear(&mut self) {
        self.rows = 0;
        self.nulls.clear();
    }

    fn memory_bytes(&self) -> usize {
        self.values.capacity() * size_of::<T::Native>() + self.lent.memory_bytes() + self.nulls.memory_bytes()
    }
}

struct BoolSink {
    kernels: Kernels,
    /// The words that kernels know, but for those that are null.
    words: Vec<Word>,
    all: BoolWords,
    values: Bits,
    nulls: Nulls,
}

impl BoolSink {
    fn new(rules: &Rules) -> Self {
        let known = |(text, yes): (&[u8], bool)| Word::new(text, yes).filter(|_| !rules.nulls.contains(text));
        Self {
            kernels: rules.kernels,
            words: rules.words().iter().filter_map(known).collect(),
            all: rules.words().clone(),
            values: Bits::default(),
            nulls: Nulls::default(),
        }
    }
}

impl Sink for BoolSink {
    fn push(&mut self, chunk: &Chunk<'_>, fields: &Fields<'_>, rules: &mut Rules, scratch: &mut Scratch) {
        let Scratch { block, misfits } = scratch;
        for first in (0..fields.rows).step_by(ROWS) {
            block.take(chunk.bytes, fields, first, rules.quote);
            block.load_ends(chunk.bytes);
            let (mut yes, odd) = self.kernels.words(&block.texts, &self.words);
            let odd = odd & block.rows_mask();
            let mut missing = if odd == 0 { 0 } else { block.empty() & odd };
            for row in rows_of(odd & !missing) {
                let field = Field::of(fields, first + row);
                let value = slow(|text| self.all.parse(text), field, chunk, rules, misfits);
                missing |= u64::from(value.is_none()) << row;
                yes |= u64::from(value == Some(true)) << row;
            }
            self.values.push(yes & block.rows_mask(), block.rows());
            self.nulls.push(missing, block.rows());
        }
    }

    fn repeat(&mut self, rows: usize) {
        self.nulls.repeat(rows);
        self.values.repeat(false, rows);
    }

    fn finish(&mut self, _: usize) -> Result<ArrayRef> {
        Ok(Arc::new(BooleanArray::new(self.values.take(), self.nulls.take())))
    }

    fn clear(&mut self) {
        self.values.clear();
        self.nulls.clear();
    }

    fn memory_bytes(&self) -> usize {
        self.values.memory_bytes() + self.nulls.memory_bytes()
    }
}

/// A column that the file does not have.
struct NullSink {
    data_type: DataType,
    rows: usize,
}

impl Sink for NullSink {
    fn push(&mut self, _: &Chunk<'_>, fields: &Fields<'_>, _: &mut Rules, _: &mut Scratch) {
        self.rows += fields.rows;
    }

    fn repeat(&mut self, rows: usize) {
        self.rows += rows;
    }

    fn finish(&mut self, _: usize) -> Result<ArrayRef> {
        Ok(new_null_array(&self.data_type, std::mem::take(&mut self.rows)))
    }

    fn clear(&mut self) {
        self.rows = 0;
    }

    fn memory_bytes(&self) -> usize {
        0
    }
}
