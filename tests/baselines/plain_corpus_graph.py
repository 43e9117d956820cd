"""The corpus graph once more, slowly: dictionaries, walking every window and every pair in it."""

import math
import re


def plain_clean(text):
    text = re.sub(r"[^A-Za-z0-9(),!?'`]", " ", text)
    for clitic in ("'s", "'ve", "n't", "'re", "'d", "'ll"):
        text = re.sub(clitic, f" {clitic}", text)
    for sign in ",!()?":
        text = text.replace(sign, f" {sign} ")
    return re.sub(r"\s{2,}", " ", text).strip().lower().split()


def plain_windows(documents, window):
    for words in documents:
        if len(words) <= window:
            yield words
        else:
            yield from (words[start : start + window] for start in range(len(words) - window + 1))


def plain_counts(documents, window):
    """Windows that hold each word, pairs of positions that hold each two words, and the number of windows."""
    holding, pairs, windows = {}, {}, 0
    for words in plain_windows(documents, window):
        windows += 1
        for word in set(words):
            holding[word] = holding.get(word, 0) + 1
        for i in range(1, len(words)):
            for j in range(i):
                if words[i] != words[j]:
                    for pair in ((words[i], words[j]), (words[j], words[i])):
                        pairs[pair] = pairs.get(pair, 0) + 1
    return holding, pairs, windows


def plain_pmi(documents, window, threshold=0.0):
    holding, pairs, windows = plain_counts(documents, window)
    pmi = {(a, b): math.log(n * windows / (holding[a] * holding[b])) for (a, b), n in pairs.items()}
    return {pair: value for pair, value in pmi.items() if value > threshold}


def plain_tf_idf(documents):
    containing = {}
    for words in documents:
        for word in set(words):
            containing[word] = containing.get(word, 0) + 1
    weights = {}
    for row, words in enumerate(documents):
        for word in words:
            weights[row, word] = weights.get((row, word), 0) + 1
    weighted = {(row, word): n * math.log(len(documents) / containing[word]) for (row, word), n in weights.items()}
    return {key: value for key, value in weighted.items() if value != 0}


def plain_graph(texts, *, window=20, min_count=1, stop_words=(), threshold=0.0):
    """Weights by (document number or word, document number or word), both directions."""
    documents = [plain_clean(text) for text in texts]
    counts = {}
    for words in documents:
        for word in words:
            counts[word] = counts.get(word, 0) + 1
    documents = [[w for w in words if counts[w] >= min_count and w not in stop_words] for words in documents]
    weights = dict(plain_pmi(documents, window, threshold))
    for (row, word), value in plain_tf_idf(documents).items():
        weights[row, word] = weights[word, row] = value
    return weights
