import pytest
import torch

pytest.importorskip("pytorch_metric_learning", reason="pytorch-metric-learning is not installed")
from pytorch_metric_learning.miners import MultiSimilarityMiner

from gloss_pyg import DenseGaussian, GLoss
from gloss_pyg.errors import DataError
from gloss_pyg.integrations.metric_learning import GraphMemory, GraphMetricLoss


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(8, 5, generator=generator, requires_grad=True), torch.arange(8) % 2


@pytest.fixture
def references():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(6, 5, generator=generator, requires_grad=True), torch.arange(6) % 2


def graph_loss():
    return GLoss(DenseGaussian(sigma=0.5)).eval()


def test_without_references_it_is_the_graph_loss(batch):
    loss = GraphMetricLoss().eval()
    assert loss(*batch) == graph_loss()(*batch)
    pairs = MultiSimilarityMiner()(*batch)
    assert loss(*batch, indices_tuple=pairs) == graph_loss()(*batch)


def test_references_are_the_labelled_nodes(batch, references):
    rows = torch.cat([batch[0], references[0]])
    seen = torch.arange(14) >= 8
    expected = graph_loss()(rows, torch.cat([batch[1], references[1]]), mask=seen)
    value = GraphMetricLoss()(*batch, ref_emb=references[0], ref_labels=references[1])
    assert value == expected
    value.backward()
    assert bool((batch[0].grad.abs().sum(dim=1) > 0).all())
    assert bool((references[0].grad.abs().sum(dim=1) > 0).any())


def test_a_document_does_not_give_its_own_label_away(batch, references):
    loss = GraphMetricLoss()
    expected = loss(*batch, ref_emb=references[0], ref_labels=references[1])
    more = torch.cat([batch[0][2:4].detach(), references[0]]), torch.cat([batch[1][2:4], references[1]])
    torch.testing.assert_close(loss(*batch, ref_emb=more[0], ref_labels=more[1]), expected)


def test_a_memory_begins_within_the_batch_and_then_hides_all_of_it(batch):
    memory = GraphMemory(GraphMetricLoss().eval(), embedding_size=5, memory_size=16)
    assert memory(*batch) == graph_loss()(*batch)
    later = torch.randn(8, 5, generator=torch.Generator().manual_seed(2), requires_grad=True)
    value = memory(later, batch[1])
    rows = torch.cat([later, batch[0].detach()])
    expected = graph_loss()(rows, torch.cat([batch[1], batch[1]]), mask=torch.arange(16) >= 8)
    torch.testing.assert_close(value, expected)


def test_regularisers_of_the_library_are_added(batch):
    from pytorch_metric_learning.regularizers import LpRegularizer

    plain = GraphMetricLoss().eval()(*batch)
    with_length = GraphMetricLoss(embedding_regularizer=LpRegularizer(), embedding_reg_weight=0.1).eval()(*batch)
    torch.testing.assert_close(with_length, plain + 0.1 * batch[0].norm(dim=1).mean())


def test_labels_are_needed(batch):
    with pytest.raises(DataError, match="needs labels"):
        GraphMetricLoss()(batch[0], indices_tuple=MultiSimilarityMiner()(*batch))
