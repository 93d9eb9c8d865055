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
    let sums = Sums::new(weights);
    let (mut low, mut capacity) = (0.0, sums.of(0, weights.len()));
    for _ in 0..SEARCH_STEPS {
        let middle = low + (capacity - low) / 2.0;
        if needed(&sums, middle)[0] <= parts {
            capacity = middle;
        } else {
            low = middle;
        }
    }
    spread(&sums, capacity, parts)
}

/// Sums of neighbours: the same wherever they are asked for, to the last bit, so that what fits fits each time.
struct Sums(Vec<f64>);

impl Sums {
    fn new(weights: &[f64]) -> Self {
        let mut sum = 0.0;
        let add = |weight: &f64| {
            sum += weight;
            sum
        };
        Self(std::iter::once(0.0).chain(weights.iter().map(add)).collect())
    }

    fn len(&self) -> usize {
        self.0.len() - 1
    }

    fn of(&self, from: usize, until: usize) -> f64 {
        self.0[until] - self.0[from]
    }
}

/// How many parts of a capacity the keys from each one on need.
fn needed(sums: &Sums, capacity: f64) -> Vec<usize> {
    let mut ends = vec![0; sums.len()];
    let mut end = 0;
    for (from, its_end) in ends.iter_mut().enumerate() {
        end = end.max(from + 1);
        while end < sums.len() && sums.of(from, end + 1) <= capacity {
            end += 1;
        }
        *its_end = end;
    }
    let mut needed = vec![0; sums.len() + 1];
    for from in (0..sums.len()).rev() {
        needed[from] = 1 + needed[ends[from]];
    }
    needed
}

/// Cuts where a part has its share of what is left, as long as what follows it fits the parts that are left.
fn spread(sums: &Sums, capacity: f64, parts: usize) -> Vec<usize> {
    let needed = needed(sums, capacity);
    let mut cuts = Vec::new();
    let (mut from, mut parts_left) = (0, parts);
    for (at, needed) in needed.iter().enumerate().take(sums.len()).skip(1) {
        let after = parts_left - 1;
        let is_full = sums.of(from, at + 1) > capacity;
        let half = (sums.of(from, at) + sums.of(from, at + 1)) / 2.0;
        let has_share = half >= sums.of(from, sums.len()) / parts_left as f64;
        let is_scarce = sums.len() - at <= after;
        if after > 0 && (is_full || ((has_share || is_scarce) && *needed <= after)) {
            cuts.push(at);
            (from, parts_left) = (at, after);
        }
    }
    cuts
}
