//! What becomes of the values of a key column: codes of few bits.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::DataType;

use super::input::{Float, Input, Kind, SIGN, Values, long_texts};
use super::intern::{Texts, Words, grown};
use crate::error::Result;
use crate::wide::{self, Kernel};

/// Widest range of words that are told apart by their distance from its start.
const RANGE_BITS_MAX: u32 = 62;

/// A value of a dictionary that has no code yet.
const UNSET: u32 = u32::MAX;

#[derive(Debug, Clone)]
pub(super) enum Codec {
    /// Words from `low` up: their distance from it, plus one; null is 0.
    Near(Near),
    /// All others are numbered as they come, null among them.
    Words(Words<u64>),
    Floats(Words<Float>),
    Longs(Words<u128>),
    Texts(Texts),
}

/// A range of words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Near {
    pub(super) low: u64,
    /// Bits of codes; none before a word was seen.
    pub(super) bits: u32,
}

impl Near {
    /// Whether all words from `least` to `most` have codes.
    pub(super) fn holds(self, least: u64, most: u64) -> bool {
        self.bits > 0 && least >= self.low && most - self.low <= self.room()
    }

    /// The greatest distance that has a code.
    fn room(self) -> u64 {
        (1 << self.bits) - 2
    }

    /// A range that holds these too, with room on the side on which it grew; `None` where it would be too wide.
    pub(super) fn widened(self, least: u64, most: u64) -> Option<Near> {
        let (mut low, mut high) = (least, most);
        if self.bits > 0 {
            (low, high) = (low.min(self.low), high.max(self.low.saturating_add(self.room())));
        }
        // One code more is that of null.
        let bits = u64::BITS - (high - low).checked_add(1)?.leading_zeros();
        let mut near = Near { low, bits };
        if bits > RANGE_BITS_MAX {
            return None;
        }
        if self.bits > 0 && least < self.low {
            near.low = high.saturating_sub(near.room());
        }
        Some(near)
    }
}

/// A key column.
#[derive(Debug, Clone)]
pub(super) struct KeyColumn {
    pub(super) data_type: DataType,
    pub(super) kind: Kind,
    pub(super) codec: Codec,
    dictionary: Option<Dictionary>,
}

/// The dictionary seen last, and the codes of its values.
#[derive(Debug, Clone)]
struct Dictionary {
    values: ArrayRef,
    codes: Vec<u32>,
}

impl KeyColumn {
    pub(super) fn new(data_type: &DataType) -> Result<Self> {
        let kind = Kind::of(data_type)?;
        let mut column = Self {
            data_type: data_type.clone(),
            kind,
            codec: Codec::Near(Near::default()),
            dictionary: None,
        };
        if column.is_dictionary() || matches!(kind, Kind::Float(_) | Kind::Long | Kind::Text) {
            column.codec = column.interned();
        }
        Ok(column)
    }

    /// The codec that numbers values.
    pub(super) fn interned(&self) -> Codec {
        match self.kind {
            Kind::Float(_) => Codec::Floats(Words::default()),
            Kind::Long => Codec::Longs(Words::default()),
            Kind::Text => Codec::Texts(Texts::default()),
            _ => Codec::Words(Words::default()),
        }
    }

    pub(super) fn is_dictionary(&self) -> bool {
        matches!(self.data_type, DataType::Dictionary(..))
    }

    /// The column of a batch.
    pub(super) fn input(&mut self, array: &ArrayRef) -> Result<Input> {
        let Some(dictionary) = array.as_any_dictionary_opt_of(&self.data_type) else {
            return Input::new(array, self.kind);
        };
        let keys = match dictionary.values().len() {
            // All rows are null.
            0 => vec![0; array.len()],
            _ => dictionary.normalized_keys(),
        };
        let is_valid = |row: usize| dictionary.keys().is_valid(row);
        let mut known = match self.dictionary.take() {
            Some(known) if Arc::ptr_eq(&known.values, dictionary.values()) => known,
            _ => Dictionary {
                values: Arc::clone(dictionary.values()),
                codes: vec![UNSET; dictionary.values().len()],
            },
        };
        // In the order in which rows name them, and not those that none does.
        let mut fresh = Vec::new();
        for (row, key) in keys.iter().enumerate() {
            if is_valid(row) && known.codes[*key] == UNSET {
                known.codes[*key] = UNSET - 1;
                fresh.push(*key as u64);
            }
        }
        if !fresh.is_empty() {
            let values = take(&known.values, &UInt64Array::from(fresh.clone()), None)?;
            let mut codes = vec![0; fresh.len()];
            let values = Input::new(&values, self.kind)?.canonical();
            self.codec.push(&values, 0..fresh.len(), &mut codes)?;
            fresh.iter().zip(codes).for_each(|(key, code)| known.codes[*key as usize] = code);
        }
        let mut codes: Vec<u32> = Vec::with_capacity(keys.len());
        if dictionary.keys().null_count() == 0 {
            codes.extend(keys.iter().map(|key| known.codes[*key]));
        } else {
            let mut null = [0];
            let none =
                Input::new(&arrow::array::new_null_array(dictionary.values().data_type(), 1), self.kind)?;
            self.codec.push(&none, 0..1, &mut null)?;
            codes.extend(
                keys.iter()
                    .enumerate()
                    .map(|(row, key)| if is_valid(row) { known.codes[*key] } else { null[0] }),
            );
        }
        self.dictionary = Some(known);
        Ok(Input { values: Values::Codes(codes), valid: None })
    }

