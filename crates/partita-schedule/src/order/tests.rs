use std::collections::HashSet;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::graph::Graph;

fn compute(graph: &mut Graph<()>, dependencies: &[TaskId]) -> TaskId {
    graph.add("t", Kind::Compute, dependencies, ()).unwrap()
}

fn source(graph: &mut Graph<()>, dependencies: &[TaskId]) -> TaskId {
    graph.add("s", Kind::Source { input_bytes: 1 }, dependencies, ()).unwrap()
}

fn sequence(graph: &Graph<()>, targets: &[TaskId]) -> Vec<TaskId> {
    Order::new(graph.shape(), targets).unwrap().sequence().to_vec()
}

/// The slow twin: runs the sequence, keeps each result until its last dependant ran, and counts the most it held.
fn most_held(shape: &Shape, sequence: &[TaskId], targets: &[TaskId]) -> usize {
    let (mut held, mut most) = (HashSet::new(), 0);
    for (place, &task) in sequence.iter().enumerate() {
        held.insert(task);
        most = most.max(held.len());
        let later: HashSet<TaskId> =
            sequence[place + 1..].iter().flat_map(|task| shape.dependencies(*task).to_vec()).collect();
        held.retain(|task| later.contains(task) || targets.contains(task));
    }
    most
}

#[test]
fn a_tree_holds_one_result_a_level() {
    let mut graph = Graph::new();
    let mut level: Vec<TaskId> = (0..64).map(|_| source(&mut graph, &[])).collect();
    while level.len() > 1 {
        level = level.chunks(2).map(|pair| compute(&mut graph, pair)).collect();
    }
    let order = sequence(&graph, &level);
    assert_eq!(most_held(graph.shape(), &order, &level), 8, "six levels, the leaf being made and its parent");
}

#[test]
fn chains_are_followed_and_targets_come_in_turn() {
    let mut graph = Graph::new();
    let loads: Vec<TaskId> = (0..3).map(|_| source(&mut graph, &[])).collect();
    let filters: Vec<TaskId> = loads.iter().map(|load| compute(&mut graph, &[*load])).collect();
    let writes: Vec<TaskId> = filters.iter().map(|filter| compute(&mut graph, &[*filter])).collect();
    let expected: Vec<TaskId> = (0..3).flat_map(|i| [loads[i], filters[i], writes[i]]).collect();
    assert_eq!(sequence(&graph, &writes), expected);
    let back: Vec<TaskId> = [2, 0].into_iter().flat_map(|i| [loads[i], filters[i], writes[i]]).collect();
    assert_eq!(
        sequence(&graph, &[writes[2], writes[0]]),
        back,
        "asked for in that order, and the rest pruned"
    );
}

#[test]
fn two_reductions_share_one_scan() {
    let mut graph = Graph::new();
    let loads: Vec<TaskId> = (0..10).map(|_| source(&mut graph, &[])).collect();
    let means: Vec<TaskId> = loads.iter().map(|load| compute(&mut graph, &[*load])).collect();
    let sums: Vec<TaskId> = loads.iter().map(|load| compute(&mut graph, &[*load])).collect();
    let targets = [compute(&mut graph, &means), compute(&mut graph, &sums)];
    let order = sequence(&graph, &targets);
    assert_eq!(order[..6], [loads[0], means[0], sums[0], loads[1], means[1], sums[1]]);
    let held = most_held(graph.shape(), &order, &targets);
    assert!(held <= 22, "the small results and one block at a time, not ten blocks: {held}");
}

#[test]
fn what_a_barrier_opens_is_taken_target_by_target() {
    let mut graph = Graph::new();
    let starts = graph.add("starts", Kind::Barrier, &[], ()).unwrap();
    let reads: Vec<TaskId> = (0..4).map(|_| compute(&mut graph, &[starts])).collect();
    let writes: Vec<TaskId> = reads.iter().map(|read| compute(&mut graph, &[*read])).collect();
    let order = Order::new(graph.shape(), &writes).unwrap();
    assert_eq!(order.sequence()[..3], [starts, reads[0], writes[0]]);
    assert_eq!((0..=4).map(|i| order.wave_start(i)).collect::<Vec<_>>(), [0, 3, 5, 7, 9]);
}

#[test]
fn an_expansion_is_not_followed_level_by_level() {
    let mut graph = Graph::new();
    let root = compute(&mut graph, &[]);
    let mut level = vec![root];
    for _ in 0..3 {
        let wider: Vec<TaskId> = level
            .iter()
            .flat_map(|parent| [*parent; 4])
            .map(|parent| compute(&mut graph, &[parent]))
            .collect();
        level = wider;
    }
    let order = sequence(&graph, &level);
    // Targets are kept here, so only what is not one counts: at most one task of each inner level and four of the last.
    let inner: HashSet<TaskId> = order.iter().filter(|task| !level.contains(task)).copied().collect();
    assert_eq!(inner.len(), 21);
    assert!(most_held(graph.shape(), &order, &[]) <= 8);
}

