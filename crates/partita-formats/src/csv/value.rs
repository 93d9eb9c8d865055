//! One field to one value.
