"""The methods that G-Loss is compared with, on the same splits, by the same rules.

| name | what it is | sees the test texts |
|---|---|---|
| `CorpusGraph` | the graph over documents and words that the graph methods share | by choice |

They import `gloss_pyg`; nothing there imports them: `python -m gloss_pyg.compare` finds them by class path, as in
`class_path: baselines.textgcn.TextGCN`.
"""
