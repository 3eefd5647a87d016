"""Starts the servers, asks them in turns, prints a table. Called by run."""
import csv, json, os, re, statistics, subprocess, sys, time, urllib.request

ours, bare, source, peer, work, turns, seconds = sys.argv[1:8]
turns = int(turns)
ROW = {"vendor_id": "CMT", "rate_code": 1, "passenger_count": 1, "trip_time_in_secs": 1271, "trip_distance": 3.8, "payment_type": "CRD"}
# Two categories that training did not have and three numbers beyond its own: the answer lists them all.
STRANGE = {"vendor_id": "NEW", "rate_code": 99, "passenger_count": 900, "trip_time_in_secs": 1271, "trip_distance": 3800, "payment_type": "???"}
TRAINED = 100_000
MODELS = {  # what is served: one model of 100 trees, and the average of five that folds have made
    "one": {"train": {"folds": 0}, "candidates": [{"trainer": "lightgbm", "trees": 100, "leaves": 31, "earlyStopping": 0}]},
    "folds": {"train": {"folds": 5}, "candidates": [{"trainer": "lightgbm", "trees": 100, "leaves": 31, "earlyStopping": 0}]},
}
PORTS = {"ours": 7811, "bare": 7812, "peer": 7813}


def mlops(*arguments):
    return subprocess.run(["dotnet", ours, *arguments, "--data", f"{work}/data"], check=True, capture_output=True, text=True).stdout


def get(port, path, body=None):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body and json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def start(arguments, port, environment=None, ready="/health"):
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
    for _ in range(600):
        try:
            get(port, ready) if ready else get(port, "/predict", {"features": ROW})
            return process
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"{arguments} does not answer")


def processor_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wrk(port, script, pid):
    before = processor_seconds(pid)
    text = subprocess.run(["wrk", "-t1", "-c16", f"-d{seconds}s", "--latency", "-s", script, f"http://127.0.0.1:{port}/predict"],
                          check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in text:
        raise SystemExit(text)
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    count = int(re.search(r"(\d+) requests in", text).group(1))
    return (float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)), float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit],
            (processor_seconds(pid) - before) / count * 1e6)


def script(model, row=ROW):
    path = f"{work}/{model}{'' if row is ROW else '-strange'}.lua"
    body = json.dumps({**({"model": model} if model != "peer" else {}), "features": row}, separators=(",", ":"))
    open(path, "w").write(f'wrk.method="POST"\nwrk.headers["Content-Type"]="application/json"\nwrk.body=[[{body}]]\n')
    return path


with open(source) as file, open(f"{work}/rows.csv", "w") as out:
    for _, line in zip(range(TRAINED + 1), file):
        out.write(line)
for name, rules in MODELS.items():
    definition = {"model": name, "target": "fare_amount", "features": {"interactions": [["trip_time_in_secs", "trip_distance"]]}, **rules}
    json.dump(definition, open(f"{work}/{name}.json", "w"))
    mlops("train", f"{work}/rows.csv", "--definition", f"{work}/{name}.json")
servers = {
    "ours": start(["dotnet", ours, "up", "--port", str(PORTS["ours"]), "--data", f"{work}/data"], PORTS["ours"]),
    "bare": start(["dotnet", bare, "--urls", f"http://127.0.0.1:{PORTS['bare']}"], PORTS["bare"], ready=None),
    "peer": start([sys.executable, "-m", "uvicorn", "peer_serving:app", "--port", str(PORTS["peer"]), "--log-level", "error"], PORTS["peer"],
                  {"PYTHONPATH": peer, "MODEL_CSV": f"{work}/rows.csv"}),
}
try:
    told = get(PORTS["ours"], "/predict", {"model": "one", "features": STRANGE})
    if (len(told["unseen"]), len(told["outOfRange"])) != (2, 3):
        raise SystemExit(f"not told: {told}")
    asked = [("bare", "bare", script("one")), ("one", "ours", script("one")), ("strange", "ours", script("one", STRANGE)),
             ("folds", "ours", script("folds")), ("peer", "peer", script("peer"))]
    for _, server, lua in asked:
        wrk(PORTS[server], lua, servers[server].pid)
    found = {name: [] for name, _, _ in asked}
    for _ in range(turns):
        for name, server, lua in asked:
            found[name].append(wrk(PORTS[server], lua, servers[server].pid))
    print("| | requests a second | of the bare endpoint's | p99 (ms) | processor µs a request |\n| --- | ---: | ---: | ---: | ---: |")
    for name, title in (("bare", "bare endpoint that parses the same JSON"), ("one", "100 trees of 31 leaves, rows kept"),
                        ("strange", "the same, a row of which five values are told as unseen or out of range"),
                        ("folds", "the average of five such models, rows kept"), ("peer", "FastAPI + xgboost")):
        share = statistics.median(mine[0] / other[0] for mine, other in zip(found[name], found["bare"]))
        rate, late, spent = (statistics.median(turn[i] for turn in found[name]) for i in range(3))
        print(f"| {title} | {rate:,.0f} | {share:.2f} | {late:.1f} | {spent:.1f} |")
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
