//! Numbers of four and eight bytes.

use std::borrow::Cow;

use arrow::buffer::Buffer;
use parquet::basic::Encoding as Laid;

use super::choice::{self, Choice, Use};
use super::spec::{Order, Spec};
use super::{Event, Store, Work, delta, runs};
use crate::parquet::options::{Encoding, PageLimits};
use crate::simd::delta::{BLOCK32, BLOCK64, MINI_BLOCKS, block32, block64};
use crate::simd::dictionary::{Dictionary, Key, encode32, encode64};
use crate::simd::encode::Cpu;
use crate::simd::extremes::Bits;
use crate::simd::{compact, extremes, pack};

/// The bits of a number.
pub(in crate::parquet) trait Word: Key + Default + std::fmt::Debug + 'static {
    /// Values of a block of differences.
    const BLOCK: usize;
    /// The differences of a block.
    type Block;

    fn block() -> Self::Block;
    fn differences(
        cpu: Cpu,
        before: Self,
        values: &[Self],
        above: &mut Self::Block,
    ) -> (i64, [u32; MINI_BLOCKS]);
    fn minis(above: &Self::Block) -> impl Iterator<Item = &[Self]>;
    fn pack(cpu: Cpu, values: &[Self], width: u32, out: &mut Vec<u8>);
    fn signed(self) -> i64;
    /// Both zeros, where this is one of a float.
    fn zeros(self) -> Option<[Self; 2]>;
    /// As in a plain page.
    fn bytes(self) -> impl AsRef<[u8]>;
    fn append(values: &[Self], out: &mut Vec<u8>);
    fn byte(self, number: usize) -> u8;
    fn encode(
        cpu: Cpu,
        dictionary: &mut Dictionary<Self>,
        values: &[Self],
        most: usize,
        codes: &mut Vec<u32>,
    ) -> usize;
    fn compact(cpu: Cpu, values: &[Self], valid: &[u64], out: &mut Vec<Self>);
    /// Smallest and largest; `None` of nothing but NaN. Zeros that are bounds of floats have the outer sign.
    fn extremes(cpu: Cpu, values: &[Self], order: Order) -> Option<(Self, Self)>;
    fn is_below(low: Self, high: Self, order: Order) -> bool;
}

/// Everything that is the same but for the width.
macro_rules! word {
    ($word:ty, $signed:ty, $float:ty, $block:expr, $differences:ident, $pack:path, $encode:ident, $compact:ident,
     [$extremes_signed:ident, $extremes_unsigned:ident, $extremes_float:ident]) => {
        impl Word for $word {
            const BLOCK: usize = $block;
            type Block = [$word; $block];

            fn block() -> Self::Block {
                [0; $block]
            }

            fn differences(
                cpu: Cpu,
                before: Self,
                values: &[Self],
                above: &mut Self::Block,
            ) -> (i64, [u32; MINI_BLOCKS]) {
                let (least, widths) = $differences(cpu, before, values, above);
                (i64::from(least), widths)
            }

            fn minis(above: &Self::Block) -> impl Iterator<Item = &[Self]> {
                above.chunks_exact($block / MINI_BLOCKS)
            }

            fn pack(cpu: Cpu, values: &[Self], width: u32, out: &mut Vec<u8>) {
                $pack(cpu, values, width, out);
            }

            fn signed(self) -> i64 {
                i64::from(self as $signed)
            }

            fn zeros(self) -> Option<[Self; 2]> {
                (<$float>::from_bits(self) == 0.0).then_some([0, (-0.0 as $float).to_bits()])
            }

            fn bytes(self) -> impl AsRef<[u8]> {
                self.to_le_bytes()
            }

            fn append(values: &[Self], out: &mut Vec<u8>) {
                const BYTES: usize = size_of::<$word>();
                let start = out.len();
                out.resize(start + values.len() * BYTES, 0);
                for (bytes, value) in out[start..].as_chunks_mut::<BYTES>().0.iter_mut().zip(values) {
                    *bytes = value.to_le_bytes();
                }
            }

            fn byte(self, number: usize) -> u8 {
                (self >> (8 * number)) as u8
            }

            fn encode(
                cpu: Cpu,
                dictionary: &mut Dictionary<Self>,
                values: &[Self],
                most: usize,
                codes: &mut Vec<u32>,
            ) -> usize {
                $encode(cpu, dictionary, values, most, codes)
            }

            fn compact(cpu: Cpu, values: &[Self], valid: &[u64], out: &mut Vec<Self>) {
                compact::$compact(cpu, values, valid, out);
            }

            fn extremes(cpu: Cpu, values: &[Self], order: Order) -> Option<(Self, Self)> {
                if values.is_empty() {
                    return None;
                }
                match order {
                    Order::Unsigned => Some(extremes::$extremes_unsigned(cpu, values)),
                    Order::Signed => {
                        let (low, high) = extremes::$extremes_signed(cpu, Bits::signed(values));
                        Some((low as $word, high as $word))
                    }
                    Order::Float => {
                        let (low, high) = extremes::$extremes_float(cpu, Bits::floats(values));
                        let low = if low == 0.0 { -0.0 } else { low };
                        let high = if high == 0.0 { 0.0 } else { high };
                        (low <= high).then_some((low.to_bits(), high.to_bits()))
                    }
                }
            }

            fn is_below(low: Self, high: Self, order: Order) -> bool {
                match order {
                    Order::Unsigned => low < high,
                    Order::Signed => (low as $signed) < (high as $signed),
                    Order::Float => <$float>::from_bits(low) < <$float>::from_bits(high),
                }
            }
        }
    };
}

