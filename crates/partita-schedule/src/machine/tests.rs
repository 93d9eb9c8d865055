//! Scenarios by hand, and random runs against a double that knows the rules independently.

mod double;
mod memory;
mod random;
mod scenarios;
