//! The splitter: separators and record ends, in counts.
