import pytest
import torch

setfit = pytest.importorskip("setfit", reason="SetFit is not installed")
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules

from gloss_pyg import DenseGaussian, GLoss
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.integrations.sentence_transformers import GraphLoss
from gloss_pyg.integrations.setfit import Trainer


@pytest.fixture
def model(tiny_bert, tmp_path):
    body = modules.Transformer(str(tiny_bert))
    folder = str(tmp_path / "body")
    SentenceTransformer(modules=[body, modules.Pooling(body.get_embedding_dimension())], device="cpu").save(folder)
    return setfit.SetFitModel.from_pretrained(folder, device="cpu")


def arguments(tmp_path, loss, **more):
    return setfit.TrainingArguments(
        str(tmp_path / "out"), loss=loss, batch_size=12, max_steps=2, logging_steps=1, save_strategy="no",
        report_to="none", **more,
    )  # fmt: skip


class Recorder(GraphLoss):
    """Remembers the labels of the batches that it gets."""

    seen: list[torch.Tensor] = []  # noqa: RUF012 - shared by the instances that SetFit makes

    def forward(self, sentence_features, labels):
        self.seen.append(labels)
        return super().forward(sentence_features, labels)


def test_the_loss_gets_documents_with_their_classes(model, tiny_texts, tmp_path):
    Recorder.seen.clear()
    Trainer(model, arguments(tmp_path, Recorder), train_dataset=tiny_texts["train"]).train()
    assert len(Recorder.seen) == 2
    # Pairs would come with 0 and 1 alone, in two columns, which the loss refuses.
    assert all(sorted(labels.view(-1).tolist()) == [0] * 4 + [1] * 4 + [2] * 4 for labels in Recorder.seen)
    assert len(model.predict(["a text"])) == 1


def test_settings_of_the_loss_and_names_as_labels(model, tiny_texts, tmp_path):
    names = tiny_texts["train"].features["label"].names
    train = tiny_texts["train"].cast_column("label", tiny_texts["train"].features["text"])
    train = train.map(lambda row: {"label": names[int(row["label"])]})
    loss = GraphLoss.configured(loss=GLoss(DenseGaussian(sigma=0.3)))
    trainer = Trainer(model, arguments(tmp_path, loss), train_dataset=train)
    trainer.train()
    assert trainer.st_trainer.loss.loss.graph.bandwidth.rule == 0.3
    assert set(model.predict(["a text", "another"])) <= set(names)


def test_other_losses_stay_setfits(model, tiny_texts, tmp_path):
    from sentence_transformers.sentence_transformer.losses import CosineSimilarityLoss

    trainer = Trainer(model, arguments(tmp_path, CosineSimilarityLoss), train_dataset=tiny_texts["train"])
    data, _ = trainer.get_dataset(["a", "b", "c", "d"], [0, 0, 1, 1], args=trainer.args)
    assert {"sentence_1", "sentence_2"} <= set(data.column_names)


def test_setfits_own_trainer_is_told_to_be_the_wrong_one(model, tiny_texts, tmp_path):
    with pytest.raises(DataError, match=r"integrations\.setfit\.Trainer"):
        setfit.Trainer(model, arguments(tmp_path, GraphLoss), train_dataset=tiny_texts["train"]).train()


def test_what_cannot_be_trained_is_answered(model, tmp_path, tiny_texts):
    trainer = Trainer(model, arguments(tmp_path, GraphLoss), train_dataset=tiny_texts["train"])
    with pytest.raises(DataError, match="at least two classes"):
        trainer.get_dataset(["a", "b"], [1, 1], args=trainer.args)
    model.multi_target_strategy = "one-vs-rest"
    with pytest.raises(ConfigError, match="one class a document"):
        trainer.get_dataset(["a", "b"], [[1, 0], [1, 1]], args=trainer.args)
