#!/usr/bin/env python3
"""Prints the side-by-side table of bench/pipeline/run. usage: table.py OURS.json PEER.json PEER_RMSE_ON_OUR_SPLIT ROWS"""
import json
import platform
import os
import sys

ours, peer = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))
same_split, rows = float(sys.argv[3]), int(sys.argv[4])
seconds = {}
for stage in ours["stages"]:
    seconds[stage["name"]] = seconds.get(stage["name"], 0) + (stage["seconds"] or 0)
model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.processor())
print(f"{rows:,} rows; {model}, {os.cpu_count()} cores; {platform.system()} {platform.release()}\n")
print("| stage | MlOps.Functions, s | pandas + xgboost, s |\n| --- | ---: | ---: |")
total_ours = total_peer = 0.0
for stage in ["ingest", "clean", "features", "split", "train", "validate", "promote"]:
    mine, theirs = seconds.get(stage, 0), peer["laps"].get(stage)
    total_ours += mine
    total_peer += theirs or 0
    print(f"| {stage} | {mine:.2f} | {'' if theirs is None else f'{theirs:.2f}'} |")
print(f"| **total** | **{total_ours:.2f}** | **{total_peer:.2f}** |")
print(f"| peak memory, MiB | {ours['peakMemoryMb']:.0f} | {peer['rss_mb']} |")
print(f"| validation RMSE, same rows | {ours['metrics']['val_rmse']:.4f} | {same_split:.4f} |")
print(f"\ntime {total_ours / total_peer:.2f}x, RMSE {ours['metrics']['val_rmse'] / same_split:.3f}x")
