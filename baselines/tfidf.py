"""TF-IDF with a linear classifier: the baseline that every text classifier has to beat."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import final

import numpy as np
from datasets import Dataset, DatasetDict
from safetensors.numpy import load_file, save_file
from sklearn.feature_extraction.text import TfidfVectorizer

from baselines.linear import STRENGTHS, Kind, LinearModel, check_kind, choose_linear, labelled
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.methods import Estimate, FitReport, Method

_WEIGHTS, _SETTINGS = "tfidf.safetensors", "method.json"


@final
class TfidfLinear(Method):
    """Logistic regression or a linear support vector machine on TF-IDF features, without any encoder.

    Words are lower-cased, term frequencies `1 + log(tf)`, rows L2-normalised. Words come from the training texts alone.

    Args:
        classifier: `logistic_regression` or `linear_svm`.
        strengths: Inverse strengths of regularisation (`C`), of which validation macro-F1 chooses.
        max_ngram: Words of the longest feature; 2 adds pairs.

    Raises:
        ConfigError: for a setting out of range.

    Example:
        >>> TfidfLinear(classifier="linear_svm").transductive
        False
    """

    def __init__(
        self,
        classifier: Kind = "logistic_regression",
        strengths: Sequence[float] = STRENGTHS,
        max_ngram: int = 1,
    ) -> None:
        check_kind(classifier)
        if not strengths or not all(np.isfinite(value) and value > 0 for value in strengths):
            raise ConfigError(f"TfidfLinear: strengths={strengths}, expected positive numbers, at least one.")
        if max_ngram < 1:
            raise ConfigError(f"TfidfLinear: max_ngram={max_ngram}, expected at least 1.")
        self.classifier = classifier
        self.strengths = tuple(strengths)
        self.max_ngram = max_ngram
        self._fitted: tuple[TfidfVectorizer, LinearModel] | None = None

    def fit(
        self, train: Dataset, validation: Dataset, test_texts: Sequence[str] | None = None, *, seed: int
    ) -> FitReport:
        """See `Method.fit`; an inductive method, it refuses test texts."""
        if test_texts is not None:
            raise ConfigError("TfidfLinear is inductive: it must not be given the test texts.")
        start = time.perf_counter()
        names = train.features["label"].names
        labels, validation_labels = np.asarray(train["label"][:]), np.asarray(validation["label"][:])
        rows, held_out = labelled(labels, names, "train"), labelled(validation_labels, names, "validation")
        vectorizer = self._vectorizer()
        try:
            features = vectorizer.fit_transform(train["text"][:])
        except ValueError as error:  # scikit-learn's only one here: an empty vocabulary
            raise DataError(f"The training texts hold no word of two letters or digits ({error}).") from error
        others = vectorizer.transform(validation["text"][:])
        set_up = time.perf_counter() - start
        found = choose_linear(
            self.classifier,
            (features[rows], labels[rows]),
            (others[held_out], validation_labels[held_out]),
            len(names),
            self.strengths,
            seed,
        )
        self._fitted = vectorizer, found.model
        return FitReport(
            setup_seconds=set_up,
            training_seconds=time.perf_counter() - start - set_up,
            steps=len(found.history),
            best_step=found.best_step,
            best_score=found.history[found.best_step - 1]["macro_f1"],
            history=found.history,
        )

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """See `Method.predict_proba`."""
        vectorizer, model = self._parts()
        if not len(texts):
            return np.zeros((0, len(model.bias)), dtype=np.float32)
        return model.predict_proba(vectorizer.transform(list(texts)))

    def save(self, folder: Path) -> None:
        """Write the words with their weights as safetensors and JSON, nothing that runs code when read."""
        vectorizer, model = self._parts()
        folder.mkdir(parents=True)
        save_file({"idf": vectorizer.idf_, "weight": model.weight, "bias": model.bias}, folder / _WEIGHTS)
        settings = {
            "class": "TfidfLinear",
            "classifier": self.classifier,
            "strengths": self.strengths,
            "max_ngram": self.max_ngram,
            "words": list(vectorizer.get_feature_names_out()),
        }
        (folder / _SETTINGS).write_text(json.dumps(settings) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "TfidfLinear":
        """A method that predicts as the saved one did."""
        if not (folder / _SETTINGS).is_file() or not (folder / _WEIGHTS).is_file():
            raise DataError(f"{folder} is no saved TfidfLinear: it has no {_SETTINGS} or no {_WEIGHTS}.")
        settings = json.loads((folder / _SETTINGS).read_text(encoding="utf-8"))
        if settings.pop("class", None) != "TfidfLinear":
            raise DataError(f"{folder} holds another method than TfidfLinear; load it with its own class.")
        words, tensors = settings.pop("words"), load_file(folder / _WEIGHTS)
        method = cls(**settings)
        vectorizer = method._vectorizer(words)
        vectorizer.idf_ = tensors["idf"]
        method._fitted = vectorizer, LinearModel(tensors["weight"], tensors["bias"])
        return method

    def estimate(self, splits: DatasetDict) -> Estimate:
        """See `Method.estimate`."""
        characters = sum(len(text) for split in splits.values() for text in split["text"][:])
        classes = splits["train"].features["label"].num_classes
        seconds = 4e-7 * characters * (1 + 0.1 * len(self.strengths) * classes) * self.max_ngram
        return Estimate(seconds=seconds, memory_bytes=int(600e6 + 20 * characters * self.max_ngram))

    def _vectorizer(self, words: list[str] | None = None) -> TfidfVectorizer:
        ngrams = (1, self.max_ngram)
        return TfidfVectorizer(sublinear_tf=True, ngram_range=ngrams, dtype=np.float32, vocabulary=words)

    def _parts(self) -> tuple[TfidfVectorizer, LinearModel]:
        if self._fitted is None:
            raise ConfigError("This TfidfLinear was not fitted: call fit(...) first, or load(folder).")
        return self._fitted