word!(
    u32,
    i32,
    f32,
    BLOCK32,
    block32,
    pack::pack32,
    encode32,
    compact_u32,
    [extremes_i32, extremes_u32, extremes_f32]
);
word!(
    u64,
    i64,
    f64,
    BLOCK64,
    block64,
    delta::pack_wide,
    encode64,
    compact_u64,
    [extremes_i64, extremes_u64, extremes_f64]
);

/// A page of differences has to be smaller than plain by one part of so many.
const DELTA_GAIN: usize = 16;

/// The numbers of a column.
pub(in crate::parquet) struct Words<T: Word> {
    order: Order,
    limits: PageLimits,
    /// How values without a dictionary are laid out; chosen at their first page where nothing is said.
    laid: Option<Encoding>,
    has_statistics: bool,
    choice: Choice,
    dictionary: Dictionary<T>,
    /// The open page: one of them is empty.
    codes: Vec<u32>,
    values: Vec<T>,
    bounds: Option<(T, T)>,
}

impl<T: Word> Words<T> {
    pub(in crate::parquet) fn new(spec: &Spec) -> Self {
        // Differences of floats are no numbers that are smaller.
        let laid = spec.plan.values.or((spec.order == Order::Float).then_some(Encoding::Plain));
        Self {
            order: spec.order,
            limits: spec.limits,
            laid,
            has_statistics: spec.statistics != crate::parquet::options::Statistics::None,
            choice: Choice::new(spec.plan.dictionary, spec.limits.dictionary_bytes),
            dictionary: Dictionary::new(),
            codes: Vec::new(),
            values: Vec::new(),
            bounds: None,
        }
    }

    fn dictionary_bytes(&self) -> usize {
        size_of_val(self.dictionary.values())
    }

    fn width(&self) -> u32 {
        runs::width_of(self.dictionary.values().len().saturating_sub(1) as u64)
    }

    /// The values of the open page, which is in codes.
    fn expanded(&self) -> Vec<T> {
        let values = self.dictionary.values();
        self.codes.iter().map(|&code| values.get(code as usize).copied().unwrap_or_default()).collect()
    }

    /// Bytes of the open page in codes, and without a dictionary.
    fn both_bytes(&self, work: &mut Work) -> (usize, usize) {
        let mut coded = std::mem::take(&mut work.coded);
        coded.clear();
        runs::encode(&self.codes, self.width(), work, &mut coded);
        let coded_bytes = coded.len();
        work.coded = coded;
        let plain = self.codes.len() * size_of::<T>();
        let other = match self.laid {
            None => plain.min(delta::encoded_bytes(work.cpu, &self.expanded())),
            Some(_) => plain,
        };
        (coded_bytes, other)
    }

    fn push_values(&mut self, values: &[T]) -> (usize, Option<Event>) {
        let room = self.limits.page_bytes.div_ceil(size_of::<T>()).saturating_sub(self.values.len()).max(1);
        let taken = values.len().min(room);
        self.values.extend_from_slice(&values[..taken]);
        (taken, (taken == room).then_some(Event::Full))
    }

    fn push_codes(&mut self, cpu: Cpu, values: &[T]) -> (usize, Option<Event>) {
        let before = self.dictionary.values().len();
        let check = self.choice.before_check();
        let room = (self.limits.page_bytes / size_of::<u32>()).saturating_sub(self.codes.len()).max(1);
        let most = values.len().min(check.unwrap_or(usize::MAX)).min(room);
        let limit = self.choice.limit_bytes.div_ceil(size_of::<T>());
        let taken = T::encode(cpu, &mut self.dictionary, &values[..most], limit, &mut self.codes);
        self.choice.values += taken;
        let distinct = self.dictionary.values().len();
        let is_full = distinct >= limit || self.dictionary.is_crowded();
        let event = if distinct > before && is_full {
            Some(Event::Limit)
        } else if check == Some(taken) {
            self.choice.checked_bytes = self.dictionary_bytes();
            Some(Event::Check)
        } else {
            (taken == room).then_some(Event::Full)
        };
        (taken, event)
    }
}

impl<T: Word> Store for Words<T> {
    type Value = T;
    type Bound = T;

    fn push(&mut self, cpu: Cpu, values: &[T], _: &[Buffer]) -> (usize, Option<Event>) {
        let (taken, event) = match self.choice.is_open {
            true => self.push_codes(cpu, values),
            false => self.push_values(values),
        };
        if self.has_statistics {
            let here = T::extremes(cpu, &values[..taken], self.order);
            self.bounds = match (self.bounds, here) {
                (Some((low, high)), Some((here_low, here_high))) => Some((
                    if T::is_below(here_low, low, self.order) { here_low } else { low },
                    if T::is_below(high, here_high, self.order) { here_high } else { high },
                )),
                (one, other) => one.or(other),
            };
        }
        (taken, event)
    }

