//! Covariance and correlation of two columns.

use serde::{Deserialize, Serialize};

use super::moments::{BLOCK, sum};
use crate::wide::{self, Kernel};

/// Moments of pairs, joined as those of [`super::Moments`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Pairs {
    done: Products,
    open: Vec<(f64, f64)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Products {
    count: f64,
    means: (f64, f64),
    /// Sums of squares of the distances from the means.
    seconds: (f64, f64),
    /// Sum of the products of the distances.
    product: f64,
}

impl Pairs {
    /// Adds pairs, in order.
    pub fn add(&mut self, pairs: impl IntoIterator<Item = (f64, f64)>) {
        for pair in pairs {
            self.open.push(pair);
            if self.open.len() == BLOCK {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        self.done = self.products();
        self.open.clear();
    }

    fn products(&self) -> Products {
        self.done.and(wide::run(OfPairs(&self.open)))
    }

    /// Goes on with the pairs behind these.
    pub fn merge(&mut self, later: &Pairs) {
        self.close();
        self.done = self.done.and(later.products());
    }

    /// The covariance with `count - ddof` in the denominator; `None` where that is not above zero.
    pub fn covariance(&self, ddof: u8) -> Option<f64> {
        let all = self.products();
        let degrees = all.count - f64::from(ddof);
        (degrees > 0.0).then(|| all.product / degrees)
    }

    /// Pearson's correlation: `None` of fewer than two pairs, and NaN where a column does not vary.
    pub fn correlation(&self) -> Option<f64> {
        let all = self.products();
        (all.count > 1.0).then(|| {
            let correlation = all.product / (all.seconds.0.sqrt() * all.seconds.1.sqrt());
            if correlation.is_nan() { correlation } else { correlation.clamp(-1.0, 1.0) }
        })
    }
}

impl Products {
    fn and(self, other: Products) -> Products {
        if self.count == 0.0 || other.count == 0.0 {
            return if self.count == 0.0 { other } else { self };
        }
        let n = self.count + other.count;
        let weight = self.count * other.count / n;
        let apart = (other.means.0 - self.means.0, other.means.1 - self.means.1);
        let share = other.count / n;
        Products {
            count: n,
            means: (self.means.0 + apart.0 * share, self.means.1 + apart.1 * share),
            seconds: (
                self.seconds.0 + other.seconds.0 + apart.0 * apart.0 * weight,
                self.seconds.1 + other.seconds.1 + apart.1 * apart.1 * weight,
            ),
            product: self.product + other.product + apart.0 * apart.1 * weight,
        }
    }
}

struct OfPairs<'a>(&'a [(f64, f64)]);

impl Kernel for OfPairs<'_> {
    type Output = Products;

    #[inline(always)]
    fn run(self) -> Products {
        let pairs = self.0;
        let len = pairs.len();
        if len == 0 {
            return Products::default();
        }
        let count = len as f64;
        let means = (sum(len, |at| pairs[at].0) / count, sum(len, |at| pairs[at].1) / count);
        let apart = |at: usize| (pairs[at].0 - means.0, pairs[at].1 - means.1);
        Products {
            count,
            means,
            seconds: (sum(len, |at| apart(at).0 * apart(at).0), sum(len, |at| apart(at).1 * apart(at).1)),
            product: sum(len, |at| apart(at).0 * apart(at).1),
        }
    }
}
