//! What expressions make is reserved before it is made, and a batch of which too much is made is cut.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use partita_columns::compute::function::{Argument, Function};
use partita_columns::compute::{CastMode, CompareOp};
use partita_columns::partition::unique_buffer_bytes;
use partita_columns::{Scalar, Value};
use proptest::prelude::*;

use super::{column, literal};
use crate::error::{ErrorKind, Result};
use crate::expr::meter::{ACCOUNT, Flow, MADE_BYTES_MAX, Meter};
use crate::expr::{BoundExpr, Prepared, UserFunction};
use crate::host::Reservation;

/// Memory with a limit, which anybody may look at.
struct Purse {
    bytes: Arc<AtomicUsize>,
    limit: usize,
}

impl Reservation for Purse {
    fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    fn resize(&mut self, bytes: usize) -> Result<()> {
        if bytes > self.limit {
            let (need_bytes, limit_bytes) = (bytes as u64, self.limit as u64);
            let (operator, way_out, spill) = (ACCOUNT.to_owned(), "make shorter texts", String::new());
            return Err(ErrorKind::Memory { operator, need_bytes, limit_bytes, way_out, spill }.into());
        }
        self.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }
}

fn limited(limit: usize) -> (Meter, Arc<AtomicUsize>) {
    let bytes = Arc::new(AtomicUsize::new(0));
    (Meter::paid_by(Box::new(Purse { bytes: Arc::clone(&bytes), limit })), bytes)
}

/// One that has all memory.
pub(super) fn meter() -> Meter {
    limited(usize::MAX).0
}

fn call(name: &str, arguments: Vec<BoundExpr>) -> BoundExpr {
    let of = |argument: &BoundExpr| match argument {
        BoundExpr::Literal(scalar) => scalar.data_type(),
        BoundExpr::Column(1) => DataType::Int64,
        _ => DataType::Utf8View,
    };
    let types: Vec<DataType> = arguments.iter().map(of).collect();
    let given = arguments.iter().zip(types).map(|(argument, data_type)| {
        let literal = match argument {
            BoundExpr::Literal(scalar) => Some(scalar),
            _ => None,
        };
        Argument { data_type, literal }
    });
    let function = Function::by_name(name).unwrap();
    let signature = function.signature(&given.collect::<Vec<_>>()).unwrap();
    BoundExpr::Call(function, Box::new(signature), arguments)
}

/// A column of texts, and one of numbers.
fn batch(texts: StringViewArray, numbers: Vec<Option<i64>>) -> RecordBatch {
    let columns: [(&str, ArrayRef); 2] = [("t", Arc::new(texts)), ("n", Arc::new(Int64Array::from(numbers)))];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
}

fn schema(columns: usize) -> Schema {
    let field = |at| Field::new(format!("wide {at}"), DataType::Utf8View, true);
    Schema::new((0..columns).map(field).collect::<Vec<_>>())
}

/// The texts of a column.
type Texts = Vec<Option<String>>;

/// Texts that came out, the rows of the pieces, and the most that was reserved. What is made is paid for while it is there.
fn run(
    expressions: &[BoundExpr],
    batch: &RecordBatch,
    limit: usize,
) -> Result<(Vec<Texts>, Vec<usize>, usize)> {
    let (meter, reserved) = limited(limit);
    let (prepared, schema) = (Prepared::new(expressions), schema(expressions.len()));
    let (mut out, mut pieces, mut most) = (vec![Vec::new(); expressions.len()], Vec::new(), 0);
    let made = |batch: &RecordBatch| {
        let columns = prepared.columns(batch, &schema, &meter)?;
        Ok(RecordBatch::try_new(Arc::new(schema.clone()), columns)?)
    };
    meter.in_pieces(batch, made, |made| {
        let paid = reserved.load(Ordering::Relaxed);
        let there = unique_buffer_bytes(std::slice::from_ref(&made));
        // Texts that are passed on as they were are not made.
        let passed = unique_buffer_bytes(std::slice::from_ref(batch));
        assert!(there <= paid + passed + 4096, "{there} bytes there, {paid} reserved");
        most = most.max(paid);
        pieces.push(made.num_rows());
        for (out, column) in out.iter_mut().zip(made.columns()) {
            out.extend(column.as_string_view().iter().map(|text| text.map(str::to_owned)));
        }
        Ok(Flow::More)
    })?;
    assert!(reserved.load(Ordering::Relaxed) <= 256 << 10, "a standing promise is small");
    Ok((out, pieces, most))
}

