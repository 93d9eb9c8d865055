//! Keys of rows to numbers of groups.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, BooleanArray, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::compute::filter;
use arrow::datatypes::DataType;

use super::NO_GROUP;
use super::codec::{Codec, KeyColumn, Near, interned_need_bytes};
use super::decode;
use super::input::Input;
use super::stage::{LINKED_BITS_MAX, Stage, dense_need_bytes, plan, stage_need_bytes};
use crate::dtype;
use crate::error::{ErrorKind, Result};
use crate::wide::Valid;

/// Rows that are looked at together: their codes stay in the nearest cache.
const BLOCK_ROWS: usize = 2048;

/// Keys of rows to numbers of groups, counted from 0 in the order in which groups are first seen.
///
/// Columns become codes of few bits: integers and times their distance from the least one, all else the number of the value. The
/// codes of a row are one word, or several in turn where 64 bits do not hold them, and words have numbers: by an array where they
/// are short, by a hash table else. Ranges and widths are those of the data; where later rows need wider ones, the words of
/// the groups so far are made anew.
///
/// Null is a key like any other, unless rows with one are dropped. Zeros of both signs are one key, and so are all NaN.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, Int64Array};
/// use arrow::datatypes::DataType;
/// use partita_columns::group::Grouper;
///
/// let keys: ArrayRef = Arc::new(Int64Array::from(vec![7, 5, 7]));
/// let mut grouper = Grouper::new(&[DataType::Int64], false)?;
/// let mut groups = Vec::new();
/// grouper.push(&[keys], 3, &mut groups)?;
/// assert_eq!(groups, [0, 1, 0]);
/// assert_eq!(grouper.keys(0..2)?[0].as_ref(), &Int64Array::from(vec![7, 5]));
/// # Ok::<(), partita_columns::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Grouper {
    columns: Vec<KeyColumn>,
    drop_null_keys: bool,
    /// None yet, or none needed: see [`Grouper::is_direct`].
    stages: Vec<Stage>,
    rows: usize,
    scratch: Scratch,
}

#[derive(Debug, Clone, Default)]
struct Scratch {
    codes: Vec<Vec<u64>>,
    words: Vec<u64>,
    numbers: Vec<u32>,
}

impl Grouper {
    /// For key columns of these types.
    ///
    /// # Errors
    /// [`ErrorKind::Undefined`] for types that have no keys (lists, structs and the like).
    pub fn new(types: &[DataType], drop_null_keys: bool) -> Result<Self> {
        let columns = types.iter().map(KeyColumn::new).collect::<Result<Vec<_>>>()?;
        let codes = vec![Vec::new(); columns.len()];
        let scratch = Scratch { codes, ..Scratch::default() };
        Ok(Self { columns, drop_null_keys, stages: Vec::new(), rows: 0, scratch })
    }

