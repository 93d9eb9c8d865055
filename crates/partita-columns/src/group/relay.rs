//! Words of groups made anew, when codes get wider.

use arrow::buffer::NullBuffer;

use super::codec::{Codec, KeyColumn, Near};
use super::grouper::{BLOCK_ROWS, Grouper};
use super::stage::{LINKED_BITS_MAX, Stage, plan};
use crate::error::Result;
use crate::wide::Valid;

impl Grouper {
    /// Makes the words of all groups anew, with another codec of one column where one is given.
    pub(super) fn relay(&mut self, change: Option<(usize, Codec)>) -> Result<()> {
        self.relays += 1;
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
        let (mut old, len) = (std::mem::take(&mut self.stages), self.len_of(&[]));
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
        let spare = old.iter_mut().find_map(Stage::take_dense);
        self.stages = plan(&self.columns, self.rows, spare);
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
