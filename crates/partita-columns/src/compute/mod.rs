//! Kernels over whole columns.
