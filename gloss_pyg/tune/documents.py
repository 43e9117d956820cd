"""What tuning sees of a data set: training and validation documents, and never a test label."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from datasets import Dataset, DatasetDict

from gloss_pyg.compare.configuration import DataSpec
from gloss_pyg.compare.splits import content_digest, load_splits


@dataclass(frozen=True)
class Documents:
    """Documents of a search.

    Attributes:
        train: Columns `text` and `label`.
        validation: The same columns.
        test_texts: Texts alone, for methods that are transductive.
        content: Digest of all that.
    """

    train: Dataset
    validation: Dataset
    test_texts: tuple[str, ...]
    content: str


@lru_cache(maxsize=2)
def load_documents(spec: DataSpec, seed: int) -> Documents:
    """Load a data set under the label budget of a seed; of the test split its texts alone.

    Raises:
        UserError: whatever is wrong with the data.
    """
    documents = load_splits(spec, seed).documents
    train, validation = documents["train"], documents["validation"]
    test_texts = tuple(documents["test"]["text"][:])
    content = hashlib.sha256(content_digest(DatasetDict(train=train, validation=validation)).encode())
    for text in test_texts:
        content.update(hashlib.sha256(text.encode()).digest())
    return Documents(train, validation, test_texts, content.hexdigest())
