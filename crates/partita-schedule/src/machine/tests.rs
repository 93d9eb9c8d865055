//! Scenarios by hand, and random runs against a double that knows the rules independently.

mod double;
mod random;
mod scenarios;
