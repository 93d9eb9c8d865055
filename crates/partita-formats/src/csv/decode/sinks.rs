//! Typed loops, and the arrays that they fill.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, PrimitiveArray, new_null_array};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::super::reader::{ColumnSource, ColumnSpec, CsvBlock};
use super::super::schema_file::type_name;
use super::super::value::{BoolWords, Unit, Zone};
use super::fast::LastDate;
use super::parsers::{DateParser, FloatParser, IntParser, Parser, StampParser};
use super::rules::Slow;
use super::text::{PathSink, TextSink};
use super::{Chunk, Misfit, Rules, Span, local};
use crate::error::{ErrorKind, Result};

/// The column of one batch under construction.
pub(crate) trait Sink: Send {
    /// Appends one value a span; what does not fit is null and reported.
    fn push(&mut self, chunk: &Chunk<'_>, spans: &[Span], rules: &mut Rules, misfits: &mut Vec<Misfit>);

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
    if !rules.numbers().is_plain()
        && let Some(sink) = local::sink(spec, rules, rows)
    {
        return Ok(sink);
    }
    let sink: Box<dyn Sink> = match &spec.data_type {
        DataType::Boolean => Box::new(BoolSink::new(rules.words().clone(), rows)),
        DataType::Int8 => primitive::<Int8Type, _>(IntParser(PhantomData::<Int8Type>), spec, rules, rows),
        DataType::Int16 => primitive::<Int16Type, _>(IntParser(PhantomData::<Int16Type>), spec, rules, rows),
        DataType::Int32 => primitive::<Int32Type, _>(IntParser(PhantomData::<Int32Type>), spec, rules, rows),
        DataType::Int64 => primitive::<Int64Type, _>(IntParser(PhantomData::<Int64Type>), spec, rules, rows),
        DataType::UInt8 => primitive::<UInt8Type, _>(IntParser(PhantomData::<UInt8Type>), spec, rules, rows),
        DataType::UInt16 => {
            primitive::<UInt16Type, _>(IntParser(PhantomData::<UInt16Type>), spec, rules, rows)
        }
        DataType::UInt32 => {
            primitive::<UInt32Type, _>(IntParser(PhantomData::<UInt32Type>), spec, rules, rows)
        }
        DataType::UInt64 => {
            primitive::<UInt64Type, _>(IntParser(PhantomData::<UInt64Type>), spec, rules, rows)
        }
        DataType::Float32 => {
            primitive::<Float32Type, _>(FloatParser(PhantomData::<Float32Type>), spec, rules, rows)
        }
        DataType::Float64 => {
            primitive::<Float64Type, _>(FloatParser(PhantomData::<Float64Type>), spec, rules, rows)
        }
        DataType::Date32 => {
            let parser = DateParser { pattern: rules.pattern().cloned(), last: LastDate::default() };
            primitive::<Date32Type, _>(parser, spec, rules, rows)
        }
        DataType::Timestamp(unit, zone) => timestamp(*unit, zone.as_deref(), spec, rules, rows)?,
        DataType::Utf8View => Box::new(TextSink::new(rows)),
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
        pattern: rules.pattern().cloned(),
        last: LastDate::default(),
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
        values: Vec::with_capacity(rows),
        nulls: Vec::new(),
        others: Vec::new(),
    })
}

/// The rows that are null. Most columns have few, so they are listed and not marked.
pub(crate) fn null_buffer(nulls: &[u32], rows: usize) -> Option<NullBuffer> {
    if nulls.is_empty() {
        return None;
    }
    let mut bits = vec![0xFF_u8; rows.div_ceil(8)];
    for &row in nulls {
        bits[row as usize / 8] &= !(1 << (row % 8));
    }
    Some(NullBuffer::new(BooleanBuffer::new(bits.into(), 0, rows)))
}

/// Where a loop over one chunk reports rows without a value.
pub(crate) struct Reports<'a> {
    /// Rows of the batch before the chunk.
    pub(crate) before: u32,
    pub(crate) nulls: &'a mut Vec<u32>,
    pub(crate) misfits: &'a mut Vec<Misfit>,
}

impl Reports<'_> {
    /// A row of the chunk is null.
    #[inline]
    pub(crate) fn null(&mut self, row: u32) {
        self.nulls.push(self.before + row);
    }

    /// A row of the chunk does not fit, and is null.
    pub(crate) fn misfit(&mut self, misfit: Misfit) {
        self.null(misfit.row);
        self.misfits.push(misfit);
    }
}

struct PrimitiveSink<T: ArrowPrimitiveType, P> {
    parser: P,
    suspects: Vec<T::Native>,
    data_type: DataType,
    values: Vec<T::Native>,
    nulls: Vec<u32>,
    /// Rows of the chunk that are not of the fast shape.
    others: Vec<u32>,
}

