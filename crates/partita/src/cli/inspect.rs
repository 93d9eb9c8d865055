//! Looking at files: `schema`, `head`, `tail`, `count`, `explain`, and `versions`.

use std::io::ErrorKind;

use partita::arrow::array::RecordBatch;
use partita::arrow::datatypes::SchemaRef;
use partita::{Error, InputFormat, ReadOptions, SchemaFile, Session};
use partita_columns::polars;

use super::args::{Count, Describe, Ends, Explain, ReadArgs, Schema, Versions};
use super::convert::write_whole;
use super::failure::Failure;
use super::output;
use super::prepare;
use super::sources::Sources;

/// Bytes of a pipe that `head` looks at first.
const HEAD_BYTES: u64 = 256 << 10;
/// By how much it looks at more each time that this was not enough.
const HEAD_GROWTH: u64 = 8;
/// Rows of a batch on the way to a table.
const BATCH_ROWS: usize = 8192;

/// Opens the inputs, does `work` on them, and names standard input in what it refuses. Wrong options are said before
/// anything is read.
pub(super) fn with_sources(
    inputs: &[String],
    read: &ReadArgs,
    work: impl FnOnce(&Sources) -> Result<(), Failure>,
) -> Result<(), Failure> {
    read.options()?;
    let sources = Sources::open(inputs)?;
    work(&sources).map_err(|failure| failure.reworded(|words| sources.shown(words)))
}

/// Prints the schema, or writes it to a file.
///
/// # Errors
/// What reading refuses; a schema file that is there already.
pub(crate) fn schema(args: &Schema) -> Result<(), Failure> {
    let session = args.run.session()?;
    with_sources(&args.input.inputs, &args.read, |sources| {
        if args.json || args.write.is_some() {
            let text = schema_file(&session, sources, &args.read)?.to_json().map_err(Error::from)?;
            if let Some(path) = &args.write {
                write_whole(path, &text, args.overwrite).map_err(|error| {
                    let help = if error.kind() == ErrorKind::AlreadyExists {
                        "; --overwrite replaces it"
                    } else {
                        ""
                    };
                    Failure::new(format!("{}: {error}{help}", path.display()))
                })?;
            }
            return if args.json { output::print(&text) } else { Ok(()) };
        }
        output::print(&prepare::load(&session, sources, &args.read)?.to_string())
    })
}

/// The schema as a file. Of other formats it has the types, for CSV of the same columns.
fn schema_file(session: &Session, sources: &Sources, read: &ReadArgs) -> Result<SchemaFile, Failure> {
    if session.input_format(sources.paths()) == InputFormat::Csv {
        return Ok(session.read_csv(sources.paths()).options(read.options()?).infer_schema()?);
    }
    let schema = prepare::load(session, sources, read)?.schema()?;
    let types = schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone()));
    Ok(SchemaFile::new(&types.collect::<Vec<_>>(), &ReadOptions::default()))
}

/// Prints the first rows.
///
/// # Errors
/// What reading refuses.
pub(crate) fn head(args: &Ends) -> Result<(), Failure> {
    let session = args.run.session()?;
    args.read.options()?;
    let mut sources = Sources::begin(&args.input.inputs)?;
    let mut bytes = HEAD_BYTES;
    loop {
        sources.read_on(bytes)?;
        bytes = bytes.saturating_mul(HEAD_GROWTH);
        // The last row of a part of a pipe may be cut: it takes one more to know that the others are whole.
        let wanted = args.rows.saturating_add(usize::from(sources.is_partial()));
        let rows = first_rows(args, &session, &sources, wanted);
        let is_enough = rows.as_ref().is_ok_and(|(_, rows)| count_rows(rows) >= wanted);
        if sources.is_partial() && !is_enough {
            continue;
        }
        let rows = rows.map_err(|failure| failure.reworded(|words| sources.shown(words)))?;
        let (schema, mut rows) = rows;
        let mut left = args.rows;
        for batch in &mut rows {
            *batch = batch.slice(0, batch.num_rows().min(left));
            left -= batch.num_rows();
        }
        return output::print(&output::rows(&schema, &rows)?.to_string());
    }
}

/// Rows, and their columns.
type Rows = (SchemaRef, Vec<RecordBatch>);

fn first_rows(args: &Ends, session: &Session, sources: &Sources, rows: usize) -> Result<Rows, Failure> {
    let frame = prepare::pick(prepare::load(session, sources, &args.read)?, &args.pick)?;
    Ok((frame.schema()?, frame.head_batches(rows)?))
}

fn count_rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

/// Prints the last rows.
///
/// # Errors
/// What reading refuses.
pub(crate) fn tail(args: &Ends) -> Result<(), Failure> {
    let session = args.run.session()?;
    with_sources(&args.input.inputs, &args.read, |sources| {
        let frame = prepare::pick(prepare::load(&session, sources, &args.read)?, &args.pick)?;
        output::print(&output::rows(&*frame.schema()?, &frame.tail_batches(args.rows)?)?.to_string())
    })
}

/// Prints the number of rows, or of the values of each column.
///
/// # Errors
/// What reading refuses.
pub(crate) fn count(args: &Count) -> Result<(), Failure> {
    let session = args.run.session()?;
    with_sources(&args.input.inputs, &args.read, |sources| {
        let frame = prepare::pick(prepare::load(&session, sources, &args.read)?, &args.pick)?;
        if !args.columns {
            return output::print(&frame.len()?.to_string());
        }
        let mut table = output::table(["column", "values"]);
        for (name, values) in frame.count()? {
            table.add_row([name, values.to_string()]);
        }
        output::to_the_right(&mut table, 1);
        output::print(&table.to_string())
    })
}

/// Prints what the values of each column are like.
///
/// # Errors
/// What reading refuses.
pub(crate) fn describe(args: &Describe) -> Result<(), Failure> {
    let session = args.run.session()?;
    with_sources(&args.input.inputs, &args.read, |sources| {
        let frame = prepare::pick(prepare::load(&session, sources, &args.read)?, &args.pick)?;
        let (schema, batches) = polars::from_polars(&frame.describe()?, BATCH_ROWS).map_err(Error::from)?;
        output::print(&output::rows(&schema, &batches)?.to_string())
    })
}

/// Prints the plan.
///
/// # Errors
/// What reading refuses.
pub(crate) fn explain(args: &Explain) -> Result<(), Failure> {
    let session = args.run.session()?;
    with_sources(&args.input.inputs, &args.read, |sources| {
        let frame = prepare::pick(prepare::load(&session, sources, &args.read)?, &args.pick)?;
        output::print(&frame.explain(args.stage)?)
    })
}

/// Prints versions.
///
/// # Errors
/// Where standard output cannot be written to.
pub(crate) fn versions(args: &Versions) -> Result<(), Failure> {
    let versions = partita::versions();
    if args.json {
        let text =
            serde_json::to_string_pretty(&versions).map_err(|error| Failure::new(error.to_string()))?;
        return output::print(&text);
    }
    output::print(&format!(
        "partita {}\narrow {}\nplatform {}\ncpu {}\n",
        versions.partita, versions.arrow, versions.platform, versions.cpu_level
    ))
}
