use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn agrees_with_a_tree(bound in 1_usize..10_000, steps in prop::collection::vec((0_u8..4, any::<u32>()), 0..400)) {
        let (mut set, mut twin) = (RankSet::new(bound), BTreeSet::new());
        for (step, rank) in steps {
            let rank = rank % bound as u32;
            match step {
                0 | 1 => {
                    set.insert(rank);
                    twin.insert(rank);
                }
                2 => {
                    set.remove(rank);
                    twin.remove(&rank);
                }
                _ => {
                    if let Some(first) = set.first() {
                        set.remove(first);
                    }
                    twin.pop_first();
                }
            }
            prop_assert_eq!(set.first(), twin.first().copied());
            prop_assert_eq!(set.len(), twin.len());
            prop_assert_eq!(set.contains(rank), twin.contains(&rank));
        }
        set.clear();
        prop_assert_eq!((set.first(), set.len()), (None, 0));
    }
}

#[test]
fn an_empty_bound_is_an_empty_set() {
    assert_eq!(RankSet::new(0).first(), None);
}
