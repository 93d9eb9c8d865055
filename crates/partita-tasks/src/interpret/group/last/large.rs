//! Buckets whose groups have more values than fit in memory: the state rows come again, and values are looked at a slice at a time.

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, UInt64Array, new_empty_array};
use arrow::buffer::OffsetBuffer;
use partita_columns::compute;
use partita_columns::group::{Gathered, Slices};
use partita_columns::reduce::Reduction;

use super::super::{ACCOUNT, WAY_OUT, batches};
use super::{BYTES_MIN, Last, buckets_of, missing};
use crate::error::Result;
use crate::group::Group;
use crate::host::{Host, Reservation};

/// Values that are looked at together.
const CHUNK_VALUES: usize = 4 << 10;

/// How many times what a task gathers in a run values may take, and how much at least.
const BUDGET_RUNS: usize = 3;
const BUDGET_BYTES_MIN: usize = 12 << 20;

/// Groups whose values were not held.
struct Window {
    buckets: RangeInclusive<u16>,
    keys: Vec<ArrayRef>,
    places: Option<Vec<u64>>,
    /// One a question; those about values are finished once these have come again.
    answers: Vec<ArrayRef>,
    /// Columns whose values are still to come, and what is known of those of the last one.
    left: Vec<Gathered>,
    slices: Option<Slices>,
}

impl Window {
    fn groups(&self) -> usize {
        self.keys.first().map_or(0, |key| key.len())
    }

    fn bytes(&self) -> usize {
        let columns = self.keys.iter().chain(&self.answers).map(|column| column.get_buffer_memory_size());
        let places = self.places.as_ref().map_or(0, Vec::capacity) * size_of::<u64>();
        columns.sum::<usize>() + places + self.slices.as_ref().map_or(0, Slices::memory_bytes)
    }
}

/// Where a task stands with them.
pub(super) struct Large {
    /// The columns of all values, where rows can come again.
    gathered: Vec<Gathered>,
    /// In the order of buckets: those that are not handed out yet.
    windows: Vec<Window>,
    /// Which of them the rows at hand are of, or the next one that may come.
    at: usize,
    /// Whether the table at hand goes without values.
    pub(super) is_open: bool,
    /// The first bucket of the table at hand.
    pub(super) first: Option<u16>,
    /// Buckets before this one are handed out.
    from: u16,
    /// Whether groups are handed out, so that they stay in the order of buckets: not behind a window that is not finished.
    pub(super) emits: bool,
    /// Whether there are other groups behind such a one.
    pub(super) has_rest: bool,
    /// Whether rows come for their values.
    is_slicing: bool,
    /// Pays for the slice at hand.
    memory: Box<dyn Reservation>,
    budget: usize,
}

impl Large {
    /// `comes_again`: all batches can be pushed more than once.
    pub(super) fn new(group: &Group, comes_again: bool, host: &dyn Host) -> Result<Self> {
        let mut gathered = if comes_again { group.states()?.gathered() } else { Vec::new() };
        let can = |one: &Gathered| one.asked.iter().all(|(_, asked)| Slices::can(&one.data_type, *asked));
        if !gathered.iter().all(can) {
            gathered.clear();
        }
        Ok(Self {
            gathered,
            windows: Vec::new(),
            at: 0,
            is_open: false,
            first: None,
            from: 0,
            emits: true,
            has_rest: false,
            is_slicing: false,
            memory: host.reserve(ACCOUNT, 0, WAY_OUT)?,
            budget: (BUDGET_RUNS * host.run_bytes()).max(BUDGET_BYTES_MIN),
        })
    }

    fn bytes(&self) -> usize {
        self.windows.iter().map(Window::bytes).sum()
    }

    /// Makes room for some values, if need be by a smaller slice.
    fn make_room(&mut self, values: &ArrayRef) -> Result<()> {
        let Self { windows, at, memory, budget, .. } = self;
        let Some(slices) = windows.get_mut(*at).and_then(|window| window.slices.as_mut()) else {
            return Ok(());
        };
        loop {
            let need = slices.need_bytes(values)?;
            if need <= memory.bytes() || memory.resize_if_plenty(need + need / 4) {
                return Ok(());
            }
            if need <= BYTES_MIN || (need <= *budget && memory.resize(need).is_ok()) {
                return if need > memory.bytes() { memory.resize(need) } else { Ok(()) };
            }
            if !slices.cut()? {
                return memory.resize(need);
            }
        }
    }
}

