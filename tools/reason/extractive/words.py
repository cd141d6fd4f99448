"""Words and their stems: what makes two texts speak of the same thing."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

WORD = re.compile(r"\w+(?:[.\-/'’:@#]\w+)*(?:\+\+|%)?")
PIECE = re.compile(r"[^\W_]+")


def words_of(text: str) -> frozenset[str]:
    """Return the words of a list that is written as text."""
    return frozenset(text.split())


# Words that carry no subject of their own, in the languages most often met.
STOP = words_of(
    """a an the this that these those there here it its he him his she her hers they them their
    theirs we us our ours you your yours i me my mine one ones who whom whose which what when
    where why how is are was were be been being am do does did doing done has have had having
    will would shall should can could may might must to of in on at by for with from as into
    onto upon about and or nor but if then else than so such no not yes any some all each every
    both either neither also too very just only own same other others another more most much
    many few less least between during before after above below over under again further once up
    down out off through while because until against per via et al etc s t d ll re ve don doesn
    didn isn aren wasn weren please tell give know list name explain describe say show find let
    der das dem des ein eine einer eines ist sind und oder im wer wie le la les un une de du est
    sont et ou dans qui que quel quelle el los las en y o que"""
)

# Words that ask or frame rather than name a subject: they count, but little.
FRAME = words_of(
    """type kind sort way thing name known call use get make go take come happen mean include give
    consist involve find become exactly currently current actually usually typically first last
    new well good different various certain specific main major important part detail
    information example like need want person people someone anybody anyone somebody work
    whether following according regard relate provide describe refer considered term long far
    old often time place number amount date year day question answer film movie song"""
)

IRREGULAR = {
    "built": "build", "wrote": "write", "written": "write", "writer": "write", "born": "birth",
    "birthplace": "birth", "birthday": "birth", "dead": "die", "death": "die", "died": "die",
    "dying": "die", "dies": "die", "led": "lead", "leader": "lead", "leading": "lead", "won": "win",
    "winner": "win", "held": "hold", "ran": "run", "running": "run", "sold": "sell", "sale": "sell",
    "sales": "sell", "bought": "buy", "made": "make", "paid": "pay", "payment": "pay",
    "began": "begin", "begun": "begin", "gave": "give", "given": "give", "went": "go",
    "gone": "go", "came": "come", "took": "take", "taken": "take", "kept": "keep", "left": "leave",
    "sang": "sing", "sung": "sing", "singer": "sing", "song": "song", "people": "person",
    "men": "man", "women": "woman", "children": "child", "wives": "wife", "grew": "grow",
    "knew": "know", "known": "know", "chose": "choose", "chosen": "choose", "spoke": "speak",
    "spoken": "speak", "taught": "teach", "teacher": "teach", "brought": "bring", "sent": "send",
    "spent": "spend", "lost": "lose", "loss": "lose", "met": "meet", "meeting": "meet",
    "said": "say", "told": "tell", "thought": "think", "caught": "catch", "fell": "fall",
    "felt": "feel", "broke": "break", "broken": "break", "drove": "drive", "driven": "drive",
    "driver": "drive", "flew": "fly", "flown": "fly", "rose": "rise", "risen": "rise",
    "lay": "lie", "lain": "lie", "lying": "lie", "shot": "shoot", "fought": "fight",
    "struck": "strike", "sank": "sink", "sunk": "sink", "owner": "own", "owned": "own",
    "owns": "own", "height": "high", "length": "long", "width": "wide", "depth": "deep",
    "weight": "weigh", "heavy": "weigh", "older": "old", "oldest": "old", "younger": "young",
    "youngest": "young", "player": "play", "user": "use", "used": "use", "uses": "use",
    "this": "this", "news": "news", "series": "series", "species": "species", "ship": "ship",
}  # fmt: skip

# Words that may stand for each other where a question and a document differ.
_GROUPS = """
birth native hail nee
die decease demise
found establish form create start begin launch inaugurate incept founder
build construct erect complete
open inaugurate
locate situate lie base headquarter site stand place where
write author pen novelist
direct filmmaker
marry spouse wife husband wed widow
parent father mother son daughter child
child son daughter parent father mother
sibling brother sister
salary pay wage remuneration
insure insurer insurance underwrite
grandfather grandson granddaughter grandmother
uncle aunt nephew niece
cost price fee charge pay rate tariff expense
approve sign authorise authorize permit clearance consent
own belong property
lead head chief manage supervise
phone telephone call dial extension tel
maximum max limit most cap ceiling upto exceed
minimum min least
movie film picture feature
song single track
nation country citizen nationality
release publish issue appear premiere debut
play perform portray star act role actor actress cast voice
win award prize receive
population inhabitant resident
company firm corporation business manufacturer
end finish expire conclude close
job position role occupation profession work
responsible charge duty owner owned
replace supersede succeed
remove delete drop
store keep save hold
begin start commence
buy purchase acquire
doctor physician
car vehicle automobile
employee staff worker
holiday leave vacation
required must mandatory need necessary
allow permit may
deadline due
duration long last take
speed fast knot
draught draft deep
high tall rise elevate
weigh tonne
old age
default standard
error fail failure
install setup
compose music composer
sing singer performer perform vocalist vocal
team club
teach teacher instructor
study educate graduate attend
invent inventor devise
discover discovery
""".strip().splitlines()


def fold(text: str) -> str:
    """Return `text` in lower case without accents."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


