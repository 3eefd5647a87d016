#!/usr/bin/env python3
"""Writes a table of which one row in a hundred is another. usage: change_rows.py BEFORE.csv AFTER.csv"""
import sys

import numpy as np
import pandas as pd

table = pd.read_csv(sys.argv[1])
changed = np.random.RandomState(2).rand(len(table)) < 0.01
table.loc[changed, "fare_amount"] = (table.loc[changed, "fare_amount"] + 1.01).round(2)
table.to_csv(sys.argv[2], index=False)
