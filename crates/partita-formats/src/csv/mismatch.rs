//! Values that do not fit their column, as a table with the way out.

use std::fmt;

use arrow::datatypes::DataType;

use super::infer::kinds::Kinds;
use super::reader::ColumnSpec;
use super::schema_file::{type_code, type_name};
use super::value::Numbers;
use super::widen::may_widen;

#[cfg(test)]
mod tests;

/// Rows of a table at most: further columns are counted.
const ROWS_MAX: usize = 20;

/// Characters of a value that are shown.
const VALUE_CHARS_MAX: usize = 60;

/// The values of one column that do not fit its type.
#[derive(Debug, Clone)]
pub struct Mismatch {
    /// The column.
    pub column: String,
    /// What the values look like, all of them together.
    pub found: Kinds,
    /// The type of the column.
    pub expected: DataType,
    /// How many there are in the block.
    pub count: u64,
    /// The first one's place in the decoded bytes of the file, from 0.
    pub byte: u64,
    /// Its line, from 1, where the file could be read again to count lines.
    pub line: Option<u64>,
    /// Its record, from 1, where the block began with the first one.
    pub record: Option<u64>,
    /// Its text, cut and escaped.
    pub value: String,
    /// A wider type may hold them.
    widens: bool,
    /// All of them have this text.
    same: bool,
    /// Its text, where it is short enough to be a word for missing values.
    word: Option<String>,
    /// The marks that make a number of it, in a column of numbers.
    marks: Option<Numbers>,
}

/// The mismatches of one block, one row a column.
#[derive(Debug, Clone, Default, thiserror::Error)]
pub struct MismatchTable {
    file: String,
    rows: Vec<Mismatch>,
    further_columns: usize,
}

impl MismatchTable {
    /// An empty table for a file, as the user named it.
    pub fn new(file: &str) -> Self {
        Self { file: file.to_owned(), ..Self::default() }
    }

    /// The file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// One row a column, in the order of the first mismatch; at most twenty.
    pub fn rows(&self) -> &[Mismatch] {
        &self.rows
    }

    /// Columns with mismatches that have no row.
    pub fn further_columns(&self) -> usize {
        self.further_columns
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What a conversion can do instead.
    fn on_mismatch(&self) -> Vec<[String; 3]> {
        let way = |code: &str, flag: &str, meaning: &str| {
            [format!(".on_mismatch(OnMismatch::{code})"), format!("--on-mismatch {flag}"), meaning.to_owned()]
        };
        let mut ways = vec![way("Quarantine", "quarantine", "such records go to a file of their own")];
        if self.rows.iter().all(|row| row.widens) {
            ways.insert(0, way("Widen", "widen", "columns get types that hold all values"));
        }
        ways
    }

    pub(crate) fn push(&mut self, row: Mismatch) {
        self.rows.push(row);
        self.rows.sort_by_key(|row| row.byte);
        if self.rows.len() > ROWS_MAX {
            self.rows.truncate(ROWS_MAX);
            self.further_columns += 1;
        }
    }

    /// Takes in the columns of another table of the same file.
    pub(crate) fn merge(&mut self, other: Self) {
        self.further_columns += other.further_columns;
        other.rows.into_iter().for_each(|row| self.push(row));
    }

    /// The places of the rows, in ascending order.
    pub(crate) fn places(&self) -> Vec<u64> {
        self.rows.iter().map(|row| row.byte).collect()
    }

    /// Sets the lines of [`MismatchTable::places`].
    pub(crate) fn set_lines(&mut self, lines: &[u64]) {
        for (row, line) in self.rows.iter_mut().zip(lines) {
            row.line = Some(*line);
        }
    }
}

impl Mismatch {
    /// The first mismatch of a column.
    pub(crate) fn first(spec: &ColumnSpec, found: Kinds, text: &[u8], byte: u64) -> Self {
        let word =
            (text.len() <= 16 && !text.is_empty()).then(|| String::from_utf8(text.to_vec()).ok()).flatten();
        Self {
            column: spec.name.clone(),
            found,
            expected: spec.data_type.clone(),
            count: 1,
            byte,
            line: None,
            record: None,
            value: shown(text),
            widens: may_widen(spec, found),
            same: true,
            word,
            marks: Self::marks(spec, found, text),
        }
    }

    fn marks(spec: &ColumnSpec, found: Kinds, text: &[u8]) -> Option<Numbers> {
        const NUMBER_BYTES_MAX: usize = 64;
        let is_one = spec.data_type.is_numeric() && found == Kinds::TEXT && text.len() <= NUMBER_BYTES_MAX;
        if is_one { Numbers::guess(text) } else { None }
    }

    /// A further one.
    pub(crate) fn again(&mut self, spec: &ColumnSpec, found: Kinds, text: &[u8]) {
        self.count += 1;
        if self.found != found.union(self.found) {
            self.found = self.found.union(found);
            self.widens = may_widen(spec, self.found);
        }
        self.same &= self.word.as_ref().is_some_and(|word| word.as_bytes() == text);
    }

    /// The type that holds the values of the column and these. Where only some times have an offset: UTC, which the
    /// others are read in once it is asked for.
    pub fn suggested(&self) -> DataType {
        let joined = self.found.union(Kinds::of_type(&self.expected));
        let in_utc = match &self.expected {
            DataType::Timestamp(_, Some(zone)) => &**zone == "UTC",
            DataType::Timestamp(_, None) | DataType::Date32 => true,
            _ => false,
        };
        match joined.data_type() {
            DataType::Utf8View if in_utc => joined.in_utc().unwrap_or(DataType::Utf8View),
            data_type => data_type,
        }
    }

