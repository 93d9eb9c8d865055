//! Columns of every type, from a number.

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::*;

/// Numbers without order.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

fn longs(rows: usize, seed: u64) -> Vec<Option<i64>> {
    let mut numbers = Numbers(seed);
    (0..rows).map(|_| Some(numbers.next() as i64 >> 40).filter(|n| n % 7 != 0)).collect()
}

/// Texts of 0 to 40 bytes, some null.
pub(super) fn texts(rows: usize, seed: u64) -> Vec<Option<String>> {
    let mut numbers = Numbers(seed);
    (0..rows)
        .map(|_| {
            let len = numbers.below(41);
            (len != 40).then(|| (0..len).map(|_| ['a', 'b', ' ', 'é', '日'][numbers.below(5)]).collect())
        })
        .collect()
}

fn parents(rows: usize, seed: u64) -> (OffsetBuffer<i32>, usize, Option<NullBuffer>) {
    let mut numbers = Numbers(seed);
    let lengths: Vec<usize> = (0..rows).map(|_| numbers.below(4)).collect();
    let children = lengths.iter().sum();
    let nulls = (0..rows).map(|_| numbers.below(5) > 0).collect::<Vec<_>>();
    (OffsetBuffer::from_lengths(lengths), children, Some(NullBuffer::from(nulls)))
}

fn field(data_type: &DataType) -> FieldRef {
    Arc::new(Field::new("item", data_type.clone(), true))
}

/// Number of kinds that [`column`] knows.
pub(super) const KINDS: usize = 29;

/// A column of kind `kind`, whatever the number.
pub(super) fn column(kind: usize, rows: usize, seed: u64) -> ArrayRef {
    let as_type = |data_type: DataType| cast(&Int64Array::from(longs(rows, seed)), &data_type).unwrap();
    match kind % KINDS {
        0 => Arc::new(Int64Array::from(longs(rows, seed))),
        1 => as_type(DataType::Int8),
        2 => as_type(DataType::UInt16),
        3 => as_type(DataType::Float16),
        4 => as_type(DataType::Float32),
        5 => as_type(DataType::Float64),
        6 => as_type(DataType::Decimal128(30, 2)),
        7 => as_type(DataType::Decimal256(60, 3)),
        8 => as_type(DataType::Timestamp(TimeUnit::Microsecond, Some("Europe/Berlin".into()))),
        9 => cast(&as_type(DataType::Int32), &DataType::Date32).unwrap(),
        10 => as_type(DataType::Duration(TimeUnit::Second)),
        11 => Arc::new(BooleanArray::from_iter(longs(rows, seed).iter().map(|n| n.map(|n| n % 2 == 0)))),
        12 => Arc::new(NullArray::new(rows)),
        13 => Arc::new(StringArray::from(texts(rows, seed))),
        14 => Arc::new(LargeStringArray::from(texts(rows, seed))),
        15 => Arc::new(StringViewArray::from_iter(texts(rows, seed))),
        16 => Arc::new(BinaryViewArray::from_iter(
            texts(rows, seed).iter().map(|t| t.as_ref().map(String::as_bytes)),
        )),
        17 => cast(&StringArray::from(texts(rows, seed)), &DataType::Binary).unwrap(),
        18 => {
            let mut values = FixedSizeBinaryBuilder::new(5);
            for number in longs(rows, seed) {
                match number {
                    Some(number) => values.append_value(&number.to_le_bytes()[..5]).unwrap(),
                    None => values.append_null(),
                }
            }
            Arc::new(values.finish())
        }
        19 => cast(
            &StringArray::from(texts(rows, seed % 3)),
            &DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8)),
        )
        .unwrap(),
        20 => Arc::new(IntervalMonthDayNanoArray::from_iter(
            longs(rows, seed).iter().map(|n| n.map(|n| IntervalMonthDayNano::new(1, 2, n))),
        )),
        kind => nested(kind, rows, seed),
    }
}

fn nested(kind: usize, rows: usize, seed: u64) -> ArrayRef {
    let (offsets, children, nulls) = parents(rows, seed);
    match kind {
        21 | 22 => {
            let values = column(if kind == 21 { 0 } else { 15 }, children, seed + 1);
            Arc::new(ListArray::new(field(values.data_type()), offsets, values, nulls))
        }
        23 => {
            let values = column(13, children, seed + 1);
            let offsets = OffsetBuffer::from_lengths(offsets.lengths());
            Arc::new(LargeListArray::new(
                field(values.data_type()),
                OffsetBuffer::new(offsets.iter().map(|&o: &i32| i64::from(o)).collect()),
                values,
                nulls,
            ))
        }
        24 => {
            let values = column(11, 3 * rows, seed + 1);
            Arc::new(FixedSizeListArray::new(field(values.data_type()), 3, values, nulls))
        }
        25 => {
            let (left, right) = (column(15, rows, seed + 1), column(21, rows, seed + 2));
            let fields = vec![
                Field::new("l", left.data_type().clone(), true),
                Field::new("r", right.data_type().clone(), true),
            ];
            Arc::new(StructArray::new(fields.into(), vec![left, right], nulls))
        }
        26 => {
            let keys: ArrayRef =
                Arc::new(StringArray::from_iter_values((0..children).map(|n| n.to_string())));
            let fields: Fields =
                vec![Field::new("keys", DataType::Utf8, false), Field::new("values", DataType::Int64, true)]
                    .into();
            let entries = StructArray::new(fields.clone(), vec![keys, column(0, children, seed)], None);
            let entry = Arc::new(Field::new("entries", DataType::Struct(fields), false));
            Arc::new(MapArray::new(entry, offsets, entries, nulls, false))
        }
        27 => {
            let ids: ScalarBuffer<i8> = (0..rows).map(|row| (row % 2) as i8).collect();
            let fields = UnionFields::try_new(
                [0, 1],
                [Field::new("a", DataType::Int64, true), Field::new("b", DataType::Utf8, true)],
            )
            .unwrap();
            Arc::new(
                UnionArray::try_new(fields, ids, None, vec![column(0, rows, seed), column(13, rows, seed)])
                    .unwrap(),
            )
        }
        _ => {
            let ends = Int32Array::from_iter_values(
                (1..=rows as i32).filter(|end| end % 3 == 0 || *end == rows as i32),
            );
            let values = StringArray::from_iter_values((0..ends.len()).map(|n| format!("run {n}")));
            Arc::new(RunArray::<Int32Type>::try_new(&ends, &values).unwrap())
        }
    }
}

/// Views into one buffer of `bytes`, one every `step`.
pub(super) fn sparse(bytes: usize, step: usize, len: u32) -> ArrayRef {
    let text: Vec<u8> = (0..bytes).map(|at| b'a' + ((at * 7 + at / 26) % 26) as u8).collect();
    let views = (0..bytes / step).map(|row| {
        let at = row * step;
        make_view(&text[at..at + len as usize], 0, at as u32)
    });
    let views: ScalarBuffer<u128> = views.collect();
    Arc::new(StringViewArray::new(views, vec![Buffer::from_vec(text)], None))
}
