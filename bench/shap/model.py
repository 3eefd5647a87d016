"""Trains xgboost on made-up rows and writes its trees and rows for bench/shap; then times pred_contribs and checks another program's values.

model.py train FOLDER ROWS        writes model.json, rows.f32
model.py time FOLDER THREADS      prints xgboost's rows per second; compares with values.f64 where it is there
"""
import json, os, sys, time
import numpy as np
import xgboost as xgb

FEATURES, TREES, LEAVES = 12, 100, 31


def train(folder, rows):
    rng = np.random.default_rng(7)
    x = rng.normal(size=(rows, FEATURES)).astype(np.float32)
    y = x[:, 0] * 3 + np.sin(x[:, 1] * 3) * 2 + x[:, 2] * x[:, 3] + np.where(x[:, 4] > 0.3, x[:, 5], -x[:, 6]) + rng.normal(size=rows) * 0.3
    booster = xgb.train(
        dict(tree_method="hist", grow_policy="lossguide", max_leaves=LEAVES, max_depth=0, eta=0.1, objective="reg:squarederror", base_score=0.5),
        xgb.DMatrix(x, y), TREES)
    booster.save_model(os.path.join(folder, "booster.json"))
    trees = [json.loads(t) for t in booster.get_dump(dump_format="json", with_stats=True)]
    with open(os.path.join(folder, "model.json"), "w") as out:
        json.dump(dict(features=FEATURES, base=0.5, trees=trees), out)
    x.tofile(os.path.join(folder, "rows.f32"))


def measure(folder, threads):
    x = np.fromfile(os.path.join(folder, "rows.f32"), dtype=np.float32).reshape(-1, FEATURES)[:int(sys.argv[4]) if len(sys.argv) > 4 else 10_000]
    booster = xgb.Booster(dict(nthread=threads), model_file=os.path.join(folder, "booster.json"))
    data = xgb.DMatrix(x, nthread=threads)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        values = booster.predict(data, pred_contribs=True)
        seconds.append(time.perf_counter() - start)
    result = dict(program=f"xgboost {xgb.__version__}", threads=threads, rows=len(x), seconds=round(min(seconds), 4), rows_per_s=round(len(x) / min(seconds)))
    other = os.path.join(folder, "values.f64")
    if os.path.exists(other):
        ours = np.fromfile(other).reshape(len(x), FEATURES + 1)
        result["largest_difference"] = float(np.abs(ours - values).max())
    print(json.dumps(result))


if __name__ == "__main__":
    train(sys.argv[2], int(sys.argv[3])) if sys.argv[1] == "train" else measure(sys.argv[2], int(sys.argv[3]))
