//! Memory of columns that were handed out, used again once nobody has them any more.

use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::datatypes::ArrowNativeType;

/// Remembers the memory of the last column. Fresh memory costs a page fault every 4 KiB, which takes longer than decoding
/// what goes into it; where the last column but one is gone when the next begins, there is no need for any.
#[derive(Debug, Default)]
pub(crate) struct Lent(Option<Buffer>);

impl Lent {
    /// Hands `values` out, and puts a vector with room for `capacity` values in their place: it may have old ones.
    pub(crate) fn hand_out<T: ArrowNativeType>(
        &mut self,
        values: &mut Vec<T>,
        capacity: usize,
    ) -> ScalarBuffer<T> {
        let mut next = self.0.take().and_then(|buffer| buffer.into_vec::<T>().ok()).unwrap_or_default();
        next.truncate(capacity);
        next.reserve_exact(capacity - next.len());
        let buffer = Buffer::from_vec(std::mem::replace(values, next));
        self.0 = Some(buffer.clone());
        ScalarBuffer::from(buffer)
    }

    /// Bytes of memory held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, Buffer::capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_once_nobody_has_it() {
        let mut lent = Lent::default();
        let mut values = Vec::with_capacity(100);
        let mut hand_out = |number: i64| {
            values.clear();
            values.extend([number; 100]);
            lent.hand_out(&mut values, 100)
        };
        let (one, two) = (hand_out(1), hand_out(2));
        let place = two.as_ptr();
        assert_eq!((one[99], two[99]), (1, 2));
        drop(two);
        // The first is in use still: what comes behind the second has its memory.
        let three = hand_out(3);
        let four = hand_out(4);
        assert_eq!((one[99], three[99], four[99]), (1, 3, 4));
        assert_eq!(four.as_ptr(), place);
        assert_eq!(lent.memory_bytes(), 800);
    }
}
