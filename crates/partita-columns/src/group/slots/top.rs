//! The largest or smallest values of groups.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::super::RowNumbers;
use super::super::input::primitive;
use super::super::intern::grown;
use super::super::values::{Domain, flip, longs, one_nan, ordered, plain_floats, whole_array};
use super::list::{expand, list_array, list_type};
use super::{Asked, Slots, kept_rows, one, resize};
use crate::dtype;
use crate::error::{ErrorKind, Result};
use crate::wide::Valid;

/// Values that a group has room for at first, at most.
const ROOM: u32 = 4;

/// The type of the largest or smallest values of a type.
///
/// # Errors
/// [`ErrorKind::Undefined`] for types that are no numbers, times or truth values.
pub(in super::super) fn top_type(operation: &str, values: &DataType) -> Result<DataType> {
    let is_word = !matches!(values, DataType::Null | DataType::Dictionary(..))
        && Domain::of(values).is_ok_and(|domain| domain != Domain::Text);
    if is_word {
        return Ok(list_type(values));
    }
    Err(ErrorKind::Undefined { operation: operation.to_owned(), types: dtype::name(values) }.into())
}

/// So many of the largest or smallest values of each group, the best first; nulls are left out. NaN is above every number.
#[derive(Debug)]
pub(in super::super) struct Tops {
    count: u32,
    is_largest: bool,
    data_type: DataType,
    best: Best,
}

#[derive(Debug)]
enum Best {
    Whole(Ranked<i64>),
    /// By bits that have the order of the values.
    Float(Ranked<i64>),
    Long(Ranked<i128>),
}

/// The greatest words of each group, in one vector.
#[derive(Debug)]
struct Ranked<T> {
    places: Vec<Place<T>>,
    words: Vec<T>,
}

/// Where the words of a group are. One that is full has room for more behind the others, and leaves its own behind.
#[derive(Debug, Clone, Copy)]
struct Place<T> {
    /// The least word, where there are as many as are kept.
    least: T,
    start: usize,
    len: u32,
    room: u32,
}

/// A float as a word of the same order, with one NaN, and back.
fn ranked_float(value: f64) -> i64 {
    let bits = one_nan(value).to_bits().cast_signed();
    bits ^ ((bits >> 63) & i64::MAX)
}

fn float_of(word: i64) -> f64 {
    f64::from_bits((word ^ ((word >> 63) & i64::MAX)).cast_unsigned())
}

impl<T: Copy + Ord + Default> Ranked<T> {
    const fn new() -> Self {
        Self { places: Vec::new(), words: Vec::new() }
    }

    fn grow(&mut self, groups: usize) {
        resize(&mut self.places, groups, Place { least: T::default(), start: 0, len: 0, room: 0 });
    }

    /// Takes words for groups, of which each keeps so many.
    fn take(&mut self, rows: impl Iterator<Item = (usize, T)>, count: u32) {
        for (group, word) in rows {
            let place = &mut self.places[group];
            if place.len >= count && (word <= place.least || count == 0) {
                continue;
            }
            if place.len == place.room && place.len < count {
                let (start, len) = (self.words.len(), place.len as usize);
                self.words.extend_from_within(place.start..place.start + len);
                place.room = place.room.saturating_mul(2).max(ROOM).min(count);
                place.start = start;
                self.words.resize(start + place.room as usize, T::default());
            }
            place.len = (place.len + 1).min(count);
            let kept = &mut self.words[place.start..place.start + place.len as usize];
            // The last is free, or goes.
            let mut at = kept.len() - 1;
            while at > 0 && kept[at - 1] < word {
                kept[at] = kept[at - 1];
                at -= 1;
            }
            kept[at] = word;
            place.least = kept[kept.len() - 1];
        }
    }

    fn of(&self, group: usize) -> &[T] {
        let place = &self.places[group];
        &self.words[place.start..place.start + place.len as usize]
    }

    fn len(&self, range: Range<usize>) -> usize {
        self.places[range].iter().map(|place| place.len as usize).sum()
    }

    /// The words of some groups, as something else.
    fn words<U>(&self, range: Range<usize>, value: impl Fn(T) -> U) -> Vec<U> {
        let mut words = Vec::with_capacity(self.len(range.clone()));
        range.for_each(|group| words.extend(self.of(group).iter().map(|word| value(*word))));
        words
    }

    fn memory_bytes(&self) -> usize {
        self.places.capacity() * size_of::<Place<T>>() + self.words.capacity() * size_of::<T>()
    }

    /// Bytes while it grows to so many groups and takes so many rows.
    fn need_bytes(&self, groups: usize, rows: usize, count: u32) -> usize {
        let room = ROOM.min(count) as usize;
        let words = if count <= ROOM {
            (self.words.len() + room * rows).min(room * groups.max(self.places.len()))
        } else {
            // A group that was there before moves once into twice its room, and further for half as many rows as it has room for then.
            let moved = (2 * self.words.len()).min(rows.saturating_mul(count as usize));
            self.words.len() + moved + (4 + room) * rows
        };
        // Words come one by one: the last time that they move there are less than these, into less than twice as many.
        let held = self.words.capacity();
        let words = if words <= held { held } else { 3 * words.max(ROOM as usize) };
        grown::<Place<T>>(self.places.capacity(), groups) + words * size_of::<T>()
    }

