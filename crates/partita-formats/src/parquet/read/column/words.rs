//! Numbers of a fixed width.

use std::sync::Arc;

use arrow::array::{ArrayData, ArrayRef, make_array};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::{ArrowNativeType, DataType, TimeUnit};

use super::coded::Coded;
use super::damage::Damage;
use super::delta::Delta;
use super::header::Layout;
use super::hybrid::Hybrid;
use super::lookup::{push_codes, push_kept_codes};
use super::shared::{Shared, expect_length};
use super::{Sink, Work};
use crate::buffers::Pool;
use crate::error::Result;
use crate::simd::encode::Cpu;
use crate::simd::{expand, gather, widen};

/// A number as it is held.
pub(super) trait Word: ArrowNativeType {
    fn gather(cpu: Cpu, entries: &[Self], codes: &[u32], out: &mut [Self]) -> bool;
    fn expand(cpu: Cpu, values: &mut [Self], valid: &[u64]);
    /// Differences, where numbers of this width have such.
    fn delta(bytes: &[u8]) -> Result<Option<State>, Damage>;
    fn take(delta: &mut State, cpu: Cpu, bytes: &[u8], out: &mut [Self]) -> Result<(), Damage>;
    /// Of bytes in the order of the file.
    fn of_bytes(bytes: &[u8]) -> Self;
    /// As numbers of 128 bits.
    fn widen(cpu: Cpu, values: &[Self], out: &mut [i128]);
    /// With its sign.
    fn signed(self) -> i128;
}

macro_rules! word {
    ($type:ty, $signed:ty, $gather:ident, $expand:ident, $widen:path, |$bytes:ident| $delta:expr, |$state:ident, $cpu:ident, $from:ident, $out:ident| $take:expr) => {
        impl Word for $type {
            fn gather(cpu: Cpu, entries: &[Self], codes: &[u32], out: &mut [Self]) -> bool {
                gather::$gather(cpu, entries, codes, out)
            }

            fn expand(cpu: Cpu, values: &mut [Self], valid: &[u64]) {
                expand::$expand(cpu, values, valid);
            }

            fn delta($bytes: &[u8]) -> Result<Option<State>, Damage> {
                $delta
            }

            fn take($state: &mut State, $cpu: Cpu, $from: &[u8], $out: &mut [Self]) -> Result<(), Damage> {
                $take
            }

            fn widen(cpu: Cpu, values: &[Self], out: &mut [i128]) {
                $widen(cpu, values, out);
            }

            #[inline(always)]
            fn of_bytes(bytes: &[u8]) -> Self {
                bytes.first_chunk().map_or(0, |bytes| <$type>::from_le_bytes(*bytes))
            }

            #[inline(always)]
            fn signed(self) -> i128 {
                i128::from(self as $signed)
            }
        }
    };
}

word!(
    u32,
    i32,
    gather_u32,
    expand_u32,
    widen::widen_u32,
    |bytes| Ok(Some(State::Delta32(Delta::new(bytes, 0)?))),
    |state, cpu, from, out| {
        match state {
            State::Delta32(delta) => delta.take(cpu, from, out),
            _ => Err(Damage::short()),
        }
    }
);
word!(
    u64,
    i64,
    gather_u64,
    expand_u64,
    widen::widen_u64,
    |bytes| Ok(Some(State::Delta64(Delta::new(bytes, 0)?))),
    |state, cpu, from, out| {
        match state {
            State::Delta64(delta) => delta.take(cpu, from, out),
            _ => Err(Damage::short()),
        }
    }
);
word!(i128, i128, gather_i128, expand_i128, same, |_bytes| Ok(None), |_state, _cpu, _from, _out| Err(
    Damage::short()
));

fn same(_: Cpu, values: &[i128], out: &mut [i128]) {
    for (out, value) in out.iter_mut().zip(values) {
        *out = *value;
    }
}

/// Where the values of the page at hand are, and how far they have been read.
pub(super) enum State {
    Closed,
    Plain { at: usize },
    Codes(Hybrid),
    Delta32(Delta<u32>),
    Delta64(Delta<u64>),
    Split { at: usize, values: usize },
    Shared(Box<Shared>),
}

/// How a number stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    /// As it is held.
    Same,
    /// Nanoseconds of the day, then the day in the Julian calendar; held in this unit.
    Int96(TimeUnit),
    /// Highest bytes first, so many of them.
    BigEndian(usize),
}

/// The entries of a dictionary.
enum Entries<T> {
    /// As they lie in its page.
    Page(Buffer),
    Own(Vec<T>),
}