    /// Finds the group of each of `rows` rows; `groups` is cleared first. Rows with a null key that is dropped have [`NO_GROUP`].
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] for columns of other types or lengths, and for more than 2^32 - 2 groups.
    pub fn push(&mut self, columns: &[ArrayRef], rows: usize, groups: &mut Vec<u32>) -> Result<()> {
        self.check(columns, rows)?;
        groups.clear();
        let nulls = if self.drop_null_keys { key_nulls(columns) } else { None };
        let Some(nulls) = nulls else {
            groups.resize(rows, NO_GROUP);
            return self.push_all(columns, groups);
        };
        let mask = BooleanArray::new(nulls.inner().clone(), None);
        let kept = columns.iter().map(|column| Ok(filter(column, &mask)?)).collect::<Result<Vec<_>>>()?;
        let mut numbers = vec![NO_GROUP; mask.true_count()];
        self.push_all(&kept, &mut numbers)?;
        let mut numbers = numbers.into_iter();
        groups.extend(
            nulls.iter().map(|valid| if valid { numbers.next().unwrap_or(NO_GROUP) } else { NO_GROUP }),
        );
        Ok(())
    }

    fn check(&self, columns: &[ArrayRef], rows: usize) -> Result<()> {
        if columns.len() != self.columns.len() {
            let message = format!("expected {} key columns, got {}", self.columns.len(), columns.len());
            return Err(ErrorKind::Shape(message).into());
        }
        for (expected, column) in self.columns.iter().zip(columns) {
            if column.data_type() != &expected.data_type || column.len() != rows {
                let (wanted, got) = (dtype::name(&expected.data_type), dtype::name(column.data_type()));
                let message = format!("expected a key column of {rows} {wanted}, got {} {got}", column.len());
                return Err(ErrorKind::Shape(message).into());
            }
        }
        Ok(())
    }

    fn push_all(&mut self, columns: &[ArrayRef], groups: &mut [u32]) -> Result<()> {
        self.rows += groups.len();
        let inputs = self.columns.iter_mut().zip(columns).map(|(column, array)| column.input(array));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        for (block, groups) in groups.chunks_mut(BLOCK_ROWS).enumerate() {
            self.push_block(&inputs, block * BLOCK_ROWS, groups)?;
        }
        Ok(())
    }

    fn push_block(&mut self, inputs: &[Input], first: usize, groups: &mut [u32]) -> Result<()> {
        let rows = first..first + groups.len();
        let is_direct = self.is_direct();
        if let ([column], [input], true) = (&mut self.columns[..], inputs, is_direct) {
            return column.codec.push(input, rows, groups);
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let done = self.push_codes(inputs, rows, &mut scratch, groups);
        self.scratch = scratch;
        done
    }

    /// Whether the codes of the one column are the groups.
    fn is_direct(&self) -> bool {
        matches!(&self.columns[..], [column] if !column.is_dictionary() && column.codec.len().is_some())
    }

    fn push_codes(
        &mut self,
        inputs: &[Input],
        rows: Range<usize>,
        scratch: &mut Scratch,
        groups: &mut [u32],
    ) -> Result<()> {
        for (at, input) in inputs.iter().enumerate() {
            self.code(at, input, rows.clone(), scratch)?;
        }
        if self.is_direct() {
            groups.iter_mut().zip(&scratch.codes[0]).for_each(|(group, code)| *group = *code as u32);
            return Ok(());
        }
        if !self.fits() || self.stages[0].is_better_dense() {
            self.relay(None)?;
            // A range that became too wide for its place among others is numbered now.
            for (at, input) in inputs.iter().enumerate() {
                self.code(at, input, rows.clone(), scratch)?;
            }
            if !self.fits() {
                self.relay(None)?;
            }
        }
        for stage in &mut self.stages {
            stage.number(&scratch.codes, &mut scratch.words, groups)?;
        }
        Ok(())
    }

    /// Codes of a block of one column.
    fn code(&mut self, at: usize, input: &Input, rows: Range<usize>, scratch: &mut Scratch) -> Result<()> {
        let codes = &mut scratch.codes[at];
        if let Codec::Near(near) = self.columns[at].codec {
            input.words(rows.clone(), codes);
            match input.ends(codes, rows.start) {
                Some((least, most)) if !near.holds(least, most) => {
                    let next = match near.widened(least, most) {
                        Some(near) => Codec::Near(near),
                        None => self.columns[at].interned(),
                    };
                    self.relay(Some((at, next)))?;
                }
                _ => {}
            }
            if let Codec::Near(near) = self.columns[at].codec {
                input.near(near, codes, rows.start);
                return Ok(());
            }
        }
        scratch.numbers.resize(rows.len(), 0);
        self.columns[at].codec.push(input, rows, &mut scratch.numbers)?;
        codes.clear();
        codes.extend(scratch.numbers.iter().map(|code| u64::from(*code)));
        Ok(())
    }

    /// Whether the codes of every column have room in its field.
    fn fits(&self) -> bool {
        let mut fields = self.stages.iter().flat_map(|stage| &stage.fields);
        !self.stages.is_empty() && fields.all(|field| self.columns[field.column].codec.bits() <= field.bits)
    }

    /// Makes the words of all groups anew, with another codec of one column where one is given.
    fn relay(&mut self, change: Option<(usize, Codec)>) -> Result<()> {
        let mut changes: Vec<Option<Codec>> = vec![None; self.columns.len()];
        if let Some((at, codec)) = change {
            changes[at] = Some(codec);
        }
        let bits =
            |at: usize, column: &KeyColumn| changes[at].as_ref().map_or(column.codec.bits(), Codec::bits);
        let widths: Vec<u32> = self.columns.iter().enumerate().map(|(at, column)| bits(at, column)).collect();
        if self.columns.len() > 1 && widths.iter().sum::<u32>() > u64::BITS {
            for (at, column) in self.columns.iter().enumerate() {
                let is_near = matches!(changes[at].as_ref().unwrap_or(&column.codec), Codec::Near(_));
                if is_near && widths[at] > LINKED_BITS_MAX {
                    changes[at] = Some(column.interned());
                }
            }
        }
        let (old, len) = (std::mem::take(&mut self.stages), self.len_of(&[]));
        let len = old.last().map_or(len, Stage::len);
        let mut blocks =
            Blocks { at: 0, len, codes: vec![Vec::new(); self.columns.len()], numbers: Vec::new() };
        // Values of groups are numbered before words are planned: their number is a width.
        let before = self.swap(changes);
        while blocks.next(&old) {
            self.recode(&before, &mut blocks.codes)?;
        }
        if self.is_direct() {
            return Ok(());
        }
        self.stages = plan(&self.columns, self.rows);
        blocks.at = 0;
        let mut words = Vec::new();
        while blocks.next(&old) {
            self.recode(&before, &mut blocks.codes)?;
            for stage in &mut self.stages {
                stage.number(&blocks.codes, &mut words, &mut blocks.numbers)?;
            }
        }
        Ok(())
    }

    /// Takes the new codecs; the ranges that codes were distances in stay behind.
    fn swap(&mut self, changes: Vec<Option<Codec>>) -> Vec<Option<Near>> {
        let swap = |(column, change): (&mut KeyColumn, Option<Codec>)| {
            let near = if let Codec::Near(near) = column.codec { Some(near) } else { None };
            if let Some(next) = change {
                column.codec = next;
            }
            near
        };
        self.columns.iter_mut().zip(changes).map(swap).collect()
    }

    fn recode(&mut self, before: &[Option<Near>], codes: &mut [Vec<u64>]) -> Result<()> {
        for ((column, before), codes) in self.columns.iter_mut().zip(before).zip(codes) {
            let Some(old) = before else { continue };
            match &mut column.codec {
                Codec::Near(new) => {
                    let moved = old.low.wrapping_sub(new.low);
                    let recode =
                        |code: &mut u64| *code = if *code == 0 { 0 } else { code.wrapping_add(moved) };
                    codes.iter_mut().for_each(recode);
                }
                Codec::Words(words) => {
                    let key = |code: &u64| old.low.wrapping_add(code.wrapping_sub(1));
                    let keys: Vec<u64> = codes.iter().map(key).collect();
                    let valid = NullBuffer::from_iter(codes.iter().map(|code| *code != 0));
                    let valid = Valid::of(Some(&valid));
                    let mut numbers = vec![0; keys.len()];
                    words.push(&keys, (valid.as_ref(), 0), &mut numbers)?;
                    codes.iter_mut().zip(numbers).for_each(|(code, number)| *code = number.into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn len_of(&self, stages: &[Stage]) -> usize {
        match (stages.last(), &self.columns[..]) {
            (Some(last), _) => last.len(),
            (None, [column]) if self.is_direct() => column.codec.len().unwrap_or(0),
            _ => 0,
        }
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.len_of(&self.stages)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The keys of a range of groups: a column for each key, of exactly its type, with values as they were first seen.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] for groups that there are not, or where the keys of a dictionary type cannot count its values.
    pub fn keys(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        if range.start > range.end || range.end > self.len() {
            let message = format!("expected groups before {}, got {range:?}", self.len());
            return Err(ErrorKind::Shape(message).into());
        }
        let mut codes = vec![Vec::new(); self.columns.len()];
        let mut numbers: Vec<u32> = (range.start as u32..range.end as u32).collect();
        if self.is_direct() {
            codes[0].extend(numbers.iter().map(|number| u64::from(*number)));
        }
        for stage in self.stages.iter().rev() {
            stage.take_apart(&mut numbers, &mut codes);
        }
        self.columns.iter().zip(&codes).map(|(column, codes)| decode::column(column, codes)).collect()
    }

    /// Bytes that [`Grouper::keys`] takes at most for a range, beside what it holds.
    pub fn keys_need_bytes(&self, range: Range<usize>) -> usize {
        let rows = range.len();
        let of_column = |column: &KeyColumn| decode::need_bytes(column, rows);
        rows * (4 + 8 * self.columns.len()) + self.columns.iter().map(of_column).sum::<usize>() + 1024
    }

    /// Bytes that it holds.
    pub fn memory_bytes(&self) -> usize {
        let codes: usize = self.scratch.codes.iter().map(Vec::capacity).sum();
        let scratch = (codes + self.scratch.words.capacity()) * 8 + self.scratch.numbers.capacity() * 4;
        let columns: usize = self.columns.iter().map(KeyColumn::memory_bytes).sum();
        let stages: usize = self.stages.iter().map(Stage::memory_bytes).sum();
        scratch + columns + stages
    }

    /// Bytes that it takes at most during the next [`Grouper::push`] of these columns, and after it.
    pub fn need_bytes(&self, columns: &[ArrayRef], rows: usize) -> usize {
        let count = self.columns.len();
        let groups = self.len() + rows;
        let mut need =
            self.columns.iter().zip(columns).map(|(column, array)| column.need_bytes(array)).sum::<usize>();
        // Codes, words and numbers of a block, twice while words are made anew.
        need += (count + 4) * BLOCK_ROWS * 8 * 3 + 4096;
        // A range that gets too wide is numbered.
        let near = self.columns.iter().filter(|column| column.codec.len().is_none()).count();
        need += near * interned_need_bytes(groups);
        if self.drop_null_keys && key_nulls(columns).is_some() {
            need += rows * 5
                + columns.iter().map(|column| 2 * column.get_array_memory_size() + rows * 16).sum::<usize>();
        }
        if self.is_direct() {
            return need;
        }
        let held: usize = self.stages.iter().map(|stage| stage.need_bytes(rows)).sum();
        let stages = if count > 1 { count } else { 1 };
        need + held
            + stages * stage_need_bytes(groups)
            + dense_need_bytes(self.rows + rows).max(8 * stage_need_bytes(groups) / 4)
    }

    /// Forgets all groups; capacity stays.
    pub fn clear(&mut self) {
        self.rows = 0;
        self.columns.iter_mut().for_each(KeyColumn::clear);
        if self.columns.iter().any(|column| column.codec.len().is_none()) {
            // What is planned for ranges goes with them.
            self.stages.clear();
        }
        self.stages.iter_mut().for_each(Stage::clear);
    }
}

/// Rows whose keys are all there, where not all are.
fn key_nulls(columns: &[ArrayRef]) -> Option<NullBuffer> {
    let nulls = columns.iter().fold(None, |nulls: Option<NullBuffer>, column| {
        let other = match column.data_type() {
            DataType::Null => new_null_array(&DataType::Boolean, column.len()).logical_nulls(),
            _ => column.logical_nulls(),
        };
        NullBuffer::union(nulls.as_ref(), other.as_ref())
    });
    nulls.filter(|nulls| nulls.null_count() > 0)
}

/// Groups so far, taken apart a block at a time.
struct Blocks {
    at: usize,
    len: usize,
    codes: Vec<Vec<u64>>,
    numbers: Vec<u32>,
}

impl Blocks {
    fn next(&mut self, stages: &[Stage]) -> bool {
        if self.at >= self.len {
            return false;
        }
        let until = self.len.min(self.at + BLOCK_ROWS);
        self.numbers.clear();
        self.numbers.extend(self.at as u32..until as u32);
        stages.iter().rev().for_each(|stage| stage.take_apart(&mut self.numbers, &mut self.codes));
        self.at = until;
        true
    }
}
