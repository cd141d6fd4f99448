import sys
from collections.abc import Callable
from typing import Any

import pytest

from suffice.errors import ProviderMissing
from suffice.tools.embed import open_embedder, open_sparse
from suffice.tools.rerank import open_reranker


@pytest.mark.parametrize(
    "make",
    [
        lambda: open_embedder("fastembed:BAAI/bge-small-en-v1.5"),
        lambda: open_reranker("fastembed:Xenova/ms-marco-MiniLM-L-6-v2"),
        lambda: open_sparse("fastembed:Qdrant/minicoil-v1"),
    ],
    ids=["dense", "cross-encoder", "sparse"],
)
def test_without_the_package_the_error_says_how_to_get_it(
    make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("fastembed", "fastembed.rerank.cross_encoder"):
        monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    with pytest.raises(ProviderMissing, match=r"pip install 'suffice\[fastembed\]'"):
        make()


def test_a_model_that_fastembed_does_not_have_is_refused_with_near_ones() -> None:
    pytest.importorskip("fastembed")
    with pytest.raises(ProviderMissing, match="bge-small"):
        open_embedder("fastembed:BAAI/bge-smal-en-v1.5")
    with pytest.raises(ProviderMissing, match="ms-marco"):
        open_reranker("fastembed:Xenova/ms-marco-MiniLM")
    with pytest.raises(ProviderMissing, match="minicoil"):
        open_sparse("fastembed:prithivida/Splade_PP_en_v1")