/// Columns of states without values.
fn without(states: &[ArrayRef], gathered: &[Gathered]) -> Result<Vec<ArrayRef>> {
    let mut states = states.to_vec();
    for one in gathered {
        let lists = states.get_mut(one.column).ok_or_else(missing)?;
        let field = lists.as_list_opt::<i32>().ok_or_else(missing)?;
        let (arrow::datatypes::DataType::List(field), rows) = (field.data_type(), lists.len()) else {
            return Err(missing().into());
        };
        let empty = new_empty_array(field.data_type());
        *lists =
            Arc::new(ListArray::try_new(Arc::clone(field), OffsetBuffer::new_zeroed(rows), empty, None)?);
    }
    Ok(states)
}

impl Last<'_> {
    /// The columns of states that are merged: all of them as long as there is memory for values.
    pub(super) fn with_room(&mut self, states: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        if self.large.gathered.is_empty() {
            return Ok(states.to_vec());
        }
        if !self.large.is_open && !self.has_room(states) {
            self.large.is_open = true;
            if self.large.emits {
                self.large.emits = false;
                self.large.from = self.large.first.unwrap_or_default();
            }
            self.table.states.drop_values();
            if let Some(folds) = &mut self.folds {
                folds.drop_values();
            }
            self.table.memory.resize(self.table.memory_bytes())?;
        }
        if !self.large.is_open {
            return Ok(states.to_vec());
        }
        self.table.keys.begin_piece();
        without(states, &self.large.gathered)
    }

    /// Whether there is memory to merge, and to finish what is merged then.
    fn has_room(&mut self, states: &[ArrayRef]) -> bool {
        let table = &mut self.table;
        let groups = table.keys.len();
        let merged = table.states.merge_need_bytes(groups, states);
        let known = 0..table.states.len();
        let questions = self.large.gathered.iter().flat_map(|one| &one.asked);
        let finished = questions.map(|(at, _)| table.states.finish_need_bytes(*at, known.clone())).max();
        let folds = self.folds.as_ref().map_or(0, |folds| folds.need_bytes(states));
        let need = table.memory_bytes() + merged + folds + finished.unwrap_or(0);
        need <= table.memory.bytes().max(BYTES_MIN)
            || table.memory.resize_if_plenty(need + need / 4)
            || (need <= self.large.budget && table.memory.resize(need).is_ok())
    }

    /// Keeps the groups at hand until their values have come again.
    pub(super) fn close_window(&mut self) -> Result<()> {
        let Self { group, table, large, .. } = self;
        large.is_open = false;
        let groups = table.keys.len();
        let (Some(first), Some(last)) = (large.first.take(), self.bucket) else {
            return Err(missing().into());
        };
        let questions = 0..group.questions.len();
        let need = questions.clone().map(|at| table.states.finish_need_bytes(at, 0..groups)).sum::<usize>();
        table.reserve(table.memory_bytes() + table.keys_bytes(0..groups) + need)?;
        let keys = table.keys.keys(0..groups)?;
        let answers = questions.map(|at| Ok(table.states.finish(at, 0..groups)?)).collect::<Result<_>>()?;
        let (places, left) = (table.places.clone(), large.gathered.clone());
        let window = Window { buckets: first..=last, keys, places, answers, left, slices: None };
        large.windows.insert(large.at, window);
        large.at += 1;
        table.kept = large.bytes();
        table.clear()
    }

    /// Takes rows where some of their buckets are known, or handed out.
    pub(super) fn push_beside(&mut self, batch: &RecordBatch, out: &mut Vec<RecordBatch>) -> Result<()> {
        let mut start = 0;
        while let Some(rest) = buckets_of(batch)?.get(start..).filter(|rest| !rest.is_empty()) {
            let bucket = rest[0];
            let known = self.large.windows.get(self.large.at).map(|window| window.buckets.clone());
            if bucket < self.large.from {
                start += rest.partition_point(|bucket| *bucket < self.large.from);
            } else if known.as_ref().is_some_and(|known| known.end() < &bucket) {
                self.leave_window(out)?;
            } else if let Some(known) = known.as_ref().filter(|known| known.contains(&bucket)) {
                let count = rest.partition_point(|bucket| bucket <= known.end());
                if self.large.is_slicing {
                    self.look_again(&compute::slice(batch, start, count))?;
                } else {
                    self.flush(out)?;
                }
                start += count;
            } else {
                let count =
                    known.map_or(rest.len(), |known| rest.partition_point(|bucket| bucket < known.start()));
                if !self.large.is_slicing {
                    self.take(&compute::slice(batch, start, count), out)?;
                }
                start += count;
            }
        }
        Ok(())
    }

    /// Whether all rows are of buckets that nothing is known of.
    pub(super) fn is_plain(&self) -> bool {
        self.large.windows.is_empty() && self.large.from == 0
    }

    /// Looks at the values of rows of a window.
    fn look_again(&mut self, batch: &RecordBatch) -> Result<()> {
        let Self { group, table, large, folds, numbers, .. } = self;
        let Some(window) = large.windows.get_mut(large.at) else { return Ok(()) };
        let Some(gathered) = window.left.last() else { return Ok(()) };
        if table.keys.is_empty() {
            table.push_keys(&window.keys, window.groups(), numbers)?;
        }
        if window.slices.is_none() {
            let asked: Vec<Reduction> = gathered.asked.iter().map(|(_, asked)| *asked).collect();
            window.slices = Some(Slices::new(&gathered.data_type, window.groups(), &asked)?);
        }
        let columns = batch.columns().get(1..).unwrap_or_default();
        let (keys, rest) = columns.split_at_checked(group.keys.len()).ok_or_else(missing)?;
        table.keys.begin_piece();
        table.push_keys(keys, batch.num_rows(), numbers)?;
        let before = usize::from(group.has_place) + usize::from(folds.is_some());
        let lists = rest.get(before + gathered.column).ok_or_else(missing)?;
        let lists_values = lists.as_list_opt::<i32>().ok_or_else(missing)?.values().len();
        table.reserve(table.memory_bytes() + (numbers.capacity() + lists_values) * size_of::<u32>())?;
        let (groups, values) = Slices::expand(numbers, lists)?;
        for start in (0..groups.len()).step_by(CHUNK_VALUES) {
            let count = CHUNK_VALUES.min(groups.len() - start);
            let some = values.slice(start, count);
            large.make_room(&some)?;
            let window = large.windows.get_mut(large.at);
            let slices = window.and_then(|window| window.slices.as_mut()).ok_or_else(missing)?;
            slices.push(groups.get(start..start + count).unwrap_or_default(), &some)?;
        }
        Ok(())
    }

    /// The rows of the window at hand are over.
    fn leave_window(&mut self, out: &mut Vec<RecordBatch>) -> Result<()> {
        if self.large.is_slicing {
            self.end_slice()?;
            self.large.at += 1;
        } else {
            self.flush(out)?;
            if !self.large.emits {
                self.large.at += 1;
                return Ok(());
            }
            let window = self.large.windows.remove(self.large.at);
            self.hand_out(&window, out)?;
        }
        Ok(())
    }

    fn end_slice(&mut self) -> Result<()> {
        let Self { table, large, .. } = self;
        table.keys.clear();
        let Some(window) = large.windows.get_mut(large.at) else { return Ok(()) };
        if let Some(slices) = &mut window.slices
            && slices.end()?
        {
            for (at, reduction) in window.left.pop().into_iter().flat_map(|gathered| gathered.asked) {
                let answer = window.answers.get_mut(at).ok_or_else(missing)?;
                *answer = slices.finish(reduction, answer)?;
            }
            window.slices = None;
        }
        table.kept = large.bytes();
        table.clear()?;
        large.memory.resize(0)
    }

    /// Hands out the groups of a window that is finished.
    fn hand_out(&mut self, window: &Window, out: &mut Vec<RecordBatch>) -> Result<()> {
        for range in batches(window.groups(), window.bytes()) {
            let columns = window.keys.iter().chain(&window.answers);
            let mut columns: Vec<ArrayRef> =
                columns.map(|column| column.slice(range.start, range.len())).collect();
            if let Some(places) = &window.places {
                let places = places.get(range).ok_or_else(missing)?;
                columns.push(Arc::new(UInt64Array::from(places.to_vec())));
            }
            out.push(RecordBatch::try_new(Arc::clone(&self.group.schema), columns)?);
        }
        self.table.kept = self.large.bytes();
        // What was made is paid for until the next rows come.
        self.table.memory.resize(self.table.memory_bytes() + 2 * window.bytes())
    }

    /// All rows have come; hands out the windows, where all that is left are these.
    pub(super) fn end_pass(&mut self, out: &mut Vec<RecordBatch>) -> Result<()> {
        if !self.large.is_slicing {
            while self.large.at < self.large.windows.len() {
                self.leave_window(out)?;
            }
            return self.flush(out);
        }
        if self.large.at < self.large.windows.len() {
            self.end_slice()?;
        }
        let is_done = self.large.windows.iter().all(|window| window.left.is_empty());
        if is_done && !self.large.has_rest {
            for window in std::mem::take(&mut self.large.windows) {
                self.hand_out(&window, out)?;
            }
        }
        Ok(())
    }

    /// Whether rows are wanted again, for values or for the groups behind a window.
    pub(super) fn next_pass(&mut self) -> bool {
        let large = &mut self.large;
        (large.at, large.first, self.bucket) = (0, None, None);
        large.is_slicing = large.windows.iter().any(|window| !window.left.is_empty());
        if large.is_slicing {
            return true;
        }
        let again = !large.windows.is_empty();
        large.emits = true;
        large.has_rest = false;
        again
    }
}
