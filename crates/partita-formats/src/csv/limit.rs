//! Where the first rows of a file end: what `n_rows` needs to know before anything is planned.

use super::dialect::Dialect;
use super::records::Records;
use super::split::Splitter;
use crate::error::{ErrorKind, Result};
use crate::io::ReadAt;

/// Bytes read at once at first.
const BUFFER_BYTES: usize = 256 << 10;

/// The end of the first rows of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowsEnd {
    /// Rows found: fewer than were asked for where the file has no more.
    pub rows: u64,
    /// First byte after them.
    pub byte: u64,
}

/// Finds the end of the first `rows_max` records of the uncompressed `input` from `data_start`; reads no further.
///
/// # Errors
/// Where the store fails, or a record is longer than `record_bytes_max`.
pub fn find_rows_end(
    input: &dyn ReadAt,
    file: &str,
    dialect: &Dialect,
    data_start: u64,
    rows_max: u64,
    record_bytes_max: usize,
) -> Result<RowsEnd> {
    let mut splitter = Splitter::new(dialect);
    let mut records = Records::default();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut found = RowsEnd { rows: 0, byte: data_start };
    while found.rows < rows_max {
        let got = input
            .read_full_at(found.byte, &mut buffer)
            .map_err(|source| ErrorKind::Io { file: file.to_owned(), source })?;
        let last = got < buffer.len();
        let wanted = usize::try_from(rows_max - found.rows).unwrap_or(usize::MAX);
        records.clear();
        let consumed = splitter.split(&buffer[..got], last, wanted, &mut records);
        found.rows += records.len() as u64;
        found.byte += consumed as u64;
        if last && records.len() < wanted {
            found.byte = input.len();
            break;
        }
        if consumed == 0 {
            if buffer.len() >= record_bytes_max {
                let limit = record_bytes_max;
                return Err(
                    ErrorKind::RecordTooLong { file: file.to_owned(), byte: found.byte, limit }.into()
                );
            }
            buffer.resize((buffer.len() * 2).min(record_bytes_max), 0);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_after_the_asked_rows_wherever_quotes_stand() {
        let input = b"a,b\n1,\"x\ny\"\n\n2,z\n3,w".to_vec();
        let end = |rows| find_rows_end(&input, "t.csv", &Dialect::default(), 4, rows, 1 << 20).unwrap();
        assert_eq!(end(0), RowsEnd { rows: 0, byte: 4 });
        assert_eq!(end(1), RowsEnd { rows: 1, byte: 12 });
        assert_eq!(end(2).rows, 2);
        assert!(input[..end(2).byte as usize].ends_with(b"2,z\n"));
        assert_eq!(end(9), RowsEnd { rows: 3, byte: input.len() as u64 });
    }
}
