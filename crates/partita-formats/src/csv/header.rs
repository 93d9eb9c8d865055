//! The first line of a file, and where its data begins.
