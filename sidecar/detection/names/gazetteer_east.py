"""Finds Chinese, Japanese and Korean names in their own scripts, where no blanks and no capitals help.

A name needs support: a listed family name and listed given name, a form of address behind it, or a word
before it that names follow. A few characters around each position are looked at, so the time is linear.
"""

from __future__ import annotations

import re

from sidecar.detection.names.gazetteer_list import EastAsian
from sidecar.model import Origin, Span

_SCORE = 0.6
_ANY = re.compile("[\u3400-\u9fff\uac00-\ud7a3]")
_HAN = re.compile("[\u3400-\u9fff々]+")
_HANGUL = re.compile("[\uac00-\ud7a3]+")
_CHINESE_TITLES = (
    "先生",
    "女士",
    "小姐",
    "太太",
    "老师",
    "教授",
    "医生",
    "經理",
    "经理",
    "主任",
    "同学",
    "老師",
    "醫生",
)
_JAPANESE_TITLES = ("さん", "様", "さま", "氏", "くん", "君", "ちゃん", "先生", "部長", "課長", "社長", "殿")
_BEFORE_CHINESE = frozenset("给給叫和与與跟向对對找请請由让讓问問为為替")
_BEHIND_CHINESE = frozenset("写寫发發说說打寄的是在和与與及已将將来來去请請你您")
_KOREAN_PARTICLES = """
씨 님 은 는 이 가 을 를 의 와 과 도 에게 께 한테 로 으로 입니다 이고 씨는 씨가 씨를 씨의 씨에게 씨와 씨께
님은 님이 님을 님의 님께 님에게
"""
_KOREAN_ENDINGS = frozenset(_KOREAN_PARTICLES.split())
_KOREAN_TITLES = ("씨", "님", "선생", "대리", "과장", "부장", "교수")


def is_east_asian(text: str) -> bool:
    """Tell whether a text holds a character of these scripts."""
    return not text.isascii() and bool(_ANY.search(text))


class EastAsianNames:
    """The lists, and the rules of each language."""

    def __init__(self, parts: EastAsian) -> None:
        self._parts = parts

    def find(self, text: str) -> list[Span]:
        """Return the names in a text: disjoint, in ascending order within each script."""
        spans: list[Span] = []
        for run in _HAN.finditer(text):
            at = run.start()
            while at < run.end():
                end = self._japanese_end(text, at, run.end()) or self._chinese_end(text, at, run)
                if end:
                    spans.append(_span(at, end))
                at = end or at + 1
        hangul = (
            (run.start(), self._korean_end(text, run.start(), run.end())) for run in _HANGUL.finditer(text)
        )
        return [*spans, *(_span(start, end) for start, end in hangul if end)]

    def _chinese_end(self, text: str, at: int, run: re.Match[str]) -> int | None:
        given = self._parts.chinese_given
        surname = next((n for n in (2, 1) if text[at : at + n] in self._parts.chinese_surnames), 0)
        if not surname:
            return None
        start = at + surname
        opened = at == run.start() or text[at - 1] in _BEFORE_CHINESE
        for size in (2, 1):
            end = start + size
            if end > run.end() or not all(char in given for char in text[start:end]):
                continue
            if text.startswith(_CHINESE_TITLES, end):
                return end
            closed = end == run.end() or text[end] in _BEHIND_CHINESE
            if size > 1 and opened and closed:
                return end
        return start if text.startswith(_CHINESE_TITLES, start) and opened else None

    def _japanese_end(self, text: str, at: int, run_end: int) -> int | None:
        parts = self._parts
        for size in (3, 2, 1):
            end = at + size
            if end > run_end or text[at:end] not in parts.japanese_surnames:
                continue
            if size > 1 and text.startswith(_JAPANESE_TITLES, end):
                return end
            start = end + (text[end : end + 1] in (" ", "\u3000"))
            for length in (3, 2):
                if text[start : start + length] in parts.japanese_given:
                    return start + length
        return None

    def _korean_end(self, text: str, start: int, run_end: int) -> int | None:
        parts = self._parts
        surname = next((n for n in (2, 1) if text[start : start + n] in parts.korean_surnames), 0)
        end = start + surname + 2
        if not surname or end > run_end:
            return None
        ending = text[end:run_end]
        if text[start + surname : end] in parts.korean_given and (not ending or ending in _KOREAN_ENDINGS):
            return end
        titled = ending.startswith(("씨", "님")) if ending else text.startswith(_KOREAN_TITLES, end + 1)
        return end if titled and (not ending or ending in _KOREAN_ENDINGS) else None


def _span(start: int, end: int) -> Span:
    return Span(start, end, "PERSON", _SCORE, Origin.NER, "gazetteer:full name")
