"""The least cost of each problem, by two solvers that know nothing of this project."""

import json
import sys

import numpy as np
import ot
from scipy.optimize import linear_sum_assignment

found = []
for problem in json.load(open(sys.argv[1])):
    rows, columns, capacity = problem["rows"], problem["columns"], problem["capacity"]
    costs = np.array(problem["costs"], dtype=np.float64).reshape(rows, columns)
    # Every column stands for as many places as it has.
    places = np.repeat(costs, capacity, axis=1)
    assigned = linear_sum_assignment(places)
    # A row without cost takes the places that are left over.
    supply = np.append(np.ones(rows), columns * capacity - rows) / rows
    demand = np.full(columns, capacity / rows)
    padded = np.vstack([costs, np.zeros(columns)])
    found.append({
        "assignment": places[assigned].sum() / rows,
        "transport": ot.emd2(supply, demand, padded, numItermax=10_000_000),
    })
print(json.dumps(found))
