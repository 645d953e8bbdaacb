"""Checkpoints with right checksums that say something else than charlm wrote: every command, on every one of them."""

import pytest

from tests.support.forged_runs import KINDS

BATCH = 150
DEAR_EVERY = 8
"""Of the commands that train, each so many of the forgeries that reading does not refuse."""
IN_FULL, REFUSED_EVERY = ("lstm", "ngram"), 16
"""Kinds with two commands on each forgery that reading refuses; the others have them on each so many of these."""


@pytest.mark.torture
def test_every_command_refuses_every_forgery_in_a_sentence_or_does_its_work(workers):
    def make(runs, kind):
        folder = runs.folder()
        counts = runs.runner.call("tests.support.forging_commands:make", folder, kind=kind)
        return [
            (kind, folder, file, first, min(first + BATCH, count))
            for file, count in counts.items()
            for first in range(0, count, BATCH)
        ]

    def attack(runs, batch):
        kind, pristine, file, first, stop = batch
        given = {"pristine": str(pristine), "file": file, "first": first, "stop": stop, "dear_every": DEAR_EVERY}
        given["refused_every"] = 1 if kind in IN_FULL else REFUSED_EVERY
        ended = runs.runner.run(runs.folder(), call="tests.support.forging_commands:attack", given=given)
        assert ended.code == 0, (batch, ended.code, ended.output[-2000:])
        assert ended.megabytes < runs.usual_megabytes + 200, batch
        return kind, ended.result

    batches = [batch for made in workers.each(make, KINDS, kind=None) for batch in made]
    results = workers.each(attack, batches, kind=None)
    for what in ("read", "commands"):
        workers.cases.add(f"forged checkpoints: {what}", sum(result[what] for _, result in results))
    problems = [f"{kind}: {problem}" for kind, result in results for problem in result["problems"]]
    assert not problems, "\n\n".join((f"{len(problems)} problems:", *problems[:10]))