    pub(super) fn clear(&mut self) {
        self.dictionary = None;
        match &mut self.codec {
            Codec::Near(near) => *near = Near::default(),
            Codec::Words(words) => words.clear(),
            Codec::Floats(words) => words.clear(),
            Codec::Longs(words) => words.clear(),
            Codec::Texts(texts) => texts.clear(),
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let dictionary = self.dictionary.as_ref().map_or(0, |known| {
            known.codes.capacity() * size_of::<u32>() + known.values.get_array_memory_size()
        });
        dictionary + self.codec.memory_bytes()
    }

    /// Bytes that it takes at most for a batch, what is on the way included.
    pub(super) fn need_bytes(&self, array: &ArrayRef) -> usize {
        let rows = array.len();
        let values = array.as_any_dictionary_opt_of(&self.data_type).map(|dictionary| dictionary.values());
        // Codes of its values, rows as places and as codes, and those that are new.
        let dictionary = values.map_or(0, |values| {
            let fresh = rows.min(values.len());
            let held = self.dictionary.as_ref().map_or(0, |known| known.codes.capacity() * size_of::<u32>());
            held + values.get_array_memory_size()
                + values.len() * 4
                + rows * 12
                + fresh * (2 * 8 + 4 + 8 + 64)
                + long_texts(values).0
        });
        let more = values.map_or(rows, |values| rows.min(values.len()) + 1);
        let (bytes, longest) = long_texts(array);
        let cast = if self.kind == Kind::Text { rows * size_of::<u128>() + bytes } else { 0 };
        let valid = rows / 4 + 64;
        dictionary + cast + valid + self.codec.need_bytes(more, (bytes, longest))
    }
}

/// [`arrow::array::AsArray::as_any_dictionary_opt`] where the type says so.
trait DictionaryOf {
    fn as_any_dictionary_opt_of(&self, data_type: &DataType)
    -> Option<&dyn arrow::array::AnyDictionaryArray>;
}

impl DictionaryOf for ArrayRef {
    fn as_any_dictionary_opt_of(
        &self,
        data_type: &DataType,
    ) -> Option<&dyn arrow::array::AnyDictionaryArray> {
        use arrow::array::AsArray;
        if matches!(data_type, DataType::Dictionary(..)) { self.as_any_dictionary_opt() } else { None }
    }
}

impl Codec {
    /// How many codes there are; `None` where they are distances.
    pub(super) fn len(&self) -> Option<usize> {
        match self {
            Codec::Near(_) => None,
            Codec::Words(words) => Some(words.len()),
            Codec::Floats(words) => Some(words.len()),
            Codec::Longs(words) => Some(words.len()),
            Codec::Texts(texts) => Some(texts.len()),
        }
    }

    /// Bits that codes take today.
    pub(super) fn bits(&self) -> u32 {
        match self {
            Codec::Near(near) => near.bits,
            _ => usize::BITS - self.len().unwrap_or(0).saturating_sub(1).leading_zeros(),
        }
    }

