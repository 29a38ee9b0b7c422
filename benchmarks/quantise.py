"""What does int8 cost and gain? The dense run of a collection, with the backbone in fp32 and int8.

Both backbones run through the same code in one process, in turn. It needs the extra `train`, and
the folder that the model was trained from:

    python benchmarks/quantise.py --collection cranfield --backbone all-MiniLM-L6-v2
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from hardware import hardware

from latent_terms import TermEncoder, load
from latent_terms.backbone import OnnxBackbone
from latent_terms.commands.eval_runs import evaluate
from latent_terms.evaluation import Collection
from latent_terms.sae import OnnxSae
from latent_terms.sources import resolve
from latent_terms.training.export import export_onnx, load_backbone

PACKAGES = ("numpy", "onnxruntime", "tokenizers", "torch", "transformers")


def main() -> None:
    options = _options()
    collection = Collection.read(options.collection)
    with TemporaryDirectory(prefix="latent-terms-") as folder:
        exact = Path(folder) / "backbone.onnx"
        int8 = load(options.model)
        spec = int8.manifest.backbone
        backbone = load_backbone(options.backbone, layer=spec.layer)
        export_onnx(backbone, exact, max_tokens=spec.max_tokens)
        encoders = {"fp32": _with_backbone(int8, options.model, exact), "int8": int8}
        rows = {name: _measure(collection, encoder) for name, encoder in encoders.items()}
    report = {
        **rows,
        "difference": rows["int8"]["ndcg@10"] - rows["fp32"]["ndcg@10"],
        "speed_ratio": rows["int8"]["documents_per_second"] / rows["fp32"]["documents_per_second"],
        "hardware": hardware(PACKAGES),
    }
    print(json.dumps(report, indent=1))


def _with_backbone(encoder: TermEncoder, model: str, backbone: Path) -> TermEncoder:
    folder, manifest = resolve(model).path, encoder.manifest
    dimensions = manifest.backbone.dimensions
    k = max(manifest.sae.document_k, manifest.sae.query_k)
    return TermEncoder(
        manifest=manifest,
        backbone=OnnxBackbone(
            tokenizer=folder / "tokenizer.json", model=backbone, dimensions=dimensions
        ),
        sae=OnnxSae(folder / "sae.onnx", dimensions=dimensions, k=k),
        vocabulary=encoder.vocabulary,
    )


def _measure(collection: Collection, encoder: TermEncoder) -> dict[str, float]:
    start = time.perf_counter()
    evaluation = evaluate(collection, encoder, runs=("dense",))
    seconds = time.perf_counter() - start
    return {
        "ndcg@10": evaluation.means()["dense"]["ndcg@10"],
        "documents_per_second": collection.count_documents() / seconds,
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--collection", type=Path, required=True, help="a folder in BEIR layout")
    parser.add_argument("--backbone", type=Path, required=True, help="the original retriever")
    parser.add_argument("--model", default="minilm-en", help="the model made from it")
    return parser.parse_args()


if __name__ == "__main__":
    main()