    fn clear(&mut self) {
        self.places.clear();
        self.words.clear();
    }
}

impl Tops {
    pub(in super::super) fn new(count: u32, is_largest: bool, data_type: &DataType) -> Result<Self> {
        let best = match Domain::of(data_type)? {
            Domain::Float => Best::Float(Ranked::new()),
            Domain::Long => Best::Long(Ranked::new()),
            Domain::Whole | Domain::Text => Best::Whole(Ranked::new()),
        };
        Ok(Self { count, is_largest, data_type: data_type.clone(), best })
    }

    fn take(&mut self, groups: &[u32], column: &ArrayRef) -> Result<()> {
        let (count, valid) = (self.count, Valid::of(column.nulls()));
        let rows = kept_rows(groups, valid.as_ref());
        // The smallest are the largest of the complements.
        let turn = if self.is_largest { 0 } else { -1 };
        match &mut self.best {
            Best::Whole(best) => {
                let values = ordered(column)?;
                best.take(rows.map(|(row, group)| (group, values[row] ^ turn)), count);
            }
            Best::Float(best) => {
                let values = plain_floats(column)?;
                best.take(rows.map(|(row, group)| (group, ranked_float(values[row]) ^ turn)), count);
            }
            Best::Long(best) => {
                let (values, turn) = (longs(column)?, i128::from(turn));
                best.take(rows.map(|(row, group)| (group, values[row] ^ turn)), count);
            }
        }
        Ok(())
    }

    fn lists(&self, range: Range<usize>) -> Result<ArrayRef> {
        let turn = if self.is_largest { 0 } else { -1 };
        let is_unsigned = self.data_type == DataType::UInt64;
        let values = match &self.best {
            Best::Whole(best) => {
                let value = |word: i64| if is_unsigned { flip(word ^ turn) } else { word ^ turn };
                whole_array(&self.data_type, best.words(range.clone(), value), None)?
            }
            Best::Float(best) => {
                let values = Float64Array::from(best.words(range.clone(), |word| float_of(word ^ turn)));
                cast(&values, &self.data_type)?
            }
            Best::Long(best) => {
                let turn = i128::from(turn);
                primitive(&self.data_type, best.words(range.clone(), |word| word ^ turn), None)?
            }
        };
        list_array(values, range.map(|group| self.len(group..group + 1)))
    }

    /// Values of some groups.
    fn len(&self, range: Range<usize>) -> usize {
        match &self.best {
            Best::Whole(best) | Best::Float(best) => best.len(range),
            Best::Long(best) => best.len(range),
        }
    }

    fn need_of(&self, groups: usize, rows: usize) -> usize {
        let best = match &self.best {
            Best::Whole(best) | Best::Float(best) => best.need_bytes(groups, rows, self.count),
            Best::Long(best) => best.need_bytes(groups, rows, self.count),
        };
        best + 9 * rows + 128
    }
}

impl Slots for Tops {
    fn grow(&mut self, count: usize) {
        match &mut self.best {
            Best::Whole(best) | Best::Float(best) => best.grow(count),
            Best::Long(best) => best.grow(count),
        }
    }

    fn update(&mut self, groups: &[u32], columns: &[ArrayRef], _: RowNumbers<'_>) -> Result<()> {
        self.take(groups, one(columns)?)
    }

    fn merge(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        let (groups, values) = expand(groups, one(columns)?)?;
        self.take(&groups, &values)
    }

    fn types(&self) -> Vec<DataType> {
        vec![list_type(&self.data_type)]
    }

    fn columns(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.lists(range)?])
    }

    fn finish(&self, asked: &Asked<'_>) -> Result<ArrayRef> {
        self.lists(asked.range.clone())
    }

    fn memory_bytes(&self) -> usize {
        match &self.best {
            Best::Whole(best) | Best::Float(best) => best.memory_bytes(),
            Best::Long(best) => best.memory_bytes(),
        }
    }

    fn need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        self.need_of(count, columns.first().map_or(0, |column| column.len()))
    }

    fn merge_need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        let lists = columns.first().and_then(|column| column.as_list_opt::<i32>());
        let values = lists.map_or(0, |lists| {
            let offsets = lists.value_offsets();
            offsets.last().zip(offsets.first()).map_or(0, |(last, first)| (last - first) as usize)
        });
        self.need_of(count, values) + size_of::<u32>() * values
    }

    fn give_need_bytes(&self, range: Range<usize>) -> usize {
        3 * size_of::<i64>() * self.len(range.clone()) + 16 * range.len() + 1024
    }

    fn clear(&mut self) {
        match &mut self.best {
            Best::Whole(best) | Best::Float(best) => best.clear(),
            Best::Long(best) => best.clear(),
        }
    }
}