    /// Whether a wider type may hold them: none was given, and they are text.
    pub(crate) fn widens(&self) -> bool {
        self.widens
    }

    fn ways_out(&self) -> Vec<(String, String)> {
        let name = &self.column;
        let flag = |value: String| shell_word(&value);
        if self.found.intersects(Kinds::NOT_TEXT) {
            return vec![(".encoding(Encoding::Windows1252)".into(), "--encoding windows-1252".into())];
        }
        let suggested = self.suggested();
        let mut ways = vec![(
            format!(".dtype({name:?}, {})", type_code(&suggested)),
            format!("--dtype {}", flag(format!("{name}={}", type_name(&suggested)))),
        )];
        if let Some(marks) = self.marks {
            ways.extend(marks_way(marks));
            return ways;
        }
        match (&self.word, self.found.intersects(Kinds::TEXT)) {
            (Some(word), true) if self.same && !word.bytes().any(|byte| byte.is_ascii_digit()) => ways
                .push((format!(".null_values([{word:?}])"), format!("--null-values {}", flag(word.clone())))),
            (_, true) if self.expected.is_temporal() => ways.push((
                format!(".date_format({name:?}, \"%d/%m/%Y\")"),
                format!("--date-format {}", flag(format!("{name}=%d/%m/%Y"))),
            )),
            _ => {}
        }
        ways
    }
}

/// What says that numbers are written with these marks.
fn marks_way(marks: Numbers) -> Option<(String, String)> {
    let code = |name: &str, byte: u8| format!(".{name}(b'{}')", byte.escape_ascii());
    let flag = |name: &str, byte: u8| match byte {
        b' ' => format!("--{name} space"),
        _ => format!("--{name} {}", shell_word(&char::from(byte).to_string())),
    };
    let said =
        [("decimal", Some(marks.decimal).filter(|byte| *byte != b'.')), ("thousands", marks.thousands)];
    let said: Vec<(&str, u8)> = said.into_iter().filter_map(|(name, byte)| Some((name, byte?))).collect();
    (!said.is_empty()).then(|| {
        let codes: String = said.iter().map(|(name, byte)| code(name, *byte)).collect();
        let flags: Vec<String> = said.iter().map(|(name, byte)| flag(name, *byte)).collect();
        (codes, flags.join(" "))
    })
}

/// At most sixty characters of a value, in quotes, with nothing that a terminal would act on.
pub(crate) fn shown(text: &[u8]) -> String {
    let cut = &text[..text.len().min(VALUE_CHARS_MAX * 4)];
    let lossy = String::from_utf8_lossy(cut);
    let head: String = lossy.chars().take(VALUE_CHARS_MAX).collect();
    let more = if head.len() < lossy.len() || cut.len() < text.len() { ".." } else { "" };
    format!("{head:?}{more}")
}

/// A word as a shell takes it.
fn shell_word(word: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "_-=./%:,+@".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

impl fmt::Display for MismatchTable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cells =
            vec![["column", "found", "expected", "count", "first place", "value"].map(str::to_owned)];
        cells.extend(self.rows.iter().map(|row| {
            let place = match (row.line, row.record) {
                (Some(line), _) => format!("{}: line {line}, byte {}", self.file, row.byte),
                (None, Some(record)) => format!("{}: record {record}, byte {}", self.file, row.byte),
                (None, None) => format!("{}: byte {}", self.file, row.byte),
            };
            let (found, expected) = (row.found.found(), type_name(&row.expected));
            [shown_name(&row.column), found, expected, row.count.to_string(), place, row.value.clone()]
        }));
        writeln!(out, "values do not fit their columns")?;
        write_aligned(out, &cells, Some(3))?;
        if self.further_columns > 0 {
            writeln!(out, "  and {} more columns", self.further_columns)?;
        }
        let mut ways: Vec<[String; 2]> = vec![["in Rust".into(), "on the command line".into()]];
        for (code, flag) in self.rows.iter().flat_map(Mismatch::ways_out) {
            if !ways.iter().any(|[known, _]| *known == code) {
                ways.push([code, flag]);
            }
        }
        writeln!(out, "say how to read them:")?;
        write_aligned(out, &ways, None)?;
        writeln!(out, "\nor, where they are written to Parquet, what becomes of them:")?;
        write_aligned(out, &self.on_mismatch(), None)
    }
}

fn shown_name(name: &str) -> String {
    let plain = name.chars().all(|character| !character.is_control());
    if plain { name.to_owned() } else { format!("{name:?}") }
}

/// Rows of cells under each other; the column `right` is aligned to the right. No line end after the last.
fn write_aligned<const N: usize>(
    out: &mut fmt::Formatter<'_>,
    rows: &[[String; N]],
    right: Option<usize>,
) -> fmt::Result {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let end = if right.is_some() { "\n" } else { "" };
    for (index, row) in rows.iter().enumerate() {
        let mut line = String::from(" ");
        for (column, cell) in row.iter().enumerate() {
            let width = widths[column];
            if right == Some(column) {
                line.push_str(&format!(" {cell:>width$} "));
            } else {
                line.push_str(&format!(" {cell:<width$} "));
            }
        }
        let last = index + 1 == rows.len();
        write!(out, "{}{}", line.trim_end(), if last { end } else { "\n" })?;
    }
    Ok(())
}
