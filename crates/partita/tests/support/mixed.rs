//! Numbers that look random, by the place of a row.

pub(crate) fn mixed(place: u64) -> u64 {
    let mixed = place.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20
}
