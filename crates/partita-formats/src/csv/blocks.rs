//! Where the records of each block begin.
