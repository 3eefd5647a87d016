"""Two hosts on one core, one of them with traces of 1 % sent by OTLP: what a prediction costs each, in pairs of turns. Called by telemetry."""
import http.server, math, os, statistics, sys, threading
from hosts import script, start, train, wrk

ours, source, work, pairs, seconds = sys.argv[1:6]
RULES = {"train": {"folds": 0}, "candidates": [{"trainer": "lightgbm", "trees": 100, "leaves": 31, "earlyStopping": 0}]}
PORTS = {"plain": 7821, "traced": 7822}
RECEIVER = 7823
# Hosts on one core, what asks them on the other: they would take turns else, and by chance.
HOSTS, ASKS = ["taskset", "-c", "0"], ["taskset", "-c", "1"]


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes what is sent, and forgets it."""
    protocol_version = "HTTP/1.1"
    taken = 0

    def do_POST(self):
        Receiver.taken += len(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


os.sched_setaffinity(0, {1})
threading.Thread(target=http.server.ThreadingHTTPServer(("127.0.0.1", RECEIVER), Receiver).serve_forever, daemon=True).start()
OTLP = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{RECEIVER}", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"}
servers = {}
for name, environment in (("plain", {}), ("traced", OTLP)):
    # Each has storage of its own: one folder has one host.
    train(ours, source, work, "one", RULES, f"{work}/{name}")
    servers[name] = start([*HOSTS, "dotnet", ours, "up", "--port", str(PORTS[name]), "--data", f"{work}/{name}"], PORTS[name], environment)
try:
    lua, found = script(work, "one"), {name: [] for name in servers}
    for name, server in servers.items():
        wrk(PORTS[name], lua, server.pid, 10, ASKS)
    for pair in range(int(pairs)):
        for name in ("plain", "traced") if pair % 2 == 0 else ("traced", "plain"):
            found[name].append(wrk(PORTS[name], lua, servers[name].pid, seconds, ASKS))
    if Receiver.taken == 0:
        raise SystemExit("Nothing was sent by OTLP: the two hosts do the same.")
    print("| | requests a second | processor µs a request |\n| --- | ---: | ---: |")
    for name, title in (("plain", "measured for `GET /metrics`, no traces"), ("traced", "traces of 1 %, traces and metrics sent by OTLP")):
        print(f"| {title} | {statistics.median(turn[0] for turn in found[name]):,.0f} | {statistics.median(turn[2] for turn in found[name]):.1f} |")
    for place, title in ((0, "requests a second"), (2, "processor time")):
        ratios = [traced[place] / plain[place] - 1 for plain, traced in zip(found["plain"], found["traced"])]
        mean, error = statistics.mean(ratios), statistics.stdev(ratios) / math.sqrt(len(ratios))
        print(f"\n{title}: {100 * mean:+.1f} % by traces, 95 % interval {100 * (mean - 1.96 * error):+.1f} to {100 * (mean + 1.96 * error):+.1f} "
              f"({len(ratios)} pairs of {seconds} s)")
finally:
    for server in servers.values():
        server.terminate()
        server.wait()
