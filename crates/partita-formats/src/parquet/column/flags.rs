//! Booleans.

use std::borrow::Cow;

use arrow::buffer::Buffer;
use parquet::basic::Encoding;

use super::spec::Spec;
use super::{Event, Store, Work};
use crate::parquet::options::PageLimits;
use crate::simd::compact::compact_u8;
use crate::simd::encode::Cpu;

/// The booleans of a column, as 0 and 1.
pub(in crate::parquet) struct Flags {
    limits: PageLimits,
    /// Those of the open page, eight a byte, lowest first.
    bits: Vec<u8>,
    count: usize,
    /// Whether there is a 0 among them, and a 1.
    seen: [bool; 2],
}

impl Flags {
    pub(in crate::parquet) fn new(spec: &Spec) -> Self {
        Self { limits: spec.limits, bits: Vec::new(), count: 0, seen: [false; 2] }
    }
}

impl Store for Flags {
    type Value = u8;
    type Bound = u8;

    fn push(&mut self, _: Cpu, values: &[u8], _: &[Buffer]) -> (usize, Option<Event>) {
        let room = self.limits.page_bytes.saturating_mul(8).saturating_sub(self.count).max(1);
        let taken = values.len().min(room);
        let mut rest = &values[..taken];
        while let Some((&flag, behind)) = rest.split_first().filter(|_| !self.count.is_multiple_of(8)) {
            if let Some(last) = self.bits.last_mut() {
                *last |= flag << (self.count % 8);
            }
            self.count += 1;
            rest = behind;
        }
        self.bits.extend(
            rest.chunks(8)
                .map(|eight| eight.iter().enumerate().fold(0, |byte, (bit, &flag)| byte | flag << bit)),
        );
        self.count += rest.len();
        let ones = values[..taken].iter().map(|&flag| usize::from(flag)).sum::<usize>();
        self.seen[0] |= ones < taken;
        self.seen[1] |= ones > 0;
        (taken, (taken == room).then_some(Event::Full))
    }

    fn calm(&self) -> usize {
        self.limits.page_bytes.saturating_mul(8).saturating_sub(self.count).max(1)
    }

    fn compact(cpu: Cpu, values: &[u8], valid: &[u64], out: &mut Vec<u8>) {
        compact_u8(cpu, values, valid, out);
    }

    fn value_bytes(&self, value: &u8, _: &[Buffer], insert: &mut dyn FnMut(&[u8])) {
        insert(std::slice::from_ref(value));
    }

    fn has_dictionary(&self) -> bool {
        false
    }

    fn is_hopeless(&self, _: &mut Work) -> bool {
        false
    }

    fn pays(&self, _: &mut Work) -> bool {
        false
    }

    fn is_outgrown(&self, _: &mut Work) -> bool {
        false
    }

    fn expand(&mut self, _: usize) -> bool {
        true
    }

    fn end_dictionary(&mut self, _: &mut Vec<u8>) -> usize {
        0
    }

    fn end_page(&mut self, _: &mut Work, out: &mut Vec<u8>) -> Encoding {
        out.extend_from_slice(&self.bits);
        self.bits.clear();
        self.count = 0;
        self.seen = [false; 2];
        Encoding::PLAIN
    }

    fn bounds(&mut self) -> Option<(u8, u8)> {
        match self.seen {
            [false, false] => None,
            [zero, one] => Some((u8::from(!zero), u8::from(one))),
        }
    }

    fn text_bytes(&self) -> Option<i64> {
        None
    }

    fn is_below(&self, low: &u8, high: &u8) -> bool {
        low < high
    }

    fn bound_bytes(bound: &u8) -> Cow<'_, [u8]> {
        Cow::Borrowed(std::slice::from_ref(bound))
    }

    fn open_bytes(&self) -> (usize, usize) {
        (self.bits.len(), 0)
    }

    fn memory_bytes(&self) -> usize {
        self.bits.capacity()
    }
}
