"""What `python -m gloss_pyg.tune --help` prints; nothing heavy is imported for it."""

HELP = """usage: python -m gloss_pyg.tune [--config NAME_OR_FILE] [--FIELD=VALUE ...]

Searches the arguments of methods by their validation scores, with as many trials for each, and writes a configuration
for python -m gloss_pyg.compare. Test labels are never read. What is finished is kept in --output; the same command
goes on from there, and may run several times at once.

A configuration (default tuning/bbc) has the fields of one of python -m gloss_pyg.compare, and beside them:

  search:                    for each method the ranges of its arguments; by default what its class declares
    g-loss:
      learning_rate: {choices: [1e-5, 3e-5]}
      loss.graph_loss.graph.sigma: {low: 0.1, high: 10, log: true}

  --trials=NUMBER            fits a method and data set; default 15
  --sampler-seed=NUMBER      of Optuna's TPE sampler; default 42
  --fit-seed=NUMBER          of the fits and of the draw of labelled documents; default 0
  --prune=true|false         end a fit whose validation score is below the median of earlier ones; default true
  --data, --data.FIELD, --methods.NAME.ARGUMENT, --seeds (those of the comparison to come), --output, --workers,
  --max-hours, --dry-run     see python -m gloss_pyg.compare --help

Example: python -m gloss_pyg.tune --config tuning/bbc --trials=5 --workers=2

Exit status: 0 all finished, 1 trials failed, 2 something given cannot work, 3 trials are left for want of time, 130
stopped by Ctrl-C.
"""
