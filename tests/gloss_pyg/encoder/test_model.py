"""`TextEncoder`: what it computes, whatever the padding; what it refuses."""

from pathlib import Path
from typing import Any

import jaxtyping
import pytest
import torch
from torch import Tensor
from transformers import (
    AutoModel,
    BertConfig,
    DistilBertConfig,
    GPT2Config,
    GPT2Model,
    ModernBertConfig,
    MPNetConfig,
    PreTrainedConfig,
    RobertaConfig,
    T5Config,
    ViTConfig,
)

from gloss_pyg.encoder import TextEncoder, TextEncoderConfig, chunks
from gloss_pyg.errors import ConfigError, DataError

NAMES = {0: "no", 1: "yes", 2: "maybe"}
SIZES: dict[str, Any] = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}
BODIES: dict[str, PreTrainedConfig] = {
    "bert": BertConfig(**SIZES),
    "roberta": RobertaConfig(**SIZES, pad_token_id=1, bos_token_id=0, eos_token_id=2),  # positions from the padding
    "mpnet": MPNetConfig(**SIZES, pad_token_id=1, bos_token_id=0, eos_token_id=2),  # relative positions too
    "distilbert": DistilBertConfig(
        vocab_size=40, dim=16, n_layers=2, n_heads=2, hidden_dim=32, max_position_embeddings=40
    ),
    "modernbert": ModernBertConfig(
        **SIZES, pad_token_id=1, bos_token_id=0, eos_token_id=2, cls_token_id=0, sep_token_id=2
    ),
}


def make(body: PreTrainedConfig, pooling: str = "mean") -> TextEncoder:
    torch.manual_seed(0)
    model = TextEncoder(
        TextEncoderConfig(text_config=body.__class__(**body.to_dict()), pooling=pooling, id2label=NAMES)
    )
    with torch.no_grad():  # weights of a size that lets every token matter
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(8)
    return model.eval()


