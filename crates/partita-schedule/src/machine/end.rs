//! How a run ends.

use super::{Cause, Command, Machine, Outcome, Reception, State};
use crate::graph::TaskId;

impl Machine<'_> {
    pub(super) fn on_cancel(&mut self, commands: &mut Vec<Command>) -> Reception {
        if self.stopping.is_some() {
            return Reception::Stale;
        }
        self.stop(Outcome::Cancelled, commands);
        Reception::Taken
    }

    pub(super) fn on_admission_denied(&mut self, task: TaskId, commands: &mut Vec<Command>) -> Reception {
        let is_ready = self.cells.get(task.index()).is_some_and(|cell| cell.state == State::Ready);
        if self.stopping.is_some() || !is_ready {
            return Reception::Stale;
        }
        self.stop(Outcome::Failed { task, cause: Cause::Admission }, commands);
        Reception::Taken
    }

    /// Nothing starts from here on; what is held goes at once, what is running when it reports.
    pub(super) fn stop(&mut self, outcome: Outcome, commands: &mut Vec<Command>) {
        self.stopping = Some(outcome);
        commands.push(Command::Stop);
        for place in 0..self.order.sequence().len() {
            let task = self.order.sequence()[place];
            match self.cells[task.index()].state {
                State::Held => self.release(task, commands),
                State::Ready | State::Paused | State::Waiting => {
                    self.cells[task.index()].state = State::Dropped;
                }
                State::Running | State::Released | State::Dropped => {}
            }
        }
        self.ready.clear();
        self.ready_sources.clear();
        self.ready_alone.clear();
        self.paused.clear();
        self.targets_waiting = 0;
    }

    /// Says once that the run is over, or that it cannot go on. All targets taken means that all they needed has finished.
    #[inline]
    pub(super) fn settle(&mut self, commands: &mut Vec<Command>) {
        let outcome = match self.stopping {
            Some(outcome) if self.running == 0 => outcome,
            None if self.targets_taken == self.targets.len() => Outcome::Finished,
            _ => return self.check_stalled(commands),
        };
        self.outcome = Some(outcome);
        commands.push(Command::End { outcome });
    }
}
