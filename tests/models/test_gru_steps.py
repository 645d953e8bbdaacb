import pytest
import torch

from charlm.models.cells.gru_steps import read_steps, return_steps
from charlm.models.cells.products import StepProduct
from charlm.models.cells.scripted import scripted

TIME, BATCH = 5, 3


def product_of(matrix: torch.Tensor, kind: torch.dtype) -> StepProduct:
    return StepProduct(matrix, kind, batch_size=BATCH, float32_up_to=0)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("hidden", [6, 96])
def test_compiled_steps_give_the_bits_of_the_same_steps_in_python(kind: torch.dtype, hidden: int) -> None:
    generator = torch.Generator().manual_seed(1)

    def drawn(*shape: int, dtype: torch.dtype = kind) -> torch.Tensor:
        return torch.randn(shape, generator=generator).to(dtype)

    matrix = drawn(3 * hidden, hidden, dtype=torch.float32) / hidden**0.5
    gates, doubled = drawn(TIME, BATCH, 3 * hidden), drawn(TIME, BATCH, hidden, dtype=torch.float32)
    candidates, states = drawn(TIME, BATCH, hidden), drawn(TIME + 1, BATCH, hidden)
    factors, outputs, grad = drawn(TIME, BATCH, 3, hidden), drawn(TIME, BATCH, hidden), drawn(BATCH, hidden)
    forwards, backwards = product_of(matrix, kind), product_of(matrix.t(), kind)
    results = []
    for read, come_back in ((read_steps, return_steps), (scripted(read_steps), scripted(return_steps))):
        read_over = [each.clone() for each in (gates, doubled, candidates, states, states[0].float())]
        last = read(*read_over, forwards.matrix, forwards.is_packed)
        updates = read_over[0][..., hidden : 2 * hidden]
        returned = [each.clone() for each in (factors, candidates, updates, outputs, grad.float())]
        first = come_back(*returned, backwards.matrix, backwards.is_packed)
        results.append([*read_over, last, *returned, first])
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(results[0][0], gates)
