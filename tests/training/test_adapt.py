from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sherd.catalogue.catalogue import StoredPicture
from sherd.encoder.protocol import Encoder
from sherd.encoder.tapped import Looks
from sherd.errors import CorruptData, InvalidArgument, InvalidConfig, LibraryError
from sherd.ingest.decoder import DecoderPool
from sherd.model.adapter import load_adapter
from sherd.thesaurus.thesaurus import Thesaurus, builtin_thesaurus
from sherd.training import adapt as adapting_module
from sherd.training.adapt import AdaptSettings, adapt
from sherd.training.adapting import WEIGHTS, Material, Temperatures, box_share, make_batch, measure, objective
from sherd.training.corpus import Example, PhraseTarget
from sherd.training.features import FeatureStore, PictureFeatures, TextFeatures
from sherd.training.holdings import HELDOUT, TRAIN, VALIDATION, Holding, example_of, fold_of
from sherd.types import Box, Concept, FloatArray, Picture, Record, Region, SourceImage
from tests.ingest.museum import ListSource, ingest, paint

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220), "yellow": (220, 220, 30)}
DIM = 12


class ColourBackbone:
    """Sees mean colours, reads words by their checksums: nothing that it says of a picture fits what it reads."""

    name, fingerprint, looks_fingerprint = "colours", "c0" * 32, "c1" * 32
    shared, taps, side = True, 2, 4
    whole_dim = text_dim = DIM
    tap_dim = 6
    plain: Encoder | None = None

    def __init__(self) -> None:
        self.looked = 0

    def look(self, pictures: Sequence[Picture]) -> Looks:
        self.looked += len(pictures)
        whole, patches, taps = [], [], []
        for picture in pictures:
            h, w = picture.shape[0] // 6, picture.shape[1] // 6
            cells = picture[: h * 6, : w * 6].reshape(h, 6, w, 6, 3).mean((1, 3)) / 255  # (h, w, 3)
            grid = np.tile(cells, DIM // 3).astype(np.float32) + 0.1
            whole.append(_unit(grid.mean((0, 1))))
            patches.append(_unit(grid))
            taps.append(np.stack([np.tile(cells, 2), np.tile(cells**2, 2)], 2).astype(np.float32))
        return Looks(np.stack(whole), patches, taps)

    def read(self, texts: Sequence[str]) -> FloatArray:
        return np.stack([_unit(_chance(text).normal(size=DIM)) for text in texts])


def _unit(rows: NDArray[np.floating[Any]]) -> FloatArray:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), np.float32)


def _chance(text: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(text.encode()))


@pytest.fixture(autouse=True)
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHERD_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(adapting_module, "open_backbone", lambda _: ColourBackbone())


@pytest.fixture(scope="module")
def museum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of 96 pictures, each of one colour, with that colour's name for title and motif."""
    root = tmp_path_factory.mktemp("museum")
    chance = np.random.default_rng(0)
    records = []
    for n in range(96):
        name = list(COLOURS)[n % 4]
        red, green, blue = (int(v) for v in np.array(COLOURS[name]) + chance.integers(-25, 26, 3))
        paint(root / f"{n}.png", (red, green, blue))
        image = SourceImage(f"{n}.png", (Region(Box(0, 0, 0.5, 0.5), label=f"{name}_spot"),))
        records.append(Record(f"r{n}", (image,), titles={"en": f"A {name} tile"}, motifs=(name,)))
    with DecoderPool(1) as pool:
        ingest(root / "library", ListSource(root, records), pool)
    return root / "library"


def test_rows_are_kept_over_a_restart_and_a_broken_part_is_made_again(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, "things")
    names = [f"{n:064x}" for n in range(5)]
    rows = torch.arange(10.0).reshape(5, 2)
    assert store.missing([*names, names[0]]) == names
    store.write(names[:3], {"x": rows[:3].half()})
    store.write(names[3:], {"x": rows[3:].half()})
    (tmp_path / "things-1234.safetensors.tmp").write_bytes(b"half a part")
    again = FeatureStore(tmp_path, "things")
    assert again.missing(names) == []
    torch.testing.assert_close(again.take("x", [names[4], names[0]]), rows[[4, 0]].half())
    with pytest.raises(KeyError):
        again.take("x", ["ff" * 32])
    first = next(path for path in sorted(tmp_path.glob("*.safetensors")) if path.stat().st_size)
    first.write_bytes(first.read_bytes()[:-3])
    assert len(FeatureStore(tmp_path, "things").missing(names)) in (2, 3)
    assert not first.exists()


