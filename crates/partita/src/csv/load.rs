//! From files to a plan: heads and samples are read, on all threads; nothing else is.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use partita_formats::csv::header::{self, Header};
use partita_formats::csv::infer::{self, ColumnTypes};
use partita_formats::csv::limit::find_rows_end;
use partita_formats::csv::options::ReadOptions;
use partita_formats::csv::reader::{CsvBlock, StreamReader};
use partita_formats::csv::stream;
use partita_formats::io::ReadAt;
use partita_plan::node::{CsvInput, ReadCsv};
use partita_runtime::storage::Input;
use partita_tasks::host::Reservation;

use super::CsvReader;
use crate::error::{ErrorKind, Result};
use crate::frame::DataFrame;
use crate::session::Session;

/// How often planning waits for memory that others hold, a second each time.
const WAITS_MAX: usize = 60;

pub(super) fn load(reader: CsvReader) -> Result<DataFrame> {
    let CsvReader { session, inputs, options, block_bytes, wrong } = reader;
    if let Some(error) = wrong {
        return Err(error);
    }
    options.validate()?;
    let block_bytes = block_bytes.bytes()?;
    let inputs = list(&session, &inputs.0)?;
    let heads = session.engine().parallel(&inputs, |input| look(&session, input, &options))?;
    let mut types = ColumnTypes::default();
    for (_, sampled) in &heads {
        types.merge(sampled);
    }
    let headers: Vec<Header> = heads.into_iter().map(|(header, _)| header).collect();
    let names = header::combine(&headers, &options)?;
    let columns = infer::finish(&names, &types, &options)?;
    let schema = schema(&columns);
    let mut files = Vec::with_capacity(inputs.len());
    for (input, header) in inputs.into_iter().zip(&headers) {
        let block = CsvBlock::new(header, &options, &columns)?;
        let (path, bytes, modified_ns) = (input.path, input.bytes, input.modified_ns);
        files.push(CsvInput { path, bytes, modified_ns, block, rows_max: None, end: bytes });
    }
    if let Some(rows) = options.n_rows {
        files = first_rows(&session, files, rows)?;
    }
    let schema = files.first().map_or(schema, |file| Arc::clone(&file.block.schema));
    Ok(DataFrame::new(session, ReadCsv::plan(files, schema, block_bytes)))
}

fn list(session: &Session, patterns: &[String]) -> Result<Vec<Input>> {
    if patterns.is_empty() {
        return Err(ErrorKind::Option("no input: name a path, a glob or a folder".into()).into());
    }
    let mut inputs = Vec::new();
    for pattern in patterns {
        if pattern == "-" {
            let spooled = session.engine().spool(&mut io::stdin().lock())?;
            inputs.push(session.engine().storage().stat(&spooled)?);
        } else {
            inputs.extend(session.engine().storage().list(pattern)?);
        }
    }
    Ok(inputs)
}

/// The memory of a decompressor for the head of a file. Where others hold it, they are waited for: they look at files too,
/// or are tasks.
pub(crate) fn pay(session: &Session, file: &str, bytes: &Arc<dyn ReadAt>) -> Result<Box<dyn Reservation>> {
    let mut first = [0; stream::MAGIC_BYTES];
    let count = bytes
        .read_full_at(0, &mut first)
        .map_err(|source| ErrorKind::Io { path: file.to_owned(), source })?;
    let needed = stream::memory_bytes(&first[..count]);
    let ledger = session.engine().ledger();
    for _ in 0..WAITS_MAX {
        match ledger.reserve_for_task("read_csv", needed, "decompress the file first") {
            Err(_) if needed as u64 <= ledger.limit_bytes() => {
                ledger.wait_for_room(needed as u64, Duration::from_secs(1));
            }
            done => return done.map_err(refused),
        }
    }
    ledger.reserve_for_task("read_csv", needed, "decompress the file first").map_err(refused)
}

fn refused(error: partita_tasks::Error) -> crate::Error {
    partita_runtime::Error::from(partita_runtime::ErrorKind::from(error)).into()
}

/// The head of one file, and the types of its samples.
fn look(session: &Session, input: &Input, options: &ReadOptions) -> Result<(Header, ColumnTypes)> {
    let bytes = session.engine().storage().open(&input.path)?;
    let _memory = pay(session, &input.path, &bytes)?;
    let header = header::read(&input.path, &bytes, options)?;
    let types = infer::sample(&bytes, &header, options)?;
    Ok((header, types))
}

fn schema(columns: &[(String, DataType)]) -> SchemaRef {
    let fields = columns.iter().map(|(name, data_type)| Field::new(name, data_type.clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The files that hold the first rows, the last of them cut after its last wanted row.
fn first_rows(session: &Session, files: Vec<CsvInput>, rows: u64) -> Result<Vec<CsvInput>> {
    let mut left = rows;
    let mut kept = Vec::new();
    for mut file in files {
        if left == 0 && !kept.is_empty() {
            break;
        }
        let input = session.engine().storage().open(&file.path)?;
        let block = &file.block;
        let found = if !block.is_stream() {
            let limit = block.limits.record_bytes_max;
            let end = find_rows_end(&*input, &block.file, &block.dialect, block.data_start, left, limit)?;
            file.end = end.byte;
            end.rows
        } else {
            let _memory = pay(session, &file.path, &input)?;
            let found = count_rows(&file, input, left)?;
            file.rows_max = Some(found);
            found
        };
        left -= found;
        kept.push(file);
    }
    Ok(kept)
}

/// Records of a compressed file, `rows_max` at most.
fn count_rows(file: &CsvInput, input: Arc<dyn ReadAt>, rows_max: u64) -> Result<u64> {
    let mut reader = StreamReader::new(Arc::new(file.block.counting()), input)?;
    let mut rows = 0;
    while rows < rows_max
        && let Some(batch) = reader.next_batch(u64::MAX)?
    {
        rows += batch.num_rows() as u64;
    }
    Ok(rows.min(rows_max))
}
