"""The formulas written plainly, in float64, by loops: what the tests of graphs, propagation and losses compare with."""

import math

import numpy as np


def unit(x):
    """Rows divided by their length; a zero row stays zero."""
    x = np.asarray(x, dtype=np.float64)
    return np.array([row / math.sqrt(sum(v * v for v in row)) if any(row) else row for row in x]).reshape(x.shape)


def distances(x):
    """Euclidean distances of unit rows."""
    rows = unit(x)
    return np.array([[math.sqrt(sum((a - b) ** 2 for a, b in zip(p, q, strict=True))) for q in rows] for p in rows])


def gaussian(x, sigma):
    """`exp(-d^2 / (2 sigma^2))`, zero on the diagonal."""
    weights = np.exp(-(distances(x) ** 2) / (2 * sigma**2))
    np.fill_diagonal(weights, 0)
    return weights


def student_t(x, sigma, nu):
    """`(1 + d^2 / (nu sigma^2))^(-(nu + 1) / 2)`, zero on the diagonal."""
    d, n = distances(x), len(x)
    return np.array(
        [
            [(1 + d[i, j] ** 2 / (nu * sigma**2)) ** (-(nu + 1) / 2) if i != j else 0.0 for j in range(n)]
            for i in range(n)
        ]
    ).reshape(n, n)


def cosine(x, power):
    """`max(0, cos)^power`, zero on the diagonal."""
    rows, n = unit(x), len(x)
    return np.array(
        [
            [max(0.0, sum(a * b for a, b in zip(rows[i], rows[j], strict=True))) ** power if i != j else 0.0]
            for i in range(n)
            for j in range(n)
        ]
    ).reshape(n, n)


def nearest(d, k):
    """For each row the set of the k nearest others, ties by index."""
    return [
        {j for _, j in sorted((float(np.float32(d[i, j])), j) for j in range(len(d)) if j != i)[:k]}
        for i in range(len(d))
    ]


def keep_mutual(weights, d, k):
    """Entries of pairs of which each is among the k nearest of the other."""
    near, n = nearest(d, k), len(d)
    return np.array([[weights[i, j] if j in near[i] and i in near[j] else 0 for j in range(n)] for i in range(n)])


def keep_nearer(weights, d, epsilon):
    """Entries of pairs nearer than epsilon."""
    n = len(d)
    return np.array([[weights[i, j] if d[i, j] < epsilon else 0 for j in range(n)] for i in range(n)])


def keep_strongest(weights, k):
    """Entries that are among the k largest of their row or column, ties by index."""
    return keep_nearest(weights, -np.asarray(weights), k)


def keep_nearest(weights, d, k):
    """Entries of pairs of which one is among the k nearest of the other, ties by index."""
    near, n = nearest(d, k), len(d)
    return np.array([[weights[i, j] if j in near[i] or i in near[j] else 0 for j in range(n)] for i in range(n)])


def transition(weights):
    """The published transition: symmetric normalisation, columns by their sums, then rows by theirs."""
    w = np.asarray(weights, dtype=np.float64)
    n = len(w)
    degree = w.sum(axis=1)
    a = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if w[i, j] > 0 and degree[i] > 0 and degree[j] > 0:
                a[i, j] = w[i, j] / math.sqrt(degree[i] * degree[j])
    for j in range(n):
        if a[:, j].sum() > 0:
            a[:, j] = a[:, j] / a[:, j].sum()
    for i in range(n):
        if a[i].sum() > 0:
            a[i] = a[i] / a[i].sum()
    return a


def reachable(weights, mask):
    """Nodes to which a path from a seed leads; seeds themselves included."""
    found = list(np.flatnonzero(mask))
    seen = set(found)
    while found:
        j = found.pop()
        for i in np.flatnonzero(np.asarray(weights)[:, j] > 0):
            if int(i) not in seen:
                seen.add(int(i))
                found.append(int(i))
    return np.array([i in seen for i in range(len(mask))])


def propagate(weights, seeds, mask):
    """`(I - T_UU)^-1 T_UL Y_L`; zero rows for nodes that no seed reaches."""
    t, mask = transition(weights), np.asarray(mask, dtype=bool)
    y = np.where(mask[:, None], np.asarray(seeds, dtype=np.float64), 0)
    u = np.flatnonzero(~mask & reachable(weights, mask))
    result = y.copy()
    result[u] = np.linalg.solve(np.eye(len(u)) - t[np.ix_(u, u)], t[u] @ y)
    return result


def one_hot(labels, num_classes):
    """Rows of the labels, zero for negative ones."""
    return np.array([[float(label == c) for c in range(num_classes)] for label in labels]).reshape(-1, num_classes)


def graph_loss(weights, labels, mask, num_classes):
    """Mean of `-log p[y]` over the hidden documents that a seed of their class reaches, not passing other seeds."""
    seen = [bool(m) and label >= 0 for m, label in zip(mask, labels, strict=True)]
    p = propagate(weights, one_hot(labels, num_classes), seen)
    terms = [
        -math.log(p[i, label]) for i, label in enumerate(labels) if label >= 0 and not seen[i] and p[i, label] > 1e-300
    ]
    return sum(terms) / len(terms) if terms else 0.0


def dense(edge_index, edge_weight, n):
    """`W[i, j]`, the weight of the edge from `j` to `i`, summed over repeated edges."""
    w = np.zeros((n, n))
    for (j, i), value in zip(edge_index.T.tolist(), edge_weight.tolist(), strict=True):
        w[i, j] += value
    return w