    fn calm(&self) -> usize {
        let page = match self.choice.is_open {
            true => (self.limits.page_bytes / size_of::<u32>()).saturating_sub(self.codes.len()),
            false => self.limits.page_bytes.div_ceil(size_of::<T>()).saturating_sub(self.values.len()),
        };
        page.min(self.choice.before_check().unwrap_or(usize::MAX)).max(1)
    }

    fn compact(cpu: Cpu, values: &[T], valid: &[u64], out: &mut Vec<T>) {
        T::compact(cpu, values, valid, out);
    }

    fn value_bytes(&self, value: &T, _: &[Buffer], insert: &mut dyn FnMut(&[u8])) {
        let zeros = if self.order == Order::Float { T::zeros(*value) } else { None };
        match zeros {
            None => insert(value.bytes().as_ref()),
            Some(zeros) => zeros.into_iter().for_each(|zero| insert(zero.bytes().as_ref())),
        }
    }

    fn has_dictionary(&self) -> bool {
        self.choice.is_open && self.choice.plan == Use::Pays
    }

    fn is_hopeless(&self, work: &mut Work) -> bool {
        let distinct = self.dictionary.values().len();
        if self.choice.is_beyond(distinct, self.dictionary_bytes()) {
            return true;
        }
        // Differences that are smaller than the codes alone.
        let (coded, other) = self.both_bytes(work);
        other <= coded
    }

    fn pays(&self, work: &mut Work) -> bool {
        if self.choice.plan == Use::Always || self.codes.is_empty() {
            return !self.codes.is_empty();
        }
        let (coded, other) = self.both_bytes(work);
        choice::PAGE_BYTES + self.dictionary_bytes() + coded < other
    }

    fn is_outgrown(&self, work: &mut Work) -> bool {
        let (coded, other) = self.both_bytes(work);
        self.choice.is_outgrown(self.dictionary_bytes(), coded, other)
    }

    fn expand(&mut self, bytes_max: usize) -> bool {
        if self.codes.len() * size_of::<T>() > bytes_max {
            return false;
        }
        self.values = self.expanded();
        self.codes = Vec::new();
        self.dictionary = Dictionary::new();
        self.choice.is_open = false;
        true
    }

    fn end_dictionary(&mut self, out: &mut Vec<u8>) -> usize {
        self.choice.is_open = false;
        let dictionary = std::mem::replace(&mut self.dictionary, Dictionary::new());
        self.codes = Vec::new();
        T::append(dictionary.values(), out);
        dictionary.values().len()
    }

    fn end_page(&mut self, work: &mut Work, out: &mut Vec<u8>) -> Laid {
        self.bounds = None;
        if self.choice.is_open && !self.dictionary.values().is_empty() {
            let width = self.width();
            out.push(width as u8);
            runs::encode(&self.codes, width, work, out);
            self.codes.clear();
            return Laid::RLE_DICTIONARY;
        }
        let plain = self.values.len() * size_of::<T>();
        let is_settled = self.laid.is_some() || self.values.is_empty();
        let laid = self.laid.unwrap_or_else(|| {
            let bytes = delta::encoded_bytes(work.cpu, &self.values);
            if bytes < plain - plain / DELTA_GAIN { Encoding::Delta } else { Encoding::Plain }
        });
        if !is_settled {
            self.laid = Some(laid);
        }
        let encoding = match laid {
            Encoding::Delta => {
                delta::encode(work.cpu, &self.values, out);
                Laid::DELTA_BINARY_PACKED
            }
            Encoding::ByteStreamSplit => {
                for number in 0..size_of::<T>() {
                    out.extend(self.values.iter().map(|value| value.byte(number)));
                }
                Laid::BYTE_STREAM_SPLIT
            }
            _ => {
                T::append(&self.values, out);
                Laid::PLAIN
            }
        };
        self.values.clear();
        encoding
    }

    fn bounds(&mut self) -> Option<(T, T)> {
        self.bounds
    }

    fn text_bytes(&self) -> Option<i64> {
        None
    }

    fn is_below(&self, low: &T, high: &T) -> bool {
        T::is_below(*low, *high, self.order)
    }

    fn bound_bytes(bound: &T) -> Cow<'_, [u8]> {
        let mut out = Vec::with_capacity(size_of::<T>());
        T::append(std::slice::from_ref(bound), &mut out);
        Cow::Owned(out)
    }

    fn open_bytes(&self) -> (usize, usize) {
        match self.choice.is_open {
            true => (self.codes.len() * self.width() as usize / 8, self.dictionary_bytes()),
            false => (self.values.len() * size_of::<T>(), 0),
        }
    }

    fn memory_bytes(&self) -> usize {
        self.dictionary.memory_bytes()
            + self.codes.capacity() * size_of::<u32>()
            + self.values.capacity() * size_of::<T>()
    }
}
