#!/usr/bin/env python3
"""Times the host's diff of its two newest raw versions, and pandas' of the same rows. usage: diff.py HOST MODEL PID BEFORE.csv AFTER.csv

pandas counts equal rows of each file and joins the counts, which is what is asked for: how many rows came, how many went.
"""
import json
import os
import platform
import resource
import statistics
import sys
import time
import urllib.request

host, model, pid, before, after = sys.argv[1:6]
ROUNDS = 7


def ask(path):
    with urllib.request.urlopen(host + path) as answer:
        return json.load(answer)


def until_it_serves():
    for _ in range(300):
        try:
            return urllib.request.urlopen(host + "/ping").close()
        except OSError:
            time.sleep(0.2)
    sys.exit("The host does not serve.")


def timed(act):
    started = time.perf_counter()
    result = act()
    return time.perf_counter() - started, result


def memory_of(process):
    with open(f"/proc/{process}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def with_pandas():
    import pandas

    counts = [table.groupby(list(table.columns), dropna=False).size() for table in (pandas.read_csv(before), pandas.read_csv(after))]
    difference = counts[1].sub(counts[0], fill_value=0)
    return {"added": int(difference.clip(lower=0).sum()), "removed": int(-difference.clip(upper=0).sum())}


until_it_serves()
ours = [timed(lambda: ask(f"/datasets/{model}/diff?from=latest~1&to=latest")) for _ in range(ROUNDS)]
theirs = [timed(with_pandas) for _ in range(3)]
rows = ours[0][1]["rows"]
assert (rows["added"], rows["removed"]) == (theirs[0][1]["added"], theirs[0][1]["removed"]), (rows, theirs[0][1])
cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.processor())
print(f"{rows['removed']:,} rows removed, {rows['added']:,} added; {cpu}, {os.cpu_count()} cores; {platform.system()} {platform.release()}\n")
print("| | first, s | median, s | slowest, s | peak memory, MiB |\n| --- | ---: | ---: | ---: | ---: |")
for name, laps, memory in (
    ("`GET /datasets/{model}/diff`, with the statistics of every column", ours, memory_of(pid)),
    ("pandas: rows only, reading both files", theirs, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
):
    seconds = [lap for lap, _ in laps]
    print(f"| {name} | {seconds[0]:.2f} | {statistics.median(seconds):.2f} | {max(seconds):.2f} | {memory:.0f} |")
