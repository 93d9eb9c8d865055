//! All values of groups, looked at a slice at a time.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt32Array, UInt64Array, new_null_array};
use arrow::compute::{concat, filter, take};
use arrow::datatypes::{DataType, UInt32Type, UInt64Type};

use super::question::{Question, RowNumbers};
use super::slots::expand;
use super::states::States;
use super::{Grouper, NO_GROUP};
use crate::error::{ErrorKind, Result};
use crate::reduce::Reduction;
use crate::reduce::sorted::place;
use crate::sort::{Direction, KeyLayout, Keys};

/// Pairs that are copied at once.
const CHUNK_PAIRS: usize = 16 << 10;

/// Pairs that a cut is found among, so many from each of as many places.
const SAMPLE_PLACES: usize = 64;
const SAMPLE_PAIRS: usize = 16;

/// Answers to questions that need all values of a group, where these do not fit in memory: distinct values, the mode, exact quantiles.
///
/// The values come several times. Each time those of a slice of all values in order are counted, from where the slice before ended to where
/// memory ends ([`Slices::cut`]); what slices give is put together. Answers are those of [`States`], to the bit.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, Int64Array, UInt64Array};
/// use arrow::datatypes::DataType;
/// use partita_columns::group::Slices;
/// use partita_columns::reduce::Reduction;
///
/// let values: ArrayRef = Arc::new(Int64Array::from(vec![5, 7, 5, 5]));
/// let mut slices = Slices::new(&DataType::Int64, 2, &[Reduction::NUnique { nulls: false }])?;
/// loop {
///     slices.push(&[0, 0, 1, 0], &values)?;
///     if slices.end()? {
///         break;
///     }
/// }
/// let before: ArrayRef = Arc::new(UInt64Array::from(vec![0, 0]));
/// assert_eq!(slices.finish(Reduction::NUnique { nulls: false }, &before)?.as_ref(), &UInt64Array::from(vec![2, 1]));
/// # Ok::<(), partita_columns::Error>(())
/// ```
#[derive(Debug)]
pub struct Slices {
    data_type: DataType,
    layout: KeyLayout,
    /// Groups and values of the slice, each pair once, and how often it was there.
    pairs: Grouper,
    counts: Vec<u64>,
    /// The least value of the slice, and the least one behind it.
    from: Option<Keys>,
    until: Option<Keys>,
    /// Values of each group in all, and in slices before.
    all: Vec<u64>,
    before: Vec<u64>,
    distinct: Vec<u64>,
    mode: Picked,
    mode_counts: Vec<u64>,
    quantiles: Vec<Quantile>,
}

/// A value of each group, where it is known.
#[derive(Debug)]
struct Picked(ArrayRef);

impl Picked {
    /// Takes the values at some places, of groups that have one.
    fn replace(&mut self, places: &[Option<u32>], values: &ArrayRef) -> Result<()> {
        let picked: UInt32Array = places.iter().flatten().map(|place| Some(*place)).collect();
        let picked = take(values, &picked, None)?;
        let mut next = self.0.len() as u32..;
        let from =
            places.iter().zip(0..).map(|(place, group)| place.and_then(|_| next.next()).unwrap_or(group));
        let from: UInt32Array = from.map(Some).collect();
        self.0 = crate::compute::compact_column(&take(&concat(&[&*self.0, &*picked])?, &from, None)?)?;
        Ok(())
    }
}

/// The values at both sides of a share of the ranks.
#[derive(Debug)]
struct Quantile {
    share: f64,
    low: Picked,
    high: Picked,
}

fn wrong(what: &str) -> ErrorKind {
    ErrorKind::Shape(format!("expected {what} among the values of groups"))
}

