"""Starts servers, asks them with wrk, and counts what that takes."""
import csv, json, os, re, subprocess, time, urllib.request

ROW = {"vendor_id": "CMT", "rate_code": 1, "passenger_count": 1, "trip_time_in_secs": 1271, "trip_distance": 3.8, "payment_type": "CRD"}
TRAINED = 100_000


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


def train(ours, source, work, name, rules, data):
    """A model of the first rows of the source."""
    if not os.path.exists(f"{work}/rows.csv"):
        with open(source) as file, open(f"{work}/rows.csv", "w") as out:
            for _, line in zip(range(TRAINED + 1), file):
                out.write(line)
    definition = {"model": name, "target": "fare_amount", "features": {"interactions": [["trip_time_in_secs", "trip_distance"]]}, **rules}
    json.dump(definition, open(f"{work}/{name}.json", "w"))
    subprocess.run(["dotnet", ours, "train", f"{work}/rows.csv", "--definition", f"{work}/{name}.json", "--data", data],
                   check=True, capture_output=True, text=True)


def processor_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def script(work, model, row=ROW):
    path = f"{work}/{model}{'' if row is ROW else '-strange'}.lua"
    body = json.dumps({**({"model": model} if model != "peer" else {}), "features": row}, separators=(",", ":"))
    open(path, "w").write(f'wrk.method="POST"\nwrk.headers["Content-Type"]="application/json"\nwrk.body=[[{body}]]\n')
    return path


def allocated(path):
    """Bytes that a server has allocated so far, as the hook in Allocations notes them ten times a second."""
    time.sleep(0.2)
    with open(path) as file:
        return int(file.read())


def wrk(port, lua, pid, seconds, before=(), notes=None):
    """Requests a second, the 99th percentile in milliseconds, the server's processor microseconds a request and, by its notes, the bytes that it allocates."""
    had = allocated(notes) if notes else 0
    spent = processor_seconds(pid)
    text = subprocess.run([*before, "wrk", "-t1", "-c16", f"-d{seconds}s", "--latency", "-s", lua, f"http://127.0.0.1:{port}/predict"],
                          check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in text:
        raise SystemExit(text)
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    count = int(re.search(r"(\d+) requests in", text).group(1))
    spent = processor_seconds(pid) - spent
    return (float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)), float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit],
            spent / count * 1e6, (allocated(notes) - had) / count if notes else None)
