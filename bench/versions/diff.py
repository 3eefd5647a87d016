#!/usr/bin/env python3
"""Times the host's diff of the two newest raw versions of each model, and pandas' of the same rows. usage: diff.py HOST PID FOLDER

Of whole rows pandas counts the equal ones of each file and joins the counts, which is what is asked for: how many came, how many went. By the key it joins the
two files and counts the rows of which a cell is another.
"""
import json
import os
import platform
import statistics
import sys
import time
import urllib.request

host, pid, folder = sys.argv[1:4]
WHOLE, KEYED, KEY, ROUNDS = "taxi-fare-bench", "taxi-fare-keyed", "trip_id", 7


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


def forget_peak(process):
    with open(f"/proc/{process}/clear_refs", "w") as peak:
        peak.write("5")


def peak_of(process):
    with open(f"/proc/{process}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def timed(process, rounds, act):
    """Seconds of each round, the last result, and the most memory in MiB that the process had meanwhile."""
    forget_peak(process)
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        result = act()
        seconds.append(time.perf_counter() - started)
    return seconds, result, peak_of(process)


def diff_of(model):
    return ask(f"/datasets/{model}/diff?from=latest~1&to=latest")["rows"]


def lines_of(model):
    with urllib.request.urlopen(f"{host}/datasets/{model}/versions/latest/content?format=csv") as answer:
        return sum(piece.count(b"\n") for piece in iter(lambda: answer.read(1 << 20), b""))


def whole_rows_with_pandas():
    import pandas

    counts = [table.groupby(list(table.columns), dropna=False).size() for table in map(pandas.read_csv, (f"{folder}/before.csv", f"{folder}/after.csv"))]
    difference = counts[1].sub(counts[0], fill_value=0)
    return {"added": int(difference.clip(lower=0).sum()), "removed": int(-difference.clip(upper=0).sum())}


def keyed_rows_with_pandas():
    import pandas

    before, after = (pandas.read_csv(f"{folder}/keyed-{version}.csv").set_index(KEY) for version in ("before", "after"))
    both = before.join(after, how="inner", lsuffix="_before")
    other = [(both[f"{column}_before"] != both[column]) & ~(both[f"{column}_before"].isna() & both[column].isna()) for column in before.columns]
    return {"added": len(after) - len(both), "removed": len(before) - len(both), "changed": int(pandas.concat(other, axis=1).any(axis=1).sum())}


until_it_serves()
me = os.getpid()
laps = [
    ("`GET /datasets/{model}/diff`, 7 columns, by whole rows, with the statistics of every column", timed(pid, ROUNDS, lambda: diff_of(WHOLE))),
    ("pandas: rows only, reading both files", timed(me, 3, whole_rows_with_pandas)),
    ("the same of 8 columns, by the declared key", timed(pid, ROUNDS, lambda: diff_of(KEYED))),
    ("pandas: rows only, reading both files", timed(me, 3, keyed_rows_with_pandas)),
    ("`GET …/versions/latest/content?format=csv`, 7 columns", timed(pid, ROUNDS, lambda: lines_of(WHOLE))),
]
whole, keyed = laps[0][1][1], laps[2][1][1]
assert all(whole[kind] == count for kind, count in laps[1][1][1].items()), (whole, laps[1][1][1])
assert keyed["key"] == [KEY] and all(keyed[kind] == count for kind, count in laps[3][1][1].items()), (keyed, laps[3][1][1])
cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.processor())
print(f"{whole['removed']:,} rows removed, {whole['added']:,} added; by key {keyed['changed']:,} changed; {laps[4][1][1]:,} lines; "
      f"{cpu}, {os.cpu_count()} cores; {platform.system()} {platform.release()}\n")
print("| | first, s | median, s | slowest, s | peak memory, MiB |\n| --- | ---: | ---: | ---: | ---: |")
for name, (seconds, _, memory) in laps:
    print(f"| {name} | {seconds[0]:.2f} | {statistics.median(seconds):.2f} | {max(seconds):.2f} | {memory:.0f} |")
