//! Marked fields to Arrow columns.
