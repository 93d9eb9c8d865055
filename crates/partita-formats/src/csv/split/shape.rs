//! What a record should look like, told by the mark at which a block begins.

use super::super::records::Projection;

/// What should follow behind some ends of a record.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Phase {
    /// Which of the next sixty-four ends are ends of records.
    pub(super) lines: u64,
    /// Which of them are kept.
    pub(super) keep: u64,
}

/// Records of one width.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape<'a> {
    /// Fields of a record; 0: not known.
    pub(super) width: usize,
    /// Whether all ends are kept.
    pub(super) full: bool,
    /// By the number of ends before, below the width.
    phases: &'a [Phase],
}

impl Shape<'_> {
    /// What should follow behind so many ends of a record. Of a record with more fields than it should have nothing
    /// more is kept where not all is, and no end is that of a record.
    #[inline(always)]
    pub(super) fn phase(&self, ends: usize) -> Phase {
        self.phases.get(ends).copied().unwrap_or_default()
    }

    /// As the `keep` of [`Shape::phase`], but of this record only.
    #[inline(always)]
    pub(super) fn keep_of_record(&self, ends: usize) -> u64 {
        if self.full {
            return u64::MAX;
        }
        let left = self.width.saturating_sub(ends);
        let of_record = if left < BITS { (1 << left) - 1 } else { u64::MAX };
        self.phase(ends).keep & of_record
    }
}

/// The tables of a [`Shape`].
#[derive(Debug, Clone)]
pub(super) struct Shapes {
    full: bool,
    phases: Vec<Phase>,
}

impl Shapes {
    /// Records of `width` fields whose ends are all kept.
    pub(super) fn full(width: usize) -> Self {
        Self { full: true, phases: phases(width, |_| true) }
    }

    /// Records as `projection` wants them.
    pub(super) fn of(projection: &Projection) -> Self {
        let keeps = |column| projection.keeps(column);
        Self { full: projection.is_full(), phases: phases(projection.width(), keeps) }
    }

    /// Fields of a record; 0: not known yet.
    pub(super) fn width(&self) -> usize {
        self.phases.len()
    }

    /// Them.
    pub(super) fn shape(&self) -> Shape<'_> {
        Shape { width: self.width(), full: self.full, phases: &self.phases }
    }
}

/// From the last one back, so that each is the next one moved by one.
fn phases(width: usize, keeps: impl Fn(usize) -> bool) -> Vec<Phase> {
    let mut phases = vec![Phase::default(); width];
    let mut next = Phase::default();
    // Twice, as what follows the last end of a record is the next record.
    for _ in 0..(2 + BITS / width.max(1)) {
        for column in (0..width).rev() {
            next.lines = next.lines << 1 | u64::from(column + 1 == width);
            next.keep = next.keep << 1 | u64::from(keeps(column));
            phases[column] = next;
        }
    }
    phases
}

const BITS: usize = u64::BITS as usize;
