//! Decimals of which 64 bits hold every step: the operation and the bounds that show it, in one pass of vector code.

use std::mem::MaybeUninit;
use std::slice;

use arrow::buffer::ScalarBuffer;

use crate::compute::ArithmeticOp;
use crate::compute::halves::{HIGH, Halves, LOW, high, low};
use crate::compute::physical::Side;
use crate::wide::{self, Kernel};

/// Rows at a time.
const LANES: usize = 16;

/// `left * right`, or `left * factors.0 + right * factors.1` (`-` for a difference), where no value of a side, no step and no
/// result has more than 64 bits, and no result reaches `limit`.
pub(super) fn short(
    op: ArithmeticOp,
    (left, right): (Side<'_, Halves>, Side<'_, Halves>),
    factors: (i64, i64),
    limit: i128,
) -> Option<ScalarBuffer<i128>> {
    let (left, f) = Scaled::of(left, factors.0)?;
    let (right, g) = Scaled::of(right, factors.1)?;
    let rows = match (left, right) {
        (Scaled::Rows(values), _) | (_, Scaled::Rows(values)) => values.len(),
        _ => 1,
    };
    let mut out: Vec<i128> = Vec::with_capacity(rows);
    let places = out.spare_capacity_mut().get_mut(..rows)?.as_mut_ptr().cast();
    // SAFETY: so many numbers of 128 bits are two halves each, which are aligned where they are. Nobody else has them.
    let values: &mut [MaybeUninit<Halves>] = unsafe { slice::from_raw_parts_mut(places, rows) };
    let bounds = match op {
        ArithmeticOp::Multiply => each_shape(left, right, values, |a, b| a.wrapping_mul(b)),
        ArithmeticOp::Add if (f, g) == (1, 1) => each_shape(left, right, values, |a, b| a.wrapping_add(b)),
        ArithmeticOp::Subtract if (f, g) == (1, 1) => {
            each_shape(left, right, values, |a, b| a.wrapping_sub(b))
        }
        ArithmeticOp::Add | ArithmeticOp::Subtract => {
            let g = if op == ArithmeticOp::Add { g } else { -g };
            each_shape(left, right, values, move |a, b| a.wrapping_mul(f).wrapping_add(b.wrapping_mul(g)))
        }
        _ => return None,
    };
    let (most_left, most_right) = bounds?;
    let most = match op {
        ArithmeticOp::Multiply => most_left.checked_mul(most_right)?,
        _ => most_left.checked_mul(f.into())?.checked_add(most_right.checked_mul(g.into())?)?,
    };
    // SAFETY: where there are bounds each of the places was written.
    unsafe { out.set_len(rows) };
    (most < limit && most <= i128::from(i64::MAX)).then(|| out.into())
}

/// A side, one value times its factor.
#[derive(Clone, Copy)]
enum Scaled<'a> {
    Rows(&'a [Halves]),
    One(i64),
}

impl<'a> Scaled<'a> {
    /// With the factor that is left to do.
    fn of(side: Side<'a, Halves>, factor: i64) -> Option<(Self, i64)> {
        Some(match side {
            Side::Rows(values) => (Self::Rows(values), factor),
            Side::One(value) if high(value) == low(value) >> 63 => {
                (Self::One(low(value).checked_mul(factor)?), 1)
            }
            Side::One(_) => return None,
        })
    }
}

/// The greatest of each side without its sign; `None` where a value has more than 64 bits, and where sides and places are not as
/// many. Otherwise every place was written.
type Bounds = Option<(i128, i128)>;

fn each_shape(
    left: Scaled<'_>,
    right: Scaled<'_>,
    out: &mut [MaybeUninit<Halves>],
    f: impl Fn(i64, i64) -> i64 + Copy,
) -> Bounds {
    match (left, right) {
        (Scaled::Rows(left), Scaled::Rows(right)) if left.len() != right.len() => None,
        (Scaled::Rows(left), Scaled::Rows(right)) => wide::run(Pairs { left, right, out, f }),
        (Scaled::Rows(values), Scaled::One(one)) => {
            let most = wide::run(Single { values, out, f: move |value| f(value, one) })?;
            Some((most, i128::from(one).abs()))
        }
        (Scaled::One(one), Scaled::Rows(values)) => {
            let most = wide::run(Single { values, out, f: move |value| f(one, value) })?;
            Some((i128::from(one).abs(), most))
        }
        (Scaled::One(left), Scaled::One(right)) => {
            let value = f(left, right);
            out.first_mut().map(|out| put(out, value))?;
            Some((i128::from(left).abs(), i128::from(right).abs()))
        }
    }
}