_ENDINGS = (
    ("ational", 3), ("ization", 3), ("isation", 3), ("ation", 4), ("ition", 4), ("ement", 4),
    ("ment", 4), ("ness", 4), ("ance", 4), ("ence", 4), ("able", 4), ("ible", 4), ("ive", 4),
    ("ity", 4), ("ing", 3), ("ied", 3), ("ed", 3), ("ion", 4), ("er", 5), ("or", 5), ("al", 4),
    ("ly", 3),
)  # fmt: skip


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return the stem of one word. Light: it merges inflections and the nearest derivations."""
    low = fold(word)
    if low.endswith(("'s", "’s")):
        low = low[:-2]
    if low in IRREGULAR:
        return IRREGULAR[low]
    if len(low) <= 3 or not low.isalpha():
        return low
    return _strip(_singular(low))


def _singular(low: str) -> str:
    if low.endswith("ies") and len(low) > 4:
        return low[:-3] + "y"
    if low.endswith(("sses", "xes", "zes", "ches", "shes")):
        return low[:-2]
    if low.endswith("s") and not low.endswith(("ss", "us", "is")):
        return low[:-1]
    return low


def _strip(low: str) -> str:
    if low in IRREGULAR:
        return IRREGULAR[low]
    for ending, least in _ENDINGS:
        root = low[: -len(ending)]
        if low.endswith(ending) and len(root) >= least and re.search("[aeiouy]", root):
            return _tidy(root + "y" if ending == "ied" else root)
    return _tidy(low)


def _tidy(root: str) -> str:
    if len(root) > 3 and root[-1] == root[-2] and root[-1] not in "ls":
        root = root[:-1]
    return root[:-1] if root.endswith("e") and len(root) > 3 else root


SYNONYMS: dict[str, frozenset[str]] = {}
for _line in _GROUPS:
    _group = frozenset(stem(word) for word in _line.split())
    for _stem in _group:
        SYNONYMS[_stem] = SYNONYMS.get(_stem, frozenset()) | _group

# Relations for which there are few words: a text that has none of them does not speak of it.
CLOSED = frozenset(
    stem(word)
    for word in words_of(
        """born die mother father spouse wife husband married child son daughter brother sister
        sibling salary wage telephone phone email password population nationality insure tall
        wide deep"""
    )
)

FRAME_STEMS = frozenset(stem(word) for word in FRAME)


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text: its letters, its place, and its stem."""

    text: str
    start: int
    end: int
    stem: str


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[Word, ...]:
    """Return the words of `text` in order. Compounds ("night-time", `max_size`) stay whole."""
    return tuple(Word(m[0], m.start(), m.end(), stem(m[0])) for m in WORD.finditer(text))


@lru_cache(maxsize=16384)
def stems(text: str) -> frozenset[str]:
    """Return the stems of `text`: of every word, and of every piece of a compound."""
    found = set()
    for match in WORD.finditer(text):
        whole = match[0]
        found.add(stem(whole))
        if not whole.isalnum():
            found.update(stem(piece) for piece in PIECE.findall(whole))
    return frozenset(found)


def is_identifier(word: str) -> bool:
    """Say whether a word is a code rather than prose: `B-12`, `max_size`, `parseArgs`."""
    inner = word[1:]
    return (
        (any(c.isdigit() for c in word) and any(c.isalpha() for c in word))
        or "_" in word
        or ("." in word.strip(".") and word.replace(".", "").isalnum() and not word.istitle())
        or (any(c.isupper() for c in inner) and any(c.islower() for c in word) and "-" not in word)
    )
