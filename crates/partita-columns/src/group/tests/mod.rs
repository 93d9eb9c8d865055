//! Groups against maps and loops.

mod keys;
mod none;
mod pools;
mod ranges;
mod states;
mod top;
mod twin;
