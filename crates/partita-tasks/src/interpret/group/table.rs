//! Groups, and what was seen of them.

use std::ops::Range;

use arrow::array::ArrayRef;
use partita_columns::group::{Grouper, States};

use crate::error::Result;
use crate::group::Group;
use crate::host::{Host, Reservation};

/// The account in the ledger.
pub(super) const ACCOUNT: &str = "groupby";

pub(super) const WAY_OUT: &str = "use fewer threads, or ask for less of each group";

/// Bytes that a task takes without asking whether there is plenty.
pub(super) const BYTES_MIN: usize = 4 << 20;

/// Groups of a batch that is handed out at least, where there are so many, and bytes of the table that they take then, about, up to which
/// there may be more of them: the longer what a batch has of a bucket, the less does it cost to bring it together with the rest.
const BATCH_ROWS: usize = 16 << 10;
const BATCH_ROWS_MAX: usize = 64 << 10;
const BATCH_BYTES: usize = 8 << 20;

/// Groups, and what was seen of them.
pub(super) struct Table {
    pub(super) keys: Grouper,
    pub(super) states: States,
    /// Places of first rows.
    pub(super) places: Option<Vec<u64>>,
    /// Bytes of what stays beside its groups.
    pub(super) kept: usize,
    pub(super) memory: Box<dyn Reservation>,
}

impl Table {
    pub(super) fn new(group: &Group, host: &dyn Host) -> Result<Self> {
        Ok(Self {
            keys: Grouper::new(&group.key_types(), group.drops_null_keys)?,
            states: group.states()?,
            places: group.has_place.then(Vec::new),
            kept: 0,
            memory: host.reserve(ACCOUNT, 0, WAY_OUT)?,
        })
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let places = self.places.as_ref().map_or(0, |places| places.capacity() * size_of::<u64>());
        self.keys.memory_bytes() + self.states.memory_bytes() + places + self.kept
    }

    /// Asks for so many bytes in all.
    pub(super) fn reserve(&mut self, bytes: usize) -> Result<()> {
        if bytes > self.memory.bytes() { self.memory.resize(bytes) } else { Ok(()) }
    }

    /// Takes memory for some rows, after which there are so many groups; `false`: there is not plenty. `is_forced`: it does not matter.
    pub(super) fn has_room(
        &mut self,
        count: usize,
        (keys, inputs): (&[ArrayRef], &[ArrayRef]),
        rows: usize,
        is_forced: bool,
    ) -> Result<bool> {
        let numbers = 2 * rows * (size_of::<u32>() + size_of::<u64>());
        let need = self.keys.need_bytes(keys, rows) + self.states.need_bytes(count, inputs, rows) + numbers;
        if need <= BYTES_MIN || is_forced {
            self.reserve(need + self.kept)?;
            return Ok(true);
        }
        // What is handed out in the end lies beside it.
        let need = 2 * need + self.kept;
        Ok(need <= self.memory.bytes() || self.memory.resize_if_plenty(need + need / 4))
    }

    /// The numbers of the groups of some rows.
    pub(super) fn push_keys(&mut self, keys: &[ArrayRef], rows: usize, numbers: &mut Vec<u32>) -> Result<()> {
        let needed = self.memory_bytes() - self.keys.memory_bytes() + self.keys.need_bytes(keys, rows);
        self.reserve(needed + rows * (size_of::<u32>() + size_of::<u64>()))?;
        Ok(self.keys.push(keys, rows, numbers)?)
    }

    /// Asks for so many bytes of states beside the rest, and for the numbers of rows.
    pub(super) fn reserve_states(&mut self, bytes: usize, numbers: usize) -> Result<()> {
        let rest = self.memory_bytes() - self.states.memory_bytes();
        self.reserve(rest + bytes + numbers * size_of::<u32>())
    }

    /// Bytes that keys and places of some groups take at most as they are handed out.
    pub(super) fn keys_bytes(&self, range: Range<usize>) -> usize {
        self.keys.keys_need_bytes(range.clone()) + range.len() * 4 * size_of::<u64>()
    }

    pub(super) fn clear(&mut self) -> Result<()> {
        self.keys.clear();
        self.states.clear();
        if let Some(places) = &mut self.places {
            places.clear();
        }
        self.memory.resize(self.memory_bytes())
    }
}

/// Groups in batches of about as many; all of them take so many bytes.
pub(super) fn batches(groups: usize, bytes: usize) -> impl Iterator<Item = Range<usize>> {
    let rows = (BATCH_BYTES / (bytes / groups.max(1)).max(1)).clamp(BATCH_ROWS, BATCH_ROWS_MAX);
    let count = if groups == 0 { 0 } else { (groups / rows).max(1) };
    (0..count).map(move |batch| batch * groups / count..(batch + 1) * groups / count)
}