#[inline(always)]
fn put(out: &mut MaybeUninit<Halves>, value: i64) {
    let mut halves = [0; 2];
    halves[LOW] = value;
    halves[HIGH] = value >> 63;
    out.write(halves);
}

/// What is seen of the values of a side, lane by lane.
struct Seen {
    least: [i64; LANES],
    greatest: [i64; LANES],
    /// Bits of upper halves that are not the sign of the lower ones.
    longer: [i64; LANES],
}

impl Seen {
    #[inline(always)]
    fn new() -> Self {
        Self { least: [0; LANES], greatest: [0; LANES], longer: [0; LANES] }
    }

    #[inline(always)]
    fn see(&mut self, lane: usize, halves: Halves) -> i64 {
        let value = low(halves);
        self.least[lane] = self.least[lane].min(value);
        self.greatest[lane] = self.greatest[lane].max(value);
        self.longer[lane] |= high(halves) ^ (value >> 63);
        value
    }

    #[inline(always)]
    fn most(self) -> Option<i128> {
        let (mut least, mut greatest, mut longer) = (0, 0, 0);
        for lane in 0..LANES {
            least = least.min(self.least[lane]);
            greatest = greatest.max(self.greatest[lane]);
            longer |= self.longer[lane];
        }
        (longer == 0).then(|| i128::from(greatest).max(-i128::from(least)))
    }
}

/// Two columns.
struct Pairs<'a, F> {
    left: &'a [Halves],
    right: &'a [Halves],
    out: &'a mut [MaybeUninit<Halves>],
    f: F,
}

impl<F: Fn(i64, i64) -> i64> Kernel for Pairs<'_, F> {
    type Output = Bounds;

    #[inline(always)]
    fn run(self) -> Bounds {
        let (mut left, mut right) = (Seen::new(), Seen::new());
        let (l, l_rest) = self.left.as_chunks::<LANES>();
        let (r, r_rest) = self.right.as_chunks::<LANES>();
        let (out, out_rest) = self.out.as_chunks_mut::<LANES>();
        for ((l, r), out) in l.iter().zip(r).zip(out) {
            for lane in 0..LANES {
                put(&mut out[lane], (self.f)(left.see(lane, l[lane]), right.see(lane, r[lane])));
            }
        }
        for (lane, ((l, r), out)) in l_rest.iter().zip(r_rest).zip(out_rest).enumerate() {
            put(out, (self.f)(left.see(lane, *l), right.see(lane, *r)));
        }
        left.most().zip(right.most())
    }
}

/// A column.
struct Single<'a, F> {
    values: &'a [Halves],
    out: &'a mut [MaybeUninit<Halves>],
    f: F,
}

