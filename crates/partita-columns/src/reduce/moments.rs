//! Variance and its relatives, without cancellation.

use serde::{Deserialize, Serialize};

use crate::wide::{self, Kernel};

/// Values that are looked at together: their mean is known before their distances from it are added up.
pub(super) const BLOCK: usize = 1024;

const LANES: usize = 32;

/// Number, mean and sums of powers of the distances from the mean. Blocks of values are joined as by Chan, Golub and LeVeque
/// (1979), for the third and fourth power as by Pébay (2008), so that a large mean takes nothing from the distances.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    done: Powers,
    /// Values that do not fill a block yet.
    open: Vec<f64>,
}

/// The moments of some values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Powers {
    pub(super) count: f64,
    pub(super) mean: f64,
    /// Sums of squares, cubes and fourth powers of the distances.
    pub(super) second: f64,
    pub(super) third: f64,
    pub(super) fourth: f64,
}

impl Moments {
    /// Adds values, in order.
    pub fn add(&mut self, values: impl IntoIterator<Item = f64>) {
        for value in values {
            self.open.push(value);
            if self.open.len() == BLOCK {
                self.close();
            }
        }
    }

    /// [`Moments::add`] of a slice: blocks of it are not copied.
    pub(super) fn add_slice(&mut self, mut values: &[f64]) {
        while let Some((block, rest)) = values.split_at_checked(BLOCK - self.open.len()) {
            if self.open.is_empty() {
                self.done = self.done.and(wide::run(OfBlock(block)));
            } else {
                self.open.extend_from_slice(block);
                self.close();
            }
            values = rest;
        }
        self.open.extend_from_slice(values);
    }

    fn close(&mut self) {
        self.done = self.done.and(wide::run(OfBlock(&self.open)));
        self.open.clear();
    }

    /// Goes on with the values behind these.
    pub fn merge(&mut self, later: &Moments) {
        let later = later.powers();
        self.close();
        self.done = self.done.and(later);
    }

    pub(super) fn powers(&self) -> Powers {
        self.done.and(wide::run(OfBlock(&self.open)))
    }

    /// The variance with `count - ddof` in the denominator; `None` where that is not above zero.
    pub fn variance(&self, ddof: u8) -> Option<f64> {
        let all = self.powers();
        let degrees = all.count - f64::from(ddof);
        (degrees > 0.0).then(|| all.second / degrees)
    }

    /// The standard error of the mean: the deviation over the root of the number of values.
    pub fn standard_error(&self, ddof: u8) -> Option<f64> {
        self.variance(ddof).map(|variance| (variance / self.powers().count).sqrt())
    }

    /// The adjusted Fisher-Pearson coefficient of skewness, as pandas has it: of three values and more, and 0 where all are
    /// equal.
    pub fn skew(&self) -> Option<f64> {
        let Powers { count: n, second, third, .. } = self.powers();
        if n < 3.0 {
            return None;
        }
        let root = (second / n).sqrt();
        let biased = if second == 0.0 { 0.0 } else { third / n / (root * root * root) };
        Some((n * (n - 1.0)).sqrt() / (n - 2.0) * biased)
    }

    /// The excess kurtosis without bias, as pandas has it: of four values and more, and 0 where all are equal.
    pub fn kurtosis(&self) -> Option<f64> {
        let Powers { count: n, second, fourth, .. } = self.powers();
        if n < 4.0 {
            return None;
        }
        if second == 0.0 {
            return Some(0.0);
        }
        let variance = second / (n - 1.0);
        let scale = n * (n + 1.0) / ((n - 1.0) * (n - 2.0) * (n - 3.0));
        let shift = 3.0 * (n - 1.0) * (n - 1.0) / ((n - 2.0) * (n - 3.0));
        Some(scale * fourth / (variance * variance) - shift)
    }
}

impl Powers {
    /// The moments of both together.
    pub(super) fn and(self, other: Powers) -> Powers {
        if self.count == 0.0 || other.count == 0.0 {
            return if self.count == 0.0 { other } else { self };
        }
        let (a, b) = (self.count, other.count);
        let n = a + b;
        let apart = other.mean - self.mean;
        let (part, square) = (apart / n, apart * apart);
        Powers {
            count: n,
            mean: self.mean + part * b,
            second: self.second + other.second + square * a * b / n,
            third: self.third
                + other.third
                + square * part * a * b * (a - b) / n
                + 3.0 * part * (a * other.second - b * self.second),
            fourth: self.fourth
                + other.fourth
                + square * part * part * a * b * (a * a - a * b + b * b) / n
                + 6.0 * part * part * (a * a * other.second + b * b * self.second)
                + 4.0 * part * (a * other.third - b * self.third),
        }
    }
}

/// The moments of a few values: two passes.
struct OfBlock<'a>(&'a [f64]);

impl Kernel for OfBlock<'_> {
    type Output = Powers;

    #[inline(always)]
    fn run(self) -> Powers {
        let values = self.0;
        if values.is_empty() {
            return Powers::default();
        }
        let count = values.len() as f64;
        let mean = sum(values.len(), |at| values[at]) / count;
        let mut lanes = [[0.0_f64; LANES]; 3];
        let blocks = values.len() / LANES * LANES;
        for block in values[..blocks].chunks_exact(LANES) {
            for lane in 0..LANES {
                let distance = block[lane] - mean;
                let square = distance * distance;
                lanes[0][lane] += square;
                lanes[1][lane] += square * distance;
                lanes[2][lane] += square * square;
            }
        }
        for (lane, value) in values[blocks..].iter().enumerate() {
            let distance = value - mean;
            let square = distance * distance;
            lanes[0][lane] += square;
            lanes[1][lane] += square * distance;
            lanes[2][lane] += square * square;
        }
        let [second, third, fourth] = lanes.map(tree);
        Powers { count, mean, second, third, fourth }
    }
}

/// `value(0) + value(1) + ..`, in lanes.
#[inline(always)]
pub(super) fn sum(len: usize, value: impl Fn(usize) -> f64) -> f64 {
    let mut lanes = [0.0_f64; LANES];
    let blocks = len / LANES;
    for block in 0..blocks {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += value(block * LANES + lane);
        }
    }
    for at in blocks * LANES..len {
        lanes[at % LANES] += value(at);
    }
    tree(lanes)
}

#[inline(always)]
fn tree(mut lanes: [f64; LANES]) -> f64 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_gives_the_same_bits() {
        let values: Vec<f64> = (0..777).map(|i| (f64::from(i) * 0.31).cos() * 1e5 + 1e9).collect();
        let all = wide::run_all(|| OfBlock(&values));
        assert!(all.iter().all(|powers| *powers == all[0]));
    }

    #[test]
    fn a_large_mean_cancels_nothing() {
        let mut moments = Moments::default();
        moments.add([1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert_eq!(moments.variance(1), Some(30.0));
        assert_eq!(moments.variance(4), None);
    }
}
