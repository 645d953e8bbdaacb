"""Each bit of small files flipped, and each length of them cut: nothing that is damaged is taken for whole."""

import pytest

KINDS = ("lstm", "ngram")
FILES = (
    # reader, file, one damage in so many for a short test, a command on one in so many that are accepted
    ("checkpoint", "checkpoints/one/best.safetensors", 120, 1),
    ("checkpoint", "checkpoints/one/last.safetensors", 800, 1),
    ("config", "checkpoints/one/config.toml", 60, 4),
    ("metrics", "checkpoints/one/metrics.jsonl", 120, 20),
    ("tokenizer", "checkpoints/one/tokenizer.json", 4, 1),
    ("corpus", "data/cache/*/meta.json", 20, 1),
    ("corpus", "data/cache/*/tokenizer.json", 4, 1),
    ("corpus", "data/cache/*/train.bin", 120, 1),
    ("corpus", "data/cache/*/valid.bin", 8, 1),
    ("corpus", "data/cache/*/test.bin", 8, 1),
)
MOST_BITS = 60_000
"""Of larger files, so many bits are drawn."""


def sweep(workers, kinds, *, is_short):
    def once(runs, item):
        kind, (reader, pattern, short_every, commands_every) = item
        folder = runs.folder()
        runs.runner.call("tests.support.forging_commands:make", folder, kind=kind)
        found = sorted(folder.glob(pattern))
        if not found:
            return {"read": 0, "accepted": 0, "commands": 0, "problems": []}
        (path,) = found
        every = short_every if is_short else max(1, 9 * path.stat().st_size // MOST_BITS)
        return runs.runner.call(
            "tests.support.flipping:sweep",
            folder,
            reader=reader,
            path=str(path.relative_to(folder)),
            every=every,
            commands_every=commands_every,
            seed=f"{workers.cases.seed}/{kind}/{pattern}",
        )

    results = workers.each(once, [(kind, file) for kind in kinds for file in FILES], kind=None)
    for what in ("read", "commands"):
        workers.cases.add(f"files with a bit flipped, or cut: {what}", sum(result[what] for result in results))
    problems = [problem for result in results for problem in result["problems"]]
    assert not problems, "\n".join((f"{len(problems)} problems:", *problems[:10]))
    return sum(result["read"] for result in results)


def test_some_bits_flipped(workers):
    assert sweep(workers, ("lstm",), is_short=True) > 800


@pytest.mark.torture
def test_every_bit_flipped_and_every_length_cut(workers):
    assert sweep(workers, KINDS, is_short=False) > 100_000