def test_only_pictures_that_are_not_kept_are_looked_at(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    pictures = {f"{n:064x}": chance.integers(0, 256, (24, 24, 3), np.uint8) for n in range(7)}
    names = list(pictures)

    def read(name: str) -> Picture:
        if name == names[2]:
            raise CorruptData("spoilt")
        return pictures[name]

    told: list[tuple[int, int]] = []
    first = ColourBackbone()
    features = PictureFeatures(first, tmp_path, reduced=5, part=2)
    refused = features.add(names[:4], read, lambda done, of: told.append((done, of)))
    assert refused == {names[2]: "spoilt"}
    assert told == [(0, 4), (2, 4), (4, 4)]
    assert first.looked == 3
    second = ColourBackbone()
    again = PictureFeatures(second, tmp_path, reduced=5, part=2)
    assert again.add(names, read, lambda done, of: None).keys() == {names[2]}
    assert second.looked == 3
    torch.testing.assert_close(again.reduction[1], features.reduction[1], rtol=0, atol=0)
    whole, patches, taps = again.take([names[0], names[6]])
    assert (whole.shape, patches.shape, taps.shape) == ((2, DIM), (2, 4, 4, DIM), (2, 4, 4, 2, 5))
    looks = second.look([pictures[names[6]]])
    np.testing.assert_allclose(whole[1].numpy(), looks.whole[0], atol=1e-3)
    np.testing.assert_allclose(patches[1].float().numpy(), looks.patches[0], atol=1e-3)


def test_a_grid_of_another_shape_is_resampled(tmp_path: Path) -> None:
    features = PictureFeatures(ColourBackbone(), tmp_path, reduced=6)
    picture = np.zeros((24, 96, 3), np.uint8)
    picture[:, 48:] = 255
    features.add(["0" * 64], lambda _: picture, lambda done, of: None)
    patches = features.take(["0" * 64])[1][0].float()
    assert patches.shape == (4, 4, DIM)
    torch.testing.assert_close(patches.norm(dim=-1), torch.ones(4, 4), rtol=0, atol=2e-3)


def test_texts_are_read_once(tmp_path: Path) -> None:
    backbone = ColourBackbone()
    TextFeatures(backbone, tmp_path).add(["a", "b", "a"])
    texts = TextFeatures(backbone, tmp_path)
    texts.add(["b"])
    np.testing.assert_allclose(texts.take(["b", "a"]).numpy(), backbone.read(["b", "a"]), atol=0)
    assert len(list(tmp_path.glob("texts-*.safetensors"))) == 1


def test_what_the_thesaurus_knows_is_true_as_what_is_broader_too() -> None:
    thesaurus = Thesaurus.from_concepts(
        [
            Concept("u:motif", {"en": "motif"}),
            Concept("u:beast", {"en": "beast", "zh-Hans": "兽"}, broader=("u:motif",)),
            Concept("u:dragon", {"en": "dragon", "zh-Hans": "龙"}, broader=("u:beast",)),
        ]
    )
    image = SourceImage("a.jpg", (Region(Box(0, 0, 0.5, 0.5), label="odd_thing"),))
    record = Record("a", (image,), titles={"en": "Bowl, dragon"}, motifs=("Odd thing",), object_type="bowl")
    example = example_of(record, image, thesaurus)
    said = {(phrase.text, phrase.key, phrase.region) for phrase in example.phrases}
    assert {("odd thing", "odd thing", 0), ("bowl", "bowl", -1), ("龙", "u:dragon", -1), ("兽", "u:beast", -1)} <= said
    assert {key for _, key, _ in said} == {"odd thing", "bowl", "u:dragon", "u:beast"}
    assert ("odd thing", "odd thing", -1) not in said
    assert example.region_keys == (frozenset({"odd thing"}),)
    assert "Bowl, dragon" in example.captions


def test_folds_follow_the_object_and_the_sources_own_word() -> None:
    folds = [fold_of(Record(f"r{n}", ())) for n in range(2_000)]
    shares = {fold: folds.count(fold) / 2_000 for fold in (TRAIN, VALIDATION, HELDOUT)}
    assert shares[HELDOUT] == pytest.approx(0.2, abs=0.03)
    assert shares[VALIDATION] == pytest.approx(0.12, abs=0.03)
    assert fold_of(Record("r0", (), split="test")) == HELDOUT
    assert {fold_of(Record(f"r{n}", (), split="train")) for n in range(50)} == {TRAIN, VALIDATION}


def holding(name: str, *phrases: PhraseTarget, captions: tuple[str, ...] = (), boxes: tuple[Box, ...] = ()) -> Holding:
    keys = tuple(frozenset(p.key for p in phrases if p.region == n) for n in range(len(boxes)))
    picture = StoredPicture(0, f"{zlib.crc32(name.encode()):064x}", 24, 24, "")
    return Holding(name, picture, TRAIN, Example(name, "library", captions, phrases, keys), boxes)


def test_a_batch_knows_what_is_true_of_which_picture() -> None:
    half = Box(0.5, 0, 0.5, 1)
    rows = [
        holding("a", PhraseTarget("dragon", "d", 0), captions=("one",), boxes=(half,)),
        holding("b", PhraseTarget("beast", "b"), PhraseTarget("dragon", "d"), captions=("one",)),
        holding("c", captions=("other",)),
    ]
    batch = make_batch(rows, batch=3, side=2, seed=0, step=0)
    order = [one.record_id for one in batch.holdings]
    assert sorted(order) == ["a", "b", "c"]
    same = {(order[i], order[j]) for i, j in batch.same.nonzero().tolist()}
    assert same == {("a", "a"), ("b", "b"), ("c", "c"), ("a", "b"), ("b", "a")}
    true = {(batch.phrases[m], order[n]) for m, n in batch.relevance.nonzero().tolist()}
    assert true == {("dragon", "a"), ("dragon", "b"), ("beast", "b")}
    unknown = {(batch.phrases[m], order[n]) for m, n in (~batch.known).nonzero().tolist()}
    assert unknown == {("dragon", "c"), ("beast", "c")}
    assert [order[n] for n in batch.region_image.tolist()] == ["a"]
    assert [batch.phrases[m] for m in batch.region_phrase.tolist()] == ["dragon"]
    torch.testing.assert_close(batch.region_weights, torch.tensor([[[0.0, 1.0], [0.0, 1.0]]]))
    assert batch.region_same.tolist() == [[True]]
    again = make_batch(rows, batch=3, side=2, seed=0, step=0)
    assert (again.captions, again.phrases) == (batch.captions, batch.phrases)


def test_a_box_covers_cells_by_their_share() -> None:
    np.testing.assert_allclose(box_share(Box(0.25, 0, 0.5, 0.75), 2), [[0.5, 0.5], [0.25, 0.25]], atol=1e-6)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidConfig, match="batch is 0"):
        AdaptSettings(batch=0)
    with pytest.raises(InvalidConfig, match="steps is -1"):
        AdaptSettings(steps=-1)


