"""`python -m gloss_pyg.compare`: methods x data sets x seeds, in one table.

| file | what it holds |
|---|---|
| `__main__.py` | the command: from its arguments to its exit status |
| `configuration.py` | the fields of a comparison, and where configurations are found |
| `command_line.py`, `explain.py` | arguments and YAML into typed fields, and errors in them as one sentence |
| `splits.py` | the documents of a cell |
| `identity.py` | the digest of everything that determines a cell's result |
| `cell.py`, `hardware.py` | one fit and what is recorded of it |
| `results.py` | the folder of cells: claims, records, `results.jsonl` |
| `grid.py` | which cell comes next, also beside other runs of the same command |
| `forecast.py`, `display.py` | time left, and what is seen meanwhile |
| `table.py`, `curves.py` | the end: mean, sd and n; validation score against steps |
| `report/` | all of it as a page, Markdown and LaTeX |
| `statistics/` | which differences hold, which are noise, and what it would take to tell |

Nothing is imported here, so that a wrong name is answered before torch is loaded.
"""
