"""Compressed files that were flipped, cut, or forged with right checksums: a sentence, in little memory."""

import pytest


@pytest.mark.torture
def test_every_compressed_file_comes_back_or_is_refused_in_a_sentence(runs, cases):
    ended = runs.runner.run(runs.folder(), call="tests.support.forged_compressed:attack", given={"seed": cases.seed})
    assert ended.code == 0, ended.output[-2000:]
    problems = ended.result.pop("problems")
    for kind, number in ended.result.items():
        cases.add(f"compressed files: {kind}", number)
    assert not problems, "\n\n".join((f"{len(problems)} problems:", *problems[:10]))
    assert ended.megabytes < runs.usual_megabytes + 200
