"""Data sets of the Hugging Face Hub, named `owner/name` or `owner/name:configuration`. No remote code is run."""

from collections.abc import Sequence

import datasets
from datasets import ClassLabel
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.utils import httpx  # type: ignore[attr-defined]  # whichever client it was built on

from gloss_pyg.data.checks import Table
from gloss_pyg.data.files import canonical_splits
from gloss_pyg.data.request import HUB_ID
from gloss_pyg.data.rows import require_columns
from gloss_pyg.errors import DataError

_SECONDS = 10.0


def read_hub(name: str, text_column: str, label_column: str) -> tuple[dict[str, Table], list[str]]:
    """Load the splits of a Hub data set that mean train, validation and test.

    The Hub is asked once, for at most ten seconds, whether the data set exists: `datasets` itself would try
    again for half a minute where there is no network. With HF_HUB_OFFLINE=1 it is not asked, and only a copy that
    `datasets` has in its cache is found.

    Returns:
        The splits, and a note on the splits that were left out.

    Raises:
        DataError: if the Hub cannot be reached, has no such data set, or lacks a training split or a column.
    """
    match = HUB_ID.fullmatch(name)
    if match is None:
        raise DataError(f"'{name}' is no Hub id; expected 'owner/name' or 'owner/name:configuration'.")
    if not datasets.config.HF_HUB_OFFLINE:
        _ask(match["id"])
    try:
        loaded = datasets.load_dataset(match["id"], match["configuration"])
    except ConnectionError as error:
        raise DataError(_unreachable(name, str(error))) from error
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        raise DataError(
            f"The data set '{name}' of the Hub cannot be loaded: {error} (A configuration is named as "
            f"'{match['id']}:configuration'.)"
        ) from error
    found = canonical_splits(map(str, loaded), f"The data set '{name}'")
    tables = {
        split: _table(loaded[theirs], f"{name}, split '{theirs}'", text_column, label_column)
        for split, theirs in found.items()
    }
    others = sorted(set(map(str, loaded)) - set(found.values()))
    notes = [f"the splits {', '.join(others)} were left out"] if others else []
    return tables, notes


def _ask(hub_id: str) -> None:
    try:
        HfApi().dataset_info(hub_id, timeout=_SECONDS)
    except RepositoryNotFoundError as error:
        raise DataError(
            f"The Hub has no data set '{hub_id}', or it is private (then log in with `hf auth login`), and there is "
            f"no local file or folder of that name."
        ) from error
    except (httpx.HTTPError, HfHubHTTPError, OSError) as error:
        raise DataError(_unreachable(hub_id, str(error))) from error


def _unreachable(name: str, reason: str) -> str:
    return (
        f"There is no local file or folder '{name}', and the Hub, which may have a data set of that name, cannot be "
        f"reached ({reason}). Check the path; "
        + (
            "HF_HUB_OFFLINE is set, so only copies downloaded earlier are found: unset it to ask the Hub."
            if datasets.config.HF_HUB_OFFLINE
            else "check the network; HF_HUB_OFFLINE=1 uses a copy downloaded earlier."
        )
    )


def _table(split: datasets.Dataset, source: str, text_column: str, label_column: str) -> Table:
    require_columns([text_column, label_column], split.column_names, source)
    labels: Sequence[object] = list(split[label_column])
    feature = split.features[label_column]
    if isinstance(feature, ClassLabel):
        names = feature.names
        labels = [names[label] if isinstance(label, int) and 0 <= label < len(names) else label for label in labels]
    return Table(source, list(split[text_column]), labels)
