//! Which task starts next, and where: workers, queues, admission.

use super::{Command, Machine, Reception, State, WorkerId};
use crate::graph::TaskId;

impl Machine<'_> {
    pub(super) fn on_worker_joined(&mut self, worker: WorkerId) -> Reception {
        if self.workers.insert(worker) { Reception::Taken } else { Reception::Stale }
    }

    pub(super) fn on_worker_free(
        &mut self,
        worker: WorkerId,
        slots: u32,
        commands: &mut Vec<Command>,
    ) -> Reception {
        if !self.workers.contains(&worker) {
            return Reception::Stale;
        }
        for _ in 0..slots {
            let Some(rank) = self.next_rank() else { break };
            let task = self.order.sequence()[rank as usize];
            let cell = &mut self.cells[task.index()];
            if cell.is_alone {
                self.ready_alone.remove(&rank);
                self.runs_alone = true;
            } else if cell.is_source {
                self.ready_sources.remove(rank);
            } else {
                self.ready.remove(rank);
            }
            cell.state = State::Running;
            cell.worker = worker;
            cell.attempts = cell.attempts.saturating_add(1);
            self.running += 1;
            commands.push(Command::Run { task, worker, attempt: cell.attempts });
        }
        Reception::Taken
    }

    /// The least rank that may start now. Both queues give their least, so the window is one
    /// comparison. A run that stops has empty queues.
    #[inline]
    pub(super) fn next_rank(&self) -> Option<u32> {
        if self.runs_alone || !self.ready_alone.is_empty() {
            return self.next_alone();
        }
        let source = if self.admits { self.ready_sources.first() } else { None };
        let rank = match (self.ready.first(), source) {
            (Some(compute), Some(source)) => compute.min(source),
            (compute, source) => compute.or(source)?,
        };
        (rank < self.rank_limit).then_some(rank)
    }

    /// The task that is next to run alone, once nothing else runs. It has been inside of the window before, and the window
    /// never moves back.
    fn next_alone(&self) -> Option<u32> {
        let rank = *self.ready_alone.first()?;
        let is_source = self.cells[self.order.sequence()[rank as usize].index()].is_source;
        (self.running == 0 && (self.admits || !is_source)).then_some(rank)
    }

    /// Puts a needed task into its queue.
    pub(super) fn make_ready(&mut self, task: TaskId) {
        let Some(rank) = self.order.rank(task) else { return };
        let cell = &mut self.cells[task.index()];
        cell.state = State::Ready;
        if cell.is_alone {
            self.ready_alone.insert(rank);
        } else if cell.is_source {
            self.ready_sources.insert(rank);
        } else {
            self.ready.insert(rank);
        }
    }

    /// A task does not run any more, whatever became of it.
    #[inline]
    pub(super) fn leave(&mut self, task: TaskId) {
        self.running -= 1;
        // Where this one runs alone, no other does.
        self.runs_alone &= !self.cells[task.index()].is_alone;
    }

    /// Whether the worker was given this task and has not reported on it.
    #[inline]
    pub(super) fn is_running(&self, task: TaskId, worker: WorkerId) -> bool {
        let is_it = |cell: &super::Cell| cell.state == State::Running && cell.worker == worker;
        self.cells.get(task.index()).is_some_and(is_it)
    }

    pub(super) fn on_returned(&mut self, task: TaskId, worker: WorkerId) -> Reception {
        if !self.is_running(task, worker) {
            return Reception::Stale;
        }
        self.put_back(task);
        Reception::Taken
    }

    /// A task that was given out and not begun: as if it had not been given.
    fn put_back(&mut self, task: TaskId) {
        self.leave(task);
        let cell = &mut self.cells[task.index()];
        cell.attempts = cell.attempts.saturating_sub(1);
        self.requeue(task);
    }

    /// Ready again, or dropped if the run is ending.
    pub(super) fn requeue(&mut self, task: TaskId) {
        if self.stopping.is_some() {
            self.cells[task.index()].state = State::Dropped;
        } else {
            self.make_ready(task);
        }
    }

    pub(super) fn on_admission_refused(&mut self, task: TaskId, worker: WorkerId) -> Reception {
        if !self.is_running(task, worker) {
            return Reception::Stale;
        }
        self.put_back(task);
        self.admits &= !self.cells[task.index()].is_source;
        Reception::Taken
    }

    pub(super) fn on_admission_opened(&mut self) -> Reception {
        self.open_admission();
        Reception::Taken
    }

    /// Something may have freed memory: sources are tried again.
    #[inline]
    pub(super) fn open_admission(&mut self) {
        self.admits = true;
        self.is_stalled = false;
    }

    /// Says once that only sources without memory are left, and nothing that could free any.
    pub(super) fn check_stalled(&mut self, commands: &mut Vec<Command>) {
        let may_free_memory = self.running > 0 || self.can_be_taken() || !self.paused.is_empty();
        if self.admits || self.is_stalled || may_free_memory || self.next_rank().is_some() {
            return;
        }
        if let Some(rank) = self.ready_alone.first().copied().or_else(|| self.ready_sources.first()) {
            self.is_stalled = true;
            commands.push(Command::Stalled { task: self.order.sequence()[rank as usize] });
        }
    }

    /// Whether a target is ready whose turn it is.
    fn can_be_taken(&self) -> bool {
        if !self.options.targets_in_order {
            return self.targets_waiting > 0;
        }
        let next = self.targets.get(self.targets_taken);
        next.is_some_and(|target| self.cells[target.task.index()].state == State::Held)
    }

    /// The window begins at the first target that was not taken, counting those taken out of turn.
    pub(super) fn move_window(&mut self) {
        let window = self.options.targets_ahead_max.map_or(usize::MAX, |window| window.max(1));
        self.rank_limit = self.order.wave_start(self.targets_taken.saturating_add(window));
    }
}
