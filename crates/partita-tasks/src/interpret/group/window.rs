//! Where a task looks at what it holds: after so many rows, or so many bytes of texts, whatever the batches are.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;

use partita_columns::group::Question;

use crate::group::Group;

/// Rows of a window, and bytes of texts.
const WINDOW_ROWS: usize = 8 << 10;
const WINDOW_BYTES: usize = 1 << 20;

/// Rows since the last look, and bytes that they may have left since states were handed out.
pub(super) struct Window {
    /// Columns of texts.
    texts: Vec<usize>,
    /// Bytes that stay of each row, and of each group, beside those of texts.
    row_bytes: usize,
    group_bytes: usize,
    rows: usize,
    bytes: usize,
    before: usize,
}

/// Bytes of a value, texts left out.
fn width(data_type: &DataType) -> usize {
    data_type.primitive_width().unwrap_or(size_of::<u128>())
}

impl Window {
    pub(super) fn new(group: &Group) -> Self {
        let looked_at = group.keys.iter().chain(&group.inputs).enumerate();
        let is_text = |data_type: &DataType| data_type.primitive_width().is_none() && !data_type.is_null();
        let texts = looked_at.filter(|(_, input)| is_text(&input.data_type)).map(|(at, _)| at);
        let held = group.questions.iter().filter(|question| question.holds_values());
        let held = held.flat_map(|question| &question.columns).filter_map(|at| group.inputs.get(*at));
        let keys: usize = group.keys.iter().map(|key| width(&key.data_type) + size_of::<u64>()).sum();
        Self {
            texts: texts.collect(),
            row_bytes: held.map(|input| width(&input.data_type) + size_of::<u32>()).sum(),
            group_bytes: keys
                + group.questions.len() * 4 * size_of::<u64>()
                + group.questions.iter().map(Question::state_bytes).sum::<usize>(),
            rows: 0,
            bytes: 0,
            before: 0,
        }
    }

    /// How many of the rows from `start` on belong to the window.
    pub(super) fn take(&mut self, columns: &[ArrayRef], start: usize, rows: usize) -> usize {
        let mut count = (rows - start).min(WINDOW_ROWS - self.rows);
        if !self.texts.is_empty() {
            let bytes_of = |row: usize| -> usize {
                let texts = self.texts.iter().filter_map(|at| columns.get(*at));
                texts.map(|column| text_bytes(column, row)).sum()
            };
            for row in start..start + count {
                self.bytes += bytes_of(row);
                if self.bytes >= WINDOW_BYTES {
                    count = row + 1 - start;
                    break;
                }
            }
        }
        self.rows += count;
        count
    }

    /// Whether it is time to look.
    pub(super) fn is_full(&self) -> bool {
        self.rows >= WINDOW_ROWS || self.bytes >= WINDOW_BYTES
    }

    /// Begins the next one: bytes that rows may have left, in so many groups.
    pub(super) fn end(&mut self, groups: usize) -> usize {
        self.before += self.bytes + self.rows * self.row_bytes;
        (self.rows, self.bytes) = (0, 0);
        self.before + groups * self.group_bytes
    }

    /// Nothing is held any more.
    pub(super) fn clear(&mut self) {
        (self.rows, self.bytes, self.before) = (0, 0, 0);
    }
}

/// Bytes of the text in a row, beyond those that a view has within it.
fn text_bytes(column: &ArrayRef, row: usize) -> usize {
    let long = |view: &u128| Some(*view as u32 as usize).filter(|bytes| *bytes > 12).unwrap_or(0);
    match column.data_type() {
        _ if column.is_null(row) => 0,
        DataType::Utf8View => column.as_string_view().views().get(row).map_or(0, long),
        DataType::BinaryView => column.as_binary_view().views().get(row).map_or(0, long),
        DataType::Utf8 => column.as_string::<i32>().value_length(row) as usize,
        DataType::LargeUtf8 => column.as_string::<i64>().value_length(row) as usize,
        DataType::Binary => column.as_binary::<i32>().value_length(row) as usize,
        DataType::LargeBinary => column.as_binary::<i64>().value_length(row) as usize,
        DataType::FixedSizeBinary(bytes) => *bytes as usize,
        _ => match column.as_any_dictionary_opt() {
            Some(dictionary) => {
                let codes = dictionary.normalized_keys();
                codes.get(row).map_or(0, |code| text_bytes(dictionary.values(), *code))
            }
            None => 0,
        },
    }
}
