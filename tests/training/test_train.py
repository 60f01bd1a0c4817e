from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sherd.encoder.onnx import OnnxEncoder
from sherd.errors import InvalidConfig, SherdError
from sherd.model.checkpoint import load_tensors
from sherd.training.train import averaged_weights, train
from tests.training import tiny


def test_a_run_ends_in_a_model_that_needs_no_torch(tmp_path: Path) -> None:
    lines: list[dict[str, object]] = []
    folder = train(tiny.write(tmp_path), say=lines.append)
    encoder = OnnxEncoder.load(folder)
    assert encoder.name == "tiny"
    picture = np.random.default_rng(0).integers(0, 255, (80, 60, 3), np.uint8)
    made = encoder.encode_images([picture, picture])
    assert made.object.shape == (2, 16)
    assert made.parts.shape == (2, 2, 16)
    assert np.allclose(np.linalg.norm(encoder.encode_text(["饕餮纹", "a ding"]), axis=1), 1, atol=1e-3)
    assert [line for line in lines if "event" in line][-1] == {"event": "exported", "folder": str(folder)}
    logged = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert logged[-1]["step"] == 6
    assert {"object", "part", "region", "pointing", "loss"} <= set(logged[-1])


def test_other_settings_for_the_same_folder_are_refused(tmp_path: Path) -> None:
    train(tiny.write(tmp_path), say=lambda line: None)
    exported = train(tiny.write(tmp_path, tiny.TINY.replace("heat_px = 64", "heat_px = 80")), say=lambda line: None)
    assert json.loads((exported / "model.json").read_text("utf-8"))["heat_px"] == 80
    changed = tiny.write(tmp_path, tiny.TINY.replace("steps = 3", "steps = 4"))
    with pytest.raises(InvalidConfig, match="other settings"):
        train(changed, say=lambda line: None)


def test_a_start_that_is_not_there_is_said_first_and_binds_nobody(tmp_path: Path) -> None:
    (tmp_path / "nowhere").mkdir()
    said: list[dict[str, object]] = []
    with pytest.raises(InvalidConfig, match="nowhere holds no run and no model"):
        train(tiny.write(tmp_path, 'start = "nowhere"\n' + tiny.TINY), say=said.append)
    assert not said
    assert not list((tmp_path / "nowhere").iterdir())
    assert not (tmp_path / "run").exists()
    lost = 'start = "nowhere"\n' + tiny.TINY.replace("relics = ", 'packs = ["gone"]\nrelics = ')
    for name in ("image.onnx", "tokenizer.json"):
        (tmp_path / "nowhere" / name).write_bytes(b"")
    with pytest.raises(SherdError, match="gone"):
        train(tiny.write(tmp_path, lost), say=said.append)
    train(tiny.write(tmp_path), say=said.append)  # the same folder, put right


def test_nothing_to_learn_from_and_nothing_to_export_are_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="neither relics nor packs"):
        train(tiny.write(tmp_path, 'name = "a"\nout = "b"'), say=lambda line: None)
    with pytest.raises(InvalidConfig, match=r"no checkpoint\.safetensors"):
        train(tiny.write(tmp_path, 'name = "a"\nout = "c"'), say=lambda line: None, export_only=True)


def test_a_run_may_begin_with_an_exported_model(tmp_path: Path) -> None:
    exported = train(tiny.write(tmp_path), say=lambda line: None)
    shutil.copytree(exported, tmp_path / "model")
    lines: list[dict[str, object]] = []
    second = tiny.TINY.replace('out = "run"', 'out = "second"\nstart = "model"')
    train(tiny.write(tmp_path, second), say=lines.append)
    begun = next(line for line in lines if line.get("event") == "started from")
    assert begun["steps"] == 6
    # the head of the facets is in no output, counters of batches and residuals are not exported
    assert int(str(begun["taken"])) > 4 * int(str(begun["left"]))
    assert (tmp_path / "second/tokenizer.json").read_bytes() == (exported / "tokenizer.json").read_bytes()
    about = json.loads((exported / "trained.json").read_text("utf-8"))
    assert len(about["temperatures"]["logit_scales"]) == len(about["temperatures"]["logit_biases"]) == 4


