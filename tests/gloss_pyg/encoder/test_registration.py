"""Whatever is imported first, gloss_pyg or a part of transformers: all of it works, and the Auto classes know ours."""

import subprocess
import sys

import pytest

KNOWN = """
from transformers import AutoModelForSequenceClassification
from gloss_pyg.encoder import TextEncoder, TextEncoderConfig
assert AutoModelForSequenceClassification._model_mapping[TextEncoderConfig] is TextEncoder
"""


@pytest.mark.parametrize(
    "imports",
    [
        "import gloss_pyg\nfrom transformers import BertForSequenceClassification",  # the model that `random-tiny` is
        "import gloss_pyg\nfrom transformers import DistilBertModel, Trainer",
        "import gloss_pyg\nfrom transformers import AutoModelForSequenceClassification",
        "import gloss_pyg\nimport transformers.modeling_layers",
        "from gloss_pyg import HybridLoss\nfrom transformers import pipeline",
        "from transformers import BertModel\nimport gloss_pyg",
    ],
)
def test_any_order_of_imports_works(imports: str) -> None:
    ended = subprocess.run([sys.executable, "-c", imports + KNOWN], capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