/// The value of a field in any shape; `row` counts from the first span of the chunk.
#[inline(never)]
fn slow<P: Parser>(
    parser: &mut P,
    reports: &mut Reports<'_>,
    row: u32,
    span: Span,
    chunk: &Chunk<'_>,
    rules: &mut Rules,
) -> P::Native {
    let Slow::Text(text) = rules.value(chunk.bytes, span) else {
        reports.null(row);
        return P::Native::default();
    };
    parser.full(text).unwrap_or_else(|| {
        reports.misfit(rules.misfit(chunk, span, row, false));
        P::Native::default()
    })
}

impl<T: ArrowPrimitiveType, P: Parser<Native = T::Native>> Sink for PrimitiveSink<T, P> {
    fn push(&mut self, chunk: &Chunk<'_>, spans: &[Span], rules: &mut Rules, misfits: &mut Vec<Misfit>) {
        let Self { parser, suspects, values, nulls, others, .. } = self;
        let before = values.len();
        let mut reports = Reports { before: before as u32, nulls, misfits };
        parser.run(chunk.bytes, spans, values, others);
        if !suspects.is_empty() {
            others.clear();
            let rows = values[before..].iter().zip(spans).zip(0_u32..);
            others.extend(
                rows.filter(|((value, span), _)| {
                    suspects.contains(value) || parser.fast(chunk.bytes, span.start, span.len()).is_none()
                })
                .map(|(_, row)| row),
            );
        }
        for row in others.drain(..) {
            let span = spans[row as usize];
            values[before + row as usize] = slow(parser, &mut reports, row, span, chunk, rules);
        }
    }

    fn repeat(&mut self, rows: usize) {
        let before = self.values.len();
        self.nulls.extend((before..before + rows).map(|row| row as u32));
        self.values.resize(before + rows, T::Native::default());
    }

    fn finish(&mut self, capacity: usize) -> Result<ArrayRef> {
        let values = std::mem::replace(&mut self.values, Vec::with_capacity(capacity));
        let nulls = null_buffer(&self.nulls, values.len());
        self.nulls.clear();
        let array = PrimitiveArray::<T>::try_new(ScalarBuffer::from(values), nulls)?;
        Ok(Arc::new(array.with_data_type(self.data_type.clone())))
    }

    fn clear(&mut self) {
        self.values.clear();
        self.nulls.clear();
    }

    fn memory_bytes(&self) -> usize {
        let rows = self.nulls.capacity() + self.others.capacity();
        self.values.capacity() * size_of::<T::Native>() + rows * size_of::<u32>()
    }
}

struct BoolSink {
    words: BoolWords,
    values: Vec<bool>,
    nulls: Vec<u32>,
}

impl BoolSink {
    fn new(words: BoolWords, rows: usize) -> Self {
        Self { words, values: Vec::with_capacity(rows), nulls: Vec::new() }
    }
}

impl Sink for BoolSink {
    fn push(&mut self, chunk: &Chunk<'_>, spans: &[Span], rules: &mut Rules, misfits: &mut Vec<Misfit>) {
        let Self { words, values, nulls } = self;
        let mut reports = Reports { before: values.len() as u32, nulls, misfits };
        values.extend(spans.iter().zip(0_u32..).map(|(span, row)| {
            let Slow::Text(text) = rules.value(chunk.bytes, *span) else {
                reports.null(row);
                return false;
            };
            words.parse(text).unwrap_or_else(|| {
                reports.misfit(rules.misfit(chunk, *span, row, false));
                false
            })
        }));
    }

    fn repeat(&mut self, rows: usize) {
        let before = self.values.len();
        self.nulls.extend((before..before + rows).map(|row| row as u32));
        self.values.resize(before + rows, false);
    }

    fn finish(&mut self, capacity: usize) -> Result<ArrayRef> {
        let values = std::mem::replace(&mut self.values, Vec::with_capacity(capacity));
        let nulls = null_buffer(&self.nulls, values.len());
        self.nulls.clear();
        Ok(Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls)))
    }

    fn clear(&mut self) {
        self.values.clear();
        self.nulls.clear();
    }

    fn memory_bytes(&self) -> usize {
        self.values.capacity() + self.nulls.capacity() * size_of::<u32>()
    }
}

/// A column that the file does not have.
struct NullSink {
    data_type: DataType,
    rows: usize,
}

impl Sink for NullSink {
    fn push(&mut self, _: &Chunk<'_>, spans: &[Span], _: &mut Rules, _: &mut Vec<Misfit>) {
        self.rows += spans.len();
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
