"""
Two hosts on one core, one of them with traces of 1 % sent by OTLP: what a prediction costs each, in pairs of turns. Two processes of the same program differ,
by how each was compiled while it ran, more than turns of one process do: so both are started anew, round by round. Called by telemetry.
"""
import http.server, math, os, statistics, sys, threading
from hosts import script, start, train, wrk

ours, source, work, rounds, seconds = sys.argv[1:6]
PAIRS = 6
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
lua, found = script(work, "one"), {name: [] for name in PORTS}
for name in PORTS:
    # Each has storage of its own: one folder has one host.
    train(ours, source, work, "one", RULES, f"{work}/{name}")


def run_round():
    """Medians of each host's turns."""
    servers = {}
    try:
        for name, environment in (("plain", {}), ("traced", OTLP)):
            arguments = [*HOSTS, "dotnet", ours, "up", "--port", str(PORTS[name]), "--data", f"{work}/{name}"]
            servers[name] = start(arguments, PORTS[name], environment)
        for name, server in servers.items():
            wrk(PORTS[name], lua, server.pid, 10, ASKS)
        turns = {name: [] for name in servers}
        for pair in range(PAIRS):
            for name in ("plain", "traced") if pair % 2 == 0 else ("traced", "plain"):
                turns[name].append(wrk(PORTS[name], lua, servers[name].pid, seconds, ASKS))
        for name, mine in turns.items():
            found[name].append([statistics.median(turn[place] for turn in mine) for place in range(3)])
    finally:
        for server in servers.values():
            server.terminate()
            server.wait()


for _ in range(int(rounds)):
    run_round()
if Receiver.taken == 0:
    raise SystemExit("Nothing was sent by OTLP: the two hosts do the same.")
print("| | requests a second | processor µs a request |\n| --- | ---: | ---: |")
for name, title in (("plain", "measured for `GET /metrics`, no traces"), ("traced", "traces of 1 %, traces and metrics sent by OTLP")):
    print(f"| {title} | {statistics.median(turn[0] for turn in found[name]):,.0f} | {statistics.median(turn[2] for turn in found[name]):.1f} |")
for place, title in ((0, "requests a second"), (2, "processor time")):
    ratios = [traced[place] / plain[place] - 1 for plain, traced in zip(found["plain"], found["traced"])]
    mean, error = statistics.mean(ratios), statistics.stdev(ratios) / math.sqrt(len(ratios))
    print(f"\n{title}: {100 * mean:+.1f} % by traces, 95 % interval {100 * (mean - 1.96 * error):+.1f} to {100 * (mean + 1.96 * error):+.1f} "
          f"({len(ratios)} starts of both, {PAIRS} pairs of {seconds} s each)")
