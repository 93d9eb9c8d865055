//! Kernels written with the vector instructions of a processor, each beside the portable code that it equals.
//!
//! Every function here has one body a level of [`partita_columns::cpu`] and gives the same bytes at each.

pub(crate) mod compact;
pub(crate) mod decode;
pub(crate) mod delta;
pub(crate) mod dictionary;
pub(crate) mod encode;
pub(crate) mod expand;
pub(crate) mod extremes;
pub(crate) mod gather;
pub(crate) mod numbers;
pub(crate) mod pack;
pub(crate) mod page_texts;
pub(crate) mod split;
pub(crate) mod unpack;
pub(crate) mod views;
pub(crate) mod widen;
