//! Benchmark jobs through the public API: `jobs JOB DATA OUT CAP_BYTES` does one job and exits.
//!
//! Timings go to standard output as `@ NAME VALUE [note]`. Exit codes: 0 done, 64 no such job here, 1 failed, 2 wrong
//! usage. What follows the cap names the questions of a `C` job that are wanted, where not all are. Conversions are no jobs of this program: `partita convert` does them.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use partita::graph::{Graph, TaskId};
use partita::prelude::*;

const CANNOT: u8 = 64;
const USAGE: &str = "usage: jobs JOB DATA OUT CAP_BYTES [QUESTION..]\n
  D         DATA/taxi/*.csv, sorted by pickup time, to Parquet (Snappy) in OUT
  F_sort    the same, under a cap
  B         DATA/taxi/*.csv by PULocationID: mean fare, count, largest total
  C_csv     the ten h2o questions, each of which reads DATA/h2o/G1_1e7_1e2_0_0.csv
  C_parquet the same of the Parquet file
  C_mem     the same of the Parquet file, persisted
  F_q10     question 10 of the Parquet file to Parquet (Snappy) in OUT, under a cap
  E_groups  TPC-H Q1, and the orders of Q18 with a quantity of more than 300: DATA/tpch/sf10/lineitem.parquet
  chain     DATA/taxi/*.csv held, indexed by pickup time, by day and zone, to Parquet in OUT
  E_reduce  TPC-H Q6, Q1 without groups, the largest order key: DATA/tpch/sf10/lineitem.parquet
  R_decode  every column of DATA/taxi_parquet/*.parquet, decoded and let go
  G         tree reductions of 10,000 and 100,000 empty tasks
  H         DATA/minute/GOOG/*.csv, indexed and persisted: the largest value, and one day\n";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let cap_bytes = arguments.get(3).map_or(Ok(0), |text| text.parse::<u64>());
    let (Some(job), Ok(cap_bytes)) = (arguments.first(), cap_bytes) else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    let [data, out] = [1, 2].map(|at| Path::new(arguments.get(at).map_or("", String::as_str)));
    let done = match job.as_str() {
        "D" | "F_sort" => sort(data, out, cap_bytes),
        "B" => zones(data, "taxi/*.csv", cap_bytes),
        "B1" => zones(data, "taxi_single/*.csv", cap_bytes),
        "C_csv" | "C_parquet" | "C_mem" => {
            questions(job, data, cap_bytes, arguments.get(4..).unwrap_or_default())
        }
        "F_q10" => largest_question(data, out, cap_bytes),
        "chain" => chain(data, out, cap_bytes),
        "E_groups" => line_items(data, cap_bytes),
        "E_reduce" => reductions(data, cap_bytes),
        "R_decode" => decode(data, cap_bytes),
        "G" => overhead(cap_bytes),
        "H" => minutes(data, cap_bytes),
        _ => {
            println!("n/a {job}");
            return ExitCode::from(CANNOT);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs `step`, and prints its seconds under `name` with what it answered.
fn timed(name: &str, step: impl FnOnce() -> partita::Result<String>) -> partita::Result<()> {
    let start = Instant::now();
    let note = step()?;
    println!("@ {name} {:.4} {note}", start.elapsed().as_secs_f64());
    Ok(())
}

/// Prints the median seconds of fifty runs of `step` under `name`, with what it answered.
fn repeated(name: &str, step: impl Fn() -> partita::Result<String>) -> partita::Result<()> {
    const RUNS: usize = 50;
    let mut seconds = Vec::with_capacity(RUNS);
    let mut note = String::new();
    for _ in 0..RUNS {
        let start = Instant::now();
        note = step()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    println!("@ {name} {:.6} {note}", seconds[RUNS / 2]);
    Ok(())
}

/// Sorts the taxi set.
fn sort(data: &Path, out: &Path, cap_bytes: u64) -> partita::Result<()> {
    let session = Session::builder().memory_limit(cap_bytes).build()?;
    timed("sort", || {
        let trips = session
            .read_csv(data.join("taxi/*.csv"))
            .parse_dates(["tpep_pickup_datetime", "tpep_dropoff_datetime"])
            .load()?;
        let written = trips
            .sort_values(["tpep_pickup_datetime"])
            .to_parquet(out.join("sorted"))
            .compression(Compression::Snappy)
            .write()?;
        Ok(format!("rows={}", written.rows))
    })
}

/// Trips by the zone where they began.
fn zones(data: &Path, files: &str, cap_bytes: u64) -> partita::Result<()> {
    let session = Session::builder().memory_limit(cap_bytes).build()?;
    timed("agg", || {
        let trips = session
            .read_csv(data.join(files))
            .parse_dates(["tpep_pickup_datetime", "tpep_dropoff_datetime"])
            .load()?;
        let zones = trips.groupby(["PULocationID"]).agg([
            col("fare_amount").mean().alias("fare"),
            len(),
            col("total_amount").max().alias("most"),
        ]);
        let zones = zones.persist()?;
        let rows = zones.len()?;
        let all = zones.reduce([col("len").sum(), col("most").max(), col("fare").sum()]).compute_batches()?;
        let value = |column: usize| -> partita::Result<f64> {
            let column = all.first().map(|row| row.column(column));
            Ok(column
                .map(|column| partita::Scalar::try_from_array(column, 0))
                .transpose()?
                .map_or(0.0, |value| value.to_string().parse().unwrap_or(f64::NAN)))
        };
        Ok(format!("rows={rows} len={} max={:.2} fare={:.3}", value(0)?, value(1)?, value(2)?))
    })
}

/// A question of the h2o benchmark: its name, the keys, and what is asked of groups.
type Question = (&'static str, &'static [&'static str], fn(GroupBy) -> DataFrame);

const QUESTIONS: &[Question] = &[
    ("q1", &["id1"], |by| by.agg([col("v1").sum()])),
    ("q2", &["id1", "id2"], |by| by.agg([col("v1").sum()])),
    ("q3", &["id3"], |by| by.agg([col("v1").sum(), col("v3").mean()])),
    ("q4", &["id4"], |by| by.agg([col("v1").mean(), col("v2").mean(), col("v3").mean()])),
    ("q5", &["id6"], |by| by.agg([col("v1").sum(), col("v2").sum(), col("v3").sum()])),
    ("q6", &["id4", "id5"], |by| by.agg([col("v3").median().alias("m"), col("v3").std(1).alias("sd")])),
    ("q7", &["id3"], |by| by.agg([(col("v1").max() - col("v2").min()).alias("r")])),
    ("q8", &["id6"], |by| by.nlargest(2, "v3")),
    ("q9", &["id2", "id4"], |by| by.agg([col("v1").corr(col("v2")).alias("r")])),
    ("q10", &["id1", "id2", "id3", "id4", "id5", "id6"], |by| by.agg([col("v3").sum(), len().alias("n")])),
];

const H2O: &str = "h2o/G1_1e7_1e2_0_0";

/// The questions of the h2o benchmark.
fn questions(job: &str, data: &Path, cap_bytes: u64, some: &[String]) -> partita::Result<()> {
    let session = Session::builder().memory_limit(cap_bytes).build()?;
    let parquet = || session.read_parquet(data.join(format!("{H2O}.parquet"))).load();
    let held = if job == "C_mem" {
        let start = Instant::now();
        let held = parquet()?.persist()?;
        println!("@ load {:.4}", start.elapsed().as_secs_f64());
        Some(held)
    } else {
        None
    };
    let all = || QUESTIONS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    let wanted: Vec<String> = if some.is_empty() { all() } else { some.to_vec() };
    let questions = wanted.iter().filter_map(|wanted| QUESTIONS.iter().find(|(name, ..)| name == wanted));
    for (name, keys, asked) in questions {
        timed(name, || {
            let rows = match &held {
                Some(held) => held.clone(),
                None if job == "C_csv" => session.read_csv(data.join(format!("{H2O}.csv"))).load()?,
                None => parquet()?,
            };
            Ok(format!("rows={}", asked(rows.groupby(keys.iter().copied())).compute()?.height()))
        })?;
    }
    Ok(())
}

/// The question with as many groups as rows, to Parquet.
fn largest_question(data: &Path, out: &Path, cap_bytes: u64) -> partita::Result<()> {
    let session = Session::builder().memory_limit(cap_bytes).build()?;
    let Some((name, keys, asked)) = QUESTIONS.last() else { return Ok(()) };
    timed(name, || {
        let rows = session.read_parquet(data.join(format!("{H2O}.parquet"))).load()?;
        let groups = asked(rows.groupby(keys.iter().copied()));
        let written = groups.to_parquet(out.join("groups")).compression(Compression::Snappy).write()?;
        Ok(format!("rows={}", written.rows))
    })
}

/// Bars of a minute: the largest value and one day of the persisted frame.
fn minutes(data: &Path, cap_bytes: u64) -> partita::Result<()> {
    let session = Session::builder().memory_limit(cap_bytes).build()?;
    let start = Instant::now();
    let bars = session
        .read_csv(data.join("minute/GOOG/*.csv"))
        .parse_dates(["timestamp"])
        .load()?
        .set_index("timestamp")
        .persist()?;
    println!("@ load {:.4} partitions={}", start.elapsed().as_secs_f64(), bars.npartitions()?);
    repeated("high_max", || answer(&bars.reduce([col("high").max()])))?;
    repeated("one_day", || Ok(format!("rows={}", bars.loc("2015-05-05").compute()?.height())))
}

/// Reductions of TPC-H's line items.
fn reductions(data: &Path, cap_bytes: u64) -> partita::Result<()> {
    let session = Session::builder().memory_limit(cap_bytes).build()?;
    let path = data.join("tpch/sf10/lineitem.parquet");
    timed("max_orderkey", || {
        let items = session.read_parquet(&*path).load()?;
        answer(&items.reduce([col("l_orderkey").max()]))
    })?;
    timed("Q6", || {
        let items = session.read_parquet(&*path).load()?;
        let wanted = expr(
            "l_shipdate >= '1994-01-01' and l_shipdate < '1995-01-01' and l_discount >= 0.05 and l_discount <= 0.07 and l_quantity < 24",
        )?;
        answer(
            &items
                .filter(wanted)
                .reduce([(col("l_extendedprice") * col("l_discount")).sum().alias("revenue")]),
        )
    })?;
    timed("Q1_total", || {
        let items = session.read_parquet(&*path).load()?;
        let price = col("l_extendedprice") * (lit(1) - col("l_discount"));
        answer(&items.filter(expr("l_shipdate <= '1998-09-02'")?).reduce([
            col("l_quantity").sum().alias("sum_qty"),
            col("l_extendedprice").sum().alias("sum_base_price"),
            price.clone().sum().alias("sum_disc_price"),
            (price * (lit(1) + col("l_tax"))).sum().alias("sum_charge"),
            col("l_quantity").mean().alias("avg_qty"),
            col("l_extendedprice").mean().alias("avg_price"),
            col("l_discount").mean().alias("avg_disc"),
            len().alias("count_order"),
        ]))
    })
}

/// Groups of TPC-H's line items.
fn line_items(data: &Path, cap_bytes: u64) -> partita::Result<()> {
    let session = Session::builder().memory_limit(cap_bytes).build()?;
    let items = || session.read_parquet(data.join("tpch/sf10/lineitem.parquet")).load();
    timed("Q1", || {
        let price = col("l_extendedprice") * (lit(1) - col("l_discount"));
        let flags = items()?.filter(expr("l_shipdate <= '1998-09-02'")?);
        let groups = flags.groupby(["l_returnflag", "l_linestatus"]).sort(true).agg([
            col("l_quantity").sum().alias("sum_qty"),
            col("l_extendedprice").sum().alias("sum_base_price"),
            price.clone().sum().alias("sum_disc_price"),
            (price * (lit(1) + col("l_tax"))).sum().alias("sum_charge"),
            col("l_quantity").mean().alias("avg_qty"),
            col("l_extendedprice").mean().alias("avg_price"),
            col("l_discount").mean().alias("avg_disc"),
            len().alias("count_order"),
        ]);
        answer(&groups)
    })?;
    timed("Q18_inner", || {
        let orders = items()?.groupby(["l_orderkey"]).agg([col("l_quantity").sum().alias("quantity")]);
        Ok(format!("rows={}", orders.filter(expr("quantity > 300")?).compute()?.height()))
    })
}

/// From CSV to groups in Parquet, by way of a frame that is held.
fn chain(data: &Path, out: &Path, cap_bytes: u64) -> partita::Result<()> {
    let session = Session::builder().memory_limit(cap_bytes).build()?;
    timed("chain", || {
        let trips = session
            .read_csv(data.join("taxi/*.csv"))
            .parse_dates(["tpep_pickup_datetime", "tpep_dropoff_datetime"])
            .load()?
            .persist()?;
        let days = trips
            .set_index("tpep_pickup_datetime")
            .groupby([col("tpep_pickup_datetime").dt().date().alias("day"), col("PULocationID")])
            .agg([col("fare_amount").mean().alias("fare"), len(), col("total_amount").max().alias("most")]);
        let written = days.repartition(4).to_parquet(out.join("chain")).write()?;
        Ok(format!("rows={}", written.rows))
    })
}

/// The first row of `reduced`, its values beside each other.
fn answer(reduced: &DataFrame) -> partita::Result<String> {
    let row = reduced.compute()?;
    Ok(row
        .columns()
        .iter()
        .map(|column| column.get(0).map_or_else(|_| "none".to_owned(), |value| value.to_string()))
        .collect::<Vec<_>>()
        .join(" "))
}

/// Decodes the taxi set, which is Parquet here.
fn decode(data: &Path, cap_bytes: u64) -> partita::Result<()> {
    let session = Session::builder().memory_limit(cap_bytes).build()?;
    timed("decode", || {
        let mut rows = 0;
        for batch in session.read_parquet(data.join("taxi_parquet/*.parquet")).load()?.batches()? {
            rows += batch?.num_rows();
        }
        Ok(format!("rows={rows}"))
    })
}

/// Microseconds a task, median of three runs of one graph; the note has the extremes, the number of tasks and the time a
/// task took to be put into the graph.
fn overhead(cap_bytes: u64) -> partita::Result<()> {
    const RUNS: usize = 3;
    let session = Session::builder().memory_limit(cap_bytes).build()?;
    for size in [10_000_usize, 100_000] {
        let leaves = size / 2;
        let start = Instant::now();
        let (graph, root, tasks) = tree(leaves)?;
        let built = start.elapsed().as_secs_f64() / tasks as f64 * 1e6;
        for (name, scheduler) in [("sync", Scheduler::SingleThreaded), ("threaded", Scheduler::Threaded)] {
            let mut micros = Vec::with_capacity(RUNS);
            for _ in 0..RUNS {
                let start = Instant::now();
                let results = session.run_with(&graph, &[root], scheduler)?;
                micros.push(start.elapsed().as_secs_f64() / tasks as f64 * 1e6);
                assert_eq!(results.get::<usize>(0)?, &leaves, "the tree counts its leaves");
            }
            micros.sort_by(f64::total_cmp);
            let (least, median, most) = (micros[0], micros[RUNS / 2], micros[RUNS - 1]);
            println!(
                "@ {name}_{size}_us_per_task {median:.3} min={least:.3} max={most:.3} tasks={tasks} build={built:.3}"
            );
        }
    }
    Ok(())
}

/// A binary tree that counts its leaves: about two tasks for each of them.
fn tree(leaves: usize) -> partita::Result<(Graph, TaskId, usize)> {
    let mut graph = Graph::new();
    let mut layer = Vec::with_capacity(leaves);
    for _ in 0..leaves {
        layer.push(graph.task("leaf", &[], |_| Ok(1_usize))?);
    }
    while layer.len() > 1 {
        let mut sums = Vec::with_capacity(layer.len() / 2 + 1);
        for pair in layer.chunks(2) {
            sums.push(graph.task("sum", pair, |inputs| {
                let mut sum = 0;
                for input in inputs.iter::<usize>() {
                    sum += input?;
                }
                Ok(sum)
            })?);
        }
        layer = sums;
    }
    let tasks = graph.len();
    Ok((graph, layer[0], tasks))
}