def test_heads_learn_a_collection_that_its_backbone_does_not_know(museum: Path, tmp_path: Path) -> None:
    lines: list[dict[str, object]] = []
    settings = AdaptSettings(steps=150, batch=24, check_every=30, learning_rate=3e-3)
    done = adapt(museum, "colours", name="mine", settings=settings, say=lines.append)
    before, after = done.heldout
    assert done.step > 0
    assert before.captions is not None
    assert after.captions is not None
    assert after.captions > before.captions + 0.2
    assert after.phrases is not None
    assert before.phrases is not None
    assert after.phrases > before.phrases + 0.1
    assert sum(done.pictures.values()) == 96
    folder = tmp_path / "models" / "mine"
    assert str(folder) == done.folder
    heads = load_adapter(folder / "heads.safetensors")
    assert not heads.still
    assert sum(p.numel() for p in heads.parameters()) == done.parameters
    about = json.loads((folder / "adapter.json").read_text("utf-8"))
    assert (about["backbone"], about["backbone_fingerprint"]) == ("colours", "c0" * 32)
    assert f"| captions | {before.captions:.3f} | {after.captions:.3f} |" in (folder / "README.md").read_text("utf-8")
    assert {line["event"] for line in lines} == {"features", "learning", "checked"}
    again = adapt(museum, "colours", name="mine", settings=settings, overwrite=True)
    assert again.heldout == done.heldout


