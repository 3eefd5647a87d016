#!/usr/bin/env python3
"""Makes a large table out of a small one: copies of its rows with a little jitter, the same for the same arguments.

usage: make_rows.py SOURCE.csv ROWS OUT.csv

Seven copies in ten get up to 30 more seconds and up to 0.1 more miles; the rest stay as they are, so that cleaning has duplicates to find.
"""
import sys

import numpy as np
import pandas as pd

source, rows, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
table = pd.read_csv(source)
random = np.random.RandomState(1)
written = 0
while written < rows:
    copy = table.copy()
    jittered = random.rand(len(copy)) < 0.7
    copy["trip_time_in_secs"] += np.where(jittered, random.randint(0, 30, len(copy)), 0)
    copy["trip_distance"] = (copy["trip_distance"] + np.where(jittered, random.rand(len(copy)) * 0.1, 0)).round(2)
    copy = copy.head(rows - written)
    copy.to_csv(out, index=False, header=written == 0, mode="w" if written == 0 else "a")
    written += len(copy)
