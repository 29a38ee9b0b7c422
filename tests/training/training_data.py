"""A retriever small enough to train on in seconds: a random two-layer BERT, and text for it."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel

TOPICS = (
    "cat dog horse fur paw tail barn hay stable kitten",
    "star moon planet orbit comet night sky telescope crater ring",
    "bread oven flour yeast butter crust knead dough salt slice",
    "court judge law trial jury verdict appeal clause witness oath",
)
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def write_retriever(folder: Path, *, pooling: str = "mean") -> Path:
    """A sentence-transformers folder with 2 layers of 32 dimensions and prompts."""
    folder.mkdir(parents=True)
    words = sorted({word for topic in TOPICS for word in topic.split()} | {"a", "the", "##s"})
    vocabulary = {word: i for i, word in enumerate((*SPECIAL, *words))}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.enable_truncation(8)  # as in the wild: baked in, and too short
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.1,  # the default leaves the states nearly as they were embedded
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    notes = {
        "sentence_bert_config.json": {"max_seq_length": 48},
        "config_sentence_transformers.json": {"prompts": {"query": "the ", "document": ""}},
        "1_Pooling/config.json": {
            "pooling_mode_mean_tokens": pooling == "mean",
            "pooling_mode_cls_token": pooling == "cls",
        },
    }
    (folder / "1_Pooling").mkdir()
    for name, content in notes.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


def write_text(path: Path, *, passages: int) -> Path:
    """Passages of 40 words, each about one topic."""
    chosen = random.Random(3)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for _ in range(passages):
            words = chosen.choice(TOPICS).split()
            file.write(" ".join(chosen.choices(words, k=40)) + "\n")
    return path
