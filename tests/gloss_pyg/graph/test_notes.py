import torch
from torch_geometric.data import Data

from gloss_pyg.graph import DenseGaussian
from gloss_pyg.graph.edges import off_diagonal, squares
from gloss_pyg.graph.notes import Notes
from gloss_pyg.propagation import LabelPropagation


def test_a_note_ends_with_its_tensor_and_with_a_write():
    notes = Notes()
    tensor = torch.ones(3)
    notes.put(tensor, "fact")
    assert notes.get(tensor) == "fact"
    assert notes.get(tensor.clone()) is None
    assert notes.get(tensor.view(-1)) is None
    tensor.add_(1)
    assert notes.get(tensor) is None
    notes.put(tensor, "newer")
    assert notes.take(tensor) == "newer"
    assert notes.get(tensor) is None
    notes.put(tensor, "last")
    del tensor
    assert not notes._notes


def test_tensors_whose_writes_are_not_counted_get_no_note():
    notes = Notes()
    with torch.inference_mode():
        tensor = torch.ones(3)
        notes.put(tensor, "fact")
        assert notes.get(tensor) is None


def solve(read):
    """Gradient in the embeddings of a loss on hidden probabilities, the weights read through a function."""
    torch.manual_seed(0)
    x = torch.randn(12, 5, dtype=torch.float64, requires_grad=True)
    graph = DenseGaussian(0.6)(Data(x=x))
    labels, mask = torch.arange(12) % 3, torch.arange(12) < 6
    weight = read(graph.edge_weight)
    p = LabelPropagation(num_classes=3)(labels, graph.edge_index, mask, weight)
    (-p[~mask, labels[~mask]].log().mean() + 0.01 * (weight * torch.linspace(0, 1, weight.numel())).sum()).backward()
    return x.grad


def test_gradients_do_not_depend_on_notes():
    """With notes of the matrix, without, and with a gradient that autograd added to in place."""
    noted = solve(lambda weight: weight)
    assert noted.abs().max() > 1e-3
    torch.testing.assert_close(solve(lambda weight: weight * 1.0), noted, rtol=1e-10, atol=1e-12)


def test_a_graph_carries_its_matrix_until_somebody_writes_to_the_weights():
    graph = DenseGaussian(0.6)(Data(x=torch.randn(5, 3)))
    square = squares.get(graph.edge_weight)
    assert torch.equal(off_diagonal(square.matrix), graph.edge_weight)
    torch.testing.assert_close(square.degree, square.matrix.sum(dim=1))
    graph.edge_weight.mul_(2)
    assert squares.get(graph.edge_weight) is None


def test_the_loss_of_a_graph_made_in_inference_mode():
    x, labels, mask = torch.randn(6, 3), torch.tensor([0, 1, 0, 1, 0, 1]), torch.arange(6) < 3
    with torch.inference_mode():
        graph = DenseGaussian(0.6)(Data(x=x))
        inferred = LabelPropagation(num_classes=2)(labels, graph.edge_index, mask, graph.edge_weight)
    graph = DenseGaussian(0.6)(Data(x=x))
    torch.testing.assert_close(
        inferred, LabelPropagation(num_classes=2)(labels, graph.edge_index, mask, graph.edge_weight)
    )