impl<T: Word> Entries<T> {
    fn get(&self) -> &[T] {
        match self {
            Self::Page(page) => page.typed_data(),
            Self::Own(values) => values,
        }
    }

    fn memory_bytes(&self) -> usize {
        match self {
            Self::Page(_) => 0,
            Self::Own(values) => values.capacity() * size_of::<T>(),
        }
    }
}

/// The numbers of a column.
pub(super) struct Words<T> {
    wire: Wire,
    target: DataType,
    values: Vec<T>,
    len: usize,
    pool: Arc<Pool>,
    entries: Entries<T>,
    state: State,
    /// Codes in the place of numbers, where they are wanted, and no page has had anything else.
    coded: Option<Coded>,
    /// Entries of a dictionary of which codes are worth it.
    coded_entries_max: u64,
}

impl<T: Word> Words<T> {
    pub(super) fn new(wire: Wire, target: &DataType, pool: &Arc<Pool>) -> Self {
        Self {
            wire,
            target: target.clone(),
            values: Vec::new(),
            len: 0,
            pool: Arc::clone(pool),
            entries: Entries::Own(Vec::new()),
            state: State::Closed,
            coded: None,
            coded_entries_max: 0,
        }
    }

    /// Goes on with numbers in the place of codes.
    fn give_up_codes(&mut self, cpu: Cpu) -> Result<(), Damage> {
        let Some(coded) = self.coded.take() else { return Ok(()) };
        let rows = coded.codes().len();
        self.reserve(rows);
        self.len = rows;
        let (entries, values) = (self.entries.get(), &mut self.values[..rows]);
        // Without entries none of the rows has a number.
        match entries.is_empty() || T::gather(cpu, entries, coded.codes(), values) {
            true => Ok(()),
            false => Err(Damage::code(entries.len())),
        }
    }

    fn wire_bytes(&self) -> usize {
        match self.wire {
            Wire::Same => size_of::<T>(),
            Wire::Int96(_) => 12,
            Wire::BigEndian(bytes) => bytes,
        }
    }
}

/// Numbers as the file has them.
fn load<T: Word>(wire: Wire, bytes: &[u8], out: &mut [T]) -> Result<(), Damage> {
    match wire {
        Wire::Same => {
            for (value, bytes) in out.iter_mut().zip(bytes.chunks_exact(size_of::<T>())) {
                *value = T::of_bytes(bytes);
            }
        }
        Wire::Int96(unit) => {
            for (value, bytes) in out.iter_mut().zip(bytes.as_chunks::<12>().0) {
                *value = T::of_bytes(&int96(*bytes, unit)?.to_le_bytes());
            }
        }
        Wire::BigEndian(length) => {
            for (value, bytes) in out.iter_mut().zip(bytes.chunks_exact(length)) {
                *value = T::of_bytes(&big_endian(bytes).to_le_bytes());
            }
        }
    }
    Ok(())
}

/// The number of at most 16 bytes, highest first, with a sign.
pub(super) fn big_endian(bytes: &[u8]) -> i128 {
    let sign = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
    bytes.iter().fold(sign, |value, &byte| value << 8 | i128::from(byte))
}

/// The day on which Unix time begins, in the Julian calendar.
const EPOCH_DAY: i64 = 2_440_588;
const SECONDS_A_DAY: i64 = 86_400;

fn int96(bytes: [u8; 12], unit: TimeUnit) -> Result<i64, Damage> {
    let [a, b, c, d, e, f, g, h, day @ ..] = bytes;
    let nanoseconds = i64::from_le_bytes([a, b, c, d, e, f, g, h]);
    let days = i64::from(i32::from_le_bytes(day)) - EPOCH_DAY;
    let (a_second, divisor) = match unit {
        TimeUnit::Second => (1, 1_000_000_000),
        TimeUnit::Millisecond => (1000, 1_000_000),
        TimeUnit::Microsecond => (1_000_000, 1000),
        TimeUnit::Nanosecond => (1_000_000_000, 1),
    };
    let day = i128::from(days) * i128::from(SECONDS_A_DAY * a_second);
    let value = day + i128::from(nanoseconds.div_euclid(divisor));
    if unit == TimeUnit::Microsecond {
        // As Spark has them: its days and seconds wrap where a time is far out, and their sum wraps back.
        return Ok(value as i64);
    }
    i64::try_from(value).map_err(|_| {
        Damage::new(format!(
            "timestamps that 64 bits hold in {unit:?}s, got day {days}; read it in a larger unit"
        ))
    })
}

