//! Who goes to disk first.

use std::cmp::Reverse;

use partita_tasks::program::StoreKey;

/// A frame in memory that nobody is reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Its partition.
    pub(crate) key: StoreKey,
    /// Its place in the partition.
    pub(crate) index: usize,
    /// Bytes of memory.
    pub(crate) bytes: u64,
    /// Whether it is on disk as well, so that letting it go costs nothing.
    pub(crate) is_on_disk: bool,
    /// Where in its static order the run that needs it soonest will read its partition; `None`: no run needs it.
    pub(crate) needed_at: Option<u32>,
    /// When a run last asked for the frame of partitions; larger is later.
    pub(crate) last_used: u64,
}

/// Says who goes first.
pub(crate) trait Policy: Send + Sync {
    /// The place of a candidate: the least goes first.
    fn place(&self, candidate: &Candidate) -> Place;
}

/// A place in the line of those who go.
pub(crate) type Place = (Reverse<u64>, u64, Reverse<u32>, Reverse<usize>);

/// What is needed last goes first (Belady's rule, with the static order as the oracle): first what no run needs, of frames
/// that were used longest ago; then what comes last in the order. Runs read partitions from the first to the last, so of
/// a frame that nobody needs now the last partition will be needed last.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NeededLast;

impl Policy for NeededLast {
    fn place(&self, candidate: &Candidate) -> Place {
        let needed_at = candidate.needed_at.map_or(u64::MAX, u64::from);
        let last_used = if candidate.needed_at.is_some() { 0 } else { candidate.last_used };
        (Reverse(needed_at), last_used, Reverse(candidate.key.partition), Reverse(candidate.index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(frame: u64, partition: u32, needed_at: Option<u32>, last_used: u64) -> Candidate {
        let key = StoreKey { frame, partition };
        Candidate { key, index: 0, bytes: 1, is_on_disk: false, needed_at, last_used }
    }

    #[test]
    fn what_is_needed_last_goes_first() {
        let mut line = [
            candidate(1, 0, Some(4), 9),
            candidate(1, 7, Some(40), 9),
            candidate(2, 0, None, 3),
            candidate(2, 5, None, 3),
            candidate(3, 1, None, 2),
        ];
        line.sort_by_key(|candidate| NeededLast.place(candidate));
        let keys: Vec<_> =
            line.iter().map(|candidate| (candidate.key.frame, candidate.key.partition)).collect();
        assert_eq!(keys, [(3, 1), (2, 5), (2, 0), (1, 7), (1, 0)]);
    }
}
