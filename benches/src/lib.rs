//! What the benches share: random numbers with fixed seeds, and the tables that are made from them.

pub mod generate;
pub mod random;
pub mod sample;
