"""The tables of the quality benchmark: those that scikit-learn ships, and made ones whose law is known. Each is a function of its name alone."""
import numpy as np
import pandas as pd
from sklearn import datasets


def shipped(loader, target):
    frame = loader(as_frame=True).frame
    return frame.rename(columns={"target": target})


def made(x, y, names=None):
    frame = pd.DataFrame(x, columns=names or [f"x{i}" for i in range(x.shape[1])]).round(6)
    frame["y"] = y
    return frame


def diabetes():
    return shipped(datasets.load_diabetes, "y"), {}


def breast_cancer():
    return shipped(datasets.load_breast_cancer, "y"), {}


def friedman1():
    return made(*datasets.make_friedman1(2_000, n_features=10, noise=1.0, random_state=1)), {}


def friedman2_small():
    return made(*datasets.make_friedman2(400, noise=100.0, random_state=2)), {}


def linear_wide():
    return made(*datasets.make_regression(300, 30, n_informative=10, noise=40.0, random_state=3)), {}


def heavy_tails():
    random = np.random.default_rng(4)
    x = random.lognormal(0, 1, (3_000, 6))
    return made(x, np.exp(0.5 * np.log(x[:, 0]) + 0.3 * np.sin(x[:, 1]) + 0.4 * random.standard_t(3, 3_000))), {}


def categories():
    random = np.random.default_rng(5)
    city = random.zipf(1.4, 6_000).clip(max=300)
    effect = random.normal(0, 3, 301)
    kind = random.choice(["flat", "house", "studio"], 6_000)
    size = random.uniform(20, 200, 6_000)
    y = effect[city] + size * np.where(kind == "house", 0.05, 0.03) + random.normal(0, 1, 6_000)
    frame = pd.DataFrame({"city": [f"c{c}" for c in city], "kind": kind, "size": size.round(1), "y": y})
    return frame, {}


def missing():
    random = np.random.default_rng(6)
    x = random.normal(0, 1, (3_000, 8))
    y = x[:, 0] * 2 + np.where(x[:, 1] > 0, x[:, 2], -x[:, 2]) + random.normal(0, 0.5, 3_000)
    hole = random.uniform(size=x.shape) < 0.15
    return made(np.where(hole, np.nan, x), y), {}


def one_percent():
    x, y = datasets.make_classification(
        20_000, 12, n_informative=6, weights=[0.99], flip_y=0.002, class_sep=0.8, random_state=7)
    return made(x, y), {}


def classes_small():
    x, y = datasets.make_classification(600, 15, n_informative=5, n_redundant=3, flip_y=0.1, class_sep=0.7, random_state=8)
    return made(x, y), {}


def by_time():
    random = np.random.default_rng(9)
    hours = np.arange(4_000)
    load = 50 + 0.004 * hours + 12 * np.sin(hours / 24 * 2 * np.pi) + 6 * np.sin(hours / 168 * 2 * np.pi)
    temperature = 10 + 8 * np.sin(hours / 2_000 * 2 * np.pi) + random.normal(0, 2, 4_000)
    y = load + 0.8 * np.abs(temperature - 15) + random.normal(0, 2, 4_000)
    start = pd.Timestamp("2025-01-01")
    frame = pd.DataFrame({
        "at": [(start + pd.Timedelta(hours=int(h))).strftime("%Y-%m-%d %H:%M:%S") for h in hours],
        "hour": hours % 24, "weekday": hours // 24 % 7, "temperature": temperature.round(2), "y": y})
    return frame, {"time": "at"}


def grouped():
    random = np.random.default_rng(10)
    person = np.repeat(np.arange(150), 16)
    bias = random.normal(0, 1.0, 150)
    x = random.normal(0, 1, (2_400, 5)) + 0.5 * bias[person][:, None]
    y = (x[:, 0] * x[:, 1] + x[:, 2] + bias[person] + random.normal(0, 0.7, 2_400) > 0.5).astype(int)
    frame = made(x, y)
    frame["person"] = [f"p{p}" for p in person]
    return frame, {"group": "person"}


def large():
    random = np.random.default_rng(11)
    x = random.normal(0, 1, (100_000, 10))
    y = np.sin(x[:, 0] * 2) + x[:, 1] * x[:, 2] + 0.5 * np.abs(x[:, 3]) + random.normal(0, 0.5, 100_000)
    return made(x, y), {}


def sparse_rule():
    random = np.random.default_rng(12)
    x = random.integers(0, 5, (1_500, 8))
    y = (((x[:, 0] == 3) & (x[:, 1] > 2)) | ((x[:, 2] == 0) & (x[:, 3] < 2)) ^ (random.uniform(size=1_500) < 0.05)).astype(int)
    return made(x.astype(float), y), {}


def named(frame):
    return frame.assign(y=[f"class {y}" for y in frame["y"]]), {}


def iris():
    return named(shipped(datasets.load_iris, "y"))


def wine():
    return named(shipped(datasets.load_wine, "y"))


def digits():
    return named(shipped(datasets.load_digits, "y"))


def six_classes():
    return named(made(*datasets.make_classification(
        5_000, 20, n_informative=8, n_redundant=4, n_classes=6, n_clusters_per_class=2, flip_y=0.03, class_sep=1.0, random_state=13)))


def rare_classes():
    random = np.random.default_rng(14)
    kind = random.choice(12, 8_000, p=np.array([2.0 ** -i for i in range(12)]) / sum(2.0 ** -i for i in range(12)))
    centre = random.normal(0, 1, (12, 6))
    x = centre[kind] + random.normal(0, 1.0, (8_000, 6))
    frame = made(x, kind)
    frame["shop"] = [f"s{(k + s) % 9}" for k, s in zip(kind, random.integers(0, 4, 8_000))]
    return named(frame)


TABLES = {maker.__name__: maker for maker in [
    diabetes, breast_cancer, friedman1, friedman2_small, linear_wide, heavy_tails, categories, missing, one_percent, classes_small, by_time, grouped,
    large, sparse_rule, iris, wine, digits, six_classes, rare_classes]}
