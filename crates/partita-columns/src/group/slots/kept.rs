//! All values of groups, for questions that need them: distinct values, exact quantiles, the mode.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;

use super::super::decode;
use super::super::input::{Input, Kind, Values, primitive};
use super::super::intern::{Texts, Words, grown};
use super::super::values::{Domain, flip, float_array, longs, ordered, plain_floats, whole_array};
use super::super::{RowNumbers, input};
use super::list::{Order, expand, list_array, list_type};
use super::{Asked, Slots, kept_rows, one};
use crate::error::Result;
use crate::reduce::Reduction;
use crate::reduce::kind::decimal_unit;
use crate::reduce::sorted::{place, ticks_between};
use crate::wide::Valid;

/// Values that are not null, as words, and their groups; put in the order of groups when they are asked for. Words are in
/// the order of numbers and times; those of decimals and texts are numbers of the distinct ones.
#[derive(Debug)]
pub(in super::super) struct Kept {
    data_type: DataType,
    names: Names,
    words: Vec<u64>,
    groups: Vec<u32>,
    count: usize,
    order: OnceLock<Order<u64>>,
}

#[derive(Debug)]
enum Names {
    Whole,
    Float,
    Long(Words<u128>),
    Text(Texts),
}

const SIGN: u64 = input::SIGN;

