//! Merges against the order of all rows together.

use proptest::prelude::*;

use super::twin::case;
use crate::sort::{Front, Keys, Merger, Wants};

/// Merges runs of which `chunk` rows are there at a time, in steps of `most`; gives (run, row of the run).
fn merge(runs: &[Keys], chunk: usize, most: usize) -> Vec<(u32, u32)> {
    let mut merger = Merger::new(runs.len());
    let mut starts = vec![0_usize; runs.len()];
    let part = |run: usize, start: usize| {
        let end = runs[run].len().min(start + chunk);
        (runs[run].slice(start..end), end == runs[run].len())
    };
    let mut parts: Vec<(Keys, bool)> = (0..runs.len()).map(|run| part(run, 0)).collect();
    let mut next = vec![0; runs.len()];
    let mut merged = Vec::new();
    loop {
        let mut fronts: Vec<Front<'_>> = parts
            .iter()
            .zip(&next)
            .map(|((keys, ended), next)| Front { keys, next: *next, ended: *ended })
            .collect();
        let mut out = Vec::new();
        let wants = merger.step(&mut fronts, most, &mut out);
        next = fronts.iter().map(|front| front.next).collect();
        assert!(out.len() <= most);
        merged.extend(out.iter().map(|&(run, row)| (run, row + starts[run as usize] as u32)));
        match wants {
            Wants::Run(run) => {
                assert_eq!(next[run], parts[run].0.len());
                starts[run] += next[run];
                next[run] = 0;
                parts[run] = part(run, starts[run]);
            }
            Wants::Out => assert_eq!(out.len(), most),
            Wants::Nothing => return merged,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn merge_is_the_order_of_all(
        case in case(120), runs in 1_usize..9, chunk in 1_usize..40, most in 1_usize..60, are_blocks: bool,
    ) {
        let keys = case.layout().encode(&case.columns).unwrap();
        let rows = keys.len();
        // Runs are blocks of rows, so that equal keys come by run; or of an order already, so that they do not mix.
        let order = keys.sorted();
        let keys = if are_blocks { keys } else { keys.take(&order) };
        let cuts: Vec<usize> = (0..=runs).map(|run| rows * run / runs).collect();
        let blocks: Vec<Keys> = cuts.windows(2).map(|cut| keys.slice(cut[0]..cut[1])).collect();
        let orders: Vec<Vec<u32>> = blocks.iter().map(Keys::sorted).collect();
        let sorted: Vec<Keys> = blocks.iter().zip(&orders).map(|(keys, order)| keys.take(order)).collect();
        let merged: Vec<u32> = merge(&sorted, chunk, most)
            .into_iter()
            .map(|(run, row)| cuts[run as usize] as u32 + orders[run as usize][row as usize])
            .collect();
        prop_assert_eq!(merged, keys.sorted());
    }
}

#[test]
fn nothing_is_wanted_of_no_runs() {
    assert_eq!(Merger::new(0).step(&mut [], 10, &mut Vec::new()), Wants::Nothing);
}
