"""PyG's transforms as graph steps: which of them break a graph with learned weights, and why.

Refused when a `Compose` or a `GLoss` is made, wherever the type or its arguments tell; what a step does that nobody can
tell beforehand is found in its result (`gloss_pyg.graph.checks`). Whatever is not refused works and keeps the gradient
(`AddSelfLoops`, `ToUndirected(reduce="mean")`, `GCNNorm`, `NormalizeFeatures` before a rule) or leaves the graph as it
is (encodings, splits).
"""

from torch import nn
from torch_geometric import transforms as pyg

from gloss_pyg.errors import ConfigError
from gloss_pyg.graph.base import GraphRule, GraphStep
from gloss_pyg.graph.top_k import TopK

_CHANGES_DOCUMENTS = (
    "it changes which nodes there are, and a loss needs a row for each document of the batch. A document without an "
    "edge does no harm: propagation gives it a zero row, and it does not count"
)
_READS_POSITIONS = "it reads data.pos, and embeddings are data.x"
_DROPS_EDGE_LIST = "it puts another form of the graph in the place of edge_index"
_WANTS_TYPES = "it is for graphs with several node types"

_REFUSED: dict[str, str] = {
    "GDC": (
        "it reads no edge_weight, gives edge_attr without a gradient, and leaves an edge_weight that belongs to other "
        "edges. Diffuse in the propagation layer instead, where the gradient passes"
    ),
    "RandomLinkSplit": "it returns three graphs. Labels are hidden by GLoss itself (labelled_fraction)",
    "KNNGraph": f"{_READS_POSITIONS}. Use KNNGaussian or MutualKNNGaussian, whose weights have a gradient",
    "RadiusGraph": f"{_READS_POSITIONS}. Use EpsilonGaussian, whose weights have a gradient",
    "TwoHop": "it adds edges to edge_index and none to edge_weight",
    "AddLaplacianEigenvectorPE": "it works in numpy, which takes no weights with a gradient",
    "ComposeFilters": "it answers yes or no and returns no graph",
    "ToDense": _DROPS_EDGE_LIST,
    "ToSparseTensor": _DROPS_EDGE_LIST,
    "AddMetaPaths": _WANTS_TYPES,
    "AddRandomMetaPaths": _WANTS_TYPES,
    **dict.fromkeys(
        (
            *("FixedPoints", "HalfHop", "LargestConnectedComponents", "LineGraph", "Pad", "RemoveIsolatedNodes"),
            "VirtualNode",
        ),
        _CHANGES_DOCUMENTS,
    ),
    **dict.fromkeys(
        (
            *("Cartesian", "Center", "Delaunay", "Distance", "FaceToEdge", "GenerateMeshNormals", "GridSampling"),
            *("LinearTransformation", "LocalCartesian", "NormalizeRotation", "NormalizeScale", "PointPairFeatures"),
            *("Polar", "RandomFlip", "RandomJitter", "RandomRotate", "RandomScale", "RandomShear", "SamplePoints"),
            *("Spherical", "ToSLIC"),
        ),
        _READS_POSITIONS,
    ),
}
# These work on edges, so that a rule after them would undo what they did.
_ON_EDGES = (
    *(GraphRule, TopK, pyg.AddSelfLoops, pyg.AddRemainingSelfLoops, pyg.RemoveSelfLoops, pyg.RemoveDuplicatedEdges),
    *(pyg.ToUndirected, pyg.GCNNorm),
)


def check_steps(step: object) -> None:
    """Refuse what is known to break the graph, in a step and in the steps that it is composed of.

    Raises:
        ConfigError: with the reason, and what to do instead.

    Example:
        >>> from torch_geometric.transforms import ToUndirected
        >>> check_steps(ToUndirected(reduce="mean"))  # its default would double every weight
    """
    steps = _flat(step)
    for each in steps:
        _check(each)
    last = max((position for position, each in enumerate(steps) if isinstance(each, GraphRule)), default=0)
    for each in steps[:last]:
        if isinstance(each, _ON_EDGES):
            raise ConfigError(
                f"{type(each).__name__} stands before {type(steps[last]).__name__}, which replaces all edges: put it "
                "after the rule, or leave it out."
            )


def _flat(step: object) -> list[object]:
    """The steps in order, those of a Compose, ours or PyG's, in its place."""
    parts = getattr(step, "transforms", None) if isinstance(step, GraphStep | pyg.Compose) else None
    if parts is None:
        return [step]
    if isinstance(step, pyg.Compose):
        for part in parts:
            if isinstance(part, nn.Module) and part.state_dict():
                raise ConfigError(
                    f"PyG's Compose hides the parameters and fitted values of {type(part).__name__} from torch: they "
                    "would be neither trained nor saved. Use gloss_pyg.graph.Compose."
                )
    return [each for part in parts for each in _flat(part)]


def _check(step: object) -> None:
    name = type(step).__name__
    if type(step) is getattr(pyg, name, None) and name in _REFUSED:
        raise ConfigError(f"{name} does not work on a graph of embeddings: {_REFUSED[name]}.")
    if isinstance(step, pyg.ToUndirected) and step.reduce not in ("mean", "max", "min"):
        raise ConfigError(
            f"ToUndirected(reduce={step.reduce!r}) joins the two directions that our rules already give, and so "
            f"{'doubles' if step.reduce in ('add', 'sum') else 'changes'} every weight. Give reduce='mean'."
        )
    if isinstance(step, pyg.AddSelfLoops | pyg.AddRemainingSelfLoops | pyg.RemoveSelfLoops):
        moved = [step.attr]
    elif isinstance(step, pyg.RemoveDuplicatedEdges):
        moved = step.keys
    else:
        return
    if "edge_weight" not in moved:
        raise ConfigError(
            f"{name} on {moved} changes the edges and leaves edge_weight behind: give {name}('edge_weight')."
        )
