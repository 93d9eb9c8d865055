#!/usr/bin/env python3
"""Reads what Partita wrote with other programs, and compares values and statistics.

  check.py PARTITA [--rows N]   writes CSV files of difficult values, converts them with the program PARTITA under
                                several codecs and limits, and reads the results with pyarrow and DuckDB: each value has to
                                be the one that was written
  check.py --files FILE..       reads Parquet files with both, which have to agree

In both cases the statistics of every column chunk have to bound its values, and to count its nulls. Run it with the
peers' Python (see run.py)."""

import argparse
import math
import random
import struct
import subprocess
import sys
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

FLOATS = [0.0, -0.0, math.inf, -math.inf, 5e-324, 1.7976931348623157e308, 0.1, -1.5]
INTS = [0, 1, -1, 2**63 - 1, -(2**63)]
CODECS = ["zstd", "zstd:1", "zstd:9", "snappy", "lz4", "gzip", "none"]


def columns(rows, seed):
    """Columns by name: values, None where they are missing."""
    draw = random.Random(seed)
    start = datetime(2020, 1, 1)

    def some(value, nulls):
        return [None if draw.random() < nulls else value(row) for row in range(rows)]

    return {
        "few": some(lambda _: draw.randrange(9), 0.0),
        "cents": some(lambda _: draw.randrange(5000) / 100, 0.1),
        "floats": some(lambda _: draw.choice(FLOATS) if draw.random() < 0.1 else draw.uniform(-1e9, 1e9), 0.05),
        "ints": some(lambda _: draw.choice(INTS) if draw.random() < 0.1 else draw.randrange(-(2**40), 2**40), 0.05),
        "sorted": some(lambda row: row * 7, 0.0),
        "sparse": some(lambda row: row // 100, 0.95),
        "flag": some(lambda _: draw.random() < 0.3, 0.02),
        "day": some(lambda _: date(1990, 1, 1) + timedelta(days=draw.randrange(20000)), 0.01),
        "at": some(lambda row: start + timedelta(seconds=row // 3, microseconds=draw.randrange(10**6)), 0.01),
        "hour": some(lambda row: start + timedelta(hours=row // 50), 0.0),
        "name": some(lambda _: f"name {draw.randrange(300)}", 0.2),
        "id": some(lambda _: f"{draw.getrandbits(80):x}", 0.0),
        "text": some(lambda _: "é\U0001f600 " * draw.randrange(1, 40), 0.1),
        "huge": some(lambda row: "x" * (1 << 20) if row % 5000 == 77 else "y", 0.0),
    }


def field(value):
    """A value as the text of a CSV field."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return str(value)


def bits(value):
    """A value that is equal only to itself: floats by their bits, every NaN the same."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else struct.pack("<d", value)
    return value


def compare(what, expected, got):
    """The number of values that differ."""
    wrong = 0
    for name, values in expected.items():
        for row, (one, other) in enumerate(zip(values, got[name], strict=True)):
            if bits(one) != bits(other):
                wrong += 1
                if wrong < 5:
                    print(f"{what}: column {name}, row {row}: expected {one!r}, got {other!r}"[:300])
    return wrong


def outside(file):
    """The number of chunks whose statistics do not bound their values."""
    wrong = 0
    parquet = pq.ParquetFile(file)
    for group in range(parquet.metadata.num_row_groups):
        table = parquet.read_row_group(group)
        for index in range(parquet.metadata.num_columns):
            chunk = parquet.metadata.row_group(group).column(index)
            name, said = chunk.path_in_schema, chunk.statistics
            if said is None or "." in name:
                continue
            values = [value for value in table.column(name).to_pylist() if value is not None]
            values = [value for value in values if not (isinstance(value, float) and math.isnan(value))]
            nulls = said.has_null_count and said.null_count == table.column(name).null_count
            low, high = (said.min, said.max) if said.has_min_max else (None, None)
            bounds = not values or (low is not None and low <= min(values) and max(values) <= high)
            if not nulls or not bounds:
                wrong += 1
                print(f"{file}: row group {group}, {name}: {said} does not describe the values"[:400])
    return wrong


def by_duckdb(files):
    """The rows of Parquet files as DuckDB reads them."""
    result = duckdb.connect().execute("select * from read_parquet(?)", [[str(file) for file in files]])
    # DuckDB's Arrow keeps the bits of floats.
    return result.to_arrow_table().to_pydict()


def by_pyarrow(files):
    """The same as pyarrow reads them."""
    return pa.concat_tables(pq.read_table(file) for file in files).to_pydict()


def written(program, rows):
    """Converts generated files; the number of faults."""
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        expected = {}
        for part in range(2):
            table = columns(rows, part)
            with open(home / f"{part}.csv", "w", encoding="utf-8") as file:
                file.write(",".join(table) + "\n")
                file.writelines(",".join(map(field, row)) + "\n" for row in zip(*table.values(), strict=True))
            for name, values in table.items():
                expected.setdefault(name, []).extend(values)
        inputs = [str(home / "0.csv"), str(home / "1.csv")]
        for codec in CODECS:
            target = home / codec.replace(":", "-")
            subprocess.run(
                [program, "convert", *inputs, "--to", str(target), "--compression", codec], check=True, capture_output=True
            )
            files = sorted(target.glob("*.parquet"))
            wrong += compare(f"pyarrow, {codec}", expected, by_pyarrow(files))
            wrong += compare(f"DuckDB, {codec}", expected, by_duckdb(files))
            wrong += sum(map(outside, files))
            print(f"{codec}: {sum(file.stat().st_size for file in files)} bytes, {wrong} faults so far")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", help="the program partita")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--files", nargs="+", default=[])
    args = parser.parse_args()
    wrong = written(args.program, args.rows) if args.program else 0
    for file in args.files:
        wrong += compare(file, by_pyarrow([file]), by_duckdb([file])) + outside(file)
        print(f"{file}: {wrong} faults so far")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
