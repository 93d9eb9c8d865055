//! Decompressed bytes in order.
