import numpy as np
import pytest

from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.byte import ByteTokenizer
from charlm.data.tokenizers.char import CharTokenizer
from charlm.evaluation.text_properties import PROPERTIES, text_properties
from charlm.evaluation.unit_excerpts import Unit, UnitReader
from charlm.evaluation.units import Moments, measure_units, properties_of

NAMES = [each.name for each in PROPERTIES]
TEXT = 'He said "no (never)", then "yes".\nAnd so on, é; "well".\n\nPart two\n' * 60


class Copycat:
    """A network of one layer and two units: the symbol that was read, and a constant."""

    vocabulary_size = 300
    exact_streams = 8

    def initial_state(self, batch_size):
        return (np.zeros((1, batch_size, 2), dtype=np.float32),)

    def stepper(self, state):
        return CopycatStepper(state)


class CopycatStepper:
    def __init__(self, state):
        self._state = state[0].copy()

    def step(self, tokens):
        self._state[0, :, 0] = tokens
        self._state[0, :, 1] = 3.0

    def state(self):
        return (self._state.copy(),)


@pytest.fixture
def tokenizer():
    return CharTokenizer(sorted(set(TEXT)))


def measured(tokenizer, text=TEXT, num_symbols=10**6):
    tokens = TokenFile(tokenizer.encode(text))
    read: list[int] = []
    halves = measure_units(Copycat(), tokens, tokenizer, part=0, num_symbols=num_symbols, advance=read.append)
    return halves, sum(read), len(tokens)


def test_effects_are_those_of_the_definitions():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(400, 3)).astype(np.float32)
    known = rng.normal(size=(400, len(PROPERTIES))).astype(np.float32)
    for index, each in enumerate(PROPERTIES):
        if not each.is_number:
            known[:, index] = known[:, index] > 0
    moments = Moments(3)
    moments.add(values[:150], known[:150])
    moments.add(values[150:], known[150:])
    effects = moments.effects()
    for index, each in enumerate(PROPERTIES):
        for unit in range(3):
            column, so = values[:, unit].astype(float), known[:, index] > 0
            if each.is_number:
                expected = np.corrcoef(column, known[:, index])[0, 1]
            else:
                one, other = column[so], column[~so]
                within = ((one - one.mean()) ** 2).sum() + ((other - other.mean()) ** 2).sum()
                expected = (one.mean() - other.mean()) / np.sqrt(within / 398)
                assert moments.means()[0][unit, index] == pytest.approx(one.mean())
                assert moments.means()[1][unit, index] == pytest.approx(other.mean())
            assert effects[unit, index] == pytest.approx(expected)


def test_what_was_met_too_rarely_has_no_effect_and_a_constant_unit_none():
    moments = Moments(1)
    known = np.zeros((100, len(PROPERTIES)), dtype=np.float32)
    known[:50, NAMES.index("upper case")] = 1
    moments.add(np.full((100, 1), 7.0, dtype=np.float32), known)
    effects = dict(zip(NAMES, moments.effects()[0], strict=True))
    assert effects.pop("upper case") == 0
    assert np.isnan(list(effects.values())).all()


def test_every_place_is_measured_with_its_own_symbol(tokenizer):
    (first, second), num_read, length = measured(tokenizer)
    num_lanes = length // 1024
    assert num_read == length // num_lanes * num_lanes
    assert first.count + second.count == num_read - 64 * num_lanes  # The first 64 symbols of each do not count.
    column = NAMES.index("after a line end")
    # The mean of the first unit after a line end is the line end's symbol.
    for half in (first, second):
        if half.properties[column]:
            assert half.means()[0][0, column] == pytest.approx(tokenizer.encode("\n")[0])


def test_only_so_many_symbols_are_read(tokenizer):
    _, num_read, _ = measured(tokenizer, num_symbols=2048)
    assert num_read == 2048


def test_properties_do_not_depend_on_where_a_stretch_begins(tokenizer):
    tokens = TokenFile(tokenizer.encode(TEXT))
    whole = text_properties(TEXT).T
    for start, stop in ((0, 40), (700, 900), (2500, 2600)):
        assert np.array_equal(properties_of(tokens, tokenizer, start, stop), whole[start:stop])


def test_bytes_have_the_properties_of_the_last_whole_character():
    tokenizer = ByteTokenizer()
    text = 'É "é"'
    found = properties_of(TokenFile(tokenizer.encode(text)), tokenizer, 0, 7)
    assert found[:, NAMES.index("inside quotes")].tolist() == [0, 0, 0, 1, 1, 1, 0]
    assert found[1, NAMES.index("upper case")] == 1
    broken = TokenFile(np.array([0xFF, 0x41, 0xC3, 0x28, 0x80], dtype=np.uint8))
    assert properties_of(broken, tokenizer, 0, 5)[:, NAMES.index("inside brackets")].tolist() == [0, 0, 0, 1, 1]


def test_an_excerpt_has_the_value_after_each_symbol_and_shows_the_property(tokenizer):
    tokens = TokenFile(tokenizer.encode(TEXT))
    reader = UnitReader(Copycat(), tokens, tokenizer, 0)
    excerpt = reader.excerpt(Unit(1, 1), start=300, length=20)
    assert "".join(excerpt.pieces) == TEXT[300:320]
    assert list(excerpt.values) == tokenizer.encode(TEXT[300:320]).tolist()
    assert '"' in "".join(reader.telling_excerpt(Unit(1, 2), PROPERTIES[0]).pieces)


@pytest.mark.parametrize(
    ("text", "unit"), [("2:117", (2, 117)), ("2", None), ("a:1", None), ("٢:١", None), ("1:1\n", None)]
)
def test_units_are_written_as_layer_and_number(text, unit):
    assert Unit.parse(text) == unit
    assert unit is None or str(Unit(*unit)) == text
