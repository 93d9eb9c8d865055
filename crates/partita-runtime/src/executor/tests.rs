//! The conformance suite: what every scheduler has to do.

mod admission;
mod conformance;
mod pace;
mod probe;
mod random;
mod windows;