#[test]
fn a_chain_of_a_hundred_thousand_and_an_all_to_all_are_linear() {
    let start = Instant::now();
    let mut graph = Graph::new();
    let mut last = compute(&mut graph, &[]);
    for _ in 0..100_000 {
        last = compute(&mut graph, &[last]);
    }
    let sequence = sequence(&graph, &[last]);
    assert_eq!(sequence, graph.shape().tasks().collect::<Vec<_>>());

    let mut graph = Graph::new();
    let producers: Vec<TaskId> = (0..10_000).map(|_| compute(&mut graph, &[])).collect();
    let barrier = graph.add("b", Kind::Barrier, &producers, ()).unwrap();
    let consumers: Vec<TaskId> = (0..10_000).map(|_| compute(&mut graph, &[barrier])).collect();
    assert_eq!(graph.shape().edges(), 20_000);
    let order = Order::new(graph.shape(), &consumers).unwrap();
    assert_eq!(order.sequence(), graph.shape().tasks().collect::<Vec<_>>());
    assert_eq!(order.dependants(barrier), consumers);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn a_target_of_another_graph_is_refused() {
    let mut graph = Graph::new();
    compute(&mut graph, &[]);
    let error = Order::new(graph.shape(), &[TaskId(1)]).unwrap_err();
    assert_eq!(error, GraphError::UnknownTarget { target: TaskId(1), tasks: 1 });
    assert!(Order::new(graph.shape(), &[]).unwrap().sequence().is_empty());
}

proptest! {
    #[test]
    fn every_needed_task_once_and_after_what_it_needs(
        edges in prop::collection::vec((prop::collection::vec(any::<u16>(), 0..4), 0_u8..5), 1..60),
        targets in prop::collection::vec(any::<u16>(), 0..8),
    ) {
        let mut graph = Graph::new();
        for (task, (dependencies, kind)) in edges.iter().enumerate() {
            let dependencies: Vec<TaskId> =
                dependencies.iter().filter(|_| task > 0).map(|d| TaskId(u32::from(*d) % task as u32)).collect();
            let kind = match kind {
                0 => Kind::Source { input_bytes: 1 },
                1 => Kind::Barrier,
                _ => Kind::Compute,
            };
            graph.add("t", kind, &dependencies, ()).unwrap();
        }
        let targets: Vec<TaskId> = targets.iter().map(|t| TaskId(u32::from(*t) % graph.len() as u32)).collect();
        let order = Order::new(graph.shape(), &targets).unwrap();

        // Needed by definition: reachable from a target, found the slow way.
        let mut needed: HashSet<TaskId> = targets.iter().copied().collect();
        loop {
            let more: Vec<TaskId> = needed.iter().flat_map(|t| graph.shape().dependencies(*t).to_vec()).collect();
            let before = needed.len();
            needed.extend(more);
            if needed.len() == before {
                break;
            }
        }
        let placed: HashSet<TaskId> = order.sequence().iter().copied().collect();
        prop_assert_eq!(order.sequence().len(), placed.len());
        prop_assert_eq!(&placed, &needed);
        for task in graph.shape().tasks() {
            prop_assert_eq!(order.rank(task).is_some(), needed.contains(&task));
            let dependants: Vec<TaskId> = graph.shape().tasks().filter(|t| needed.contains(t))
                .flat_map(|t| graph.shape().dependencies(t).iter().filter(|d| **d == task).map(move |_| t).collect::<Vec<_>>())
                .collect();
            if needed.contains(&task) {
                prop_assert_eq!(order.dependants(task), dependants);
                for dependency in graph.shape().dependencies(task) {
                    prop_assert!(order.rank(*dependency) < order.rank(task));
                }
            }
        }
        // A wave holds everything its target needs, and targets come in turn.
        for (index, target) in targets.iter().enumerate() {
            prop_assert!(order.rank(*target).unwrap() < order.wave_start(index + 1));
            prop_assert!(order.wave_start(index) <= order.wave_start(index + 1));
        }
        let mut first_seen: Vec<TaskId> = Vec::new();
        for target in &targets {
            let is_inner = graph.shape().tasks().any(|t| needed.contains(&t) && graph.shape().dependencies(t).contains(target));
            if !first_seen.contains(target) && !is_inner {
                first_seen.push(*target);
            }
        }
        prop_assert!(first_seen.windows(2).all(|pair| order.rank(pair[0]) < order.rank(pair[1])));
    }
}
