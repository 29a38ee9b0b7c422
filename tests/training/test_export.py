"""The exported, quantised retriever gives the states of the original."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from latent_terms import LatentTermsError
from latent_terms.training.config import TrainConfig
from latent_terms.training.export import count_layers, load_backbone, read_settings
from latent_terms.training.quantise import InputScale, input_scale, product_error, round_weight
from latent_terms.training.retriever import Retriever, find_backbone, prepare_retriever

from .training_data import write_retriever

IDS = np.array([[2, 9, 15, 30, 22, 11, 3]], np.int64)


@pytest.fixture(scope="module")
def prepared(retriever: Path, text: Path, tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    folder = tmp_path_factory.mktemp("prepared")
    config = TrainConfig(calibration_passages=20)
    return prepare_retriever(str(retriever), [text], config, folder)


def exact_states(retriever: Path, layer: int = 0) -> np.ndarray:
    ids = torch.from_numpy(IDS)
    with torch.no_grad():
        states: np.ndarray = load_backbone(retriever, layer=layer)(
            ids, torch.ones_like(ids)
        ).numpy()
    return states


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    product = (a * b).sum(-1)
    return np.asarray(product / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1))


def test_int8_states_are_those_of_torch(prepared: Retriever, retriever: Path) -> None:
    states = prepared.open().states(IDS, np.ones_like(IDS))
    assert cosines(states, exact_states(retriever)).min() > 0.99


def test_states_do_not_depend_on_the_batch(prepared: Retriever) -> None:
    backbone = prepared.open()
    alone = backbone.states(IDS, np.ones_like(IDS))
    ids, mask = np.zeros((3, 12), np.int64), np.zeros((3, 12), np.int64)
    ids[1, :7], mask[1, :7] = IDS, 1
    ids[[0, 2]], mask[[0, 2]] = 25, 1
    assert np.abs(backbone.states(ids, mask)[1, :7] - alone[0]).max() < 1e-4


def test_a_layer_cut_reads_the_layer_asked_for(retriever: Path, text: Path, tmp_path: Path) -> None:
    config = TrainConfig(calibration_passages=20, layer=1)
    cut = prepare_retriever(str(retriever), [text], config, tmp_path)
    assert cut.spec.layer == 1
    states = cut.open().states(IDS, np.ones_like(IDS))
    assert cosines(states, exact_states(retriever, layer=1)).min() > 0.99
    assert np.abs(states - exact_states(retriever)).max() > 0.1


def test_all_layers_are_counted(retriever: Path) -> None:
    assert count_layers(load_backbone(retriever)) == 2


def test_a_layer_that_is_not_there_is_refused(retriever: Path) -> None:
    with pytest.raises(LatentTermsError, match="layer 3 is not one of the 2 layers"):
        load_backbone(retriever, layer=3)


def test_cls_pooling_is_read_and_max_pooling_refused(tmp_path: Path) -> None:
    assert read_settings(write_retriever(tmp_path / "cls", pooling="cls")).pooling == "cls"
    with pytest.raises(LatentTermsError, match="neither mean nor CLS"):
        read_settings(write_retriever(tmp_path / "max", pooling="max"))


def test_a_backbone_that_is_nowhere_is_refused() -> None:
    with pytest.raises(LatentTermsError, match="no folder 'no such/folder at all'"):
        find_backbone("no such/folder at all")


def test_smoothing_makes_room_for_channels_with_outliers() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(4000, 16)).astype(np.float32)
    x[:, 3] *= 300
    weight = random.normal(size=(16, 8)).astype(np.float32)
    smooth = input_scale(x, weight)
    reach = np.float32(np.abs(x).max() / 127)
    plain = InputScale(smoothing=np.ones(16, np.float32), scale=reach, zero=128)
    weight[3] /= 300  # as a trained weight would be
    smooth = input_scale(x, weight)
    assert product_error(x, weight, smooth) < 0.03
    assert product_error(x, weight, plain) > 0.2


def test_weights_keep_to_seven_bits() -> None:
    weight = np.random.default_rng(1).normal(size=(32, 8)).astype(np.float32)
    rounded, scale = round_weight(weight)
    assert np.abs(rounded).max() == 63
    assert np.abs(rounded * scale - weight).max() <= scale.max() / 2 + 1e-6
