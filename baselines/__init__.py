"""The methods that G-Loss is compared with, on the same splits, by the same rules.

| name | what it is | sees the test texts |
|---|---|---|
| `corpus_graph.CorpusGraph` | the graph over documents and words that the graph methods share | by choice |
| `textgcn.TextGCN` | two graph convolutions over it | by choice, as published |
| `sgc.SGC` | logistic regression after two propagations over it | by choice, as published |
| `bertgcn.BertGCN` | an encoder and a graph convolution over its embeddings, trained as one | by choice, as published |
| `bertgcn.BertGAT` | the same with graph attention | by choice, as published |
| `tfidf.TfidfLinear` | TF-IDF with logistic regression or a linear support vector machine | no |
| `probe.LinearProbe` | logistic regression on the embeddings of a frozen encoder | no |
| `probe.NearestNeighbours` | the most similar training documents by those embeddings | no |
| `frozen_propagation.FrozenPropagation` | labels spread over the k-NN graph of those embeddings | no |

They import `gloss_pyg`; nothing there imports them: `python -m gloss_pyg.compare` finds them by class path, as in
`class_path: baselines.textgcn.TextGCN`.
"""
