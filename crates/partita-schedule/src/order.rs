//! The static order: what one worker would run after what, so that intermediate data dies early.
//!
//! The idea is that of Dask's `order.py` (one number per task, fixed before the run, that says how an ideal sequential run
//! would visit the graph), reduced to what can be said in one linear pass:
//!
//! 1. What no target needs is left out.
//! 2. Targets are visited in the order they were asked for, and each is walked depth first: a task comes right after the
//!    last of its dependencies, and dependencies come in the order they were given. A tree reduction so holds one
//!    result a level, and chains are followed to their end.
//! 3. A task that has just been placed is *followed* forward where that lets its result die: all of its dependants are
//!    placed at once if they are at most [`FOLLOW_MAX`], all runnable, no targets, no sources, and, where they are several,
//!    fan out no further. So two aggregations over one scan share each block while it is there, instead of the second
//!    one holding all blocks until the first is through. A barrier is not followed: its dependants are a new phase.
//!
//! Tasks that a target adds are consecutive (its *wave*), so a window over targets is one comparison of ranks.
//! Time and memory are linear in tasks and dependencies, and nothing recurses: a chain may be as long as memory allows.

use crate::graph::{GraphError, Kind, Shape, TaskId, counted};

#[cfg(test)]
mod tests;

/// At most this many dependants are placed ahead of their turn to let a result die.
pub const FOLLOW_MAX: usize = 8;

/// Needed, and not placed yet.
const PENDING: u32 = u32::MAX - 1;
/// No target needs it.
const NOT_NEEDED: u32 = u32::MAX;

/// The order of the tasks that a set of targets needs.
#[derive(Debug, Clone)]
pub struct Order {
    sequence: Vec<TaskId>,
    rank_of: Vec<u32>,
    wave_starts: Vec<u32>,
    dependants: Dependants,
}

impl Order {
    /// Orders what `targets` need.
    ///
    /// # Errors
    /// [`GraphError::UnknownTarget`] where a target is not in the graph, [`GraphError::TooLarge`] for too many targets.
    pub fn new(shape: &Shape, targets: &[TaskId]) -> Result<Order, GraphError> {
        let tasks = shape.len();
        if let Some(&target) = targets.iter().find(|target| target.index() >= tasks) {
            return Err(GraphError::UnknownTarget { target, tasks });
        }
        counted("targets", targets.len(), 0)?;
        let rank_of = needed(shape, targets);
        let dependants = Dependants::new(shape, &rank_of);
        let mut walk = Walk {
            shape,
            missing: shape.tasks().map(|task| shape.dependencies(task).len() as u32).collect(),
            is_target: vec![false; tasks],
            stack: Vec::new(),
            follow: Vec::new(),
            order: Order { sequence: Vec::new(), rank_of, wave_starts: Vec::new(), dependants },
        };
        for target in targets {
            walk.is_target[target.index()] = true;
        }
        for &target in targets {
            walk.order.wave_starts.push(walk.order.sequence.len() as u32);
            walk.visit(target);
        }
        Ok(walk.order)
    }

    /// The needed tasks in order.
    pub fn sequence(&self) -> &[TaskId] {
        &self.sequence
    }

    /// The place of a task in the sequence; `None` where no target needs it.
    #[inline]
    pub fn rank(&self, task: TaskId) -> Option<u32> {
        self.rank_of.get(task.index()).copied().filter(|rank| *rank < PENDING)
    }

    /// Where the tasks that target number `target` adds begin; the length of the sequence past the last target.
    pub fn wave_start(&self, target: usize) -> u32 {
        self.wave_starts.get(target).copied().unwrap_or(self.sequence.len() as u32)
    }

    /// The needed tasks that depend on a task, once per dependency, in the order they were added.
    #[inline]
    pub fn dependants(&self, task: TaskId) -> &[TaskId] {
        self.dependants.of(task)
    }
}

