"""How well models predict, side by side with what ten lines of Python give: on the very rows of our split, at everybody's defaults.

usage: quality.py OUT MLOPS...      MLOPS: the command that runs the product. QUALITY_TABLES and QUALITY_SEEDS choose tables (comma) and a number of seeds.
One line a table and seed is appended to OUT/results.jsonl; what stands there already is not done again.
"""
import json
import os
import pathlib
import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import sklearn
import xgboost
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tables import TABLES


def ours(mlops, work, name, seed, frame, options):
    file, data = work / f"{name}.csv", work / "data"
    frame.to_csv(file, index=False)
    model = name.replace("_", "-")

    def run(*arguments):
        done = subprocess.run([*mlops, *arguments, "--data", data], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    definition = work / "definition.json"
    run("new", model, file, "--target", "y", "--out", definition, "--force")
    rules = json.loads(definition.read_text())
    rules["split"] = {**rules.get("split", {}), "seed": seed, **options}
    if "group" in options:
        rules["columns"][options["group"]] = {"ignore": True}
    definition.write_text(json.dumps(rules))
    start = time.perf_counter()
    result = json.loads(run("train", file, "--definition", definition, "--json"))
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    sides = []
    for side in ("train", "validation"):
        run("data", "export", side, "--model", model, "--out", work / f"{side}.csv")
        sides.append(pd.read_csv(work / f"{side}.csv"))
    return result, seconds, memory, sides


def loss(task, truth, predicted, labels):
    if task == "multiclass":
        # As we count it: a class that a model does not know has next to no probability.
        return log_loss(truth, np.clip(predicted, 1e-7, 1), labels=labels)
    return 1 - roc_auc_score(truth, predicted) if task == "binary" else float(np.sqrt(np.mean((truth - predicted) ** 2)))


def peers(train, test, task, used):
    x, y, z, truth = train[used], train["y"], test[used], test["y"]
    classes, labels = task != "regression", sorted(y.unique())
    if task == "multiclass":
        y, truth, labels = y.map(labels.index), truth.map(labels.index), list(range(len(labels)))
    texts = [column for column in used if x[column].dtype == object]
    numbers = [column for column in used if column not in texts]
    as_category = lambda frame: frame.assign(**{c: pd.Categorical(frame[c], categories=sorted(x[c].dropna().unique())) for c in texts})
    linear = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers), (OneHotEncoder(handle_unknown="ignore"), texts))
    codes = [column in texts for column in used]
    guessed = lambda model, rows: (
        model.predict(rows) if not classes else model.predict_proba(rows) if task == "multiclass" else model.predict_proba(rows)[:, 1])
    models = {
        "xgboost": (xgboost.XGBClassifier if classes else xgboost.XGBRegressor)(tree_method="hist", enable_categorical=True, n_jobs=2),
        "hist gradient boosting": (HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor)(
            categorical_features=codes if any(codes) else None, random_state=0),
        "linear": make_pipeline(linear, LogisticRegression(max_iter=1000) if classes else RidgeCV(np.logspace(-3, 3, 13))),
    }
    for name, model in models.items():
        start = time.perf_counter()
        if name == "hist gradient boosting" and texts:
            code = lambda frame: as_category(frame).assign(**{c: as_category(frame)[c].cat.codes.replace(-1, np.nan).clip(upper=250) for c in texts})
            model.fit(code(x), y)
            guess = guessed(model, code(z))
        else:
            given = as_category if name == "xgboost" else (lambda frame: frame)
            model.fit(given(x), y)
            guess = guessed(model, given(z))
        yield name, loss(task, truth, guess, labels), time.perf_counter() - start


def measure(mlops, out, name, seed):
    work = out / f"{name}-{seed}"
    work.mkdir(parents=True, exist_ok=True)
    frame, options = TABLES[name]()
    task = "binary" if frame["y"].nunique() == 2 else "multiclass" if frame["y"].dtype == object else "regression"
    result, seconds, memory, (train, test) = ours(mlops, work, name, seed, frame, options)
    used = [column for column in frame.columns if column not in ("y", options.get("group"))]
    if "time" in options:
        for side in (train, test):
            at = pd.to_datetime(side[options["time"]])
            side["at_month"], side["at_day"], side["at_dayofweek"], side["at_hour"] = at.dt.month, at.dt.day, at.dt.dayofweek, at.dt.hour
        used = [column for column in used if column != options["time"]] + ["at_month", "at_day", "at_dayofweek", "at_hour"]
    metrics = result["metrics"]
    value = {"binary": lambda: 1 - metrics["val_auc"], "multiclass": lambda: metrics["val_log_loss"], "regression": lambda: metrics["val_rmse"]}[task]()
    line = {"table": name, "seed": seed, "rows": len(frame), "task": task, "winner": result.get("winner"),
            "ours": value, "seconds": round(seconds, 1), "mib": memory, "peers": {}}
    for peer, lost, took in peers(train, test, task, used):
        line["peers"][peer] = {"loss": lost, "seconds": round(took, 2)}
    return line


def table(lines):
    print(f"xgboost {xgboost.__version__}, scikit-learn {sklearn.__version__}; losses are RMSE, 1 − AUC (binary) or log loss (multiclass); ratio: ours to the best peer's\n")
    names = ["xgboost", "hist gradient boosting", "linear"]
    print("| table | rows | task | seeds | ours | " + " | ".join(names) + " | ratio | s | MiB |\n| --- | ---: | --- | ---: |" + " ---: |" * (len(names) + 4))
    ratios = []
    for name in TABLES:
        of = [line for line in lines if line["table"] == name]
        if not of:
            continue
        mean = np.mean([line["ours"] for line in of])
        each = [np.mean([line["peers"][peer]["loss"] for line in of]) for peer in names]
        ratios.append(mean / min(each))
        print(f"| {name} | {of[0]['rows']:,} | {of[0]['task']} | {len(of)} | {mean:.4g} | " + " | ".join(f"{value:.4g}" for value in each)
              + f" | {ratios[-1]:.3f} | {np.mean([line['seconds'] for line in of]):.1f} | {max(line['mib'] for line in of)} |")
    print(f"\nGeometric mean of the ratios: {np.exp(np.mean(np.log(ratios))):.3f}; largest {max(ratios):.3f}.")


def main():
    out, mlops = pathlib.Path(sys.argv[1]), sys.argv[2:]
    out.mkdir(parents=True, exist_ok=True)
    results = out / "results.jsonl"
    lines = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    done = {(line["table"], line["seed"]) for line in lines}
    for name in os.environ.get("QUALITY_TABLES", ",".join(TABLES)).split(","):
        for seed in range(1, int(os.environ.get("QUALITY_SEEDS", "5")) + 1):
            if (name, seed) in done:
                continue
            line = measure(mlops, out, name, seed)
            lines.append(line)
            with results.open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(f"{name} {seed}: {line['ours']:.4g}, " + ", ".join(f"{peer} {value['loss']:.4g}" for peer, value in line["peers"].items()), file=sys.stderr)
    table(lines)


main()
