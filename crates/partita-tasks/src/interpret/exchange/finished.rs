//! Frames of runs that nobody will read any more.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Exchange;
use super::run::{Run, StoredRun};

/// Parts that nobody will read any more.
pub(super) struct Finished(Mutex<Parts>);

struct Parts {
    are_finished: Vec<bool>,
    /// All parts before this one are.
    first_left: usize,
}

impl Finished {
    pub(super) fn new(parts: usize) -> Self {
        Self(Mutex::new(Parts { are_finished: vec![false; parts], first_left: 0 }))
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parts {
    fn add(&mut self, part: usize) {
        if let Some(is_finished) = self.are_finished.get_mut(part) {
            *is_finished = true;
        }
        while self.are_finished.get(self.first_left) == Some(&true) {
            self.first_left += 1;
        }
    }

    fn is_left(&self, part: usize) -> bool {
        self.are_finished.get(part) == Some(&false)
    }
}

impl Exchange {
    /// Nobody will read `part` any more: releases the frames that no other part needs.
    pub(super) fn finish(&self, part: usize) {
        let Some(span) = self.span(part) else { return };
        // Of two parts that finish at once, the second sees both.
        let mut parts = self.finished.parts();
        parts.add(part);
        for run in self.inputs.iter().flat_map(|runs| &runs.runs) {
            let Run::Stored(run) = run.as_ref() else { continue };
            let frames = run.frames(span);
            let Some(last) = frames.clone().last() else { continue };
            // Only the first frame may have rows of parts before, and only the last one of parts behind.
            let before =
                (parts.first_left..part).rev().take_while(|part| self.reads(run, *part, frames.start));
            let behind = (part + 1..=self.bounds.len()).take_while(|part| self.reads(run, *part, last));
            let from = frames.start + usize::from(before.into_iter().any(|part| parts.is_left(part)));
            let until = frames.end - usize::from(behind.into_iter().any(|part| parts.is_left(part)));
            if from < until {
                run.place.release(from..until);
            }
        }
    }

    /// Whether a part may have rows of a frame.
    fn reads(&self, run: &StoredRun, part: usize, frame: usize) -> bool {
        self.span(part).is_some_and(|span| run.frames(span).contains(&frame))
    }
}
