#!/usr/bin/env python3
"""Converts CSV files to Parquet with Partita and with its peers, and prints medians and ratios.

Each conversion is a fresh process; the engines take turns (A B C, A B C, ..), so that a slow minute of the machine
hits all of them. Quote ratios of one run only.

  seconds   wall time of the process, start-up included (median, and smallest to largest)
  cpu       user and system time
  memory    peak of anonymous and shared resident memory, summed over the process tree, sampled every 10 ms
  ratio     the engine's median over Partita's: above 1, Partita is faster

Nothing is installed. To set up the peers once:

  python3 -m venv PEERS && PEERS/bin/pip install -r benches/peers/requirements.txt

and then run this script with PEERS/bin/python."""

import argparse
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = ["duckdb", "polars", "datafusion"]
SAMPLE_SECONDS = 0.01


@dataclass
class Run:
    """What one process needed."""

    seconds: float
    cpu: float
    memory_bytes: int
    out_bytes: int
    rows: int


class Failed(Exception):
    """A process that ended with an error; carries what it printed."""


def children(pid):
    """A process and all below it."""
    found = [pid]
    for parent in found:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                found += map(int, Path(f"/proc/{parent}/task/{task}/children").read_text().split())
        except OSError:
            pass  # ended meanwhile
    return found


def resident_bytes(pids):
    """Anonymous and shared memory: what the page cache cannot take back."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon:", "RssShmem:")))
    return total * 1024


class Sampler(threading.Thread):
    """Watches the memory of a process tree until told to stop."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak_bytes, self.stopped = pid, 0, threading.Event()

    def run(self):
        while not self.stopped.wait(SAMPLE_SECONDS):
            self.peak_bytes = max(self.peak_bytes, resident_bytes(children(self.pid)))

    def stop(self):
        self.stopped.set()
        self.join()
        return self.peak_bytes


def measure(command, target):
    """Runs a command that writes `target`."""
    with tempfile.TemporaryFile() as log:
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        sampler = Sampler(process.pid)
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        memory_bytes = sampler.stop()
        if process.returncode:
            log.seek(0)
            text = log.read().decode(errors="replace")[-2000:]
            raise Failed(f"exit code {process.returncode}\n{text}")
    files = parquet_files(target)
    out_bytes = sum(path.stat().st_size for path in files)
    return Run(seconds, usage.ru_utime + usage.ru_stime, memory_bytes, out_bytes, count_rows(files))


def parquet_files(target):
    return [target] if target.is_file() else sorted(target.rglob("*.parquet"))


def count_rows(files):
    """Rows by the footers; -1 where pyarrow is not installed."""
    if not importlib.util.find_spec("pyarrow"):
        return -1
    import pyarrow.parquet

    return sum(pyarrow.parquet.read_metadata(path).num_rows for path in files)


def command(engine, options, target):
    if engine != "partita":
        return [sys.executable, "-P", str(HERE / f"{engine}_convert.py"), options.codec, str(target), *options.inputs]
    compression = "zstd:3" if options.codec == "zstd" else options.codec
    extra = ["--parse-dates", options.parse_dates] if options.parse_dates else []
    return [
        options.partita, "convert", *options.inputs, "--to", str(target),
        "--compression", compression, "--progress", "none", *extra, *options.partita_args.split(),
    ]  # fmt: skip


def rounds(engines, options, work):
    """All runs by engine; an engine that fails is said so once and left out."""
    runs = {engine: [] for engine in engines}
    for number in range(1, options.rounds + 1):
        for engine in list(runs):
            target = work / (engine if engine == "partita" else f"{engine}.parquet")
            try:
                run = measure(command(engine, options, target), target)
            except (Failed, OSError) as error:
                print(f"{engine} failed: {error}", file=sys.stderr)
                del runs[engine]
                continue
            finally:
                if target.is_dir():
                    shutil.rmtree(target)
                else:
                    target.unlink(missing_ok=True)
            runs[engine].append(run)
            print(f"  round {number}: {engine} {run.seconds:.2f} s", file=sys.stderr)
    return runs


def table(runs):
    """The figures as a Markdown table."""

    def median(engine, name):
        return statistics.median(getattr(run, name) for run in runs[engine])

    base = median("partita", "seconds") if "partita" in runs else None
    lines = ["| engine | seconds | cpu | memory MB | output MB | rows | ratio |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for engine in sorted(runs, key=lambda engine: median(engine, "seconds")):
        seconds = [run.seconds for run in runs[engine]]
        ratio = f"{median(engine, 'seconds') / base:.2f}" if base else "-"
        lines.append(
            f"| {engine} | {statistics.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"
            f" | {median(engine, 'cpu'):.2f} | {max(run.memory_bytes for run in runs[engine]) / 1e6:.0f}"
            f" | {median(engine, 'out_bytes') / 1e6:.1f} | {runs[engine][0].rows} | {ratio} |"
        )
    return "\n".join(lines)


def warm(inputs):
    """Reads the inputs once, so that no engine pays for the disk."""
    for path in inputs:
        with open(path, "rb", buffering=0) as file:
            while file.read(1 << 22):
                pass


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", nargs="+", help="CSV files, all with one header")
    parser.add_argument("--partita", default=os.environ.get("PARTITA", "partita"), help="the release program")
    parser.add_argument("--partita-args", default="", help="further options for `partita convert`")
    parser.add_argument("--parse-dates", default="", help="columns that Partita must read as timestamps")
    parser.add_argument("--peers", default=",".join(PEERS), help="default: %(default)s")
    parser.add_argument("--codec", choices=["zstd", "snappy"], default="zstd", help="zstd is level 3")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", help="where outputs go, on the disk that is meant (default: the temporary folder)")
    return parser.parse_args()


def missing(engines, options):
    """What is not there, with the way to get it."""
    lacks = []
    if not shutil.which(options.partita):
        lacks.append(f'"{options.partita}" is no program: `cargo build --release -p partita`, then --partita or PARTITA')
    for engine in engines[1:]:
        if engine not in PEERS:
            lacks.append(f'unknown peer "{engine}": expected {", ".join(PEERS)}')
        elif not importlib.util.find_spec(engine):
            lacks.append(f"{engine} is not installed: {sys.executable} -m pip install -r {HERE / 'requirements.txt'}")
    return lacks


def main():
    options = parse_arguments()
    engines = ["partita", *filter(None, options.peers.split(","))]
    if lacks := missing(engines, options):
        sys.exit("\n".join(lacks))
    warm(options.inputs)
    with tempfile.TemporaryDirectory(dir=options.work, prefix="partita-peers-") as work:
        runs = rounds(engines, options, Path(work))
    total = sum(os.path.getsize(path) for path in options.inputs)
    print(f"{len(options.inputs)} files, {total / 1e6:.0f} MB, {options.codec}, {options.rounds} rounds, {os.cpu_count()} cores\n")
    print(table(runs))
    rows = {run.rows for engine in runs.values() for run in engine}
    if len(rows) > 1:
        sys.exit(f"the engines disagree about the rows: {sorted(rows)}")
    if len(runs) < len(engines):
        sys.exit(1)


if __name__ == "__main__":
    main()