impl Slices {
    /// Whether a question can be answered so for a column of a type.
    pub fn can(data_type: &DataType, reduction: Reduction) -> bool {
        use Reduction as R;
        matches!(reduction, R::NUnique { .. } | R::Mode | R::ModeCount | R::Quantile(_))
            && Grouper::new(&[DataType::UInt32, data_type.clone()], false).is_ok()
            && KeyLayout::new(&[(data_type.clone(), Direction::default())]).is_ok()
    }

    /// For so many groups of values of a type, and what is asked of them.
    ///
    /// # Errors
    /// [`ErrorKind::Undefined`] for types that have no equality or no order.
    pub fn new(data_type: &DataType, groups: usize, asked: &[Reduction]) -> Result<Self> {
        let none = || Picked(new_null_array(data_type, groups));
        let quantile = |reduction: &Reduction| match reduction {
            Reduction::Quantile(share) => Some(Quantile { share: *share, low: none(), high: none() }),
            _ => None,
        };
        Ok(Self {
            data_type: data_type.clone(),
            layout: KeyLayout::new(&[(data_type.clone(), Direction::default())])?,
            pairs: pairs_of(data_type)?,
            counts: Vec::new(),
            from: None,
            until: None,
            all: vec![0; groups],
            before: vec![0; groups],
            distinct: vec![0; groups],
            mode: none(),
            mode_counts: vec![0; groups],
            quantiles: asked.iter().filter_map(quantile).collect(),
        })
    }

    /// The values in a column of [`States::columns`] that has all values of groups, and the group of each.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] for a column of another type.
    pub fn expand(groups: &[u32], lists: &ArrayRef) -> Result<(Vec<u32>, ArrayRef)> {
        expand(groups, lists)
    }

