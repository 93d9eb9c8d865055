//! Types from samples.
