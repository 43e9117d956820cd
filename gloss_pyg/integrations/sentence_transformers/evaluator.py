"""`ProbeEvaluator`: how well a linear classifier reads the classes off the embeddings, and how far they lie apart."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.integrations.compat import SentenceEvaluator
from gloss_pyg.metrics import accuracy, macro_f1, macro_silhouette

METRICS = ("accuracy", "macro_f1", "silhouette")


class ProbeEvaluator(SentenceEvaluator):  # type: ignore[misc]  # its base is found when it is imported
    """An evaluator of sentence-transformers: logistic regression on frozen embeddings, and the macro silhouette.

    The classifier is fitted anew on the training documents at each evaluation, so that the score says what the
    embeddings hold and not how long a classifier was trained beside them.

    Args:
        train_texts: Documents that the probe is fitted on.
        train_labels: Their class ids.
        texts: Documents of the validation or test split.
        labels: Their class ids.
        name: Comes before the names of the scores.
        primary_metric: The one by which checkpoints are chosen: `"macro_f1"`, `"accuracy"` or `"silhouette"` (the
            paper's, for training without a classifier).
        batch_size: Of encoding.

    Returns on use: `{name_accuracy, name_macro_f1, name_silhouette}`, each larger the better; silhouette from -1 to 1
    over the evaluated documents. With an `output_path` a row is added to `probe_evaluation_<name>.csv` there.

    Raises:
        ConfigError: for a metric that there is not.
        DataError: for texts and labels of different number, labels that are no whole numbers, or fewer than two classes
            in training.

    Source: the silhouette as Sharma, Agarwal, Kumar, "G-Loss", LoG 2025, section on standalone training.

    Example:
        >>> evaluator = ProbeEvaluator(["a", "b"], [0, 1], ["a"], [0], name="validation")
        >>> evaluator.primary_metric
        'validation_macro_f1'
    """

    def __init__(
        self,
        train_texts: Sequence[str],
        train_labels: Sequence[int],
        texts: Sequence[str],
        labels: Sequence[int],
        name: str = "",
        primary_metric: str = "macro_f1",
        batch_size: int = 32,
    ) -> None:
        super().__init__()
        if primary_metric not in METRICS:
            raise ConfigError(f"primary_metric={primary_metric!r}; expected one of {', '.join(METRICS)}.")
        for kind, documents, classes in (("train_", train_texts, train_labels), ("", texts, labels)):
            if len(documents) != len(classes) or not len(documents):
                raise DataError(
                    f"{len(documents)} {kind}texts and {len(classes)} {kind}labels; expected one label for each text."
                )
        self.train_labels, self.labels = _class_ids("train_labels", train_labels), _class_ids("labels", labels)
        if len(np.unique(self.train_labels)) < 2:
            raise DataError("ProbeEvaluator: the training documents are of one class; expected at least two.")
        self.train_texts, self.texts = list(train_texts), list(texts)
        self.name = name
        self.batch_size = batch_size
        self.greater_is_better = True
        self.primary_metric = f"{name}_{primary_metric}" if name else primary_metric

    def __call__(
        self, model: Any, output_path: str | None = None, epoch: int = -1, steps: int = -1
    ) -> dict[str, float]:
        """Encode both sets, fit the probe, and score it."""
        rows = [
            model.encode(texts, batch_size=self.batch_size, normalize_embeddings=True, show_progress_bar=False)
            for texts in (self.train_texts, self.texts)
        ]
        probe = LogisticRegression(max_iter=1000).fit(rows[0], self.train_labels)
        predicted = probe.predict(rows[1])
        scores = {
            "accuracy": accuracy(self.labels, predicted),
            "macro_f1": macro_f1(self.labels, predicted),
            "silhouette": macro_silhouette(rows[1], self.labels) if len(set(self.labels.tolist())) > 1 else 0.0,
        }
        if output_path is not None:
            self._write(Path(output_path), {"epoch": epoch, "steps": steps, **scores})
        found: dict[str, float] = self.prefix_name_to_metrics(scores, self.name)
        self.store_metrics_in_model_card_data(model, found, epoch, steps)
        return found

    def _write(self, folder: Path, row: Mapping[str, float | int]) -> None:
        path = folder / ("probe_evaluation" + (f"_{self.name}" if self.name else "") + ".csv")
        folder.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            if new:
                writer.writeheader()
            writer.writerow(row)

    @property
    def description(self) -> str:
        """How the model card calls it."""
        return "Linear Probe"


def _class_ids(name: str, labels: Sequence[int]) -> NDArray[np.integer[Any]]:
    ids = np.asarray(labels)
    if ids.ndim != 1 or ids.dtype.kind not in "iu":
        raise DataError(
            f"ProbeEvaluator: {name} begins with {labels[0]!r}; expected a class id, a whole number, for each text. "
            "Names of classes need ids first, the same in both sets."
        )
    return ids
