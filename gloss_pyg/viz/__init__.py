"""Pictures of graphs of documents, on networkx and matplotlib.

| function | shows |
|---|---|
| `draw_batch_graph` | documents by class, seen and hidden labels, wrong inferences, the strongest edges |
| `label_flow`, `draw_flow` | for one document, which labelled documents its label came from, and how much each gave |
| `draw_weights`, `draw_spectrum` | the weights as a matrix ordered by class; the Laplacian's eigenvalues |
| `draw_distances`, `draw_embeddings` | distances within and between classes beside sigma; PCA, t-SNE, UMAP |
| `draw_moments`, `animate` | the same documents at several moments of training, with propagated probabilities |
| `suspicious_labels`, `draw_suspicious` | labels that contradict their neighbours, with the evidence |
| `to_networkx`, `save_graph`, `load_graph` | the graph for other programs: networkx, GraphML, GEXF, JSON |
| `save_page` | the graph as an HTML page: zoom, hover, search, a slider over moments (extra `viz`) |
| `DrawEvery` | a callback of the Trainer that draws one fixed batch every few steps |

Each takes any `Data` with `edge_index`, ours or one of PyG's own data sets, or what `GLoss.propagate` returns, and
gives matplotlib's axes, in a new figure or in those handed over as `ax`. `save_picture(ax, path)` writes it; pyplot is
not needed. `python -m gloss_pyg.viz` draws from a saved model and a data set.
"""

from gloss_pyg.viz.batch_graph import draw_batch_graph, positions_of
from gloss_pyg.viz.callback import DrawEvery
from gloss_pyg.viz.distance_picture import draw_distances
from gloss_pyg.viz.embedding_picture import draw_embeddings
from gloss_pyg.viz.export import load_graph, save_graph, to_networkx
from gloss_pyg.viz.flow import LabelFlow, Source, label_flow
from gloss_pyg.viz.flow_picture import draw_flow
from gloss_pyg.viz.layout import node_positions
from gloss_pyg.viz.looks import save_picture
from gloss_pyg.viz.matrix_pictures import draw_spectrum, draw_weights
from gloss_pyg.viz.moments import animate, draw_moments
from gloss_pyg.viz.page import save_page
from gloss_pyg.viz.suspicious import Neighbour, Suspect, Suspicion, suspicious_labels
from gloss_pyg.viz.suspicious_picture import draw_suspicious
from gloss_pyg.viz.view import GraphView, view

__all__ = [
    "DrawEvery",
    "GraphView",
    "LabelFlow",
    "Neighbour",
    "Source",
    "Suspect",
    "Suspicion",
    "animate",
    "draw_batch_graph",
    "draw_distances",
    "draw_embeddings",
    "draw_flow",
    "draw_moments",
    "draw_spectrum",
    "draw_suspicious",
    "draw_weights",
    "label_flow",
    "load_graph",
    "node_positions",
    "positions_of",
    "save_graph",
    "save_page",
    "save_picture",
    "suspicious_labels",
    "to_networkx",
    "view",
]
