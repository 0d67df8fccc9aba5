"""What is sent: chats of a given size, never the same text twice, about one original in ten words.

Fresh texts keep caches honest: only the history of the long chat repeats, as it does in real chats.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

NAMES = ("John Smith", "Jane Doe", "Maria Garcia", "David Johnson", "Susan Miller", "Robert Brown")
PLACES = ("Boston", "Berlin", "Chicago", "Toronto", "London", "Madrid")
MAILBOXES = ("sales", "info", "j.doe", "office")
SENTENCES = (
    "Please ask {name} whether the quarterly report for the {place} office is ready to be sent out today.",
    "You can write to {email} if anything about the delivery of order {number} remains unclear to you.",
    "Our records show that the invoice was paid with card {card} on the first working day of the month.",
    "The server at {ip} has been slow since the last update, and nobody in the team knows the reason why.",
    "Call {phone} before noon, because the people in {place} leave early when the weather is this good.",
    "Everything else in the plan is fine, so there is no need to change the text of the second chapter.",
    "I would rather wait until {name} has read the draft and told us which of the figures are outdated.",
    "Summarize the discussion in three short points and mention what was decided about the new schedule.",
)
CARDS = ("4111 1111 1111 1111", "5555 5555 5555 4444", "4012 8888 8888 1881")
STREAM_DELTAS = 200


@dataclass(frozen=True)
class Workload:
    """A name and an endless supply of bodies, the same ones for the same seed."""

    name: str
    bodies: Callable[[int], Iterator[bytes]]
    streamed: bool = False


def text(chance: random.Random, words: int) -> str:
    sentences: list[str] = []
    count = 0
    while count < words:
        sentence = chance.choice(SENTENCES).format(
            name=chance.choice(NAMES),
            place=chance.choice(PLACES),
            email=f"{chance.choice(MAILBOXES)}{chance.randrange(10**4)}@example.org",
            number=chance.randrange(10**5, 10**6),
            card=chance.choice(CARDS),
            ip=f"203.0.113.{chance.randrange(1, 255)}",
            phone=f"202-555-01{chance.randrange(100):02d}",
        )
        count += len(sentence.split())
        sentences.append(sentence)
    return " ".join(" ".join(sentences).split()[:words])


def prompts(words: int) -> Callable[[int], Iterator[bytes]]:
    def bodies(seed: int) -> Iterator[bytes]:
        chance = random.Random(seed)
        while True:
            yield chat([{"role": "user", "content": text(chance, words)}])

    return bodies


def chat_of(turns: int) -> Callable[[int], Iterator[bytes]]:
    """Return chats of so many turns: all but the last are always the same, as in a chat that goes on."""

    def bodies(seed: int) -> Iterator[bytes]:
        history = random.Random(20)
        said = [
            {"role": ("user", "assistant")[turn % 2], "content": text(history, 30 if turn % 2 == 0 else 90)}
            for turn in range(2 * (turns - 1))
        ]
        chance = random.Random(seed)
        while True:
            yield chat([*said, {"role": "user", "content": text(chance, 30)}])

    return bodies


def streams(seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    while True:
        prompt = text(chance, 150)
        size = max(1, len(prompt) // STREAM_DELTAS)
        yield chat([{"role": "user", "content": prompt}], model=f"echo-delta-{size}", stream=True)


def chat(messages: list[dict[str, str]], model: str = "echo", **more: object) -> bytes:
    return json.dumps({"model": model, "messages": messages, **more}).encode()


SHORT = Workload("50-word prompt", prompts(50))
THROUGHPUT = Workload("200-word prompts", prompts(200))
WORKLOADS = (
    SHORT,
    Workload("500-word prompt", prompts(500)),
    Workload("20-turn chat, new turn", chat_of(20)),
    Workload(f"answer of ~{STREAM_DELTAS} SSE deltas", streams, streamed=True),
)
