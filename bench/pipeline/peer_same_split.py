#!/usr/bin/env python3
"""Trains the peer's model (xgboost, hist, 100 rounds, 31 leaves, rate 0.1) on the very rows this project trained on and validates it on the same.

usage: peer_same_split.py TRAIN.csv VALIDATION.csv TARGET cat,cats    prints the validation RMSE
"""
import sys

import numpy as np
import pandas as pd
import xgboost as xgb

train, validation, target, cats = pd.read_csv(sys.argv[1]), pd.read_csv(sys.argv[2]), sys.argv[3], sys.argv[4].split(",")
features = [column for column in train.columns if column != target]


def encode(table):
    return pd.get_dummies(table[features], columns=cats)


x = encode(train)
v = encode(validation).reindex(columns=x.columns, fill_value=0)
parameters = dict(objective="reg:squarederror", tree_method="hist", grow_policy="lossguide", max_leaves=31, max_depth=0, eta=0.1, nthread=2)
model = xgb.train(parameters, xgb.DMatrix(x, train[target]), 100)
print(float(np.sqrt(((model.predict(xgb.DMatrix(v)) - validation[target]) ** 2).mean())))
