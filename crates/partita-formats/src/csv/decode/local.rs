//! Columns of numbers that are written with other marks than a point.

use std::marker::PhantomData;

use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::super::reader::ColumnSpec;
use super::super::value::Numbers;
use super::parsers::{FloatParser, IntParser, Parser};
use super::sinks::{Sink, primitive};
use super::{Rules, Span};

/// The sink of a column of numbers; `None` for other types.
pub(super) fn sink(spec: &ColumnSpec, rules: &Rules, rows: usize) -> Option<Box<dyn Sink>> {
    Some(match &spec.data_type {
        DataType::Int8 => integers::<Int8Type>(spec, rules, rows),
        DataType::Int16 => integers::<Int16Type>(spec, rules, rows),
        DataType::Int32 => integers::<Int32Type>(spec, rules, rows),
        DataType::Int64 => integers::<Int64Type>(spec, rules, rows),
        DataType::UInt8 => integers::<UInt8Type>(spec, rules, rows),
        DataType::UInt16 => integers::<UInt16Type>(spec, rules, rows),
        DataType::UInt32 => integers::<UInt32Type>(spec, rules, rows),
        DataType::UInt64 => integers::<UInt64Type>(spec, rules, rows),
        DataType::Float32 => floats::<Float32Type>(spec, rules, rows),
        DataType::Float64 => floats::<Float64Type>(spec, rules, rows),
        _ => return None,
    })
}

/// The fast shape of an integer has digits and a sign alone: it means the same everywhere.
fn integers<T: ArrowPrimitiveType>(spec: &ColumnSpec, rules: &Rules, rows: usize) -> Box<dyn Sink>
where
    IntParser<T>: Parser<Native = T::Native> + 'static,
{
    let parser = Local {
        parser: IntParser(PhantomData::<T>),
        numbers: rules.numbers(),
        is_fast: true,
        scratch: Vec::new(),
    };
    primitive::<T, _>(parser, spec, rules, rows)
}

/// The fast shape of a float has a point.
fn floats<T: ArrowPrimitiveType>(spec: &ColumnSpec, rules: &Rules, rows: usize) -> Box<dyn Sink>
where
    FloatParser<T>: Parser<Native = T::Native> + 'static,
{
    let (numbers, parser) = (rules.numbers(), FloatParser(PhantomData::<T>));
    let parser = Local { parser, numbers, is_fast: numbers.decimal == b'.', scratch: Vec::new() };
    primitive::<T, _>(parser, spec, rules, rows)
}

/// A parser of numbers with the marks of [`Numbers`].
struct Local<P> {
    parser: P,
    numbers: Numbers,
    /// Whether the fast shape means what it says.
    is_fast: bool,
    scratch: Vec<u8>,
}

impl<P: Parser> Parser for Local<P> {
    type Native = P::Native;

    #[inline(always)]
    fn fast(&mut self, bytes: &[u8], start: u32, len: u32) -> Option<P::Native> {
        if self.is_fast { self.parser.fast(bytes, start, len) } else { None }
    }

    fn run(&mut self, bytes: &[u8], spans: &[Span], values: &mut Vec<P::Native>, others: &mut Vec<u32>) {
        if self.is_fast {
            return self.parser.run(bytes, spans, values, others);
        }
        others.extend((0_u32..).take(spans.len()));
        values.resize(values.len() + spans.len(), P::Native::default());
    }

    fn full(&mut self, text: &[u8]) -> Option<P::Native> {
        self.parser.full(self.numbers.plain(text, &mut self.scratch)?)
    }
}