    /// Counts the values of the slice among some values, and their groups.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] for groups that there are not, and for values of another type.
    pub fn push(&mut self, groups: &[u32], values: &ArrayRef) -> Result<()> {
        let nulls = values.logical_nulls();
        let keys = match (&self.from, &self.until) {
            (None, None) => None,
            _ => Some(self.layout.encode(std::slice::from_ref(values))?),
        };
        let mut mask = Vec::with_capacity(groups.len());
        for (row, group) in groups.iter().enumerate() {
            if *group == NO_GROUP || nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                mask.push(false);
                continue;
            }
            if self.from.is_none() {
                *self.all.get_mut(*group as usize).ok_or_else(|| wrong("no group beyond"))? += 1;
            }
            let is_below = |bound: &Option<Keys>| match (&keys, bound) {
                (Some(keys), Some(bound)) => Some(keys.compare(row, bound, 0).is_lt()),
                _ => None,
            };
            mask.push(is_below(&self.from) != Some(true) && is_below(&self.until) != Some(false));
        }
        let mask = BooleanArray::from(mask);
        let groups: ArrayRef = Arc::new(UInt32Array::from(groups.to_vec()));
        let columns = [filter(&groups, &mask)?, filter(values, &mask)?];
        let mut numbers = Vec::new();
        self.pairs.push(&columns, mask.true_count(), &mut numbers)?;
        self.counts.resize(self.pairs.len(), 0);
        numbers.iter().for_each(|number| self.counts[*number as usize] += 1);
        self.pairs.begin_piece();
        Ok(())
    }

    /// Makes the slice smaller: about half of the pairs that it has go, and come with a later slice. `false`: there is nothing to cut.
    ///
    /// # Errors
    /// As for arrays that are damaged.
    pub fn cut(&mut self) -> Result<bool> {
        let Some(until) = self.middle()? else { return Ok(false) };
        let (mut pairs, mut counts) = (pairs_of(&self.data_type)?, Vec::new());
        let mut numbers = Vec::new();
        for range in chunks(self.pairs.len()) {
            let columns = self.pairs.keys(range.clone())?;
            let keys = self.layout.encode(columns.get(1..).unwrap_or_default())?;
            let mask: BooleanArray =
                (0..range.len()).map(|row| Some(keys.compare(row, &until, 0).is_lt())).collect();
            let kept = columns.iter().map(|column| Ok(filter(column, &mask)?)).collect::<Result<Vec<_>>>()?;
            pairs.push(&kept, mask.true_count(), &mut numbers)?;
            counts.extend(mask.values().set_indices().map(|row| self.counts[range.start + row]));
        }
        pairs.begin_piece();
        (self.pairs, self.counts, self.until) = (pairs, counts, Some(until));
        Ok(true)
    }

    /// A value about which as many pairs are below as not, above the least one.
    fn middle(&self) -> Result<Option<Keys>> {
        let pairs = self.pairs.len();
        let mut sample = self.layout.empty();
        for at in 0..SAMPLE_PLACES {
            let start = at * pairs / SAMPLE_PLACES;
            let next = (at + 1) * pairs / SAMPLE_PLACES;
            let values = self.pairs.keys(start..next.min(start + SAMPLE_PAIRS))?;
            sample.append(&self.layout.encode(values.get(1..).unwrap_or_default())?);
        }
        let order = sample.sorted();
        let Some(least) = order.first() else { return Ok(None) };
        let is_above = |row: &&u32| sample.compare(**row as usize, &sample, *least as usize).is_gt();
        let middle = order[order.len() / 2..].iter().find(is_above);
        Ok(middle.or_else(|| order.iter().find(is_above)).map(|row| sample.take(&[*row])))
    }

    /// All values have come once more: puts the slice to those before, and goes on to the next one. `true`: this was the last.
    ///
    /// # Errors
    /// As for arrays that are damaged.
    pub fn end(&mut self) -> Result<bool> {
        let columns = self.pairs.keys(0..self.pairs.len())?;
        let [groups, values] = &columns[..] else { return Err(wrong("pairs").into()) };
        let both = [DataType::UInt32, self.data_type.clone()].map(|of| (of, Direction::default()));
        let order = KeyLayout::new(&both)?.encode(&columns)?.sorted();
        let groups = groups.as_primitive_opt::<UInt32Type>().ok_or_else(|| wrong("numbers"))?.values();
        let none = || vec![None; self.all.len()];
        let mut modes = none();
        let mut quantiles: Vec<[Vec<Option<u32>>; 2]> =
            self.quantiles.iter().map(|_| [none(), none()]).collect();
        for row in order {
            let (group, count) = (groups[row as usize] as usize, self.counts[row as usize]);
            self.distinct[group] += 1;
            // Of equal counts the least value, which is the first, stays.
            if count > self.mode_counts[group] {
                (self.mode_counts[group], modes[group]) = (count, Some(row));
            }
            let ranks = self.before[group]..self.before[group] + count;
            for (quantile, [low, high]) in self.quantiles.iter().zip(&mut quantiles) {
                let (rank, _) = place(quantile.share, self.all[group]);
                if ranks.contains(&rank) {
                    low[group] = Some(row);
                }
                if ranks.contains(&(rank + 1)) {
                    high[group] = Some(row);
                }
            }
            self.before[group] = ranks.end;
        }
        self.mode.replace(&modes, values)?;
        for (quantile, [low, high]) in self.quantiles.iter_mut().zip(&quantiles) {
            quantile.low.replace(low, values)?;
            quantile.high.replace(high, values)?;
        }
        (self.pairs, self.counts) = (pairs_of(&self.data_type)?, Vec::new());
        self.from = self.until.take();
        Ok(self.from.is_none())
    }

    /// The answers to a question for all groups; `without` are those of [`States`] that saw all but the values.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] for a question that was not asked.
    pub fn finish(&self, reduction: Reduction, without: &ArrayRef) -> Result<ArrayRef> {
        match reduction {
            Reduction::NUnique { .. } => {
                let without = without.as_primitive_opt::<UInt64Type>().ok_or_else(|| wrong("counts"))?;
                let counts = without.values().iter().zip(&self.distinct).map(|(one, other)| one + other);
                Ok(Arc::new(UInt64Array::from_iter_values(counts)))
            }
            Reduction::ModeCount => Ok(Arc::new(UInt64Array::from(self.mode_counts.clone()))),
            Reduction::Mode => {
                let groups: Vec<u32> = (0..self.all.len() as u32).collect();
                asked_of(reduction, &self.mode.0, &groups, groups.len())
            }
            Reduction::Quantile(share) => self.quantile(share, without),
            _ => Err(wrong("a question about values").into()),
        }
    }

    fn quantile(&self, share: f64, without: &ArrayRef) -> Result<ArrayRef> {
        let quantile = self.quantiles.iter().find(|quantile| quantile.share.to_bits() == share.to_bits());
        let quantile = quantile.ok_or_else(|| wrong("another share"))?;
        let mut answers = Vec::with_capacity(self.all.len());
        for (group, all) in self.all.iter().enumerate() {
            if *all == 0 {
                answers.push(without.slice(group, 1));
                continue;
            }
            // Between two values the share of the ranks is how far it lies behind the first.
            let (_, part) = place(share, *all);
            let low = quantile.low.0.slice(group, 1);
            let high = if part == 0.0 { Arc::clone(&low) } else { quantile.high.0.slice(group, 1) };
            answers.push(asked_of(Reduction::Quantile(part), &concat(&[&*low, &*high])?, &[0, 0], 1)?);
        }
        let answers: Vec<&dyn Array> = answers.iter().map(|answer| &**answer).collect();
        Ok(if answers.is_empty() { Arc::clone(without) } else { concat(&answers)? })
    }

    /// Bytes that it holds.
    pub fn memory_bytes(&self) -> usize {
        let quantiles = self.quantiles.iter().flat_map(|quantile| [&quantile.low, &quantile.high]);
        let picked = quantiles.chain([&self.mode]).map(|picked| picked.0.get_buffer_memory_size());
        let groups = 4 * self.all.capacity() * size_of::<u64>();
        let counts = self.counts.capacity() * size_of::<u64>();
        self.pairs.memory_bytes() + picked.sum::<usize>() + groups + counts
    }

    /// Bytes that it takes at most for [`Slices::push`] of some values, and for what may follow.
    ///
    /// # Errors
    /// As for arrays that are damaged.
    pub fn need_bytes(&self, values: &ArrayRef) -> Result<usize> {
        let rows = values.len();
        let bytes = crate::compute::column_bytes(values)? + rows * size_of::<u128>();
        let groups: ArrayRef = Arc::new(UInt32Array::from(vec![0; rows]));
        let pairs = self.pairs.need_bytes(&[groups, Arc::clone(values)], rows);
        // Filtered and as keys; then all pairs as columns, as keys, in order, and where they are.
        let ended = self.pairs.keys_need_bytes(0..self.pairs.len()) + bytes;
        let held = self.memory_bytes() - self.pairs.memory_bytes();
        Ok(held + pairs + 4 * bytes + 2 * ended + (self.pairs.len() + rows) * 24)
    }
}

fn pairs_of(data_type: &DataType) -> Result<Grouper> {
    Grouper::new(&[DataType::UInt32, data_type.clone()], false)
}

fn chunks(pairs: usize) -> impl Iterator<Item = Range<usize>> {
    (0..pairs).step_by(CHUNK_PAIRS).map(move |start| start..pairs.min(start + CHUNK_PAIRS))
}

/// The answers to a question of one column.
fn asked_of(reduction: Reduction, values: &ArrayRef, groups: &[u32], count: usize) -> Result<ArrayRef> {
    let question = Question { aggregate: reduction.into(), columns: vec![0] };
    let mut states = States::new(&[question], &[values.data_type().clone()])?;
    states.update(groups, count, std::slice::from_ref(values), RowNumbers::From(0))?;
    states.finish(0, 0..count)
}
