//! Failures, lost workers, and trying again.

use std::cmp::Reverse;
use std::time::Duration;

use super::{Cause, Command, Hope, Machine, Outcome, Reception, State, WorkerId};
use crate::graph::TaskId;

impl Machine<'_> {
    pub(super) fn on_failed(
        &mut self,
        task: TaskId,
        worker: WorkerId,
        hope: Hope,
        now: Duration,
        commands: &mut Vec<Command>,
    ) -> Reception {
        if !self.is_running(task, worker) {
            return Reception::Stale;
        }
        self.leave(task);
        self.open_admission();
        let cell = &mut self.cells[task.index()];
        let has_tries = cell.failures < self.options.retries_max;
        match hope {
            _ if self.stopping.is_some() => cell.state = State::Dropped,
            Hope::Alone if !cell.is_alone => {
                cell.is_alone = true;
                self.make_ready(task);
            }
            Hope::Later if has_tries => {
                cell.failures += 1;
                cell.state = State::Paused;
                let at = now.saturating_add(backoff(&self.options, cell.failures));
                self.paused.push(Reverse((at, task.0)));
                commands.push(Command::Wake { at });
            }
            Hope::None | Hope::Later | Hope::Alone => {
                cell.state = State::Dropped;
                self.stop(Outcome::Failed { task, cause: Cause::Error }, commands);
            }
        }
        Reception::Taken
    }

    pub(super) fn on_tick(&mut self, now: Duration, commands: &mut Vec<Command>) -> Reception {
        while let Some(&Reverse((at, task))) = self.paused.peek() {
            if at > now {
                commands.push(Command::Wake { at });
                break;
            }
            self.paused.pop();
            self.requeue(TaskId(task));
        }
        Reception::Taken
    }

    /// Rare, so the tasks of the worker are found by looking at all.
    pub(super) fn on_worker_lost(
        &mut self,
        worker: WorkerId,
        culprit: Option<TaskId>,
        commands: &mut Vec<Command>,
    ) -> Reception {
        if !self.workers.remove(&worker) {
            return Reception::Stale;
        }
        self.open_admission();
        let lost: Vec<TaskId> = self.shape.tasks().filter(|task| self.is_running(*task, worker)).collect();
        for task in lost {
            self.leave(task);
            if culprit.is_none_or(|culprit| culprit == task) {
                self.strike(task, commands);
            } else {
                self.requeue(task);
            }
        }
        Reception::Taken
    }

    fn strike(&mut self, task: TaskId, commands: &mut Vec<Command>) {
        let cell = &mut self.cells[task.index()];
        cell.strikes = cell.strikes.saturating_add(1);
        if cell.strikes >= self.options.strikes_max && self.stopping.is_none() {
            cell.state = State::Dropped;
            self.stop(Outcome::Failed { task, cause: Cause::WorkersLost }, commands);
        } else {
            self.requeue(task);
        }
    }
}

/// The pause after so many failures (from 1): doubling, up to the longest.
fn backoff(options: &super::MachineOptions, failures: u8) -> Duration {
    let doublings = u32::from(failures.saturating_sub(1)).min(31);
    options.backoff_first.saturating_mul(1 << doublings).min(options.backoff_max)
}
