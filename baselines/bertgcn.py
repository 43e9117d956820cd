"""BertGCN and BertGAT: an encoder and a graph network over the whole corpus, trained together."""

from pathlib import Path
from typing import Any, final

from baselines.corpus_graph import CorpusGraph
from baselines.graph_attention import GAT
from baselines.graph_network import GCN, GraphNetwork
from baselines.joint_method import JointMethod
from baselines.joint_training import Batches
from gloss_pyg.errors import ConfigError
from gloss_pyg.methods import FineTuning


@final
class BertGCN(JointMethod):
    r"""An encoder whose embeddings are the document features of a graph convolution over the corpus graph.

    .. math:: p = m\, \mathrm{softmax}(\mathrm{GCN}(X, A)) + (1 - m)\, \mathrm{softmax}(\mathrm{linear}(x))

    `X` holds the embeddings of all documents in a memory bank. A step computes those of its own documents anew, with
    gradient, writes them into the bank and takes the others as they are; after each epoch the whole bank is made anew.
    The loss is `-log p` of the labelled training documents of the batch. The epoch with the best validation accuracy
    is kept. Where training documents are few beside the others, `batches: labelled` makes epochs that much shorter.

    Documents of a transductive graph are predicted as its nodes; any other text is attached to the graph's words
    alone, with its own embedding as its features.

    Args:
        graph: How the graph is made; by default as published. With `transductive: false` it holds the training texts
            alone, and validation and test texts are attached.
        fine_tuning: The fine-tuning that the encoder starts from, which says encoder, pooling and length of texts; it
            is done at each fit, and its time counted in the set-up. By default `FineTuning()`, plain cross-entropy.
        checkpoint: Folder of a fine-tuned encoder, as `FineTuning.save` writes it, in place of `fine_tuning`.
        mix: `m`, the share of the graph network.
        hidden: Columns of its hidden layer.
        dropout: Share of the hidden numbers that a step leaves out.
        batches: `all` documents of the graph in turn, as published, or `labelled` ones only.
        batch_size: Documents a step.
        learning_rate: Of Adam, for encoder and linear classifier.
        graph_learning_rate: Of Adam, for the graph network.
        warm_up_steps: Steps of the graph network alone before the first epoch, on all labelled documents at once and
            the embeddings that the encoder starts with; by default none, as published. They cost a small part of an
            epoch's time. With few epochs they are needed: a network that has learnt little more than how frequent the
            classes are has `m` of 0.7 against a fine-tuned classifier, and spoils what that knew.
        max_epochs: Passes over the documents of `batches`.
        decay_epoch: Epochs after which both learning rates are a tenth.
        choose_mix: Whether the share that the graph network has in what is kept and predicted is chosen at each
            validation, from 0 to 1 in tenths, the one nearest to `mix` among equals; training goes by `mix`. The start
            is then validated as well, so that a graph which does not help leaves the encoder as it was fine-tuned.
            Not published; for few labels, of which a network learns little.

    Raises:
        ConfigError: for settings that cannot work together or out of range.

    Source: Lin et al., Findings of ACL 2021 (arXiv 2105.05727), equations 3 to 7; settings of section 4 and of the
    published code, the mean or first token of the encoder as its fine-tuning pools them.

    Example:
        >>> BertGCN(fine_tuning=FineTuning(model="random-tiny")).transductive
        True
    """

    def __init__(
        self,
        graph: CorpusGraph | None = None,
        fine_tuning: FineTuning | None = None,
        checkpoint: Path | None = None,
        mix: float = 0.7,
        hidden: int = 200,
        dropout: float = 0.5,
        batches: Batches = "all",
        batch_size: int = 64,
        learning_rate: float = 1e-5,
        graph_learning_rate: float = 1e-3,
        warm_up_steps: int = 0,
        max_epochs: int = 50,
        decay_epoch: int = 30,
        choose_mix: bool = False,
    ) -> None:
        super().__init__(
            graph,
            fine_tuning,
            checkpoint,
            mix,
            hidden,
            dropout,
            batches,
            batch_size,
            learning_rate,
            graph_learning_rate,
            warm_up_steps,
            max_epochs,
            decay_epoch,
            choose_mix,
        )

    def make_network(self, features: int, num_classes: int) -> GraphNetwork:
        """See `JointMethod.make_network`."""
        return GCN(features, self.hidden, num_classes, self.dropout)

    def settings(self) -> dict[str, Any]:
        """See `JointMethod.settings`."""
        return {name: getattr(self, name) for name in ("hidden", "dropout", "batch_size")}

    def width(self) -> int:
        """See `JointMethod.width`."""
        return self.hidden


@final
class BertGAT(JointMethod):
    r"""BertGCN with graph attention in place of the convolution: it learns which neighbours count.

    An epoch costs more than BertGCN's, by the heads: the hidden layer has `heads * hidden` columns.

    Args:
        graph: As for `BertGCN`; of its weights attention reads only which are there.
        fine_tuning: As for `BertGCN`.
        checkpoint: As for `BertGCN`.
        mix: As for `BertGCN`.
        hidden: Columns of a head.
        heads: Heads of the first layer; the second has one.
        dropout: Share of inputs, hidden numbers and attention that a step leaves out.
        batches: As for `BertGCN`.
        batch_size: As for `BertGCN`.
        learning_rate: As for `BertGCN`.
        graph_learning_rate: As for `BertGCN`.
        warm_up_steps: As for `BertGCN`.
        max_epochs: As for `BertGCN`.
        decay_epoch: As for `BertGCN`.
        choose_mix: As for `BertGCN`.

    Raises:
        ConfigError: for settings that cannot work together or out of range.

    Source: Lin et al., Findings of ACL 2021 (arXiv 2105.05727), section 4.3, with settings of the published code.

    Example:
        >>> BertGAT(fine_tuning=FineTuning(model="random-tiny")).heads
        8
    """

    def __init__(
        self,
        graph: CorpusGraph | None = None,
        fine_tuning: FineTuning | None = None,
        checkpoint: Path | None = None,
        mix: float = 0.7,
        hidden: int = 200,
        heads: int = 8,
        dropout: float = 0.5,
        batches: Batches = "all",
        batch_size: int = 64,
        learning_rate: float = 1e-5,
        graph_learning_rate: float = 1e-3,
        warm_up_steps: int = 0,
        max_epochs: int = 50,
        decay_epoch: int = 30,
        choose_mix: bool = False,
    ) -> None:
        if heads < 1:
            raise ConfigError(f"BertGAT: heads={heads}, expected at least 1.")
        super().__init__(
            graph,
            fine_tuning,
            checkpoint,
            mix,
            hidden,
            dropout,
            batches,
            batch_size,
            learning_rate,
            graph_learning_rate,
            warm_up_steps,
            max_epochs,
            decay_epoch,
            choose_mix,
        )
        self.heads = heads

    def make_network(self, features: int, num_classes: int) -> GraphNetwork:
        """See `JointMethod.make_network`."""
        return GAT(features, self.hidden, num_classes, self.dropout, self.heads)

    def settings(self) -> dict[str, Any]:
        """See `JointMethod.settings`."""
        return {name: getattr(self, name) for name in ("hidden", "heads", "dropout", "batch_size")}

    def width(self) -> int:
        """See `JointMethod.width`."""
        return self.heads * self.hidden
