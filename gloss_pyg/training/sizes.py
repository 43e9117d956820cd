"""Sizes that learned parts of a loss take from the model: the embeddings' width and the number of classes."""

from torch import nn

from gloss_pyg.encoder import TextEncoder
from gloss_pyg.graph import Sized
from gloss_pyg.graph.sized import check_sized


def set_sizes(loss: nn.Module, model: nn.Module) -> None:
    """Make the parameters of a loss whose width was left open, and refuse those made for other sizes.

    For a training script of your own, once before the optimiser is made; our commands and `trainer_loss` do it.

    Args:
        loss: A loss with any number of layers and rules in it, `AttentionPropagation()` or `MultiHeadEdges()` say.
        model: The model to be trained: a `TextEncoder`, or one of Hugging Face for sequence classification.

    Raises:
        ConfigError: for a part that was made for another width or number of classes; for one that needs sizes where the
            model's configuration does not say them.

    Example:
        >>> from gloss_pyg import GLoss, TextEncoder
        >>> from gloss_pyg.propagation import AttentionPropagation
        >>> loss = GLoss(propagation=AttentionPropagation())
        >>> set_sizes(loss, TextEncoder.from_encoder("random-tiny", ["good", "bad"]))
        >>> loss.propagation.dim
        64
    """
    dim: int | None
    num_classes: int | None
    model = inner_model(model)
    if isinstance(model, TextEncoder):
        dim, num_classes = model.classifier.in_features, model.classifier.out_features
    else:
        config = getattr(model, "config", None)
        dim, num_classes = getattr(config, "hidden_size", None), getattr(config, "num_labels", None)
    tell_sizes(loss, dim, num_classes)


def inner_model(model: nn.Module) -> nn.Module:
    """The model inside a wrapper of PEFT, whose forward takes all that its model's takes; any other as it is."""
    base = getattr(model, "get_base_model", None)
    found: nn.Module = base() if callable(base) else model
    return found


def tell_sizes(loss: nn.Module, dim: int | None, num_classes: int | None) -> None:
    """Tell every part; parts that can do without are not told what is not known."""
    for part in loss.modules():
        if not isinstance(part, Sized):
            continue
        if dim is not None and num_classes is not None:
            part.set_sizes(dim, num_classes)
        else:
            check_sized(part)
