"""Starts the servers, asks them in turns, prints a table. Called by run."""
import csv, json, statistics, subprocess, sys, time
from hosts import ROW, get, script, start, train, wrk

ours, bare, hook, source, peer, work, turns, seconds = sys.argv[1:9]
turns = int(turns)
# Two categories that training did not have and three numbers beyond its own: the answer lists them all.
STRANGE = {"vendor_id": "NEW", "rate_code": 99, "passenger_count": 900, "trip_time_in_secs": 1271, "trip_distance": 3800, "payment_type": "???"}
MODELS = {  # what is served: one model of 100 trees, and the average of five that folds have made
    "one": {"train": {"folds": 0}, "candidates": [{"trainer": "lightgbm", "trees": 100, "leaves": 31, "earlyStopping": 0}]},
    "folds": {"train": {"folds": 5}, "candidates": [{"trainer": "lightgbm", "trees": 100, "leaves": 31, "earlyStopping": 0}]},
}
PORTS = {"ours": 7811, "bare": 7812, "peer": 7813}


def mlops(*arguments):
    return subprocess.run(["dotnet", ours, *arguments, "--data", f"{work}/data"], check=True, capture_output=True, text=True).stdout


for name, rules in MODELS.items():
    train(ours, source, work, name, rules, f"{work}/data")
notes = {name: f"{work}/{name}.allocated" for name in ("ours", "bare")}
hooks = {name: {"DOTNET_STARTUP_HOOKS": hook, "BENCH_ALLOCATED": path} for name, path in notes.items()}
servers = {
    "ours": start(["dotnet", ours, "up", "--port", str(PORTS["ours"]), "--data", f"{work}/data"], PORTS["ours"], hooks["ours"]),
    "bare": start(["dotnet", bare, "--urls", f"http://127.0.0.1:{PORTS['bare']}"], PORTS["bare"], hooks["bare"], ready=None),
    "peer": start([sys.executable, "-m", "uvicorn", "peer_serving:app", "--port", str(PORTS["peer"]), "--log-level", "error"], PORTS["peer"],
                  {"PYTHONPATH": peer, "MODEL_CSV": f"{work}/rows.csv"}),
}
try:
    told = get(PORTS["ours"], "/predict", {"model": "one", "features": STRANGE})
    if (len(told["unseen"]), len(told["outOfRange"])) != (2, 3):
        raise SystemExit(f"not told: {told}")
    asked = [("bare", "bare", script(work, "one")), ("one", "ours", script(work, "one")), ("strange", "ours", script(work, "one", STRANGE)),
             ("folds", "ours", script(work, "folds")), ("peer", "peer", script(work, "peer"))]
    for _, server, lua in asked:
        wrk(PORTS[server], lua, servers[server].pid, seconds)
    found = {name: [] for name, _, _ in asked}
    for _ in range(turns):
        for name, server, lua in asked:
            found[name].append(wrk(PORTS[server], lua, servers[server].pid, seconds, notes=notes.get(server)))
    print("| | requests a second | of the bare endpoint's | p99 (ms) | processor µs a request | KB allocated |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, title in (("bare", "bare endpoint that parses the same JSON"), ("one", "100 trees of 31 leaves, rows kept"),
                        ("strange", "the same, a row of which five values are told as unseen or out of range"),
                        ("folds", "the average of five such models, rows kept"), ("peer", "FastAPI + xgboost")):
        share = statistics.median(mine[0] / other[0] for mine, other in zip(found[name], found["bare"]))
        rate, late, spent = (statistics.median(turn[i] for turn in found[name]) for i in range(3))
        # Nothing is noted within the peer.
        each = [turn[3] / 1000 for turn in found[name] if turn[3] is not None]
        print(f"| {title} | {rate:,.0f} | {share:.2f} | {late:.1f} | {spent:.1f} | {f'{statistics.median(each):.1f} ' if each else ''}|")
    with open(f"{work}/rows.csv") as file:
        rows = [{k: v for k, v in row.items() if k != "fare_amount"} for _, row in zip(range(10_000), csv.DictReader(file))]
    taken, scored = [], []
    for turn in range(10):
        began = time.perf_counter()
        get(PORTS["ours"], "/predict", {"model": "one", "rows": rows, "keys": [f"batch-{turn}"] + [None] * (len(rows) - 1)})
        taken.append(time.perf_counter() - began)
    time.sleep(3)
    for turn in range(10):
        scored.append(json.loads(mlops("predictions", "export", "one", "--key", f"batch-{turn}").splitlines()[0])["ms"])
    print(f"\n10,000 rows in one request: reading and scoring {statistics.median(scored):.1f} ms, the whole request {statistics.median(taken) * 1000:.0f} ms "
          "(medians of 10).")
finally:
    for server in servers.values():
        server.terminate()
        server.wait()