impl<F: Fn(i64) -> i64> Kernel for Single<'_, F> {
    type Output = Option<i128>;

    #[inline(always)]
    fn run(self) -> Option<i128> {
        let mut seen = Seen::new();
        let (values, rest) = self.values.as_chunks::<LANES>();
        let (out, out_rest) = self.out.as_chunks_mut::<LANES>();
        for (values, out) in values.iter().zip(out) {
            for lane in 0..LANES {
                put(&mut out[lane], (self.f)(seen.see(lane, values[lane])));
            }
        }
        for (lane, (value, out)) in rest.iter().zip(out_rest).enumerate() {
            put(out, (self.f)(seen.see(lane, *value)));
        }
        seen.most()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Decimal128Array;

    use super::*;
    use crate::compute::halves::halves;

    const LIMIT: i128 = 10_i128.pow(18);

    /// Row by row in 128 bits.
    fn slow(op: ArithmeticOp, a: i128, b: i128, (f, g): (i64, i64)) -> i128 {
        let (f, g) = (i128::from(f), i128::from(g));
        match op {
            ArithmeticOp::Multiply => a * b,
            ArithmeticOp::Add => a * f + b * g,
            _ => a * f - b * g,
        }
    }

    #[test]
    fn values_are_those_of_128_bits() {
        let ops = [ArithmeticOp::Multiply, ArithmeticOp::Add, ArithmeticOp::Subtract];
        for rows in [1, 15, 16, 17, 100] {
            let left: Vec<i128> = (0..rows).map(|row| (row * 7919) % 100_003 - 50_000).collect();
            let right: Vec<i128> = (0..rows).map(|row| (row * 104_729) % 1009 - 500).collect();
            let arrays = (Decimal128Array::from(left.clone()), Decimal128Array::from(right.clone()));
            let (l, r) = (halves(&arrays.0), halves(&arrays.1));
            for op in ops {
                for factors in [(1, 1), (100, 1), (1, 1000)] {
                    let factors = if op == ArithmeticOp::Multiply { (1, 1) } else { factors };
                    let pairs = short(op, (Side::Rows(l), Side::Rows(r)), factors, LIMIT).unwrap();
                    let with_one = short(op, (Side::Rows(l), Side::One(r[0])), factors, LIMIT).unwrap();
                    let of_one = short(op, (Side::One(l[0]), Side::Rows(r)), factors, LIMIT).unwrap();
                    for row in 0..rows as usize {
                        assert_eq!(pairs[row], slow(op, left[row], right[row], factors));
                        assert_eq!(with_one[row], slow(op, left[row], right[0], factors));
                        assert_eq!(of_one[row], slow(op, left[0], right[row], factors));
                    }
                    let ones = short(op, (Side::One(l[0]), Side::One(r[0])), factors, LIMIT).unwrap();
                    assert_eq!(*ones, [slow(op, left[0], right[0], factors)]);
                }
            }
        }
    }

    #[test]
    fn every_level_computes_the_same() {
        let values: Vec<i128> = (0..99).map(|row| (row * 7919) % 1009 - 500).collect();
        let array = Decimal128Array::from(values.clone());
        let run = |run: &dyn Fn(&mut [MaybeUninit<Halves>]) -> Bounds| {
            let mut out = vec![MaybeUninit::new([7; 2]); values.len()];
            let bounds = run(&mut out);
            // SAFETY: all were written above.
            (bounds, out.iter().map(|halves| unsafe { halves.assume_init() }).collect::<Vec<_>>())
        };
        let (left, right) = (halves(&array), halves(&array));
        let f = |a: i64, b: i64| a.wrapping_mul(b);
        let expected = run(&|out| Pairs { left, right, out, f }.run());
        assert_eq!(run(&|out| wide::run(Pairs { left, right, out, f })), expected);
        let most = values.iter().map(|value| value.abs()).max();
        assert_eq!(expected.0, most.zip(most));
        let squares: Vec<i128> = values.iter().map(|value| value * value).collect();
        assert_eq!(expected.1, halves(&Decimal128Array::from(squares)));
    }

    #[test]
    fn what_64_bits_do_not_hold_is_left_to_others() {
        let add = ArithmeticOp::Add;
        let long = |value: i128, at: usize| {
            let mut values = vec![1; 40];
            values[at] = value;
            Decimal128Array::from(values)
        };
        let ones = long(1, 0);
        for at in [0, 39] {
            for value in [1 << 63, -(1 << 63) - 1, i128::MAX, i128::MIN, 1 << 64] {
                let array = long(value, at);
                let sides = (Side::Rows(halves(&array)), Side::Rows(halves(&ones)));
                assert!(short(add, sides, (1, 1), i128::MAX).is_none(), "{value}");
                let one = (Side::One(halves(&array)[at]), Side::Rows(halves(&ones)));
                assert!(short(add, one, (1, 1), i128::MAX).is_none(), "{value}");
            }
            let array = long(i128::from(i64::MAX), at);
            let sides = (Side::Rows(halves(&array)), Side::Rows(halves(&ones)));
            assert!(short(add, sides, (1, 1), i128::MAX).is_none());
            assert!(short(ArithmeticOp::Multiply, sides, (1, 1), i128::MAX).is_some());
            assert!(short(ArithmeticOp::Multiply, sides, (1, 1), i128::from(i64::MAX)).is_none());
        }
        for left in [Side::Rows(&[][..]), Side::One(halves(&ones)[0])] {
            assert!(short(add, (left, Side::Rows(&[])), (1, 1), LIMIT).unwrap().is_empty());
        }
    }
}
