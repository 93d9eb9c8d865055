//! Kernels over one batch of 8 Ki rows, which stays in the cache. `cargo bench -p partita-benches --bench columns`

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringViewArray, UInt32Array,
};
use arrow::datatypes::DataType;
use divan::Bencher;
use divan::counter::ItemsCount;
use partita_benches::random::Random;
use partita_columns::compute::{
    ArithmeticOp, CastMode, CompareOp, and, arithmetic, cast, compare, filter, is_in, take,
};
use partita_columns::{Result, Scalar, Value};

const ROWS: usize = 8192;

fn main() {
    divan::main();
}

/// Numbers below 1000; one in 20 is missing.
fn integers() -> ArrayRef {
    let mut random = Random::new(1);
    let values = (0..ROWS).map(|_| (!random.chance(0.05)).then(|| random.below(1000) as i64));
    Arc::new(values.collect::<Int64Array>())
}

fn floats() -> ArrayRef {
    let mut random = Random::new(2);
    Arc::new((0..ROWS).map(|_| Some(random.normal(10.0, 5.0))).collect::<Float64Array>())
}

fn words() -> ArrayRef {
    let mut random = Random::new(3);
    let values = (0..ROWS).map(|_| Some(random.pick(&["Y", "N", "a word too long to stand inline"])));
    Arc::new(values.collect::<StringViewArray>())
}

fn batch() -> Option<RecordBatch> {
    RecordBatch::try_from_iter([("i", integers()), ("f", floats()), ("s", words())]).ok()
}

fn column(array: ArrayRef) -> Value {
    Value::Array(array)
}

/// Half of the rows, in runs of no length in particular.
fn half() -> BooleanArray {
    let mut random = Random::new(4);
    (0..ROWS).map(|_| Some(random.chance(0.5))).collect()
}

fn bench(bencher: Bencher<'_, '_>, kernel: impl Fn() -> Result<Value>) {
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| black_box(kernel()).is_ok());
}

#[divan::bench]
fn add_columns(bencher: Bencher<'_, '_>) {
    let (left, right) = (column(floats()), column(floats()));
    bench(bencher, || arithmetic(ArithmeticOp::Add, &left, &right));
}

#[divan::bench]
fn add_integers_checked(bencher: Bencher<'_, '_>) {
    let (left, right) = (column(integers()), column(integers()));
    bench(bencher, || arithmetic(ArithmeticOp::Add, &left, &right));
}

#[divan::bench]
fn compare_with_a_scalar(bencher: Bencher<'_, '_>) {
    let (left, right) = (column(floats()), Value::Scalar(Scalar::Float64(10.0)));
    bench(bencher, || compare(CompareOp::Gt, &left, &right));
}

#[divan::bench]
fn compare_words(bencher: Bencher<'_, '_>) {
    let (left, right) = (column(words()), Value::Scalar(Scalar::Utf8("Y".into())));
    bench(bencher, || compare(CompareOp::Eq, &left, &right));
}

#[divan::bench]
fn kleene_and(bencher: Bencher<'_, '_>) {
    let (left, right) = (column(Arc::new(half())), column(Arc::new(half())));
    bench(bencher, || and(&left, &right));
}

#[divan::bench]
fn is_in_ten_integers(bencher: Bencher<'_, '_>) {
    let value = column(integers());
    let list: Vec<Scalar> = (0..10).map(|n| Scalar::Int64(n * 7)).collect();
    bench(bencher, || is_in(&value, &list));
}

#[divan::bench]
fn cast_to_float(bencher: Bencher<'_, '_>) {
    let value = column(integers());
    bench(bencher, || cast(&value, &DataType::Float64, CastMode::Strict));
}

#[divan::bench]
fn filter_half(bencher: Bencher<'_, '_>) {
    let (Some(batch), mask) = (batch(), half()) else { return };
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| black_box(filter(&batch, &mask)).is_ok());
}

#[divan::bench]
fn take_at_random(bencher: Bencher<'_, '_>) {
    let mut random = Random::new(5);
    let positions: UInt32Array = (0..ROWS).map(|_| Some(random.below(ROWS as u64) as u32)).collect();
    let Some(batch) = batch() else { return };
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| black_box(take(&batch, &positions)).is_ok());
}
