//! Every operator over more than memory holds: one process a limit and a number of threads, which says what it is at.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use partita::arrow::array::{ArrayRef, AsArray, StringViewArray};
use partita::arrow::datatypes::Schema;
use partita::prelude::*;
use partita::{Cumulative, Scalar, expr};

use crate::rows::{self, FILE_ROWS, FILES, LARGE_ROWS, Sums};

/// Where a case finds its input, its folder and what it is.
pub(crate) const VARIABLES: [&str; 4] =
    ["OPERATORS_LIMIT", "OPERATORS_THREADS", "OPERATORS_INPUT", "OPERATORS_FOLDER"];

/// The file that says which operator a case is at.
pub(crate) const AT: &str = "at";

/// What an operator is run on.
pub(crate) struct Bench {
    /// One row group, far larger than memory.
    large: DataFrame,
    /// Some partitions.
    parts: DataFrame,
    folder: PathBuf,
}

type Operator = (&'static str, fn(&Bench) -> String);

/// Runs the case that this process is to run, if it is one.
pub(crate) fn run_case() -> bool {
    let Ok(limit) = std::env::var(VARIABLES[0]) else { return false };
    let threads = std::env::var(VARIABLES[1]).unwrap().parse().unwrap();
    let input = PathBuf::from(std::env::var(VARIABLES[2]).unwrap());
    let folder = PathBuf::from(std::env::var(VARIABLES[3]).unwrap());
    let session = Session::builder().memory_limit(limit.as_str()).threads(threads).spill_dirs([&folder]);
    let session = session.spill_to_memory(true).build().unwrap();
    let large = session.read_parquet(input.join("large.parquet")).load().unwrap();
    let parts = session.read_parquet(input.join("parts")).split_row_groups(1).load().unwrap();
    assert_eq!(parts.npartitions().unwrap(), usize::try_from(FILES).unwrap());
    let bench = Bench { large, parts, folder };
    for (name, operator) in OPERATORS {
        std::fs::write(bench.folder.join(AT), name).unwrap();
        println!("answer: {name}: {}", operator(&bench));
        let memory = session.memory();
        // What is being written when it is released is held until then.
        let held = (memory.pins, memory.partitions);
        assert_eq!(held, (0, 0), "{name}: {memory:?}");
    }
    true
}

const OPERATORS: &[Operator] = &[
    ("flat columns", |bench| sums(&bench.large.select(["id", "n", "x", "text", "word", "at"]))),
    ("nested columns", |bench| sums(&bench.large.select(["list", "pair"]))),
    ("a filter of few rows", |bench| {
        sums(&bench.large.filter(expr("n % 1000 = 7 and word > 'word 05'").unwrap()))
    }),
    ("a filter of many rows", |bench| {
        sums(&bench.large.filter(col("n").gt(lit(-900_000))).select(["text", "word"]))
    }),
    ("a dictionary", |bench| {
        row(&bench.large.reduce([
            col("word").nunique().alias("kinds"),
            col("word").max().alias("last"),
            col("word").mode().alias("most"),
        ]))
    }),
    ("numbers", |bench| {
        let (n, x) = (|| col("n"), || col("x"));
        let computed = [
            n().abs().alias("abs"),
            (n() * lit(3) + col("id")).alias("sum"),
            x().sqrt().round(3).alias("root"),
            x().ln().exp().alias("same"),
            n().clip(-1000, 1000).alias("clip"),
            n().fill_null(lit(0)).pow(2).alias("square"),
            least([n(), col("id")]).alias("least"),
            hash([n(), col("text")]).alias("hash"),
            x().is_nan().or(n().is_null()).alias("odd"),
        ];
        sums(&bench.large.select(computed))
    }),
    ("casts", |bench| {
        let cast = [
            col("n").cast(DataType::Utf8View).alias("text"),
            col("x").cast(DataType::Utf8View).alias("float"),
            col("at").cast(DataType::Utf8View).alias("time"),
            col("n").cast(DataType::Decimal128(30, 4)).alias("decimal"),
            col("text").str().slice(2, 8).cast(DataType::Int64).alias("number"),
            col("word").try_cast(DataType::Float64).alias("none"),
        ];
        sums(&bench.large.select(cast))
    }),
    ("short texts", |bench| {
        let text = || col("text").str();
        let computed = [
            text().upper().alias("upper"),
            text().split_nth(" ", 1).alias("second"),
            text().extract("([0-9]{3})$", 1).alias("last"),
            col("word").str().title().alias("title"),
            col("word").str().slice(5, 8).alias("slice"),
            text().cat([lit("-"), col("text")]).alias("twice"),
            text().len().alias("length"),
            col("word").str().like("%7 and%").alias("like"),
        ];
        sums(&bench.large.select(computed))
    }),
    ("lists of parts", |bench| sums(&bench.parts.select([col("word").str().split(" ").alias("parts")]))),
    ("texts a hundred times as long", |bench| sums(&bench.parts.select([wide()]))),
    ("texts filled up, replaced and put together", |bench| {
        let text = || col("text").str();
        let computed = [
            text().rjust(1000, '-').alias("pad"),
            text().replace("0", "a much longer text than this one was").alias("replace"),
            text().regex_replace("([0-9])", "<$1$1$1$1$1$1$1$1$1$1>").alias("regex"),
            text().zfill(700).alias("zfill"),
            col("word").str().cat([col("word"), col("word"), col("text")]).alias("cat"),
        ];
        sums(&bench.parts.select(computed))
    }),
    ("choices", |bench| {
        let chosen = when(col("n").gt(lit(0))).then(wide()).when(col("n").is_null()).then(lit("none"));
        sums(&bench.parts.select([chosen.otherwise(col("word")).alias("chosen")]))
    }),
    ("map_batches", |bench| {
        let repeat = |column: &ArrayRef| {
            let texts = column.as_string_view().iter().map(|text| text.map(|text| text.repeat(100)));
            Ok(Arc::new(texts.collect::<StringViewArray>()) as ArrayRef)
        };
        sums(&bench.parts.select([col("text").map_batches(DataType::Utf8View, repeat).alias("wide")]))
    }),
    ("times", |bench| {
        let at = || col("at").dt();
        let computed = [
            at().year().alias("year"),
            at().floor("1mo").alias("month"),
            at().strftime("%A, %d of %B %Y, %H:%M:%S").alias("text"),
            at().localize("UTC").dt().convert_zone("Europe/Berlin").dt().hour().alias("hour"),
        ];
        sums(&bench.large.select(computed))
    }),
    ("a filter of wide texts", |bench| {
        sums(&bench.parts.filter(wide().str().ends_with("77")).select(["id", "text"]))
    }),
    ("few groups", |bench| {
        let asked = [col("n").sum(), col("x").mean(), col("x").std(1).alias("std"), col("text").max(), len()];
        sums(&bench.large.groupby(["word"]).sort(true).agg(asked))
    }),
    ("as many groups as rows", |bench| {
        sums(&bench.large.groupby(["id", "text"]).agg([col("n").sum(), col("x").min(), len()]))
    }),
    ("reductions", |bench| {
        let (n, x, text) = (|| col("n"), || col("x"), || col("text"));
        row(&bench.large.reduce([
            n().sum().alias("sum"),
            x().mean().alias("mean"),
            n().min().alias("min"),
            text().max().alias("max"),
            text().first().alias("first"),
            col("word").last().alias("last"),
            x().std(1).alias("std"),
            x().skew().alias("skew"),
            x().kurtosis().alias("kurtosis"),
            n().corr(col("id")).alias("corr"),
            n().cov(x(), 1).alias("cov"),
            n().idxmin().alias("idxmin"),
            text().idxmax().alias("idxmax"),
            n().gt(lit(0)).any().alias("any"),
            (n().fill_null(lit(1)) * lit(0) + lit(1)).prod().alias("prod"),
            n().null_count().alias("nulls"),
        ]))
    }),
    ("exact distinct values, quantiles and modes", |bench| {
        row(&bench.large.reduce([
            col("id").nunique().alias("rows"),
            col("text").nunique().alias("texts"),
            col("x").median().alias("middle"),
            col("n").quantile(0.9).alias("most"),
            col("n").mode().alias("mode"),
            hash([col("id")]).cast(DataType::Utf8View).mode().alias("name"),
        ]))
    }),
    ("approximate answers", |bench| {
        let asked =
            ["id", "n", "x", "text"].map(|name| col(name).approx_nunique().alias(format!("{name} kinds")));
        let shares =
            ["id", "n", "x"].map(|name| col(name).approx_quantile(0.9).alias(format!("{name} share")));
        row(&bench.large.reduce(asked.into_iter().chain(shares).collect::<Vec<_>>()))
    }),
    ("reductions of wide texts", |bench| {
        let asked = [
            wide().max().alias("max"),
            wide().first().alias("first"),
            wide().last().alias("last"),
            wide().idxmin().alias("idxmin"),
            wide().nunique().alias("kinds"),
            wide().approx_nunique().alias("about"),
            wide().mode().alias("mode"),
        ];
        let row = row(&bench.parts.reduce(asked));
        format!("{:016x}", rows::bytes(0, row.as_bytes()))
    }),
    ("running totals", |bench| {
        let running = bench.parts.with_running("sum", Cumulative::Sum, col("n"));
        let running = running.with_running("least", Cumulative::Min, wide());
        sums(&running.with_running("most", Cumulative::Max, col("x")).select(["id", "sum", "least", "most"]))
    }),
    ("first rows", |bench| {
        let rows = bench.large.nlargest(30_000, [col("x")]).select(["id", "x", "text"]);
        let texts = bench.parts.nsmallest(2_000, [wide(), col("id")]);
        format!("{} {}", sums(&rows), sums(&texts))
    }),
    ("rows of equal values together", |bench| {
        let shuffled = bench.large.shuffle_into(["n"], 12).select(["id", "n", "word"]);
        format!("{} {}", sums(&shuffled), sums(&bench.parts.shuffle(["word"]).select([col("id"), wide()])))
    }),
    ("more partitions", |bench| {
        let spread = bench.large.select(["id", "text", "word"]).repartition(9);
        let sized = bench.parts.persist().unwrap().repartition_size("1MiB");
        format!("{} {} {}", sums(&spread), sized.npartitions().unwrap(), sums(&sized.select(["id", "word"])))
    }),
    ("rows that are there once", |bench| {
        let large = &bench.large;
        let first = large.drop_duplicates_by(["text"], Keep::First).select(["id", "text"]);
        let last = large.drop_duplicates_by(["n", "word"], Keep::Last).select(["id", "word"]);
        let none = large.drop_duplicates_by(["n"], Keep::None).select(["id", "n"]);
        format!("{} {} {} {}", sums(&first), sums(&last), sums(&none), sums(&large.unique("word")))
    }),
    ("values counted", |bench| {
        let counts = ["n", "text", "word"].map(|name| sums(&bench.large.value_counts_with_null(name)));
        format!("{counts:?} {}", sums(&bench.large.value_shares("n")))
    }),
    ("rows of neighbours", |bench| {
        let rows = bench.parts.select(["id", "word"]);
        let schema = Schema::clone(&rows.schema().unwrap());
        sums(&rows.map_overlap(50_000, 1000, schema, Ok))
    }),
    ("samples", |bench| {
        let parts = bench.large.random_split(&[3.0, 1.0], 7).unwrap();
        let lens: Vec<u64> = parts.iter().map(|part| part.len().unwrap()).collect();
        assert_eq!(lens.iter().sum::<u64>(), LARGE_ROWS.cast_unsigned());
        format!("{lens:?} {}", sums(&bench.large.sample(0.2, 42).select(["id", "text"])))
    }),
    ("describe", |bench| format!("{:?}", bench.large.select(["id", "n", "x", "text"]).describe().unwrap())),
    ("several answers at once", |bench| {
        let large = &bench.large;
        let (sum, most) = (large.reduce([col("n").sum()]), large.reduce([col("x").max()]));
        let ids = bench.parts.select(["id"]);
        let (sum, most, ids) = partita::compute_all!((sum, most, ids)).unwrap();
        assert_eq!(ids.height() as i64, FILES * FILE_ROWS);
        format!("{sum:?} {most:?}")
    }),
    ("rows in order", |bench| {
        let flat = bench.large.select(["id", "n", "x", "text", "word", "at"]);
        let sorted = flat.sort_values([SortBy::new("word"), SortBy::new("n").descending().nulls_first()]);
        let wide = bench.parts.select([col("id"), wide()]).sort_values([SortBy::new("wide").descending()]);
        format!("{} {}", sums(&sorted), sums(&wide))
    }),
    ("an index", |bench| {
        let flat = bench.large.select(["id", "n", "x", "text", "word", "at"]);
        let indexed = flat.set_index(SetIndex::new("text").partition_size("8MiB"));
        let found = indexed.loc("t 50000000".."t 60000000").len().unwrap();
        let wide = bench.parts.select([col("id"), wide()]).set_index(SetIndex::new("id").sorted(true));
        let target = bench.folder.join("out");
        wide.to_parquet(&target).sync(false).write().unwrap();
        format!("{} {found} {}", sums(&indexed), written(&target))
    }),
    ("stored wide texts", |bench| {
        let kept = bench.parts.select([col("id"), wide()]).persist().unwrap();
        format!("{} {}", kept.len().unwrap(), sums(&kept))
    }),
    ("CSV out", |bench| {
        let target = bench.folder.join("out");
        bench.parts.select([col("id"), wide(), col("word")]).to_csv(&target).sync(false).write().unwrap();
        written(&target)
    }),
    ("Parquet out", |bench| {
        let target = bench.folder.join("out");
        let wide = bench.parts.select([col("id"), wide(), col("word")]);
        wide.to_parquet(&target).sync(false).write().unwrap();
        let wide = written(&target);
        let flat = bench.large.select(["id", "n", "x", "text", "word", "at"]);
        flat.to_parquet(&target).part_size("32MiB").sync(false).write().unwrap();
        let flat = written(&target);
        bench.large.select(["id", "list", "pair"]).to_parquet(&target).sync(false).write().unwrap();
        format!("{wide} {flat} {}", written(&target))
    }),
];

/// A thousand bytes of ten.
fn wide() -> Expr {
    col("text").str().repeat(100).alias("wide")
}

fn sums(frame: &DataFrame) -> String {
    let mut sums = Sums::default();
    frame.batches().unwrap().for_each(|batch| sums.add(&batch.unwrap()));
    sums.show()
}

fn row(frame: &DataFrame) -> String {
    let batches = frame.compute_batches().unwrap();
    let shown =
        batches[0].columns().iter().map(|column| Scalar::try_from_array(column, 0).unwrap().to_string());
    shown.collect::<Vec<_>>().join(" ")
}

/// The checksums of the files of a data set, which is removed.
fn written(target: &Path) -> String {
    let manifest = std::fs::read_to_string(target.join("_partita.json")).unwrap();
    std::fs::remove_dir_all(target).unwrap();
    let sums = manifest.lines().filter_map(|line| line.trim().strip_prefix("\"xxh3\": "));
    sums.collect::<Vec<_>>().join(" ")
}