fn texts(rows: usize) -> RecordBatch {
    let texts = (0..rows).map(|row| (row % 17 != 3).then(|| format!("text {row:05}"))).collect();
    batch(texts, (0..rows).map(|row| Some(row as i64)).collect())
}

#[test]
fn a_batch_that_would_become_too_large_is_cut() {
    let batch = texts(8192);
    let repeated = call("repeat", vec![*column(0), *literal(100)]);
    let (out, pieces, most) = run(std::slice::from_ref(&repeated), &batch, usize::MAX).unwrap();
    let expected: Vec<Option<String>> =
        batch.column(0).as_string_view().iter().map(|text| text.map(|text| text.repeat(100))).collect();
    assert_eq!(out[0], expected);
    assert!(pieces.len() > 2 && pieces.len() < 20, "{pieces:?}");
    assert!(most > 2 << 20 && most <= MADE_BYTES_MAX, "{most}");
    // The cuts are those of the rows, and the same with little memory.
    assert_eq!(run(&[repeated], &batch, MADE_BYTES_MAX).unwrap().1, pieces);
    // What is short is not cut.
    let short = call("upper", vec![*column(0)]);
    assert_eq!(run(&[short], &batch, usize::MAX).unwrap().1, [8192]);
}

#[test]
fn a_row_may_have_all_memory_and_no_more() {
    let batch = texts(3);
    let long = |times: i64| call("repeat", vec![*column(0), *literal(times)]);
    let (out, pieces, _) = run(&[long(1_000_000)], &batch, 64 << 20).unwrap();
    assert_eq!(out[0].iter().flatten().map(String::len).collect::<Vec<_>>(), [10_000_000; 3]);
    assert_eq!(pieces, [1, 1, 1]);
    let error = run(&[long(2), long(1_000_000)], &batch, 8 << 20).unwrap_err();
    let message = error.to_string();
    for part in [
        "repeat in column \"wide 1\" needs",
        "the limit is 8388608",
        "raise memory_limit, or make shorter texts",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(error.is_short_of_memory());
}

#[test]
fn rows_that_are_not_asked_for_cut_nothing() {
    let batch = texts(8192);
    // In most rows the text would be 80 KB long.
    let long = call("repeat", vec![*column(0), *column(1)]);
    let few = BoundExpr::Compare(CompareOp::Lt, column(1), literal(10));
    let guarded = BoundExpr::Case(vec![(few, long)], literal("none"), DataType::Utf8View);
    let (out, pieces, _) = run(&[guarded], &batch, usize::MAX).unwrap();
    assert_eq!(pieces, [8192]);
    assert_eq!(out[0][2].as_deref(), Some("text 00002text 00002"));
    assert_eq!(out[0][8191].as_deref(), Some("none"));
}

#[test]
fn filters_are_cut_too() {
    let batch = texts(8192);
    let wide = call("rjust", vec![*column(0), *literal(2_000), *literal("-")]);
    let ends = BoundExpr::Compare(CompareOp::Gt, Box::new(call("upper", vec![wide])), literal("-"));
    let (meter, reserved) = limited(MADE_BYTES_MAX);
    let mask = Prepared::new(&[ends]).mask(&batch, &meter).unwrap();
    let expected: Vec<bool> = batch.column(0).as_string_view().iter().map(|text| text.is_some()).collect();
    assert_eq!(mask.values().iter().collect::<Vec<_>>(), expected);
    assert!(reserved.load(Ordering::Relaxed) <= 256 << 10);
}

#[test]
fn what_users_functions_return_is_reserved() {
    let rows = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&rows);
    let function = move |columns: &[ArrayRef]| {
        seen.lock().unwrap().push(columns[0].len());
        let texts = columns[0].as_string_view().iter().map(|text| text.map(|text| text.repeat(200)));
        Ok(Arc::new(texts.collect::<StringViewArray>()) as ArrayRef)
    };
    let mapped = BoundExpr::Map(UserFunction::new(Arc::new(function)), vec![*column(0)], DataType::Utf8View);
    let batch = texts(8192);
    let (out, _, most) = run(std::slice::from_ref(&mapped), &batch, usize::MAX).unwrap();
    assert_eq!(out[0][0].as_ref().unwrap().len(), 2_000);
    assert!(most > 12 << 20, "{most}");
    // Nothing is computed twice.
    assert_eq!(rows.lock().unwrap().iter().sum::<usize>(), 8192);
    let message = run(&[mapped], &batch, 8 << 20).unwrap_err().to_string();
    assert!(message.contains("map_batches in column \"wide 0\" needs"), "{message}");
}

