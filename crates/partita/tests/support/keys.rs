//! Whole keys of rows: few and many, and those for which a task gives groups up.

use super::mixed::mixed;

/// The key of a row by its place, by name.
type Keys = (&'static str, fn(u64) -> u64);

pub(crate) const KEYS: [Keys; 5] = [
    ("few", |place| mixed(place) % 7),
    ("many", |place| mixed(place) % 30_000),
    ("all distinct", |place| place * 7),
    ("all equal", |_| 7),
    ("distinct from half on", |place| if place < 30_000 { 3 } else { place }),
];