def test_a_run_may_begin_with_the_weights_of_another(tmp_path: Path) -> None:
    train(tiny.write(tmp_path), say=lambda line: None)
    lines: list[dict[str, object]] = []
    train(tiny.write(tmp_path, tiny.TINY.replace('out = "run"', 'out = "same"\nstart = "run"')), say=lines.append)
    full = next(line for line in lines if line.get("event") == "started from")
    lines.clear()
    second = tiny.TINY.replace('out = "run"', 'out = "second"\nstart = "run"').replace("slots = 2", "slots = 3")
    train(tiny.write(tmp_path, second), say=lines.append)
    begun = next(line for line in lines if line.get("event") == "started from")
    # what belongs to the slots has another size; all else is taken
    assert begun["steps"] == 6
    assert int(str(begun["taken"])) > 5 * int(str(begun["left"]))
    assert (tmp_path / "second/tokenizer.json").read_bytes() == (tmp_path / "run/tokenizer.json").read_bytes()
    fresh = tiny.TINY.replace('out = "run"', 'out = "fresh"\nstart = "run"\nanew = ["image.clustering"]')
    train(tiny.write(tmp_path, fresh), say=lines.append)
    again = next(line for line in reversed(lines) if line.get("event") == "started from")
    named = [name for name in averaged_weights(tmp_path / "run")[0] if name.startswith("image.clustering")]
    assert int(str(again["left"])) == int(str(full["left"])) + len(named)
    with pytest.raises(InvalidConfig, match=r"begins with 'image\.nothing'"):
        train(
            tiny.write(tmp_path, fresh.replace("fresh", "none").replace("image.clustering", "image.nothing")), say=print
        )
    wider = tiny.TINY.replace('out = "run"', 'out = "third"\nstart = "run"').replace("width = 16", "width = 24")
    with pytest.raises(InvalidConfig, match=r"another kind of model; \d+% of its weights fit"):
        train(
            tiny.write(tmp_path, wider.replace("dim = 16", "dim = 24").replace("[8, 8, 16, 16]", "[9, 9, 9, 9]")),
            say=print,
        )


def test_slots_may_learn_from_regions_alone(tmp_path: Path) -> None:
    alone = "part = 0.0\nregion = 0.0\npointing = 0.0\n"
    lines: list[dict[str, object]] = []
    train(tiny.write(tmp_path, tiny.TINY + alone), say=lines.append)
    last = next(line for line in reversed(lines) if "step" in line)
    assert "cover" in last
    assert not {"part", "region", "pointing"} & set(last)


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_with_the_weights_of_a_quiet_one(tmp_path: Path) -> None:
    """kill -9 at random moments; the same command again; the same weights at the end."""
    text = tiny.TINY.replace("steps = 3", "steps = 20").replace("checkpoint_every = 2", "checkpoint_every = 1")
    folders = {name: tmp_path / name for name in ("quiet", "killed")}
    for folder in folders.values():
        folder.mkdir()
    command = [sys.executable, "-c", "from sherd.cli import main; main()", "train", "tiny.toml", "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=tiny.write(folders["quiet"], text).parent, check=True, env=environment)
    tiny.write(folders["killed"], text)
    # The trainer of the text table breaks ties by chance: a run makes its table once and keeps it, two runs may differ.
    (folders["killed"] / "run").mkdir()
    for name in ("tokenizer.json", "settings.json"):
        shutil.copy(folders["quiet"] / "run" / name, folders["killed"] / "run")
    chance = random.Random(7)
    kills = 0
    while True:
        process = subprocess.Popen(command, cwd=folders["killed"], env=environment, stdout=subprocess.DEVNULL)
        log = folders["killed"] / "run" / "checkpoint.safetensors"
        started = log.stat().st_mtime_ns if log.exists() else 0
        if kills < 8:
            while process.poll() is None and (log.stat().st_mtime_ns if log.exists() else 0) == started:
                time.sleep(0.01)
            time.sleep(chance.random() * 0.2)
            process.kill()
            process.wait()
            kills += 1
            continue
        assert process.wait() == 0
        break
    quiet, killed = (load_tensors(f / "run/checkpoint.safetensors")[0] for f in folders.values())
    for name, tensor in quiet.items():
        assert float((tensor.float() - killed[name].float()).abs().max()) <= 1e-6, name