/// Numbers whose bytes are in streams, the first bytes of all of them first.
fn join<T: Word>(
    wire: Wire,
    bytes: &[u8],
    (at, values): (usize, usize),
    out: &mut [T],
) -> Result<(), Damage> {
    let width = bytes.len().checked_div(values).unwrap_or(0);
    let count = out.len();
    if wire == Wire::Same {
        out.fill(T::default());
    }
    match wire {
        Wire::Same if width == 4 => join_le::<T, 4>(bytes, (at, values), out),
        Wire::Same => join_le::<T, 8>(bytes, (at, values), out),
        _ => {
            let mut one = vec![0; width];
            for (number, value) in out.iter_mut().enumerate().take(count) {
                for (stream, byte) in one.iter_mut().enumerate() {
                    *byte = bytes.get(stream * values + at + number).copied().unwrap_or(0);
                }
                load(wire, &one, std::slice::from_mut(value))?;
            }
        }
    }
    Ok(())
}

fn join_le<T: Word, const N: usize>(bytes: &[u8], (at, values): (usize, usize), out: &mut [T]) {
    let streams: [&[u8]; N] = std::array::from_fn(|stream| {
        let start = stream * values + at;
        bytes.get(start..start + out.len()).unwrap_or_default()
    });
    for (number, value) in out.iter_mut().enumerate() {
        let one: [u8; N] = std::array::from_fn(|stream| streams[stream].get(number).copied().unwrap_or(0));
        *value = T::of_bytes(&one);
    }
}

impl<T: Word> Sink for Words<T> {
    fn keep_codes(&mut self, entries_max: u64) {
        self.coded_entries_max = entries_max;
        // Of other numbers codes are no shorter.
        self.coded = matches!(self.target, DataType::Decimal128(..)).then(Coded::default);
    }

    fn reserve(&mut self, rows: usize) {
        if let Some(coded) = &mut self.coded {
            return coded.reserve(rows);
        }
        self.pool.grow(&mut self.values, rows);
    }

    fn dictionary(&mut self, page: &Buffer, count: usize, work: &mut Work) -> Result<(), Damage> {
        if count as u64 > self.coded_entries_max {
            self.give_up_codes(work.cpu)?;
        }
        let bytes = count.saturating_mul(self.wire_bytes());
        let stored = page.get(..bytes).ok_or_else(Damage::short)?;
        let is_aligned = page.as_ptr().addr().is_multiple_of(align_of::<T>());
        if self.wire == Wire::Same && is_aligned && cfg!(target_endian = "little") {
            self.entries = Entries::Page(page.slice_with_length(0, bytes));
            return Ok(());
        }
        let mut values = vec![T::default(); count];
        load(self.wire, stored, &mut values)?;
        self.entries = Entries::Own(values);
        Ok(())
    }

    fn open(&mut self, layout: Layout, page: &Buffer, _: usize) -> Result<(), Damage> {
        self.state = match layout {
            Layout::Plain => State::Plain { at: 0 },
            Layout::Dictionary => State::Codes(super::codes(page)?),
            Layout::DeltaBinaryPacked if self.wire == Wire::Same => {
                T::delta(page)?.ok_or_else(|| layout.refuse())?
            }
            Layout::ByteStreamSplit if !matches!(self.wire, Wire::Int96(_)) => {
                State::Split { at: 0, values: super::split_values(page, self.wire_bytes())? }
            }
            Layout::DeltaByteArray if matches!(self.wire, Wire::BigEndian(_)) => {
                State::Shared(Box::new(Shared::new(page)?))
            }
            other => return Err(other.refuse()),
        };
        Ok(())
    }

    fn append(&mut self, page: &Buffer, present: usize, work: &mut Work) -> Result<(), Damage> {
        match (&mut self.coded, &mut self.state) {
            (None, _) => {}
            (Some(coded), State::Codes(hybrid)) => {
                return coded.push(hybrid, page, (present, self.entries.get().len()), work);
            }
            _ if present == 0 => return Ok(()),
            _ => self.give_up_codes(work.cpu)?,
        }
        self.reserve(self.len + present);
        let wire_bytes = self.wire_bytes();
        let out = &mut self.values[self.len..self.len + present];
        match &mut self.state {
            State::Plain { at } => {
                let end = present.checked_mul(wire_bytes).and_then(|bytes| bytes.checked_add(*at));
                let end = end.ok_or_else(Damage::short)?;
                load(self.wire, page.get(*at..end).ok_or_else(Damage::short)?, out)?;
                *at = end;
            }
            State::Codes(hybrid) => push_codes(hybrid, page, self.entries.get(), out, work)?,
            State::Split { at, values } => {
                if present > *values - *at {
                    return Err(Damage::short());
                }
                join(self.wire, page, (*at, *values), out)?;
                *at += present;
            }
            State::Shared(shared) => {
                let (wire, mut out) = (self.wire, out.iter_mut());
                shared.take(work.cpu, page, present, usize::MAX, |text| {
                    expect_length(wire_bytes, text.len())?;
                    out.next().map_or(Ok(()), |value| load(wire, text, std::slice::from_mut(value)))
                })?;
            }
            State::Closed => return Err(Damage::short()),
            delta => T::take(delta, work.cpu, page, out)?,
        }
        self.len += present;
        Ok(())
    }

