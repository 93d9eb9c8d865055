//! Products, and whether any or all are true.

use serde::{Deserialize, Serialize};

/// A product, in the order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Product {
    /// Of floats.
    Float(f64),
    /// Of integers: `None` once it has left 128 bits, unless a zero comes.
    Whole(Option<i128>),
}

impl Product {
    /// Multiplies by a float.
    pub(super) fn float(&mut self, value: f64) {
        if let Product::Float(product) = self {
            *product *= value;
        }
    }

    /// Multiplies by an integer.
    pub(super) fn whole(&mut self, value: i128) {
        if let Product::Whole(product) = self {
            *product =
                if value == 0 { Some(0) } else { product.and_then(|product| product.checked_mul(value)) };
        }
    }

    /// Multiplies by the product of the rows behind these.
    pub(super) fn merge(&mut self, later: &Product) {
        match (&mut *self, later) {
            (Product::Whole(Some(0)), Product::Whole(None)) => {}
            (Product::Whole(product), Product::Whole(None)) => *product = None,
            (Product::Whole(_), Product::Whole(Some(value))) => self.whole(*value),
            (Product::Float(_), Product::Float(value)) => self.float(*value),
            _ => {}
        }
    }
}