#[test]
fn later_batches_are_cut_as_the_first_one_taught() {
    let (meter, _) = limited(usize::MAX);
    let prepared = Prepared::new(&[call("repeat", vec![*column(0), *literal(1000)])]);
    let (schema, tries) = (schema(1), RefCell::new(Vec::new()));
    for _ in 0..3 {
        let made = |batch: &RecordBatch| {
            tries.borrow_mut().push(batch.num_rows());
            prepared.columns(batch, &schema, &meter)
        };
        meter.in_pieces(&texts(1024), made, |_| Ok(Flow::More)).unwrap();
    }
    let tried: usize = tries.borrow().iter().sum();
    assert!(tried < 3 * 1024 + 2048, "{tried} rows were tried: {tries:?}");
}

fn function() -> impl Strategy<Value = BoundExpr> {
    let text = column(0);
    let all = vec![
        call("upper", vec![(*text).clone()]),
        call("reverse", vec![(*text).clone()]),
        call("repeat", vec![(*text).clone(), *column(1)]),
        call("rjust", vec![(*text).clone(), *column(1), *literal("é")]),
        call("zfill", vec![(*text).clone(), *column(1)]),
        call("replace", vec![(*text).clone(), *literal("a"), *literal("a longer text than before")]),
        call("regex_replace", vec![(*text).clone(), *literal("(a+)(b*)"), *literal("$2-$1-$1")]),
        call("concat", vec![(*text).clone(), *literal(", "), (*text).clone(), (*text).clone()]),
        BoundExpr::Cast(column(1), DataType::Utf8View, CastMode::Strict),
    ];
    prop::sample::select(all)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Cut or not, the values are those of one evaluation without a limit, and all of them are paid for.
    #[test]
    fn values_are_those_of_one_piece(
        rows in prop::collection::vec((prop::option::weighted(0.9, "[abcé]{0,40}"), prop::option::weighted(0.9, 0..3000_i64)), 1..400),
        expressions in prop::collection::vec(function(), 1..4),
        times in 1..20_usize,
    ) {
        let (texts, numbers): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let texts: StringViewArray = texts.iter().cycle().take(texts.len() * times).cloned().collect();
        let numbers = numbers.iter().cycle().take(texts.len()).copied().collect();
        let batch = batch(texts, numbers);
        let (out, _, _) = run(&expressions, &batch, usize::MAX).unwrap();
        for (expression, out) in expressions.iter().zip(out) {
            let expected = match expression.evaluate(&batch).unwrap() {
                Value::Array(array) => array,
                Value::Scalar(scalar) => scalar.to_array_of(&DataType::Utf8View, batch.num_rows()).unwrap(),
            };
            let expected: Vec<Option<String>> = expected.as_string_view().iter().map(|text| text.map(str::to_owned)).collect();
            prop_assert_eq!(out, expected);
        }
    }
}

#[test]
fn numbers_are_reserved_too() {
    let sum = BoundExpr::Negate(column(1));
    let prepared = Prepared::new(&[sum]);
    let (meter, reserved) = limited(usize::MAX);
    let schema = Schema::new(vec![Field::new("n", DataType::Int64, true)]);
    let rows = 60_000;
    let columns = prepared.columns(&texts(rows), &schema, &meter).unwrap();
    assert!(reserved.load(Ordering::Relaxed) >= rows * 8, "{}", columns[0].get_array_memory_size());
    assert_eq!(Scalar::try_from_array(&columns[0], 5).unwrap(), Scalar::Int64(-5));
}
