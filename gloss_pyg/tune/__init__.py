"""Tuning: the arguments of methods searched by their validation scores, with as many trials for each.

`python -m gloss_pyg.tune --config tuning/bbc`; what a method can be tuned over it declares itself
(`Method.search_space`), or the configuration says. Needs the extra "tune" (Optuna).
"""
