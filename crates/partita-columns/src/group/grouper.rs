//! Keys of rows to numbers of groups.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::{Array, ArrayRef, BooleanArray, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::compute::filter;
use arrow::datatypes::DataType;

use super::NO_GROUP;
use super::codec::{Codec, KeyColumn, interned_need_bytes};
use super::decode;
use super::input::Input;
use super::stage::{Stage, dense_need_bytes, stage_need_bytes};
use crate::dtype;
use crate::error::{ErrorKind, Result};

/// Rows that are looked at together: their codes stay in the nearest cache.
pub(super) const BLOCK_ROWS: usize = 2048;

/// Bytes of an entry of the map of variants at most.
const VARIANT_BYTES: usize = 48;

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
    pub(super) columns: Vec<KeyColumn>,
    drop_null_keys: bool,
    /// None yet, or none needed: see [`Grouper::is_direct`].
    pub(super) stages: Vec<Stage>,
    pub(super) rows: usize,
    /// How often words were made anew.
    pub(super) relays: u64,
    /// Bits of float keys that are not those of their code, by group and column: zeros and NaN of other groups may have come first.
    variants: BTreeMap<(u32, u32), u64>,
    scratch: Scratch,
}

/// Bytes of values of single keys that stay when groups are forgotten.
const KEPT_BYTES_MAX: usize = 8 << 20;

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
        Ok(Self {
            columns,
            drop_null_keys,
            stages: Vec::new(),
            rows: 0,
            relays: 0,
            variants: BTreeMap::new(),
            scratch,
        })
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
    pub(super) fn is_direct(&self) -> bool {
        matches!(&self.columns[..], [column] if !column.is_dictionary() && column.codec.len().is_some())
    }

    fn push_codes(
        &mut self,
        inputs: &[Input],
        rows: Range<usize>,
        scratch: &mut Scratch,
        groups: &mut [u32],
    ) -> Result<()> {
        loop {
            let relays = self.relays;
            for (at, input) in inputs.iter().enumerate() {
                self.code(at, input, rows.clone(), scratch)?;
            }
            if self.is_direct() {
                groups.iter_mut().zip(&scratch.codes[0]).for_each(|(group, code)| *group = *code as u32);
                return Ok(());
            }
            if !self.fits() || self.stages[0].is_better_dense() {
                self.relay(None)?;
            }
            // Codes from before words were made anew may be those of a range that is numbered now.
            if self.relays == relays {
                break;
            }
        }
        let known = self.len() as u32;
        for stage in &mut self.stages {
            stage.number(&scratch.codes, &mut scratch.words, groups)?;
        }
        if self.columns.iter().any(|column| matches!(column.codec, Codec::Floats(_))) {
            self.keep_variants(inputs, rows.start, scratch, (known, groups));
        }
        Ok(())
    }

    /// Keeps the float keys of new groups where their bits are not those of their code.
    fn keep_variants(
        &mut self,
        inputs: &[Input],
        first: usize,
        scratch: &Scratch,
        (known, groups): (u32, &[u32]),
    ) {
        let mut next = known;
        for (row, group) in groups.iter().enumerate().filter(|(_, group)| **group >= known) {
            if *group != next {
                continue;
            }
            next += 1;
            for (at, (column, input)) in self.columns.iter().zip(inputs).enumerate() {
                let Codec::Floats(floats) = &column.codec else { continue };
                let Some(bits) = input.float(first + row) else { continue };
                if floats.keys()[scratch.codes[at][row] as usize].0 != bits {
                    self.variants.insert((*group, at as u32), bits);
                }
            }
        }
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

    pub(super) fn len_of(&self, stages: &[Stage]) -> usize {
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
        let groups = (range.start as u32, 0)..(range.end as u32, 0);
        let mut variants: Vec<Vec<(usize, u64)>> = vec![Vec::new(); self.columns.len()];
        for ((group, at), bits) in self.variants.range(groups) {
            variants[*at as usize].push((*group as usize - range.start, *bits));
        }
        let columns = self.columns.iter().zip(&codes).zip(&variants);
        columns.map(|((column, codes), variants)| decode::column(column, codes, variants)).collect()
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
        scratch + columns + stages + self.variants.len() * VARIANT_BYTES
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
        let floats = self.columns.iter().filter(|column| matches!(column.codec, Codec::Floats(_))).count();
        need += (self.variants.len() + floats * rows) * VARIANT_BYTES;
        if self.is_direct() {
            return need;
        }
        let held: usize = self.stages.iter().map(|stage| stage.need_bytes(rows)).sum();
        let stages = if count > 1 { count } else { 1 };
        need + held
            + stages * stage_need_bytes(groups)
            + dense_need_bytes(self.rows + rows).max(8 * stage_need_bytes(groups) / 4)
    }

    /// Says that more rows of the same groups come, of which there may be far more than memory has room for: how wide an array of numbers may
    /// be is told by the groups and by the rows of a piece, not by all rows that there were.
    pub fn begin_piece(&mut self) {
        self.rows = self.len();
    }

    /// Forgets all groups; capacity stays, and so do values of single keys, which often come again, where they take little.
    pub fn clear(&mut self) {
        self.rows = 0;
        self.variants.clear();
        let bytes: usize = self.columns.iter().map(KeyColumn::memory_bytes).sum();
        if !self.is_direct() && bytes <= KEPT_BYTES_MAX {
            self.stages.iter_mut().for_each(Stage::clear);
            return;
        }
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
