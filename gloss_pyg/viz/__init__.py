"""Pictures of graphs of documents, on networkx and matplotlib.

| function | shows |
|---|---|
| `draw_batch_graph` | documents by class, seen and hidden labels, wrong inferences, the strongest edges |
| `label_flow`, `draw_flow` | for one document, which labelled documents its label came from, and how much each gave |

Each takes any `Data` with `edge_index`, ours or one of PyG's own data sets, or what `GLoss.propagate` returns, and
gives matplotlib's axes, in a new figure or in those handed over as `ax`. `save_picture(ax, path)` writes it; pyplot is
not needed. `python -m gloss_pyg.viz` draws from a saved model and a data set.
"""

from gloss_pyg.viz.batch_graph import draw_batch_graph, positions_of
from gloss_pyg.viz.flow import LabelFlow, Source, label_flow
from gloss_pyg.viz.flow_picture import draw_flow
from gloss_pyg.viz.layout import node_positions
from gloss_pyg.viz.looks import save_picture
from gloss_pyg.viz.view import GraphView, view

__all__ = [
    "GraphView",
    "LabelFlow",
    "Source",
    "draw_batch_graph",
    "draw_flow",
    "label_flow",
    "node_positions",
    "positions_of",
    "save_picture",
    "view",
]
