//! How long tasks of an operator take, and so how many are worth taking at once.

use std::time::Duration;

use partita_schedule::OperatorId;

/// Tasks are taken together up to this much expected work, in nanoseconds.
const BATCH_NS_MAX: u64 = 50_000;
/// And up to this many bytes of expected results.
const BATCH_BYTES_MAX: u64 = 1 << 20;
/// And up to this many.
const BATCH_TASKS_MAX: usize = 64;
/// Tasks that take longer are announced when they start, in nanoseconds.
const BRIEF_NS_MAX: u64 = 1_000_000;

/// An operator of which nothing is known yet.
const UNKNOWN: u64 = u64::MAX;

/// Time and result size of one task.
#[derive(Debug, Clone, Copy)]
struct Estimate {
    nanoseconds: u64,
    bytes: u64,
}

/// What is known of each operator, by number. Estimates rise at once and fall slowly (by an eighth of the difference): one
/// task that takes long makes its operator's tasks go one by one for a while.
#[derive(Debug)]
pub(super) struct Pace(Vec<Estimate>);

impl Pace {
    pub(super) fn new(operators: usize) -> Self {
        Pace(vec![Estimate { nanoseconds: UNKNOWN, bytes: UNKNOWN }; operators])
    }

    pub(super) fn learn(&mut self, operator: OperatorId, took: Duration, bytes: u64) {
        if let Some(estimate) = self.0.get_mut(operator.index()) {
            let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX - 1);
            estimate.nanoseconds = follow(estimate.nanoseconds, nanoseconds);
            estimate.bytes = follow(estimate.bytes, bytes);
        }
    }

    /// Whether a task of this operator is over before anybody could look at it.
    pub(super) fn is_brief(&self, operator: OperatorId) -> bool {
        self.0.get(operator.index()).is_some_and(|estimate| estimate.nanoseconds <= BRIEF_NS_MAX)
    }
}

fn follow(estimate: u64, sample: u64) -> u64 {
    if estimate == UNKNOWN || sample >= estimate {
        sample
    } else {
        estimate - (estimate - sample).div_ceil(8)
    }
}

/// What a thread may still take.
#[derive(Debug)]
pub(super) struct Budget {
    nanoseconds: u64,
    bytes: u64,
    tasks: usize,
}

impl Budget {
    /// At most `tasks` of them.
    pub(super) fn new(tasks: usize) -> Self {
        Budget { nanoseconds: BATCH_NS_MAX, bytes: BATCH_BYTES_MAX, tasks: tasks.min(BATCH_TASKS_MAX) }
    }

    /// Whether a task of this operator fits, and takes it off.
    pub(super) fn take(&mut self, pace: &Pace, operator: OperatorId) -> bool {
        let Some(estimate) = pace.0.get(operator.index()) else { return false };
        let fits = self.tasks > 0 && estimate.nanoseconds <= self.nanoseconds && estimate.bytes <= self.bytes;
        if fits {
            self.tasks -= 1;
            self.nanoseconds -= estimate.nanoseconds;
            self.bytes -= estimate.bytes;
        }
        fits
    }

    /// Takes the first task, which is taken whatever is known of it; nothing fits after one that is not small.
    pub(super) fn take_first(&mut self, pace: &Pace, operator: OperatorId) {
        if !self.take(pace, operator) {
            self.tasks = 0;
        }
    }
}
