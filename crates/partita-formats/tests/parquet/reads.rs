//! Reading all of a Parquet file.

use std::path::Path;
use std::sync::Arc;

use partita_columns::Scalar;
use partita_columns::compute::CompareOp;
use partita_formats::Result;
use partita_formats::io::ReadAt;
use partita_formats::parquet::read::{FooterLimits, ParquetFile, Predicate, RowGroupReader, RowGroupSpec};

use crate::child::allowance;

/// Everything that can be read of a file.
pub(crate) fn reads(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).unwrap();
    let memory_bytes_max = allowance(bytes.len() as u64) as usize / 2;
    let input: Arc<dyn ReadAt> = Arc::new(bytes);
    let file = Arc::new(ParquetFile::open(input.as_ref(), "a file", &FooterLimits::default())?);
    let columns: Vec<usize> = (0..file.schema().fields().len()).collect();
    let (mut rows, mut first_error) = (0, None);
    for row_group in 0..file.row_groups().len() {
        for &column in &columns {
            if let Err(error) = prunes(&file, &input, row_group, column) {
                first_error.get_or_insert(error);
            }
        }
        let spec = RowGroupSpec { memory_bytes_max, ..RowGroupSpec::new(columns.clone()) };
        let mut reader = match RowGroupReader::new(&file, &input, row_group, &spec, None) {
            Ok(reader) => reader,
            Err(error) => {
                first_error.get_or_insert(error);
                continue;
            }
        };
        loop {
            match reader.next_batch() {
                Ok(Some(batch)) => rows += batch.num_rows(),
                Ok(None) => break,
                Err(error) => {
                    first_error.get_or_insert(error);
                    break;
                }
            }
        }
    }
    first_error.map_or_else(|| Ok(format!("{rows} x {}", columns.len())), Err)
}

/// Statistics, page index and Bloom filter of a column.
fn prunes(file: &ParquetFile, input: &Arc<dyn ReadAt>, row_group: usize, column: usize) -> Result<()> {
    let field = file.schema().field(column);
    let value = file.bounds(row_group, column).and_then(|bounds| bounds.min).unwrap_or(Scalar::Int64(0));
    file.may_contain(input.as_ref(), row_group, column, &value)?;
    let predicate = Predicate::Compare { column: field.name().clone(), op: CompareOp::Eq, value };
    file.matching_rows(input.as_ref(), row_group, &predicate)?;
    Ok(())
}
