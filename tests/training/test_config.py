from __future__ import annotations

from pathlib import Path

import pytest

from sherd.errors import InvalidConfig
from sherd.training.config import read_settings
from tests.training import tiny


def test_settings_are_read_with_their_types(tmp_path: Path) -> None:
    settings = tiny.settings(tmp_path)
    assert [stage.size_px for stage in settings.stages] == [32, 48]
    assert settings.image.widths == (8, 8, 16, 16)
    assert settings.weights.pointing == 0.3


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('name = "a"\nout = "b"\nlearning_rte = 1.0', "learning_rte.*Did you mean 'learning_rate'"),
        ('name = "a"\nout = "b"\nseed = "one"', "seed must be int"),
        ('name = "a"\nout = "b"\nseed = true', "seed must be int"),
        ('name = "a"\nout = "b"\n[data]\nrelics = "bronze"', "relics must be a list"),
        ('name = "a"\nout = "b"\ndata = 3', "data must be a table"),
        ('name = "a"', "out"),
        ('name = "a"\nout = "b"\n[method]\ntree = "left"', r"tree is 'left'"),
        ('name = "a"\nout = "b"\n[method]\nphrases = "slots"\n[levels.clustering]\nslots = 0', "slots is 0"),
        ("name = ", "not TOML"),
        ('out = "b"', "no key 'name'"),
        ("", "no key 'name', 'out'"),
        *(
            (f'name = "a"\nout = "b"\n{text}', what)
            for text, what in (
                ("learning_rate = -1.0", "learning_rate is -1"),
                ("checkpoint_every = 0", "checkpoint_every is 0; give a number 1"),
                ("ema = 2.0", "ema is 2"),
                ("stages = []", r"no \[\[stages\]\]"),
                ("[[stages]]\nsize_px = 33\nbatch = 8\nsteps = 3", "size_px is 33; give a multiple of 16"),
                ("[[stages]]\nsize_px = 32\nbatch = 0\nsteps = 3", "batch is 0"),
                ("[[stages]]\nsize_px = 32\nbatch = 8\nsteps = 0", "steps is 0"),
                ("[[stages]]\nsize_px = 32\nbatch = 8", "no key 'steps'"),
                ("[data]\npack_share = 2.0", "pack_share is 2"),
                ("[image]\ndim = 64", "share one space"),
                ("[image]\ndepths = [1, 1, 1, 1]", "depths must be a list of 3, not of 4"),
                ("[text]\nheads = 5", "heads must divide"),
                ("[levels.clustering]\nslots = -2", "slots is -2"),
                ("[levels.clustering]\nslot_dropout = 3.0", "slot_dropout is 3"),
                ("[captions]\nnoise = 1.5", "noise is 1.5"),
                ("[method]\nsoft_targets = 5.0", "soft_targets is 5"),
                ("[weights]\npart = nan", "part is nan"),
                ("[weights]\npart = -1.0", "part is -1"),
            )
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(InvalidConfig, match=f"tiny.toml.*{what}"):
        read_settings(tiny.write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match=r"none\.toml: no such file"):
        read_settings(tmp_path / "none.toml")


def test_the_built_in_models_settings_can_be_read() -> None:
    root = Path(__file__).resolve().parents[2]
    assert read_settings(root / "configs/builtin.toml").name == "builtin"
