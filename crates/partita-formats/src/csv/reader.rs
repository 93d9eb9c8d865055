//! A block of a file as batches.