    fn can_keep(&self) -> bool {
        self.coded.is_none()
    }

    fn append_kept(&mut self, page: &Buffer, rows: usize, work: &mut Work) -> Result<bool, Damage> {
        if !matches!(self.state, State::Codes(_)) {
            return Ok(false);
        }
        let count = work.kept.iter().map(|word| word.count_ones() as usize).sum::<usize>();
        self.reserve(self.len + count);
        let out = &mut self.values[self.len..self.len + count];
        if let State::Codes(hybrid) = &mut self.state {
            push_kept_codes(hybrid, page, self.entries.get(), (rows, out), work)?;
        }
        self.len += count;
        Ok(true)
    }

    fn keep(&mut self, rows: usize, work: &Work) {
        let start = self.len.saturating_sub(rows);
        let values = &mut self.values[start..self.len];
        let mut count = 0;
        for (number, &word) in work.kept.iter().enumerate() {
            let mut left = word;
            while left != 0 {
                values[count] = values[number * 64 + left.trailing_zeros() as usize];
                count += 1;
                left &= left - 1;
            }
        }
        self.len = start + count;
    }

    fn expand(&mut self, present: usize, rows: usize, work: &mut Work) {
        if let Some(coded) = &mut self.coded {
            return coded.expand(present, rows, work);
        }
        let start = self.len - present;
        self.reserve(start + rows);
        T::expand(work.cpu, &mut self.values[start..start + rows], &work.valid);
        self.len = start + rows;
    }

    fn truncate(&mut self, rows: usize) {
        if let Some(coded) = &mut self.coded {
            return coded.truncate(rows);
        }
        self.len = self.len.min(rows);
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        if let Some(coded) = &mut self.coded {
            let entries = self.entries.get();
            return coded.finish(nulls, || decimals(entries, &self.target, None, &self.pool));
        }
        let rows = std::mem::take(&mut self.len);
        self.reserve(rows);
        let values = std::mem::take(&mut self.values);
        let buffer = match &self.target {
            DataType::Int8 | DataType::UInt8 => {
                let narrow: Vec<u8> = values[..rows].iter().map(|value| value.signed() as u8).collect();
                self.values = values;
                Buffer::from_vec(narrow)
            }
            DataType::Int16 | DataType::UInt16 => {
                let narrow: Vec<u16> = values[..rows].iter().map(|value| value.signed() as u16).collect();
                self.values = values;
                Buffer::from_vec(narrow)
            }
            DataType::Decimal128(..) if size_of::<T>() < 16 => {
                let array = decimals(&values[..rows], &self.target, nulls, &self.pool);
                self.values = values;
                return array;
            }
            _ => self.pool.lend(values, rows),
        };
        array(&self.target, rows, buffer, nulls)
    }

    fn close(&mut self) {
        self.entries = Entries::Own(Vec::new());
        self.state = State::Closed;
    }

    fn len(&self) -> usize {
        self.coded.as_ref().map_or(self.len, |coded| coded.codes().len())
    }

    fn memory_bytes(&self) -> usize {
        let state = match &self.state {
            State::Delta32(delta) => delta.memory_bytes(),
            State::Delta64(delta) => delta.memory_bytes(),
            State::Shared(shared) => shared.memory_bytes(),
            _ => 0,
        };
        let values = self.values.capacity() * size_of::<T>();
        let coded = self.coded.as_ref().map_or(0, Coded::memory_bytes);
        values + self.entries.memory_bytes() + state + coded
    }
}

/// Numbers as decimals of a type.
fn decimals<T: Word>(
    values: &[T],
    target: &DataType,
    nulls: Option<NullBuffer>,
    pool: &Pool,
) -> Result<ArrayRef> {
    let mut wide: Vec<i128> = pool.take(values.len());
    T::widen(Cpu::new(), values, &mut wide);
    array(target, values.len(), pool.lend(wide, values.len()), nulls)
}

/// An array of numbers, or of bytes of a fixed length.
pub(super) fn array(
    target: &DataType,
    rows: usize,
    values: Buffer,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let data = ArrayData::builder(target.clone()).len(rows).add_buffer(values).nulls(nulls).build()?;
    Ok(make_array(data))
}
