from __future__ import annotations

import json
from pathlib import Path

import pytest

from latent_terms import ModelFolderError
from latent_terms.backbone import OnnxBackbone

from .model_folder import DIMENSIONS, WORDS, tokenizer

BYTE_LEVEL = {
    "type": "ByteLevel",
    "add_prefix_space": False,
    "trim_offsets": True,
    "use_regex": True,
}
METASPACE = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}


def backbone(pristine: Path, folder: Path, **changes: object) -> OnnxBackbone:
    """The tiny backbone with another tokenizer."""
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(tokenizer() | changes), encoding="utf-8")
    return OnnxBackbone(tokenizer=path, model=pristine / "backbone.onnx", dimensions=DIMENSIONS)


def words(*vocabulary: str) -> dict[str, object]:
    vocab = {word: n for n, word in enumerate(["[UNK]", "-", "[CLS]", "[SEP]", *vocabulary])}
    return {"type": "WordLevel", "vocab": vocab, "unk_token": "[UNK]"}


def test_truncation_and_padding_in_the_tokenizer_are_not_obeyed(
    pristine: Path, tmp_path: Path
) -> None:
    text = ["the", "cat", "sat", "on", "the", "mat", "wing", "lift", "drag", "flow", "x"]
    ids = backbone(pristine, tmp_path).tokenize(" ".join(text))
    assert ids.tolist() == [WORDS.index(word) for word in text]
    assert len(backbone(pristine, tmp_path).tokenize("cat")) == 1


@pytest.mark.parametrize(
    ("changes", "joint"),
    [
        ({"model": words("query", ":", "cat", "sat")}, [4, 5, 6, 7]),
        (
            {
                "pre_tokenizer": BYTE_LEVEL,
                "model": words("query", ":", "cat", "Ġcat", "Ġsat", "Ġ"),
            },
            [4, 5, 7, 8],
        ),
        (
            {"pre_tokenizer": METASPACE, "model": words("▁query:", "▁cat", "▁sat", "▁")},
            [4, 5, 6],
        ),
    ],
    ids=["words", "byte level", "metaspace"],
)
def test_prefix_and_text_give_the_tokens_of_both_together(
    pristine: Path, tmp_path: Path, changes: dict[str, object], joint: list[int]
) -> None:
    model = backbone(pristine, tmp_path, **changes)
    assert model.tokenize("query: cat sat").tolist() == joint
    frame = model.frame("query: ")
    assert frame.head[0] == 2 and frame.tail == (3,)
    assert [*frame.head[1:], *model.tokenize(frame.lead + "cat sat")] == joint


def test_a_tokenizer_without_special_tokens_has_an_empty_frame(
    pristine: Path, tmp_path: Path
) -> None:
    assert backbone(pristine, tmp_path, post_processor=None).frame("") == ((), (), "")


def test_a_tokenizer_that_knows_no_letter_is_refused(pristine: Path, tmp_path: Path) -> None:
    silent = {"type": "Replace", "pattern": {"Regex": "."}, "content": ""}
    with pytest.raises(ModelFolderError, match="finds no token"):
        backbone(pristine, tmp_path, normalizer=silent).frame("")
