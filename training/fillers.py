"""Fills the slots of a template with invented people, organizations and places, from one seed.

What a seed gives depends on the lists beside this file and on the pinned version of Faker alone.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

LISTS = Path(__file__).with_name("lists.txt")


def read_lists(path: Path = LISTS) -> dict[str, list[str]]:
    """Return the entries of each list."""
    lists: dict[str, list[str]] = {}
    text = re.sub(r"^#.*", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for block in re.split(r"^\[", text, flags=re.MULTILINE)[1:]:
        name, _, entries = block.partition("]")
        lists[name] = [" ".join(entry.split()) for entry in entries.split(";") if entry.strip()]
    return lists


class Fillers:
    """Values for slots; the same seed gives the same values in the same order."""

    def __init__(self, seed: int, lists: Mapping[str, list[str]] | None = None) -> None:
        self._random = random.Random(seed)
        self._lists = dict(lists or read_lists())
        self._fakers: dict[str, Any] = {}
        self._makers: dict[str, Callable[[], str]] = {
            name.removeprefix("_make_"): getattr(self, name)
            for name in dir(self)
            if name.startswith("_make_")
        }

    def knows(self, slot: str) -> bool:
        """Tell whether there are values for the slot."""
        return slot.lower() in self._lists or slot in self._lists or slot.lower() in self._makers

    def fill(self, slot: str) -> str:
        """Return a value for the slot.

        Raises:
            KeyError: No such slot.
        """
        maker = self._makers.get(slot)
        if maker:
            return maker()
        if slot in self._lists:
            return self._pick(slot)
        if slot.islower():
            raise KeyError(slot)
        value = self.fill(slot.lower())  # {Food} and {FOOD} are {food} in another case
        return value.upper() if slot.isupper() else value.title()

    def chance(self, share: float) -> bool:
        """Return True in so many cases of one."""
        return self._random.random() < share

    def _pick(self, name: str) -> str:
        return self._random.choice(self._lists[name])

    def _faker(self) -> Any:
        locale = self._pick("locale_other_script" if self.chance(0.02) else "locale")
        return self._fakers.get(locale) or self._new(locale)

    def _new(self, locale: str) -> Any:
        from faker import Faker  # noqa: PLC0415 - in the group ``train`` only; tests do without

        faker = self._fakers[locale] = Faker(locale, use_weighting=False)
        faker.seed_instance(self._random.randrange(1 << 30))
        return faker

    def _make_first(self) -> str:
        kind = self._random.random()
        if kind < 0.3:
            return self._pick("first_english")
        return self._pick("given_more") if kind < 0.5 else self._faker().first_name()

    def _make_last(self) -> str:
        return self._pick("family_more") if self.chance(0.3) else self._faker().last_name()

    def _make_person(self) -> str:
        faker, kind = self._faker(), self._random.random()
        if kind < 0.55:
            first, last = faker.first_name(), faker.last_name()
        else:
            first, last = self._make_first(), self._make_last()
        middle = ""
        if self.chance(0.08):
            middle = self._random.choice("ABCDEFGHJKLMNPRSTW") + ("." if self.chance(0.7) else "")
        elif self.chance(0.05):
            middle = self._make_first()
        if self.chance(0.04):
            first = first[0] + "."
        if self.chance(0.03):
            last += "-" + self._make_last()
        suffix = self._random.choice([" Jr.", " III", " Sr."]) if self.chance(0.01) else ""
        return " ".join(part for part in (first, middle, last) if part) + suffix

    def _make_person_inverted(self) -> str:
        return f"{self._make_last()}, {self._make_first()}"

    def _make_words(self) -> str:
        words = self._sentence("en_US")
        return words.lower() if self.chance(0.5) else words

    def _make_foreign_words(self) -> str:
        return self._sentence(self._pick("locale_words"))

    def _sentence(self, locale: str) -> str:
        faker = self._fakers.get(locale) or self._new(locale)
        return faker.sentence(nb_words=self._random.randrange(2, 9)).rstrip(".")

    def _make_initials(self) -> str:
        return "".join(self._random.choice("ABCDEFGHJKLMNPRSTW") for _ in range(2))

    def _make_org(self) -> str:
        kind = self._random.random()
        if kind < 0.4:
            return self._pick("company")
        if kind < 0.6:
            return f"{self._pick('org_word')} {self._pick('org_suffix')}"
        if kind < 0.7:
            return f"{self._make_last()} {self._random.choice(['&', 'and'])} {self._make_last()}"
        if kind < 0.78:
            return f"{self._make_last()} {self._pick('org_suffix')}"
        if kind < 0.86:
            return f"{self._pick('org_head')} {self._make_city()}"
        return f"{self._make_city()} {self._pick('org_suffix')}" if kind < 0.92 else self._faker().company()

    def _make_team(self) -> str:
        return self._pick("team") if self.chance(0.6) else f"{self._make_city()} {self._pick('team_suffix')}"

    def _make_city(self) -> str:
        return self._pick("city") if self.chance(0.75) else self._faker().city()

    def _make_university(self) -> str:
        kind, city = self._random.random(), self._make_city()
        if kind < 0.5:
            return f"University of {city}"
        return f"{city} University" if kind < 0.8 else f"{city} Institute of Technology"

    def _make_fac(self) -> str:
        kind = self._random.random()
        if kind < 0.4:
            return self._pick("fac")
        name = (
            self._make_city() if kind < 0.6 else self._make_last() if kind < 0.8 else self._pick("org_word")
        )
        return f"{name} {self._pick('fac_suffix')}"

    def _make_street(self) -> str:
        return self._faker().street_address().replace("\n", ", ")

    def _make_zip(self) -> str:
        return f"{self._random.randrange(100_000):05d}"

    def _make_email(self) -> str:
        return f"{self._pick('var')}.{self._number()}@example.{self._random.choice(['com', 'org', 'net'])}"

    def _make_handle(self) -> str:
        return f"{self._pick('var2')}{self._pick('var')}{self._number()}"

    def _make_phone(self) -> str:
        return f"({self._random.randrange(201, 990)}) 555-01{self._random.randrange(100):02d}"

    def _make_year(self) -> str:
        return str(self._random.randrange(1700, 2030))

    def _make_time(self) -> str:
        return f"{self._random.randrange(24):02d}:{self._random.randrange(60):02d}" + (
            f":{self._random.randrange(60):02d}" if self.chance(0.3) else ""
        )

    def _make_date(self) -> str:
        day, year = self._random.randrange(1, 29), self._make_year()
        number, month = self._random.randrange(1, 13), self._pick("month")
        forms = (
            f"{month} {day}, {year}",
            f"{day} {month} {year}",
            f"{year}-{number:02d}-{day:02d}",
            f"{number}/{day}/{year}",
            f"{month} {day}",
        )
        return self._random.choice(forms)

    def _make_money(self) -> str:
        return f"${self._random.randrange(1, 999)}" + (" million" if self.chance(0.4) else ".99")

    def _make_num(self) -> str:
        return self._number()

    def _make_version(self) -> str:
        return f"{self._random.randrange(12)}.{self._random.randrange(30)}.{self._random.randrange(10)}"

    def _make_id(self) -> str:
        head = self._random.choice(["", "#", "ORD-", "INV-", "AB", "TRK", "SKU-", "N-"])
        return head + str(self._random.randrange(10**5, 10**9))

    def _make_hex(self) -> str:
        return f"{self._random.getrandbits(160):040x}"

    def _make_uuid(self) -> str:
        digits = f"{self._random.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def _number(self) -> str:
        return str(self._random.choice([self._random.randrange(1, 100), self._random.randrange(100, 9999)]))
