"""What a propagation layer promises, a line each, with the usual cause where one is broken and how to mend it.

The messages of the kit and the table of `docs/write-a-layer.md` are made of these sentences.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Promise:
    """One promise of a propagation layer.

    Attributes:
        sentence: What every layer keeps.
        cause: What usually breaks it, and how to mend that.
    """

    sentence: str
    cause: str


RUNS = Promise(
    "It runs on every graph: single nodes, no edges, no label seen, nothing hidden, one class, weights far apart.",
    "A maximum, a quotient or an index over something that may be empty: ask for the empty case first (a mask "
    "without a true entry, an edge_index of shape [2, 0]) and return zero scores there. Or a system that is "
    "singular where weights lie many orders of magnitude apart: divide by degrees first, or use the solvers of "
    "`gloss_pyg.propagation.solvers`.",
)
SHAPE = Promise(
    "The result is one row for each node, with a column for each class.",
    "Rows of the hidden nodes alone were returned, or a row too many was padded. Put the rows back in their "
    "places: `seeds.index_copy(0, hidden, rows)`.",
)
DTYPE = Promise(
    "The result has the number format of edge_weight (float32 where that is half precision) and lies on its device.",
    "A constant or a buffer of a fixed format or on a fixed device. Make tensors with "
    "`edge_weight.new_zeros(...)` or `torch.zeros(..., dtype=edge_weight.dtype, device=edge_weight.device)`.",
)
FINITE = Promise(
    "No entry is NaN or infinite.",
    "A division by a degree or a sum that can be zero, or a power of one. Divide only where the divisor is "
    "positive: `torch.where(d > 0, 1 / torch.where(d > 0, d, 1), 0)`.",
)
RANGE = Promise(
    "No entry is negative.",
    "`scores_are_probabilities = True` on scores of both signs. Set `signed = True` instead: the rows then go "
    "through a softmax.",
)
ROWS = Promise(
    "A row sums to 1 where a seed can be reached.",
    "`scores_are_probabilities = True` on scores whose rows do not sum to 1: remove it, and the base class "
    "divides the rows. Labels that travel a limited number of edges: say how many in the class attribute `hops`. "
    "Scores below zero, which are cut off: set `signed = True`. Or edges read backwards: they lead from row 0 to "
    "row 1.",
)
SILENT = Promise(
    "A row is exactly 0 where no seed can be reached.",
    "Something is added to every node alike: a prior, a bias, a small constant against a division by zero. Add it "
    "only where a label has arrived, and start iterations from zero.",
)
CLASSES = Promise(
    "A hidden node has a positive probability for just those classes of which a seed can be reached.",
    "`absorbing` says the wrong thing: True is for walks that stop at labelled nodes, False for labels that pass "
    "through them. Labels that travel a limited number of edges: say so in `hops`. Or classes are mixed, or small "
    "entries cut off. GLoss counts a document by this rule.",
)
KEPT = Promise(
    "An absorbing layer returns a labelled node's own label.",
    "Labelled rows were overwritten. Keep them: `torch.where(mask[:, None], seeds, received)`; or set `absorbing "
    "= False`.",
)
HIDDEN = Promise(
    "Labels of hidden nodes are never read, whatever they hold: NaN, infinity, class ids out of range.",
    "`forward` is overridden, or labels were stored elsewhere. Write `scores` alone: its `seeds` are zero outside "
    "the mask.",
)
UNTOUCHED = Promise(
    "The caller's tensors are never written to.",
    "An operation in place (`mul_`, `fill_`, `x[i] = ...`) on an argument or a view of one. Clone it first, or "
    "use the operation that returns a new tensor.",
)
REPEATABLE = Promise(
    "The same input gives the same result in eval mode, with or without gradients, whatever came before.",
    "Randomness in eval mode (use `torch.nn.functional.dropout(..., training=self.training)`), or something kept "
    "from an earlier graph under a key that does not tell graphs apart, such as their size.",
)
IDS = Promise(
    "Class ids give what the same labels give as one-hot rows, and no weights what weights of 1 give.",
    "`forward` is overridden. Write `scores` alone.",
)
NODES = Promise(
    "Nodes and edges in another order give the same rows in that order.",
    "Something depends on positions: `edge_index` taken for sorted, a fixed node, a sequential sweep, or row 0 "
    "and row 1 confused (edges lead from row 0 to row 1).",
)
COLUMNS = Promise(
    "Classes in another order give the same columns in that order (unless there are parameters for each class).",
    "A class is singled out, often the first or the last, or parameters are a class wide: then set "
    "`needs_num_classes = True`.",
)
SCALE = Promise(
    "A common factor of the weights changes nothing (unless `reads_scale = True`).",
    "Weights are used without being divided by degrees. Graph rules multiply them by a constant of their own "
    "where sigma is small, so divide by the degree (or a mean of degrees within the component), or set "
    "`reads_scale = True`.",
)
BATCH = Promise(
    "Several graphs in one batch give what each gives alone.",
    "A mean, a maximum, a softmax or a norm over all nodes or edges. Take it for each node or each connected "
    "component.",
)
CONNECTED = Promise(
    "A gradient leads to what the layer says that it is differentiable in, to seen labels and to its parameters.",
    "`detach`, `no_grad`, `argmax`, `.item()` or numpy on the way; or the result does not depend on it, and "
    "`through_weights` or `through_x` should be False. Without either the encoder cannot learn.",
)
GRADIENT = Promise(
    "The gradient equals finite differences, both directions of an edge moved together.",
    "A backward written by hand, a solver stopped early, a normalisation taken for a constant (`detach`), or a "
    "tensor changed in place after it was saved. Compare with the plain formula in float64.",
)
STEEP = Promise(
    "The gradient is finite, that of -log p included where p is tiny.",
    "`sqrt`, `log`, a power or a division at zero: its gradient is infinite even where `torch.where` hides the "
    "value. Replace the argument before the operation: `torch.where(d > 0, d, 1).sqrt()`.",
)
PRECISION = Promise(
    "float32, float16 and bfloat16 give what float64 gives, as far as their digits go.",
    "A difference of nearly equal numbers, or a threshold that fits one format only. Solve in float64, or use "
    "`torch.finfo(dtype).eps`; bring x into the format of the parameters.",
)
DEVICE = Promise(
    "An accelerator gives what the CPU gives.",
    "A tensor made on the CPU: pass `device=edge_weight.device`; a buffer that is not registered: `register_buffer`.",
)
STATE = Promise(
    "Its state is in parameters and buffers: copied, or loaded from a state_dict, it does the same.",
    "A tensor kept as a plain attribute, or something computed from the parameters and kept. Use "
    "`register_buffer`, and compute the rest in `scores`.",
)

PROMISES = (
    RUNS,
    SHAPE,
    DTYPE,
    FINITE,
    RANGE,
    ROWS,
    SILENT,
    CLASSES,
    KEPT,
    HIDDEN,
    UNTOUCHED,
    REPEATABLE,
    IDS,
    NODES,
    COLUMNS,
    SCALE,
    BATCH,
    CONNECTED,
    GRADIENT,
    STEEP,
    PRECISION,
    DEVICE,
    STATE,
)
