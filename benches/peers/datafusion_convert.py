"""datafusion_convert.py CODEC TARGET CSV..: CSV files to a folder of Parquet files with DataFusion."""
import sys

import datafusion

codec, target, *inputs = sys.argv[1:]
context = datafusion.SessionContext()
frame = context.read_csv(inputs)
frame.write_parquet(target + "/", compression=codec, compression_level=3 if codec == "zstd" else None)