/// Marks what the targets need. Dependencies have smaller numbers, so one sweep downwards is enough.
fn needed(shape: &Shape, targets: &[TaskId]) -> Vec<u32> {
    let mut marks = vec![NOT_NEEDED; shape.len()];
    for target in targets {
        marks[target.index()] = PENDING;
    }
    for task in shape.tasks().rev() {
        if marks[task.index()] == PENDING {
            for dependency in shape.dependencies(task) {
                marks[dependency.index()] = PENDING;
            }
        }
    }
    marks
}

/// The dependencies read backwards, of needed tasks only.
#[derive(Debug, Clone)]
struct Dependants {
    tasks: Vec<TaskId>,
    /// Where the dependants of task 0 begin, of task 1, .., and where the last ones end.
    starts: Vec<u32>,
}

impl Dependants {
    /// A counting sort of the edges by dependency; `marks` says which tasks are needed.
    fn new(shape: &Shape, marks: &[u32]) -> Dependants {
        let mut starts = vec![0_u32; shape.len() + 2];
        let is_needed = |task: &TaskId| marks[task.index()] != NOT_NEEDED;
        for task in shape.tasks().filter(is_needed) {
            for dependency in shape.dependencies(task) {
                starts[dependency.index() + 2] += 1;
            }
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        // The start of task `i` is kept one place on while filling, and has moved to its end when all are in.
        let mut tasks = vec![TaskId(0); total as usize];
        for task in shape.tasks().filter(is_needed) {
            for dependency in shape.dependencies(task) {
                let place = &mut starts[dependency.index() + 1];
                tasks[*place as usize] = task;
                *place += 1;
            }
        }
        starts.pop();
        Dependants { tasks, starts }
    }

    #[inline]
    fn of(&self, task: TaskId) -> &[TaskId] {
        match (self.starts.get(task.index()), self.starts.get(task.index() + 1)) {
            (Some(&start), Some(&end)) => &self.tasks[start as usize..end as usize],
            _ => &[],
        }
    }
}

struct Walk<'g> {
    shape: &'g Shape,
    /// Dependencies of each task that are not placed yet.
    missing: Vec<u32>,
    is_target: Vec<bool>,
    /// Tasks being walked, each with the number of dependencies already looked at.
    stack: Vec<(TaskId, u32)>,
    follow: Vec<TaskId>,
    order: Order,
}

impl Walk<'_> {
    fn is_placed(&self, task: TaskId) -> bool {
        self.order.rank_of[task.index()] < PENDING
    }

    /// Depth first from `root`, dependencies before the task.
    fn visit(&mut self, root: TaskId) {
        self.stack.push((root, 0));
        while let Some((task, next)) = self.stack.last_mut() {
            let task = *task;
            if self.order.rank_of[task.index()] < PENDING {
                self.stack.pop();
                continue;
            }
            match self.shape.dependencies(task).get(*next as usize) {
                Some(&dependency) => {
                    *next += 1;
                    if !self.is_placed(dependency) {
                        self.stack.push((dependency, 0));
                    }
                }
                None => {
                    self.stack.pop();
                    self.place(task);
                }
            }
        }
    }

    /// Places a task and what can be followed from it.
    fn place(&mut self, task: TaskId) {
        self.follow.push(task);
        while let Some(task) = self.follow.pop() {
            if self.is_placed(task) {
                continue;
            }
            self.order.rank_of[task.index()] = self.order.sequence.len() as u32;
            self.order.sequence.push(task);
            let dependants = self.order.dependants.of(task);
            for dependant in dependants {
                self.missing[dependant.index()] -= 1;
            }
            if self.lets_die(task, dependants) {
                self.follow.extend(dependants.iter().rev());
            }
        }
    }

    /// Whether the dependants of a placed task may be placed now, so that its result need not be kept.
    fn lets_die(&self, task: TaskId, dependants: &[TaskId]) -> bool {
        if dependants.is_empty() || dependants.len() > FOLLOW_MAX || self.shape.kind(task) == Kind::Barrier {
            return false;
        }
        let is_single = dependants.len() == 1;
        dependants.iter().all(|&dependant| {
            self.missing[dependant.index()] == 0
                && !self.is_target[dependant.index()]
                && !self.shape.is_source(dependant)
                && (is_single || self.order.dependants.of(dependant).len() <= 1)
        })
    }
}
