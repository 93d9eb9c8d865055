use proptest::prelude::*;

use partita_schedule::{Graph, Kind, TaskId};

use super::probe::{BOTH, Does, Probe, collect, options};
use crate::executor::RunOptions;

/// The slow twin: the value of each task by definition.
fn values(graph: &Graph<Does>) -> Vec<u64> {
    let mut values: Vec<u64> = Vec::new();
    for task in graph.shape().tasks() {
        let inputs = graph.shape().dependencies(task).iter().map(|input| values[input.index()]);
        values.push(inputs.sum::<u64>() + 1);
    }
    values
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn both_schedulers_give_what_the_graph_says(
        tasks in prop::collection::vec((prop::collection::vec(any::<u16>(), 0..3), any::<bool>()), 1..60),
        targets in prop::collection::vec(any::<u16>(), 0..12),
        window in prop::option::of(1_usize..4),
        memory in prop::option::of(1_usize..3),
        threads in 1_usize..5,
    ) {
        let mut graph = Graph::new();
        for (number, (dependencies, is_source)) in tasks.iter().enumerate() {
            let dependencies: Vec<TaskId> =
                dependencies.iter().filter(|_| number > 0).map(|d| TaskId(u32::from(*d) % number as u32)).collect();
            let kind = if *is_source { Kind::Source { input_bytes: 1 } } else { Kind::Compute };
            graph.add("t", kind, &dependencies, Does::Add).unwrap();
        }
        let targets: Vec<TaskId> = targets.iter().map(|t| TaskId(u32::from(*t) % graph.len() as u32)).collect();
        let values = values(&graph);
        let expected: Vec<(usize, u64)> =
            targets.iter().enumerate().map(|(target, task)| (target, values[task.index()])).collect();
        for scheduler in BOTH {
            let probe = Probe { sources_max: memory, waits_max: u32::MAX, ..Probe::default() };
            let options = RunOptions { targets_ahead_max: window, threads, ..options(scheduler) };
            prop_assert_eq!(collect(&graph, &targets, &probe, &options).unwrap(), expected.clone());
        }
    }
}
