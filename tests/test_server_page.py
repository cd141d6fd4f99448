"""The page as it is sent: all of its parts, by their names, and nothing besides."""

from __future__ import annotations

import re

import pytest
from served import serve
from tugs import QUICK, documents

from suffice import Agent, Corpus


@pytest.fixture
def client(own_folder):
    with Corpus.open(":memory:", **QUICK) as corpus:
        corpus.add(documents())
        with Agent(corpus) as agent, serve(agent) as server, server.client() as opened:
            yield opened


def parts(client) -> set[str]:
    """Return every part that the page, or a part of it, names."""
    named = set(re.findall(r'(?:src|href)="/assets/([^"]+)"', client.get("/").text))
    scripts = [client.get(f"/assets/{name}").text for name in named if name.endswith(".js")]
    return named | {name for text in scripts for name in re.findall(r'from "\./([^"]+)"', text)}


def test_every_part_that_is_named_is_there(client):
    named = parts(client)
    assert {"main.js", "base.css", "icon.svg"} <= named
    for name in named:
        reply = client.get(f"/assets/{name}")
        assert reply.status_code == 200
        assert reply.headers["x-content-type-options"] == "nosniff"


def test_every_module_is_asked_for_at_once(client):
    """None is found only when another has been read: on a slow line each would be a wait."""
    page = client.get("/").text
    assert all(
        f'href="/assets/{name}"' in page or f'src="/assets/{name}"' in page
        for name in parts(client)
    )


def test_parts_are_packed_for_whoever_takes_them_so(client):
    plain = client.get("/assets/graph.js", headers={"Accept-Encoding": "identity"})
    packed = client.get("/assets/graph.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == plain.text
    assert int(packed.headers["content-length"]) < len(plain.content) / 2


def test_the_whole_page_weighs_little(client):
    sizes = [int(client.get(f"/assets/{name}").headers["content-length"]) for name in parts(client)]
    assert sum(sizes) < 45_000


def test_the_page_makes_no_markup_of_data(client):
    """What documents say enters as text: no part of the page parses HTML."""
    for name in parts(client):
        text = client.get(f"/assets/{name}").text
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert way not in text, name


@pytest.mark.parametrize("name", ["__init__.py", "..%2f__init__.py", "index.html", "x.js", ".js"])
def test_nothing_else_is_sent(client, name):
    assert client.get(f"/assets/{name}").status_code == 404
