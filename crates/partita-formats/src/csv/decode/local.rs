//! Columns of numbers that are written with other marks than a point.

use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::super::reader::ColumnSpec;
use super::super::value::Numbers;
use super::Rules;
use super::fields::Block;
use super::parsers::{FloatParser, IntParser, Parser};
use super::sinks::{Sink, primitive};
use crate::simd::decode::ROWS;

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
    let parser =
        Local { parser: IntParser::<T>::new(rules.kernels), numbers: rules.numbers(), scratch: Vec::new() };
    primitive::<T, _>(parser, spec, rules, rows)
}

/// The fast shape of a float has the mark before the fraction alone.
fn floats<T: ArrowPrimitiveType>(spec: &ColumnSpec, rules: &Rules, rows: usize) -> Box<dyn Sink>
where
    FloatParser<T>: Parser<Native = T::Native> + 'static,
{
    let numbers = rules.numbers();
    let parser = FloatParser::<T>::new(rules.kernels, numbers.decimal);
    let parser = Local { parser, numbers, scratch: Vec::new() };
    primitive::<T, _>(parser, spec, rules, rows)
}

/// A parser of numbers with the marks of [`Numbers`].
struct Local<P> {
    parser: P,
    numbers: Numbers,
    scratch: Vec<u8>,
}

impl<P: Parser> Parser for Local<P> {
    type Native = P::Native;

    fn run(&mut self, bytes: &[u8], block: &mut Block, values: &mut [P::Native; ROWS]) -> u64 {
        self.parser.run(bytes, block, values)
    }

    fn full(&mut self, text: &[u8]) -> Option<P::Native> {
        self.parser.full(self.numbers.plain(text, &mut self.scratch)?)
    }
}