def batch(lengths: list[int], *, pad: int, width: int, left: bool = False) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    ids = torch.full((len(lengths), width), pad)
    mask = torch.zeros_like(ids)
    types = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        start = width - length if left else 0
        ids[row, start : start + length] = torch.randint(3, 40, (length,), generator=generator)
        mask[row, start : start + length] = 1
        types[row, start + length // 2 : start + length] = 1
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def alone(model: TextEncoder, tokens: dict[str, Tensor], row: int) -> Tensor:
    """The embedding by definition: the document by itself, without padding, straight through the body."""
    kept = tokens["attention_mask"][row].bool()
    names = [name for name in tokens if name != "token_type_ids" or type(model.body).__name__ in {"BertModel"}]
    states = model.body(**{name: tokens[name][row : row + 1, kept] for name in names}).last_hidden_state[0]
    return states.mean(0) if model.config.pooling == "mean" else states[0]


@pytest.fixture
def many_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs cost nothing, so that the batch is cut at every length."""
    monkeypatch.setattr(chunks, "run_overhead", lambda device, hidden_size: 0.0)


@pytest.mark.usefixtures("many_runs")
@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("name", BODIES)
def test_each_embedding_is_that_of_the_document_alone(name: str, left: bool, pooling: str) -> None:
    model = make(BODIES[name], pooling)
    tokens = batch([3, 17, 9, 9, 1, 20], pad=model.body.config.pad_token_id, width=24, left=left)
    if name != "bert":
        tokens["token_type_ids"].zero_()
    output = model(**tokens)
    expected = torch.stack([alone(model, tokens, row) for row in range(6)])
    torch.testing.assert_close(output.embeddings, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(output.logits, output.embeddings @ model.classifier.weight.T + model.classifier.bias)
    assert expected.std(dim=0).mean() > 0.01  # the documents differ, or nothing was tested


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_gradients_in_runs_equal_those_of_one_padded_batch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make(BODIES[name]).double()
    tokens = batch([3, 17, 9, 9, 1, 20], pad=model.body.config.pad_token_id, width=24)
    tokens["token_type_ids"].zero_()
    results: list[tuple[Tensor, dict[str, Tensor]]] = []
    for overhead in (0.0, 1e9):
        monkeypatch.setattr(chunks, "run_overhead", lambda device, hidden_size, overhead=overhead: overhead)
        model.zero_grad()
        output = model(**tokens)
        (output.embeddings.square().sum() + output.logits.sin().sum()).backward()
        gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
        results.append((output.logits.detach(), gradients))
    (logits, gradients), (padded_logits, padded_gradients) = results
    assert gradients.keys() == padded_gradients.keys()
    assert all(gradient.abs().max() > 0 for name, gradient in gradients.items() if "key.bias" not in name)
    torch.testing.assert_close(logits, padded_logits, rtol=1e-9, atol=1e-9)
    for key, gradient in gradients.items():
        torch.testing.assert_close(gradient, padded_gradients[key], rtol=1e-7, atol=1e-8, msg=key)


@pytest.mark.usefixtures("many_runs")
def test_gradient_checkpointing_gives_the_same_gradients() -> None:
    model = make(BODIES["bert"])
    kind = "activation" if hasattr(model, "activation_checkpointing_enable") else "gradient"  # transformers' older name
    tokens = batch([3, 17, 9], pad=0, width=20)
    gradients = []
    for on in (False, True):
        if on:
            getattr(model, f"{kind}_checkpointing_enable")()
            model.train()  # it works in training mode only; the tiny body has its dropout off below
            for module in model.modules():
                if isinstance(module, torch.nn.Dropout):
                    module.p = 0.0
        for layer in model.body.encoder.layer:
            layer.attention.self.dropout.p = 0.0
        model.zero_grad()
        model(**tokens).embeddings.square().sum().backward()
        gradients.append(model.body.embeddings.word_embeddings.weight.grad.clone())
    assert getattr(model, f"is_{kind}_checkpointing")
    assert gradients[0].abs().max() > 0
    torch.testing.assert_close(gradients[0], gradients[1])


def test_no_parameter_is_left_without_gradient() -> None:
    model = make(BODIES["bert"]).train()
    model(**batch([3, 5], pad=0, width=5)).logits.sum().backward()
    without = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert without == []


def test_labels_give_the_mean_cross_entropy_over_the_labelled_documents() -> None:
    model = make(BODIES["bert"])
    tokens = batch([3, 5, 4], pad=0, width=5)
    labels = torch.tensor([2, -100, 0])
    output = model(**tokens, labels=labels)
    expected = -torch.log_softmax(output.logits, dim=1)[[0, 2], [2, 0]].mean()
    torch.testing.assert_close(output.loss, expected)
    torch.testing.assert_close(model(**tokens, labels=torch.tensor([2, -1, 0])).loss, expected)
    unlabelled = model(**tokens, labels=torch.tensor([-100] * 3)).loss
    assert unlabelled == 0
    unlabelled.backward()


def test_logits_come_first_and_embeddings_stay_out_of_evaluation() -> None:
    model = make(BODIES["bert"])
    output = model(**batch([3, 5], pad=0, width=5))
    assert list(output) == ["logits", "embeddings"]
    assert output[0] is output.logits
    assert model.config.keys_to_ignore_at_inference == ["embeddings"]


def test_autocast_to_bfloat16_stays_near_float32() -> None:
    model = make(BODIES["bert"])
    tokens = batch([3, 17, 9], pad=0, width=20)
    exact = model(**tokens).embeddings
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = model(**tokens).embeddings
    assert (exact - rough.float()).abs().max() < 0.1 * exact.abs().max()


def test_batch_of_one_document_of_one_token() -> None:
    model = make(BODIES["bert"])
    output = model(input_ids=torch.tensor([[5]]), attention_mask=torch.tensor([[1]]))
    torch.testing.assert_close(output.embeddings, model(input_ids=torch.tensor([[5]])).embeddings)


def test_a_document_without_tokens_is_finite() -> None:
    model = make(BODIES["bert"])
    tokens = batch([4, 0], pad=0, width=4)
    output = model(**tokens)
    output.logits.sum().backward()
    assert torch.isfinite(output.embeddings).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"inputs_embeds": torch.zeros(1, 2, 16)}, "no inputs_embeds: .* Give input_ids"),
        ({"output_hidden_states": True}, "output_hidden_states=True: .* model.body has the rest"),
        ({"output_attentions": True}, "output_attentions=True"),
        ({"return_dict": False}, "return_dict=False: .* no tuple"),
    ],
)
def test_arguments_of_other_models_are_taken_only_where_they_ask_for_nothing(asked: Any, message: str) -> None:
    model, ids = make(BODIES["bert"]).eval(), torch.tensor([[2, 3]])
    nothing = {"inputs_embeds": None, "output_hidden_states": False, "output_attentions": None, "return_dict": True}
    assert torch.equal(model(input_ids=ids, **nothing).logits, model(input_ids=ids).logits)
    with pytest.raises(ConfigError, match=message):
        model(input_ids=ids, **asked)


@pytest.mark.parametrize(
    "tokens",
    [
        {"input_ids": torch.ones(2, 3, dtype=torch.long), "attention_mask": torch.ones(2, 4)},
        {"input_ids": torch.ones(2, 0, dtype=torch.long)},
        {"input_ids": torch.ones(0, 3, dtype=torch.long)},
    ],
)
def test_inputs_that_do_not_fit_are_refused(tokens: dict[str, Tensor]) -> None:
    # The run-time check of shapes, which users do not have, is quicker with some of these.
    with pytest.raises((DataError, Exception), match=r"shape|Type-check"):
        make(BODIES["bert"])(**tokens)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["one"], "at least two"),
        ([], "at least two"),
        (["a", "a"], "more than once"),
        (["a", " "], "not empty"),
        ("ab", "one string"),
        (2, "label_names=2; expected a list of the classes' names"),
        ([0, 1], "label_names has 0; expected a name"),
    ],
)
def test_label_names_are_checked(names: Any, message: str, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # users have no run-time checks of annotations
    with pytest.raises(ConfigError, match=message):
        TextEncoder.from_encoder(tiny_bert, names)


def test_pooling_is_checked_with_the_nearest_name(tiny_bert: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'mean'"):
        TextEncoderConfig(text_config=BODIES["bert"], pooling="meen")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (T5Config(d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, vocab_size=40), "encoder-decoder"),
        (ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16), "text tokens"),
        ({"model_type": "not_a_model"}, "'not_a_model' model"),
    ],
)
def test_what_is_no_text_encoder_is_refused(body: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TextEncoder(TextEncoderConfig(text_config=body, id2label=NAMES))


def test_from_encoder_keeps_the_pretrained_weights_and_draws_the_classifier(tiny_bert: Path) -> None:
    torch.manual_seed(3)
    model = TextEncoder.from_encoder(tiny_bert, ["a", "b", "c"])
    pretrained = AutoModel.from_pretrained(tiny_bert).state_dict()
    for name, weight in model.body.state_dict().items():
        assert torch.equal(weight, pretrained[name]), name
    assert model.config.pooling == "cls"
    assert model.config.id2label == {0: "a", 1: "b", 2: "c"}
    assert model.classifier.weight.shape == (3, 32)
    assert model.classifier.weight.std() > 0.005
    assert model.body.config._attn_implementation == "sdpa"
    torch.manual_seed(3)
    again = TextEncoder.from_encoder(tiny_bert, ["a", "b", "c"], pooling="mean")
    assert torch.equal(again.classifier.weight, model.classifier.weight)
    assert again.config.pooling == "mean"


def test_the_first_token_of_a_model_that_reads_from_left_to_right_is_refused(tmp_path: Path) -> None:
    GPT2Model(GPT2Config(vocab_size=20, n_positions=16, n_embd=16, n_layer=1, n_head=2)).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match=r"left to right.*pooling='mean'"):
        TextEncoder.from_encoder(tmp_path, ["a", "b"])
    model = TextEncoder.from_encoder(tmp_path, ["a", "b"], pooling="mean").eval()
    embeddings = model(input_ids=torch.tensor([[3, 5, 7], [3, 9, 1]])).embeddings
    assert (embeddings[0] - embeddings[1]).abs().max() > 1e-3
