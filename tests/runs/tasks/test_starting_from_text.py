from pathlib import Path

import pytest
import torch

from charlm.checkpointing.checkpoint import read_checkpoint
from charlm.config import Request, by_section, make_request
from charlm.runs.predict.apply import predict
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.model import read_any_model
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start
from charlm.runs.verify import verify_run
from tests.support.reporters import StopAfter
from tests.support.tasks import SMALL, WITHOUT_SIZES
from tests.support.training_runs import assert_same_end, train_whole


def test_a_classifier_starts_from_a_language_model_whose_layers_are_held_at_first(
    names: Path, workspace: Workspace, tmp_path: Path
) -> None:
    text = tmp_path / "names.txt"
    text.write_text("".join(line.split("\t")[0] + "\n" for line in names.read_text().splitlines()))
    few = {"corpus": (str(text),), "name": "language", "steps": 3}
    for records in ("none", "lines"):
        asked = {**SMALL, **few, "name": f"language-{records}", "records": records}
        origin = train_whole(make_request(by_section(asked)), workspace)
        asked = {**WITHOUT_SIZES, "corpus": (str(names),), "task": "classify", "name": f"tuned-{records}", "steps": 3}
        tuned = train_whole(make_request(by_section(asked)), workspace, init_from=origin.name)
        before, after = (read_checkpoint(run.run / "last.safetensors").tensors for run in (origin, tuned))
        # A step of three is before a third of the training: the layers learnt in the last two only, and little.
        moved = (after["model.layers.0.weight_hh_l0"] - before["model.layers.0.weight_hh_l0"]).abs().max()
        assert 0 < float(moved) < 0.05
        head = after["model.output.weight"]
        assert head.shape == (3, 24)
        known = before["model.embedding.weight"]
        first = 2 if records == "lines" else 0
        torch.testing.assert_close(
            after["model.embedding.weight"][2 : 2 + len(known) - first], known[first:], atol=0.05, rtol=0
        )
        assert verify_run(tuned.name, workspace).is_whole


@pytest.mark.parametrize("records", ["none", "lines"])
def test_texts_on_conditions_start_from_all_weights_of_a_language_model(
    names: Path, workspace: Workspace, tmp_path: Path, records: str
) -> None:
    text = tmp_path / "names.txt"
    text.write_text("".join(line.split("\t")[0] + "\n" for line in names.read_text().splitlines()))
    asked = {**SMALL, "corpus": (str(text),), "name": "language", "steps": 3, "records": records}
    origin = train_whole(make_request(by_section(asked)), workspace)
    asked = {**WITHOUT_SIZES, "corpus": (str(names),), "task": "generate", "swap": True, "name": "write", "steps": 1}
    tuned = train_whole(make_request(by_section({**asked, "learning_rate": 1e-6})), workspace, init_from="language")
    before, after = (read_checkpoint(run.run / "best.safetensors").tensors for run in (origin, tuned))
    old, new = (read_any_model(run.name, workspace).tokenizer for run in (origin, tuned))
    shared = {name: number for number in range(2, new.first_label) if (name := new.symbol_name(number))}
    rows = {old.symbol_name(number): number for number in range(old.vocabulary_size)}
    for name in ("model.embedding.weight", "model.output.weight", "model.output.bias"):
        for symbol, number in shared.items():
            if symbol in rows:
                torch.testing.assert_close(after[name][number], before[name][rows[symbol]], atol=1e-4, rtol=0)
        end = old.end if old.end is not None else next(n for n, piece in enumerate(old.pieces) if piece == b"\n")
        torch.testing.assert_close(after[name][1], before[name][end], atol=1e-4, rtol=0)
    assert len(shared.keys() & rows.keys()) > 10 and verify_run("write", workspace).is_whole


def test_an_encoder_starts_from_a_language_model(spellings: Path, text: Path, workspace: Workspace) -> None:
    origin = train_whole(
        make_request(by_section({**SMALL, "corpus": (str(text),), "name": "tale", "steps": 2})), workspace
    )
    asked = {**WITHOUT_SIZES, "corpus": (str(spellings),), "task": "transduce", "target_symbols": "spaces"}
    asked |= {"attention": "none", "name": "spell", "split": "70/15/15", "steps": 2}
    tuned = train_whole(make_request(by_section(asked)), workspace, init_from="tale")
    before, after = (read_checkpoint(run.run / "last.safetensors").tensors for run in (origin, tuned))
    moved = (after["model.layers.0.weight_hh_l0"] - before["model.layers.0.weight_hh_l0"]).abs().max()
    assert float(moved) < 0.05 and "model.query.weight" not in after
    assert [each.line for each in predict("spell", (str(spellings),), workspace, SilentReporter())]
    assert " " in read_any_model("spell", workspace).tokenizer.to_json()["separator"]


def test_a_stopped_tuning_goes_on_bit_for_bit(names: Path, text: Path, workspace: Workspace) -> None:
    train_whole(make_request(by_section({**SMALL, "corpus": (str(text),), "name": "tale", "steps": 2})), workspace)
    asked = {**WITHOUT_SIZES, "steps": 12}

    def tuned(name: str) -> Request:
        return make_request(by_section({**asked, "corpus": (str(names),), "task": "classify", "name": name}))

    whole = train_whole(tuned("whole"), workspace, init_from="tale")
    stop = StopRequest()
    start(tuned("parts"), workspace, StopAfter(stop, 2), stop, init_from="tale")
    assert_same_end(whole.run, resume("parts", workspace, SilentReporter(), StopRequest()).run)
