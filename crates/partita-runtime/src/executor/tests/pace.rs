use std::time::Duration;

use partita_schedule::OperatorId;

use crate::executor::pace::{Budget, Pace};

const TINY: OperatorId = OperatorId(0);
const OTHER: OperatorId = OperatorId(1);

fn taken(pace: &Pace, most: usize) -> usize {
    let mut budget = Budget::new(most);
    budget.take_first(pace, TINY);
    1 + (0..1000).take_while(|_| budget.take(pace, TINY)).count()
}

#[test]
fn tasks_come_alone_until_they_are_known_to_be_small() {
    let mut pace = Pace::new(2);
    assert_eq!((taken(&pace, 100), pace.is_brief(TINY)), (1, false));
    pace.learn(TINY, Duration::from_nanos(100), 8);
    assert_eq!((taken(&pace, 100), taken(&pace, 5), pace.is_brief(TINY)), (64, 5, true));
    let mut budget = Budget::new(100);
    budget.take_first(&pace, TINY);
    assert!(!budget.take(&pace, OTHER), "nothing is known of it");
}

#[test]
fn one_that_takes_long_makes_the_others_come_alone_for_a_while() {
    let mut pace = Pace::new(2);
    pace.learn(TINY, Duration::from_micros(1), 0);
    assert_eq!(taken(&pace, 100), 50);
    pace.learn(TINY, Duration::from_millis(5), 0);
    assert_eq!((taken(&pace, 100), pace.is_brief(TINY)), (1, false));
    for _ in 0..100 {
        pace.learn(TINY, Duration::from_micros(1), 0);
    }
    assert!(taken(&pace, 100) > 40);
}

#[test]
fn large_results_are_not_piled_up() {
    let mut pace = Pace::new(2);
    pace.learn(TINY, Duration::from_nanos(1), 300 << 10);
    assert_eq!(taken(&pace, 100), 3);
}
