//! Memory that states take.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;

use super::{FloatSum, State};
use crate::scalar::Scalar;

impl State {
    /// Bytes that it takes beside itself.
    pub fn memory_bytes(&self) -> usize {
        match self {
            State::FloatSum { .. } => size_of::<FloatSum>(),
            State::Extreme(extreme) => extreme.memory_bytes(),
            State::Ends(Some((first, last))) => scalar_bytes(first) + scalar_bytes(last),
            State::HyperLogLog(hashes) => hashes.memory_bytes(),
            State::Sketch(sketch) => sketch.memory_bytes(),
            _ => 0,
        }
    }

    /// Bytes that it takes at most, on the way and after, when it has taken `rows` rows more, `column` being what it is of.
    pub fn need_bytes(&self, column: Option<&ArrayRef>, rows: usize) -> usize {
        match self {
            State::Extreme(_) => self.memory_bytes() + column.map_or(0, longest),
            State::Ends(_) => self.memory_bytes() + 2 * column.map_or(0, longest),
            State::Sketch(sketch) => sketch.need_bytes(rows),
            _ => self.memory_bytes(),
        }
    }
}

/// Bytes that a scalar takes beside itself.
pub(super) fn scalar_bytes(scalar: &Scalar) -> usize {
    match scalar {
        Scalar::Utf8(text) => text.capacity(),
        Scalar::Binary(bytes) => bytes.capacity(),
        _ => 0,
    }
}

/// Bytes of the longest value of a column of texts.
fn longest(column: &ArrayRef) -> usize {
    // The length of a view is its low half word.
    let of_views = |views: &[u128]| views.iter().map(|view| *view as u32).max().unwrap_or(0) as usize;
    match column.data_type() {
        DataType::Utf8View => of_views(column.as_string_view().views()),
        DataType::BinaryView => of_views(column.as_binary_view().views()),
        DataType::Binary => column
            .as_binary::<i32>()
            .offsets()
            .windows(2)
            .map(|ends| (ends[1] - ends[0]) as usize)
            .max()
            .unwrap_or(0),
        _ => 0,
    }
}
