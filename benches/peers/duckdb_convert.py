"""duckdb_convert.py CODEC TARGET CSV..: CSV files to one Parquet file with DuckDB."""
import sys

import duckdb

codec, target, *inputs = sys.argv[1:]
level = ", compression_level 3" if codec == "zstd" else ""
listed = ", ".join("'" + path.replace("'", "''") + "'" for path in inputs)
duckdb.sql(f"copy (from read_csv([{listed}])) to '{target}' (format parquet, compression {codec}{level})")
