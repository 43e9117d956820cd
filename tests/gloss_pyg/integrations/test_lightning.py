import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

lightning = pytest.importorskip("lightning", reason="Lightning is not installed")

from gloss_pyg import DenseGaussian, GLoss, HybridLoss
from gloss_pyg.errors import ConfigError
from gloss_pyg.integrations.lightning import LossReport


class Module(lightning.LightningModule):
    def __init__(self, loss):
        super().__init__()
        self.body, self.classifier, self.loss = torch.nn.Linear(6, 4), torch.nn.Linear(4, 2), loss

    def training_step(self, batch, _):
        rows = self.body(batch[0])
        if isinstance(self.loss, HybridLoss):
            return self.loss(rows, self.classifier(rows), batch[1])
        return self.loss(self.classifier(rows), batch[1])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(loss, tmp_path):
    data = TensorDataset(torch.randn(16, 6, generator=torch.Generator().manual_seed(0)), torch.arange(16) % 2)
    trainer = lightning.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[LossReport()], default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(Module(loss), DataLoader(data, batch_size=8))
    return trainer.callback_metrics


def test_the_counts_of_the_graph_loss_are_logged(tmp_path):
    logged = fit(HybridLoss(GLoss(DenseGaussian(sigma=0.5))), tmp_path)
    assert logged["usable_batches"] == 1
    assert 0 <= logged["hidden_accuracy"] <= 1
    assert 0.4 < logged["chance"] < 0.6  # two classes


def test_a_module_without_a_graph_loss_is_told_so(tmp_path):
    with pytest.raises(ConfigError, match="holds no GLoss"):
        fit(torch.nn.CrossEntropyLoss(), tmp_path)
