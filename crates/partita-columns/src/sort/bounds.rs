//! Cuts of a sorted sequence into parts of about the same weight.

use super::keys::Keys;

/// Halvings of the search for the least weight that all parts can be kept under.
const SEARCH_STEPS: usize = 50;

/// At most `parts - 1` ascending, distinct keys that cut weighted samples, which are sorted, into parts as even as
/// can be: the keys of part `i` are those from bound `i - 1` on and before bound `i`. A key that is heavier than the
/// other parts has a part of its own: a bound at it and one at the next key. There are fewer bounds where there are
/// fewer keys, or where heavy keys leave too little for so many parts.
///
/// The heaviest part without heavy keys is as light as it can be (binary search over the capacity, greedy filling).
pub fn bounds(samples: &Keys, weights: &[f64], parts: usize) -> Keys {
    let rows = samples.len().min(weights.len());
    let mut firsts: Vec<usize> = Vec::new();
    let mut sums: Vec<f64> = Vec::new();
    for (row, weight) in weights[..rows].iter().enumerate() {
        let weight = if weight.is_finite() { weight.max(0.0) } else { 0.0 };
        match sums.last_mut() {
            Some(sum) if samples.compare(row, samples, row - 1).is_eq() => *sum += weight,
            _ => {
                firsts.push(row);
                sums.push(weight);
            }
        }
    }
    let mut bounds = samples.none();
    for cut in cuts(&sums, parts) {
        bounds.push_row(samples, firsts[cut]);
    }
    bounds
}

/// Where parts begin, but for the first.
fn cuts(weights: &[f64], parts: usize) -> Vec<usize> {
    if weights.is_empty() || parts <= 1 {
        return Vec::new();
    }
    let total: f64 = weights.iter().sum();
    let (mut low, mut capacity) = (0.0, total);
    for _ in 0..SEARCH_STEPS {
        let middle = low + (capacity - low) / 2.0;
        if needed(weights, middle)[0] <= parts {
            capacity = middle;
        } else {
            low = middle;
        }
    }
    spread(weights, capacity, parts, total)
}

/// How many parts of a capacity the keys from each one on need.
fn needed(weights: &[f64], capacity: f64) -> Vec<usize> {
    let mut ends = vec![0; weights.len()];
    let (mut end, mut sum) = (0, 0.0);
    for from in 0..weights.len() {
        if end <= from {
            (end, sum) = (from + 1, weights[from]);
        }
        while end < weights.len() && sum + weights[end] <= capacity {
            sum += weights[end];
            end += 1;
        }
        ends[from] = end;
        sum -= weights[from];
    }
    let mut needed = vec![0; weights.len() + 1];
    for from in (0..weights.len()).rev() {
        needed[from] = 1 + needed[ends[from]];
    }
    needed
}

/// Cuts where a part has its share of what is left, as long as what follows it fits the parts that are left.
fn spread(weights: &[f64], capacity: f64, parts: usize, total: f64) -> Vec<usize> {
    let needed = needed(weights, capacity);
    let mut cuts = Vec::new();
    let (mut left, mut parts_left) = (total, parts);
    let mut sum = 0.0;
    for (at, weight) in weights.iter().copied().enumerate() {
        let after = parts_left - 1;
        let is_full = sum + weight > capacity;
        let has_share = sum + weight / 2.0 >= left / parts_left as f64;
        let is_scarce = weights.len() - at <= after;
        if at > 0 && after > 0 && (is_full || ((has_share || is_scarce) && needed[at] <= after)) {
            cuts.push(at);
            left -= sum;
            parts_left = after;
            sum = 0.0;
        }
        sum += weight;
    }
    cuts
}
