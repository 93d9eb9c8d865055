//! Parquet: row groups encoded apart, and parts assembled from them.
