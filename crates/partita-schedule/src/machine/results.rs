//! Results: a task finished, a target was taken, nobody needs it any more.

use super::{Command, Machine, Reception, State, WorkerId};
use crate::graph::TaskId;

impl Machine<'_> {
    pub(super) fn on_finished(
        &mut self,
        task: TaskId,
        worker: WorkerId,
        bytes: u64,
        commands: &mut Vec<Command>,
    ) -> Reception {
        if !self.is_running(task, worker) {
            return Reception::Stale;
        }
        self.leave(task);
        self.finished += 1;
        if self.stopping.is_some() {
            self.cells[task.index()].state = State::Released;
            commands.push(Command::Release { task });
            return Reception::Taken;
        }
        self.open_admission();
        let cell = &mut self.cells[task.index()];
        cell.state = State::Held;
        cell.bytes = bytes;
        let is_target = cell.is_target;
        self.held_bytes = self.held_bytes.saturating_add(bytes);
        self.release_inputs(task, commands);
        self.ready_dependants(task);
        if is_target {
            self.announce(task, commands);
        }
        Reception::Taken
    }

    /// One dependant of each dependency is done.
    fn release_inputs(&mut self, task: TaskId, commands: &mut Vec<Command>) {
        let shape = self.shape;
        for &dependency in shape.dependencies(task) {
            self.want_one_less(dependency, commands);
        }
    }

    fn ready_dependants(&mut self, task: TaskId) {
        for place in 0..self.order.dependants(task).len() {
            let dependant = self.order.dependants(task)[place];
            let cell = &mut self.cells[dependant.index()];
            cell.missing -= 1;
            if cell.missing == 0 {
                self.make_ready(dependant);
            }
        }
    }

    /// Says of each target that the task is that it is there.
    fn announce(&mut self, task: TaskId, commands: &mut Vec<Command>) {
        let first = self.targets_by_task.partition_point(|index| self.targets[*index as usize].task < task);
        for &index in &self.targets_by_task[first..] {
            let target = index as usize;
            if self.targets[target].task != task {
                break;
            }
            self.targets_waiting += 1;
            commands.push(Command::TargetReady { target });
        }
    }

    pub(super) fn on_target_taken(&mut self, target: usize, commands: &mut Vec<Command>) -> Reception {
        let Some(entry) = self.targets.get_mut(target) else { return Reception::Stale };
        let task = entry.task;
        if entry.is_taken || self.cells[task.index()].state != State::Held {
            return Reception::Stale;
        }
        entry.is_taken = true;
        self.targets_taken += 1;
        self.targets_waiting -= 1;
        self.open_admission();
        self.want_one_less(task, commands);
        self.move_window();
        Reception::Taken
    }

    #[inline]
    fn want_one_less(&mut self, task: TaskId, commands: &mut Vec<Command>) {
        let cell = &mut self.cells[task.index()];
        cell.wanted -= 1;
        if cell.wanted == 0 {
            self.release(task, commands);
        }
    }

    #[inline]
    pub(super) fn release(&mut self, task: TaskId, commands: &mut Vec<Command>) {
        let cell = &mut self.cells[task.index()];
        cell.state = State::Released;
        self.held_bytes = self.held_bytes.saturating_sub(cell.bytes);
        cell.bytes = 0;
        commands.push(Command::Release { task });
    }
}
