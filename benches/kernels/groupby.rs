//! Groupby over the questions of the h2o benchmark, in batches of 8 Ki rows: keys to groups, states, keys and answers.
//! `cargo bench -p partita-benches --bench groupby`

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringViewArray};
use arrow::datatypes::DataType;
use divan::Bencher;
use divan::counter::ItemsCount;
use partita_benches::random::Random;
use partita_columns::Result;
use partita_columns::group::{Aggregate, Grouper, Question, RowNumbers, States};
use partita_columns::reduce::Reduction;

const ROWS: usize = 10_000_000;
const BATCH_ROWS: usize = 8192;

/// Values of the small keys and of the large ones.
const FEW: u64 = 100;
const MANY: u64 = ROWS as u64 / FEW;

const ID1: usize = 0;
const ID2: usize = 1;
const ID3: usize = 2;
const ID4: usize = 3;
const ID5: usize = 4;
const ID6: usize = 5;
const V1: usize = 6;
const V2: usize = 7;
const V3: usize = 8;

fn main() {
    divan::main();
}

fn texts(random: &mut Random, rows: usize, bound: u64, width: usize) -> ArrayRef {
    let text = |_| format!("id{:0width$}", random.below(bound) + 1);
    Arc::new(StringViewArray::from_iter_values((0..rows).map(text)))
}

fn integers(random: &mut Random, rows: usize, bound: u64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values((0..rows).map(|_| random.below(bound) as i64 + 1)))
}

fn batch(random: &mut Random, rows: usize) -> Vec<ArrayRef> {
    let (id1, id2) = (texts(random, rows, FEW, 3), texts(random, rows, FEW, 3));
    let id3 = texts(random, rows, MANY, 10);
    let (id4, id5) = (integers(random, rows, FEW), integers(random, rows, FEW));
    let id6 = integers(random, rows, MANY);
    let (v1, v2) = (integers(random, rows, 5), integers(random, rows, 15));
    let v3: ArrayRef = Arc::new(Float64Array::from_iter_values((0..rows).map(|_| random.unit() * 100.0)));
    vec![id1, id2, id3, id4, id5, id6, v1, v2, v3]
}

fn data() -> Vec<Vec<ArrayRef>> {
    let mut random = Random::new(1);
    let starts = (0..ROWS).step_by(BATCH_ROWS);
    starts.map(|start| batch(&mut random, BATCH_ROWS.min(ROWS - start))).collect()
}

fn take(columns: &[ArrayRef], at: &[usize]) -> Vec<ArrayRef> {
    at.iter().map(|at| Arc::clone(&columns[*at])).collect()
}

fn types(columns: &[ArrayRef]) -> Vec<DataType> {
    columns.iter().map(|column| column.data_type().clone()).collect()
}

/// One question whole: all batches, and then keys and answers in batches.
fn group(batches: &[Vec<ArrayRef>], keys: &[usize], questions: &[Question]) -> Result<usize> {
    let mut grouper = Grouper::new(&types(&take(&batches[0], keys)), false)?;
    let mut states = States::new(questions, &types(&batches[0]))?;
    let mut groups = Vec::new();
    for batch in batches {
        let rows = batch[0].len();
        grouper.push(&take(batch, keys), rows, &mut groups)?;
        states.update(&groups, grouper.len(), batch, RowNumbers::From(0))?;
    }
    for from in (0..grouper.len()).step_by(BATCH_ROWS) {
        let range = from..grouper.len().min(from + BATCH_ROWS);
        black_box(grouper.keys(range.clone())?);
        for question in 0..questions.len() {
            black_box(states.finish(question, range.clone())?);
        }
    }
    Ok(grouper.len())
}

fn bench(bencher: Bencher<'_, '_>, keys: &[usize], asked: &[(Reduction, &[usize])]) {
    let batches = data();
    let question = |(reduction, columns): &(Reduction, &[usize])| Question {
        aggregate: Aggregate::Reduction(*reduction),
        columns: columns.to_vec(),
    };
    let questions: Vec<Question> = asked.iter().map(question).collect();
    let bencher = bencher.counter(ItemsCount::new(ROWS));
    bencher.bench_local(|| black_box(group(&batches, keys, &questions)).is_ok());
}

#[divan::bench(sample_count = 5)]
fn q01_sum_by_text(bencher: Bencher<'_, '_>) {
    bench(bencher, &[ID1], &[(Reduction::Sum, &[V1])]);
}

#[divan::bench(sample_count = 5)]
fn q02_sum_by_two_texts(bencher: Bencher<'_, '_>) {
    bench(bencher, &[ID1, ID2], &[(Reduction::Sum, &[V1])]);
}

#[divan::bench(sample_count = 5)]
fn q03_sum_and_mean_by_many_texts(bencher: Bencher<'_, '_>) {
    bench(bencher, &[ID3], &[(Reduction::Sum, &[V1]), (Reduction::Mean, &[V3])]);
}

#[divan::bench(sample_count = 5)]
fn q04_means_by_integer(bencher: Bencher<'_, '_>) {
    bench(bencher, &[ID4], &[(Reduction::Mean, &[V1]), (Reduction::Mean, &[V2]), (Reduction::Mean, &[V3])]);
}

#[divan::bench(sample_count = 5)]
fn q05_sums_by_many_integers(bencher: Bencher<'_, '_>) {
    bench(bencher, &[ID6], &[(Reduction::Sum, &[V1]), (Reduction::Sum, &[V2]), (Reduction::Sum, &[V3])]);
}

#[divan::bench(sample_count = 5)]
fn q06_median_and_deviation(bencher: Bencher<'_, '_>) {
    bench(bencher, &[ID4, ID5], &[(Reduction::Quantile(0.5), &[V3]), (Reduction::Std { ddof: 1 }, &[V3])]);
}

#[divan::bench(sample_count = 5)]
fn q07_max_and_min_by_many_texts(bencher: Bencher<'_, '_>) {
    bench(bencher, &[ID3], &[(Reduction::Max, &[V1]), (Reduction::Min, &[V2])]);
}

#[divan::bench(sample_count = 5)]
fn q09_correlation(bencher: Bencher<'_, '_>) {
    bench(bencher, &[ID2, ID4], &[(Reduction::Corr, &[V1, V2])]);
}

#[divan::bench(sample_count = 3)]
fn q10_six_keys(bencher: Bencher<'_, '_>) {
    let keys = [ID1, ID2, ID3, ID4, ID5, ID6];
    bench(bencher, &keys, &[(Reduction::Sum, &[V3]), (Reduction::Len, &[])]);
}
