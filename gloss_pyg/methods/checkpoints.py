"""Where a fit's checkpoints lie: each fit has a folder of its own, so that none is ever taken for another's."""

import hashlib
import json
import logging
from pathlib import Path

from datasets import Dataset

from gloss_pyg.description import describe, digest
from gloss_pyg.files import whole_file
from gloss_pyg.methods.base import Method
from gloss_pyg.training import is_whole_checkpoint

FIT_FILE = "fit.json"

progress = logging.getLogger("gloss_pyg.progress")


def own_folder(checkpoints: Path, method: Method, train: Dataset, validation: Dataset, seed: int) -> Path:
    """The folder of one fit inside the folder of all checkpoints, named by the digest of what determines the fit.

    Another seed, other settings or documents have another folder, whoever else writes into the same place: the cells of
    a comparison, or a run with a setting changed. `fit.json` in it says whose it is.
    """
    described = describe(method)
    for name in method.elsewhere:
        del described["arguments"][name]
    determines = {"method": described, "documents": _digest_of_documents(train, validation), "seed": seed}
    folder = checkpoints / digest(determines)
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / FIT_FILE, text=True) as stream:
        stream.write(json.dumps(determines, indent=1) + "\n")
    return folder


def last_checkpoint(folder: Path) -> Path | None:
    """The last checkpoint that was written whole; a run that was killed may have left half of one behind it."""
    found = [path for path in folder.glob("checkpoint-*") if is_whole_checkpoint(path)]
    last = max(found, key=lambda path: int(path.name.removeprefix("checkpoint-")), default=None)
    if last is None:
        others = sum(1 for _ in folder.parent.glob(f"*/{FIT_FILE}")) - 1
        progress.info(
            "no checkpoint of these settings, documents and seed in %s%s: from the first step on",
            folder.parent,
            f" ({others} of other fits)" if others else "",
        )
    else:
        progress.info("going on from %s", last)
    return last


def _digest_of_documents(*splits: Dataset) -> str:
    """A digest of texts and labels, in order."""
    whole = hashlib.sha256()
    for split in splits:
        whole.update(f"{len(split)} {split.features['label'].names}\n".encode())
        for text, label in zip(split["text"][:], split["label"][:], strict=True):
            whole.update(json.dumps([text, label]).encode())
    return whole.hexdigest()