    /// The codes of some rows; only of those that are numbered.
    pub(super) fn push(&mut self, input: &Input, rows: Range<usize>, out: &mut [u32]) -> Result<()> {
        let nulls = (input.valid.as_ref(), rows.start);
        match (self, &input.values) {
            (_, Values::Codes(codes)) => out.copy_from_slice(&codes[rows]),
            (Codec::Texts(texts), Values::Text(views, buffers)) => {
                texts.push(&views[rows], buffers, nulls, out)?;
            }
            (Codec::Longs(words), Values::Long(values)) => {
                let keys: Vec<u128> = values[rows].iter().map(|value| value.cast_unsigned()).collect();
                words.push(&keys, nulls, out)?;
            }
            (Codec::Floats(words), Values::F64(values)) => {
                let keys: Vec<Float> = values[rows].iter().map(|value| Float(value.to_bits())).collect();
                words.push(&keys, nulls, out)?;
            }
            (Codec::Floats(words), Values::F32(values)) => {
                let keys: Vec<Float> =
                    values[rows].iter().map(|value| Float(f64::from(*value).to_bits())).collect();
                words.push(&keys, nulls, out)?;
            }
            (Codec::Words(words), _) => {
                let mut keys = Vec::new();
                input.words(rows, &mut keys);
                if matches!(input.values, Values::Null) {
                    let none = crate::wide::Valid::of(Some(&arrow::buffer::NullBuffer::new_null(keys.len())));
                    words.push(&keys, (none.as_ref(), 0), out)?;
                } else {
                    words.push(&keys, nulls, out)?;
                }
            }
            _ => out.fill(0),
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        match self {
            Codec::Near(_) => 0,
            Codec::Words(words) => words.memory_bytes(),
            Codec::Floats(words) => words.memory_bytes(),
            Codec::Longs(words) => words.memory_bytes(),
            Codec::Texts(texts) => texts.memory_bytes(),
        }
    }

    fn need_bytes(&self, more: usize, texts: (usize, usize)) -> usize {
        match self {
            // It may have to number all that was seen: the grouper counts that.
            Codec::Near(_) => 0,
            Codec::Words(words) => words.need_bytes(more),
            Codec::Floats(words) => words.need_bytes(more),
            Codec::Longs(words) => words.need_bytes(more),
            Codec::Texts(interned) => interned.need_bytes(more, texts),
        }
    }
}

/// Bytes at most of a codec that numbers so many words.
pub(super) fn interned_need_bytes(words: usize) -> usize {
    Words::<u64>::default().need_bytes(words) + grown::<u64>(words, words)
}

impl Input {
    /// Words that are in the order of the values, whatever is under nulls.
    pub(super) fn words(&self, rows: Range<usize>, out: &mut Vec<u64>) {
        fn signed<T: Copy + Into<i64>>(values: &[T], out: &mut Vec<u64>) {
            out.extend(values.iter().map(|value| Into::<i64>::into(*value).cast_unsigned() ^ SIGN));
        }
        fn unsigned<T: Copy + Into<u64>>(values: &[T], out: &mut Vec<u64>) {
            out.extend(values.iter().map(|value| Into::<u64>::into(*value)));
        }
        out.clear();
        match &self.values {
            Values::Boolean(bits) => out.extend(rows.map(|row| u64::from(bits.value(row)))),
            Values::I8(values) => signed(&values[rows], out),
            Values::I16(values) => signed(&values[rows], out),
            Values::I32(values) => signed(&values[rows], out),
            Values::I64(values) => signed(&values[rows], out),
            Values::U8(values) => unsigned(&values[rows], out),
            Values::U16(values) => unsigned(&values[rows], out),
            Values::U32(values) => unsigned(&values[rows], out),
            Values::U64(values) => unsigned(&values[rows], out),
            _ => out.resize(rows.len(), 0),
        }
    }

    /// The least and the greatest of the words of some rows; `None` where all are null.
    pub(super) fn ends(&self, words: &[u64], first: usize) -> Option<(u64, u64)> {
        match (&self.values, &self.valid) {
            (Values::Null, _) => None,
            (_, None) => (!words.is_empty()).then(|| wide::run(Ends(words))),
            (_, Some(valid)) => {
                let rows = words.iter().enumerate().filter(|(row, _)| valid.at(first + row));
                rows.map(|(_, word)| (*word, *word)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
            }
        }
    }

    /// Makes distances of words.
    pub(super) fn near(&self, near: Near, words: &mut [u64], first: usize) {
        match (&self.values, &self.valid) {
            (Values::Null, _) => words.fill(0),
            (_, None) => {
                words.iter_mut().for_each(|word| *word = word.wrapping_sub(near.low).wrapping_add(1));
            }
            (_, Some(valid)) => {
                for (row, word) in words.iter_mut().enumerate() {
                    let code = word.wrapping_sub(near.low).wrapping_add(1);
                    *word = if valid.at(first + row) { code } else { 0 };
                }
            }
        }
    }
}

struct Ends<'a>(&'a [u64]);

impl Kernel for Ends<'_> {
    type Output = (u64, u64);

    #[inline(always)]
    fn run(self) -> (u64, u64) {
        self.0.iter().fold((u64::MAX, 0), |(least, most), word| (least.min(*word), most.max(*word)))
    }
}
