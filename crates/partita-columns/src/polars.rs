//! Hand-over to and from Polars.