/// NaN is one value, greater than every number; zeros are equal.
fn of_float(value: f64) -> u64 {
    let value = if value.is_nan() { f64::NAN.abs() } else { value + 0.0 };
    let bits = value.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

fn to_float(word: u64) -> f64 {
    f64::from_bits(if word & SIGN == 0 { !word } else { word ^ SIGN })
}

fn to_whole(word: u64) -> i64 {
    flip(word.cast_signed())
}

/// Neighbours that are equal in sorted values: the value, and how many.
fn counted<T: PartialEq + Copy>(sorted: &[T]) -> impl Iterator<Item = (T, u64)> {
    sorted.chunk_by(|a, b| a == b).map(|equal| (equal[0], equal.len() as u64))
}

impl Kept {
    pub(in super::super) fn new(data_type: &DataType) -> Result<Self> {
        let names = match Domain::of(data_type)? {
            Domain::Whole => Names::Whole,
            Domain::Float => Names::Float,
            Domain::Long => Names::Long(Words::default()),
            Domain::Text => Names::Text(Texts::default()),
        };
        let data_type = data_type.clone();
        Ok(Self { data_type, names, words: Vec::new(), groups: Vec::new(), count: 0, order: OnceLock::new() })
    }

    fn push(&mut self, groups: &[u32], column: &ArrayRef) -> Result<()> {
        self.order = OnceLock::new();
        let valid = Valid::of(column.nulls());
        let rows = || kept_rows(groups, valid.as_ref());
        match &mut self.names {
            Names::Whole => {
                let values = ordered(column)?;
                self.words.extend(rows().map(|(row, _)| flip(values[row]).cast_unsigned()));
            }
            Names::Float => {
                let values = plain_floats(column)?;
                self.words.extend(rows().map(|(row, _)| of_float(values[row])));
            }
            Names::Long(words) => {
                let values = longs(column)?;
                let keys: Vec<u128> = rows().map(|(row, _)| values[row].cast_unsigned()).collect();
                let mut codes = vec![0; keys.len()];
                words.push(&keys, (None, 0), &mut codes)?;
                self.words.extend(codes.into_iter().map(u64::from));
            }
            Names::Text(texts) => {
                let input = Input::new(column, Kind::Text)?;
                let Values::Text(views, buffers) = &input.values else { return Ok(()) };
                let keys: Vec<u128> = rows().map(|(row, _)| views[row]).collect();
                let mut codes = vec![0; keys.len()];
                texts.push(&keys, buffers, (None, 0), &mut codes)?;
                self.words.extend(codes.into_iter().map(u64::from));
            }
        }
        self.groups.extend(rows().map(|(_, group)| group as u32));
        Ok(())
    }

    fn order(&self) -> &Order<u64> {
        self.order.get_or_init(|| Order::new(self.count, &self.groups, |row| self.words[row]))
    }

    /// A column of the values of words.
    fn array(&self, words: Vec<u64>, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        match &self.names {
            Names::Whole if self.data_type == DataType::UInt64 => primitive(&self.data_type, words, nulls),
            Names::Whole => whole_array(&self.data_type, words.into_iter().map(to_whole).collect(), nulls),
            Names::Float => float_array(&self.data_type, words.into_iter().map(to_float).collect(), nulls),
            Names::Long(longs) => {
                let value = |word: u64| longs.keys().get(word as usize).map_or(0, |key| key.cast_signed());
                primitive(&self.data_type, words.into_iter().map(value).collect(), nulls)
            }
            Names::Text(texts) => decode::texts(texts, &self.data_type, &words, nulls),
        }
    }

    /// The most frequent value of a group and how often it is there; the least of several.
    fn mode(&self, words: &mut [u64]) -> Option<(u64, u64)> {
        words.sort_unstable();
        let most = counted(words).map(|(_, count)| count).max()?;
        let mut modes = counted(words).filter(|(_, count)| *count == most);
        match &self.names {
            Names::Whole | Names::Float => modes.next(),
            Names::Long(longs) => modes.min_by_key(|(word, _)| longs.keys()[*word as usize].cast_signed()),
            Names::Text(texts) => modes.min_by(|(a, _), (b, _)| texts.compare(*a as u32, *b as u32)),
        }
    }

    fn modes(&self, range: Range<usize>) -> Result<ArrayRef> {
        let (order, mut scratch) = (self.order(), Vec::new());
        let modes = range.map(|group| {
            scratch.clear();
            scratch.extend_from_slice(order.of(group));
            self.mode(&mut scratch).map(|(word, _)| word)
        });
        let modes: Vec<Option<u64>> = modes.collect();
        let nulls = modes.contains(&None).then(|| modes.iter().map(Option::is_some).collect());
        if self.words.is_empty() {
            return Ok(arrow::array::new_null_array(&self.data_type, modes.len()));
        }
        self.array(modes.into_iter().map(|word| word.unwrap_or(0)).collect(), nulls)
    }

    fn quantiles(&self, share: f64, asked: &Asked<'_>) -> Result<ArrayRef> {
        let is_ticks = matches!(self.data_type, DataType::Timestamp(..) | DataType::Duration(_));
        let (order, range) = (self.order(), asked.range.clone());
        let nulls = || -> Option<NullBuffer> {
            Some(range.clone().map(|group| !order.of(group).is_empty()).collect())
        };
        if is_ticks {
            let mut scratch: Vec<u64> = Vec::new();
            let ticks = range.clone().map(|group| {
                between(order.of(group), |word| *word, share, &mut scratch)
                    .map_or(0, |(low, high, part)| ticks_between(to_whole(low), to_whole(high), part))
            });
            return whole_array(&asked.result, ticks.collect(), nulls());
        }
        let unit = decimal_unit(&self.data_type);
        let is_unsigned = self.data_type == DataType::UInt64;
        let number = |word: u64| match &self.names {
            Names::Float => to_float(word),
            _ if is_unsigned => word as f64,
            _ => to_whole(word) as f64,
        };
        let (mut scratch, mut wide): (Vec<u64>, Vec<i128>) = (Vec::new(), Vec::new());
        let values = range.clone().map(|group| {
            let (low, high, part) = match &self.names {
                Names::Long(longs) => {
                    let value = |word: &u64| longs.keys()[*word as usize].cast_signed();
                    let (low, high, part) = between(order.of(group), value, share, &mut wide)?;
                    (low as f64 / unit, high as f64 / unit, part)
                }
                _ => {
                    let (low, high, part) = between(order.of(group), |word| *word, share, &mut scratch)?;
                    (number(low), number(high), part)
                }
            };
            // Of equal infinities the difference is none.
            Some(if low == high || part == 0.0 { low } else { low + (high - low) * part })
        });
        Ok(super::super::values::optional_floats(values))
    }
}

/// The values at both sides of a share of the ranks, and how far the share is from the first; `None` of no values.
fn between<T: Ord + Copy>(
    words: &[u64],
    value: impl Fn(&u64) -> T,
    share: f64,
    scratch: &mut Vec<T>,
) -> Option<(T, T, f64)> {
    let (rank, part) = place(share, words.len() as u64);
    let rank = usize::try_from(rank).ok().filter(|rank| *rank < words.len())?;
    scratch.clear();
    scratch.extend(words.iter().map(value));
    let (_, low, above) = scratch.select_nth_unstable(rank);
    let low = *low;
    let high = if part == 0.0 { low } else { above.iter().min().copied().unwrap_or(low) };
    Some((low, high, part))
}

impl Slots for Kept {
    fn grow(&mut self, count: usize) {
        if count > self.count {
            (self.count, self.order) = (count, OnceLock::new());
        }
    }

    fn update(&mut self, groups: &[u32], columns: &[ArrayRef], _: RowNumbers<'_>) -> Result<()> {
        self.push(groups, one(columns)?)
    }

    fn merge(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        let (groups, values) = expand(groups, one(columns)?)?;
        self.push(&groups, &values)
    }

    fn types(&self) -> Vec<DataType> {
        vec![list_type(&self.data_type)]
    }

    fn columns(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        let order = self.order();
        let words = order.items[order.starts[range.start]..order.starts[range.end]].to_vec();
        Ok(vec![list_array(self.array(words, None)?, range.map(|group| order.of(group).len()))?])
    }

    fn finish(&self, asked: &Asked<'_>) -> Result<ArrayRef> {
        let (order, mut scratch) = (self.order(), Vec::new());
        match asked.reduction {
            Reduction::NUnique { nulls } => {
                let counts = asked.range.clone().enumerate().map(|(at, group)| {
                    scratch.clear();
                    scratch.extend_from_slice(order.of(group));
                    scratch.sort_unstable();
                    let has_null = nulls && asked.nulls.get(at).is_some_and(|nulls| *nulls > 0);
                    counted(&scratch).count() as u64 + u64::from(has_null)
                });
                Ok(Arc::new(UInt64Array::from_iter_values(counts)))
            }
            Reduction::Quantile(share) => self.quantiles(share, asked),
            Reduction::Mode => self.modes(asked.range.clone()),
            Reduction::ModeCount => {
                let counts = asked.range.clone().map(|group| {
                    scratch.clear();
                    scratch.extend_from_slice(order.of(group));
                    scratch.sort_unstable();
                    counted(&scratch).map(|(_, count)| count).max().unwrap_or(0)
                });
                Ok(Arc::new(UInt64Array::from_iter_values(counts)))
            }
            _ => Err(asked.unknown()),
        }
    }

    fn memory_bytes(&self) -> usize {
        let names = match &self.names {
            Names::Whole | Names::Float => 0,
            Names::Long(longs) => longs.memory_bytes(),
            Names::Text(texts) => texts.memory_bytes(),
        };
        let order = self.order.get().map_or(0, Order::memory_bytes);
        names + order + self.words.capacity() * size_of::<u64>() + self.groups.capacity() * size_of::<u32>()
    }

    fn need_bytes(&self, _: usize, columns: &[ArrayRef]) -> usize {
        columns.first().map_or(0, |column| self.need_of(column, column.len()))
    }

    fn merge_need_bytes(&self, _: usize, columns: &[ArrayRef]) -> usize {
        let values =
            columns.first().and_then(|column| column.as_list_opt::<i32>()).map(|lists| lists.values());
        values.map_or(0, |values| self.need_of(values, values.len()) + 8 * values.len())
    }

    fn give_need_bytes(&self, range: Range<usize>) -> usize {
        let rows = self.words.len();
        let texts = match &self.names {
            Names::Text(texts) => 8 * texts.memory_bytes(),
            _ => 0,
        };
        Order::<u64>::need_bytes(self.count, rows) + 4 * 16 * rows + 64 * range.len() + texts + 4096
    }

    fn clear(&mut self) {
        match &mut self.names {
            Names::Whole | Names::Float => {}
            Names::Long(longs) => longs.clear(),
            Names::Text(texts) => texts.clear(),
        }
        self.words.clear();
        self.groups.clear();
        (self.count, self.order) = (0, OnceLock::new());
    }

    fn drop_values(&mut self) {
        match &mut self.names {
            Names::Whole | Names::Float => {}
            Names::Long(longs) => *longs = Words::default(),
            Names::Text(texts) => *texts = Texts::default(),
        }
        (self.words, self.groups, self.order) = (Vec::new(), Vec::new(), OnceLock::new());
    }
}

impl Kept {
    fn need_of(&self, column: &ArrayRef, rows: usize) -> usize {
        let texts = input::long_texts(column);
        let names = match &self.names {
            Names::Whole | Names::Float => 0,
            Names::Long(longs) => longs.need_bytes(rows) + 20 * rows,
            Names::Text(kept) => kept.need_bytes(rows, texts) + 36 * rows + texts.0,
        };
        names
            + grown::<u64>(self.words.capacity(), self.words.len() + rows)
            + grown::<u32>(self.groups.capacity(), self.groups.len() + rows)
            + self.order.get().map_or(0, Order::memory_bytes)
            + 9 * rows
            + 128
    }
}
