#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn a_buffer_comes_back_with_its_last_holder_and_not_before() {
    let pool = Pool::small();
    let mut values: Vec<u64> = pool.take(1000);
    values[..1000].copy_from_slice(&(0..1000).collect::<Vec<u64>>());
    let place = values.as_ptr();
    let lent = pool.lend(values, 1000);
    let part = lent.slice_with_length(80, 80);
    assert_eq!(lent.typed_data::<u64>(), (0..1000).collect::<Vec<u64>>());
    drop(lent);
    assert_eq!(pool.idle_bytes(), 0);
    let other: Vec<u64> = pool.take(1000);
    assert_ne!(other.as_ptr(), place);
    assert_eq!(part.typed_data::<u64>(), (10..20).collect::<Vec<u64>>());
    drop(part);
    assert_eq!(pool.idle_bytes(), 8192);
    // Values of another size have another alignment.
    let narrow: Vec<u32> = pool.take(2000);
    assert_ne!(narrow.as_ptr().addr(), place.addr());
    let again: Vec<u64> = pool.take(1020);
    assert_eq!(again.as_ptr(), place);
    assert_eq!(pool.idle_bytes(), 0);
}

#[test]
fn what_is_small_or_grown_otherwise_is_not_kept() {
    let pool = Pool::small();
    drop(pool.lend(pool.take::<u32>(10), 10));
    let mut grown: Vec<u32> = Vec::with_capacity(5000);
    grown.resize(4999, 7);
    let lent = pool.lend(grown, 4999);
    assert_eq!(lent.typed_data::<u32>(), [7; 4999]);
    drop(lent);
    assert_eq!(pool.idle_bytes(), 0);
}

#[test]
fn no_more_is_kept_than_there_is_room_for() {
    let pool = Pool::small();
    let lent: Vec<Buffer> = (0..10).map(|_| pool.lend(pool.take::<u64>(128 << 10), 128 << 10)).collect();
    drop(lent);
    assert_eq!(pool.idle_bytes(), 4 << 20);
    assert_eq!(pool.clear(), 4 << 20);
    drop(pool.lend(pool.take::<u64>(128 << 10), 1));
    assert_eq!(pool.idle_bytes(), 1 << 20);
}

#[test]
fn buffers_outlive_their_pool() {
    let pool = Pool::small();
    let mut values: Vec<u32> = pool.take(4096);
    values.fill(3);
    let lent = pool.lend(values, 4096);
    drop(pool);
    assert_eq!(lent.typed_data::<u32>(), [3; 4096]);
}

#[test]
fn sizes_are_a_little_larger_and_fit_each_other() {
    for bytes in (1..100_000).chain([1 << 30, (1 << 30) + 1]) {
        let class = size_class(bytes);
        assert!(class >= bytes && class.is_multiple_of(16) && size_class(class) == class, "{bytes}: {class}");
        assert!(bytes < 256 || class - bytes <= bytes / 8 + 16, "{bytes}: {class}");
    }
    assert_eq!(size_class(usize::MAX), usize::MAX);
}