def test_where_nothing_is_better_the_backbone_is_left_as_it_is(museum: Path, tmp_path: Path) -> None:
    done = adapt(museum, "colours", name="mine", settings=AdaptSettings(steps=2, batch=8, learning_rate=0.0))
    assert done.step == 0
    assert done.heldout[0] == done.heldout[1]
    assert load_adapter(tmp_path / "models" / "mine" / "heads.safetensors").still
    assert "change nothing" in (tmp_path / "models" / "mine" / "README.md").read_text("utf-8")


def test_every_term_is_measured_and_reaches_the_heads(museum: Path) -> None:
    from sherd.ingest.library import Library

    with Library.open(museum) as library:
        material = adapting_module.gather(library, ColourBackbone(), lambda line: None)
    folds = {fold: [one for one in material.holdings if one.fold == fold] for fold in (TRAIN, VALIDATION)}
    heads = adapting_module.untrained(ColourBackbone(), material, folds, AdaptSettings(slots=3))
    assert heads.settings.slots == 3
    batch = make_batch(folds[TRAIN], batch=12, side=4, seed=0, step=0)
    loss, terms = objective(heads.train(), Temperatures(), batch, material)
    assert terms.keys() == WEIGHTS.keys()
    loss.backward()  # type: ignore[no-untyped-call]
    for s in (heads.s_image, heads.s_patch, heads.s_text):
        assert s.grad is not None
        assert float(s.grad) != 0
    found = measure(heads, material, folds[VALIDATION], parts=3)
    assert found.pictures == len(folds[VALIDATION])
    assert found.score == pytest.approx(sum((found.captions or 0, found.phrases or 0, found.pointing or 0)) / 3)
    assert measure(heads, material, [], parts=3).score == 0


def test_measures_are_those_of_a_ranking_by_hand() -> None:
    class Kept(PictureFeatures):
        def __init__(self) -> None:
            pass

        def take(self, names: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            rows = torch.tensor([[0.8, 0.6], [0.6, 0.8]])[: len(names)]
            return rows, rows[:, None, None].expand(-1, 2, 2, -1), torch.zeros(len(names), 2, 2, 1, 2)

    from sherd.model.adapter import Adapter, AdapterSettings

    heads = Adapter(AdapterSettings(2, 2, taps=1, tap_dim=2, shared=True, reduced=2, width=8, slots=1))
    texts = {"x": torch.tensor([1.0, 0.0]), "y": torch.tensor([0.0, 1.0]), "z": torch.tensor([1.0, 0.0])}
    rows = [
        holding("a", PhraseTarget("z", "z"), captions=("x",)),
        holding("b", PhraseTarget("y", "y", 0), captions=("z",), boxes=(Box(0, 0, 0.4, 0.4),)),
    ]
    found = measure(heads, Material(rows, Kept(), texts), rows, parts=1)
    # Caption "x" finds a first, "z" finds a and not its b; phrases find their own; a flat map points at its corner.
    assert (found.captions, found.recall_1, found.recall_10) == (0.75, 0.5, 1.0)
    assert found.phrases == 1.0
    assert found.pointing == 1.0


def test_too_small_a_library_a_taken_name_and_no_library_are_refused(museum: Path, tmp_path: Path) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    with pytest.raises(InvalidArgument, match="exists; give another --name"):
        adapt(museum, "colours", name="mine")
    with pytest.raises(InvalidArgument, match="model name"):
        adapt(museum, "colours", name="My Model")
    with pytest.raises(LibraryError):
        adapt(tmp_path / "nowhere", "colours", name="other")
    for n in range(3):
        paint(tmp_path / f"{n}.png", (n, 0, 0))
    records = [Record(f"r{n}", (SourceImage(f"{n}.png"),), titles={"en": "tile"}) for n in range(3)]
    with DecoderPool(1) as pool:
        ingest(tmp_path / "small", ListSource(tmp_path, records), pool)
    with pytest.raises(InvalidArgument, match="8 are needed at least"):
        adapt(tmp_path / "small", "colours", name="other")


def test_the_builtin_thesaurus_is_what_terms_are_looked_up_in() -> None:
    image = SourceImage("a.jpg")
    example = example_of(Record("a", (image,), motifs=("taotie",)), image, builtin_thesaurus())
    assert "urn:sherd:taotie" in example.keys
    assert any(phrase.text == "饕餮纹" or phrase.text == "饕餮" for phrase in example.phrases)
