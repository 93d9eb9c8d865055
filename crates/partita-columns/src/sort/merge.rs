//! Sorted keys of several runs, as one sorted sequence.

use super::keys::Keys;

/// Merges runs of sorted keys, of which only the next stretch of each is there at a time. Stable: equal keys come in
/// the order of their runs.
#[derive(Debug)]
pub struct Merger {
    runs: usize,
}

/// The rows of a run that are there.
#[derive(Debug, Clone, Copy)]
pub struct Front<'a> {
    /// Sorted keys.
    pub keys: &'a Keys,
    /// The first row that is not merged yet; moves on.
    pub next: usize,
    /// Whether the run has no rows after these.
    pub ended: bool,
}

/// Why a merge stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// All rows of this front are merged, and its run has more.
    Run(usize),
    /// As many places are out as were asked for.
    Out,
    /// Every run is at its end.
    Nothing,
}

impl Merger {
    /// A merge of so many runs.
    pub fn new(runs: usize) -> Self {
        Self { runs }
    }

    /// Appends places (run, row of its front) to `out`, least key first and at most `most` of them, until a front
    /// whose run has more has no rows left. `fronts` has one front a run; their next rows move on.
    pub fn step(&mut self, fronts: &mut [Front<'_>], most: usize, out: &mut Vec<(u32, u32)>) -> Wants {
        let mut left = most;
        loop {
            if let Some(run) = fronts.iter().position(|front| !front.ended && front.next >= front.keys.len())
            {
                return Wants::Run(run);
            }
            let live =
                (0..self.runs.min(fronts.len())).filter(|run| fronts[*run].next < fronts[*run].keys.len());
            let least = live.reduce(|a, b| {
                let (least, other) = (&fronts[a], &fronts[b]);
                if other.keys.compare(other.next, least.keys, least.next).is_lt() { b } else { a }
            });
            let Some(run) = least else { return Wants::Nothing };
            if left == 0 {
                return Wants::Out;
            }
            left -= 1;
            out.push((run as u32, fronts[run].next as u32));
            fronts[run].next += 1;
        }
    }
}
