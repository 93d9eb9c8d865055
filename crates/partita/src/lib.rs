//! Partitioned, out-of-core dataframes on Arrow: from CSV to Parquet inside a memory limit.
