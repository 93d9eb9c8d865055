use super::*;

#[test]
fn dependencies_come_back_as_given() {
    let mut graph = Graph::new();
    let a = graph.add("load", Kind::Source { input_bytes: 7 }, &[], 'a').unwrap();
    let b = graph.add("load", Kind::Compute, &[], 'b').unwrap();
    let c = graph.add("sum", Kind::Barrier, &[b, a, b], 'c').unwrap();
    let shape = graph.shape();
    assert_eq!(shape.dependencies(a), []);
    assert_eq!(shape.dependencies(c), [b, a, b]);
    assert_eq!((shape.len(), shape.edges()), (3, 3));
    assert_eq!(shape.tasks().collect::<Vec<_>>(), [a, b, c]);
    assert_eq!((shape.name(a), shape.name(b), shape.name(c)), ("load", "load", "sum"));
    assert_eq!((shape.kind(a), shape.kind(c)), (Kind::Source { input_bytes: 7 }, Kind::Barrier));
    assert!(shape.is_source(a) && !shape.is_source(c));
    assert_eq!(shape.operator_counts(), [2, 1]);
    assert_eq!((graph.payload(b), graph.payload(TaskId(3))), (Some(&'b'), None));
}

#[test]
fn names_are_interned_whatever_the_order() {
    let mut graph = Graph::new();
    for name in ["x", "y", "x", "x", "y", "z"] {
        graph.add(name, Kind::Compute, &[], ()).unwrap();
    }
    let names: Vec<&str> = graph.shape().operator_names().iter().map(|name| &**name).collect();
    assert_eq!(names, ["x", "y", "z"]);
    assert_eq!(graph.shape().operator_counts(), [3, 2, 1]);
}

#[test]
fn a_dependency_that_is_not_there_is_refused_and_changes_nothing() {
    let mut graph = Graph::new();
    let a = graph.add("a", Kind::Compute, &[], ()).unwrap();
    // A task cannot depend on itself either: it is not there yet.
    let error = graph.add("b", Kind::Compute, &[a, TaskId(1)], ()).unwrap_err();
    assert_eq!(error.to_string(), "b: depends on task 1, but the graph has 1 tasks; add dependencies first");
    assert_eq!((graph.len(), graph.shape().edges(), graph.shape().operator_names().len()), (1, 0, 1));
}

#[test]
fn a_task_of_another_graph_is_harmless() {
    let graph = Graph::<()>::new();
    let shape = graph.shape();
    let stranger = TaskId(9);
    assert_eq!(shape.dependencies(stranger), []);
    assert_eq!((shape.kind(stranger), shape.name(stranger)), (Kind::Compute, ""));
    assert!(shape.is_empty() && graph.is_empty());
}
