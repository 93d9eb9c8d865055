//! The invariants, checked from scratch.

use std::cmp::Reverse;

use super::{Cell, Machine, State};
use crate::graph::TaskId;

/// An error that says what is wrong, unless it holds.
fn hold(condition: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(problem()) }
}

impl Machine<'_> {
    /// Recomputes every counter and queue the slow way; for tests, after each report.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn sanity_check(&self) -> Result<(), String> {
        for task in self.shape.tasks() {
            let cell = self.cells[task.index()];
            match self.order.rank(task) {
                Some(rank) => self.check_needed(task, cell, rank)?,
                None => hold(cell.state == State::Waiting && cell.attempts == 0, || {
                    format!("{task}: touched, not needed")
                })?,
            }
        }
        self.check_totals()
    }

    fn check_needed(&self, task: TaskId, cell: Cell, rank: u32) -> Result<(), String> {
        let state = cell.state;
        let is_ready = state == State::Ready;
        let queues = [
            ("alone", self.ready_alone.contains(&rank), cell.is_alone),
            ("sources", self.ready_sources.contains(rank), !cell.is_alone && cell.is_source),
            ("others", self.ready.contains(rank), !cell.is_alone && !cell.is_source),
        ];
        for (queue, is_in, belongs) in queues {
            hold(is_in == (is_ready && belongs), || format!("{task}: {state:?} and queue {queue} disagree"))?;
        }
        hold(!(cell.is_alone && state == State::Running) || (self.runs_alone && self.running == 1), || {
            format!("{task}: runs alone beside others")
        })?;
        let paused = self.paused.iter().filter(|Reverse((_, paused))| *paused == task.0).count();
        hold(paused == usize::from(state == State::Paused), || {
            format!("{task}: {state:?}, paused {paused} times")
        })?;
        hold(state == State::Held || cell.bytes == 0, || {
            format!("{task}: bytes of a result that is not held")
        })?;
        if self.stopping.is_some() {
            let is_over = matches!(state, State::Running | State::Released | State::Dropped);
            hold(is_over, || format!("{task}: {state:?} while stopping"))?;
            return Ok(());
        }
        let is_done =
            |task: &&TaskId| matches!(self.cells[task.index()].state, State::Held | State::Released);
        let missing = self.shape.dependencies(task).iter().filter(|task| !is_done(task)).count();
        hold(cell.missing as usize == missing, || {
            format!("{task}: {missing} missing, counted {}", cell.missing)
        })?;
        let untaken = self.targets.iter().filter(|target| target.task == task && !target.is_taken).count();
        let wanted = self.order.dependants(task).iter().filter(|task| !is_done(task)).count() + untaken;
        hold(cell.wanted as usize == wanted, || {
            format!("{task}: {wanted} want it, counted {}", cell.wanted)
        })?;
        match state {
            State::Waiting => hold(missing > 0, || format!("{task}: waits for nothing"))?,
            State::Held => hold(wanted > 0, || format!("{task}: held for nobody"))?,
            State::Released => hold(wanted == 0, || format!("{task}: released too early"))?,
            State::Dropped => return Err(format!("{task}: dropped while the run goes on")),
            State::Ready | State::Running | State::Paused => {
                hold(missing == 0, || format!("{task}: too early"))?;
            }
        }
        Ok(())
    }

    fn check_totals(&self) -> Result<(), String> {
        let count = |state: State| self.cells.iter().filter(|cell| cell.state == state).count();
        let (running, held) = (count(State::Running), count(State::Held));
        hold(self.running == running, || format!("{running} running, counted {}", self.running))?;
        let finished = held + count(State::Released);
        hold(self.finished == finished, || format!("{finished} finished, counted {}", self.finished))?;
        let bytes = self.cells.iter().fold(0_u64, |sum, cell| sum.saturating_add(cell.bytes));
        hold(self.held_bytes == bytes, || format!("{bytes} bytes held, counted {}", self.held_bytes))?;
        hold(self.ready_count() == count(State::Ready), || {
            format!("queues hold {} ranks", self.ready_count())
        })?;
        let taken = self.targets.iter().filter(|target| target.is_taken).count();
        hold(self.targets_taken == taken, || format!("{taken} taken, counted {}", self.targets_taken))?;
        let is_waiting = |target: &&super::Target| {
            !target.is_taken && self.cells[target.task.index()].state == State::Held
        };
        let waiting = self.targets.iter().filter(is_waiting).count();
        hold(self.targets_waiting == waiting, || {
            format!("{waiting} to take, counted {}", self.targets_waiting)
        })?;
        Ok(())
    }
}
