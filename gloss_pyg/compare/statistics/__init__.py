"""Is a difference real? Statistics of a comparison's test predictions, from the extra `stats`.

    cells = read_run(results, cells)     # or [read_folder(path) for path in ...]
    found = compare_run(cells)
    found.sentences(Verdict.HOLDS)

| file | what it holds |
|---|---|
| `predictions.py` | cells read and laid side by side, document by document; what is no pair is refused |
| `bootstrap.py` | scores of documents drawn again; the exact bootstrap of accuracy |
| `intervals.py` | intervals and the test over documents, seeds and both |
| `paired.py` | McNemar's mid-p test, and its form for several seeds |
| `ranks.py` | Wilcoxon, Friedman, Nemenyi |
| `multiple.py`, `effects.py`, `power.py` | Holm's correction; effect sizes; how many seeds or documents it would take |
| `pair.py`, `verdict.py` | two methods on one data set: what is measured, and what may be said of it |
| `over_data_sets.py`, `diagram.py` | all methods over all data sets, and the critical-difference diagram |
| `run.py`, `finished.py` | all of it for a run; the predictions of one that was made in this process |
"""
