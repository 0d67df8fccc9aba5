"""All formats, and which one a request's path asks for."""

from __future__ import annotations

from sidecar.formats.anthropic_batches import ANTHROPIC_BATCHES
from sidecar.formats.anthropic_messages import ANTHROPIC_MESSAGES
from sidecar.formats.cohere_chat import COHERE_CHAT
from sidecar.formats.format import Format
from sidecar.formats.gemini import GEMINI
from sidecar.formats.gemini import METHODS as GEMINI_METHODS
from sidecar.formats.generic_json import GENERIC_JSON
from sidecar.formats.ollama import METHODS as OLLAMA_METHODS
from sidecar.formats.ollama import OLLAMA
from sidecar.formats.openai_batches import OPENAI_BATCHES
from sidecar.formats.openai_chat import OPENAI_CHAT
from sidecar.formats.openai_completions import OPENAI_COMPLETIONS
from sidecar.formats.openai_inputs import OPENAI_INPUTS
from sidecar.formats.openai_responses import OPENAI_RESPONSES
from sidecar.formats.openai_transcripts import OPENAI_TRANSCRIPTS

FORMATS: tuple[Format, ...] = (
    OPENAI_CHAT,
    OPENAI_RESPONSES,
    OPENAI_COMPLETIONS,
    OPENAI_INPUTS,
    COHERE_CHAT,
    ANTHROPIC_MESSAGES,
    ANTHROPIC_BATCHES,
    OPENAI_BATCHES,
    OPENAI_TRANSCRIPTS,
    GEMINI,
    OLLAMA,
    GENERIC_JSON,
)


def format_for_path(path: str) -> Format:  # noqa: C901, PLR0912 - one case for each kind of path
    """Return the format of a request path, with or without a route's prefix or a query.

    What no other format claims gets the generic one, which looks at everything.
    """
    steps = [step for step in path.partition("?")[0].partition("#")[0].split("/") if step]
    match steps:
        case [*_, "chat" | "agents", "completions"]:
            return OPENAI_CHAT
        case [*_, "responses"] | [*_, "responses", _] | [*_, "responses", _, _]:
            return OPENAI_RESPONSES
        case [*_, "completions"]:
            return OPENAI_COMPLETIONS
        case (
            [
                *_,
                "v1" | "v2" | "openai" | "compatibility",
                "embeddings" | "moderations" | "rerank" | "ocr" | "embed",
            ]
            | [*_, "deployments", _, "embeddings"]
            | [*_, "chat", "moderations"]
            | [*_, "images", "generations" | "edits"]
            | [*_, "audio", "speech"]
        ):
            return OPENAI_INPUTS
        case [*_, "v1" | "v2", "chat"]:
            return COHERE_CHAT
        case [*above, "messages"] | [*above, "messages", "count_tokens"] if _is_anthropic(above):
            return ANTHROPIC_MESSAGES
        case [*above, "messages", "batches"] if _is_anthropic(above):
            return ANTHROPIC_BATCHES
        case [*_, "audio", "transcriptions" | "translations"]:
            return OPENAI_TRANSCRIPTS
        case [*_, "v1" | "openai", "batches"]:
            return OPENAI_BATCHES
        case [*_, call] if ":" in call and call.rpartition(":")[2] in GEMINI_METHODS:
            return GEMINI
        case [*_, "cachedContents"] | [*_, "cachedContents", _]:
            return GEMINI
        case [*_, "api", method] if method in OLLAMA_METHODS:
            return OLLAMA
        case _:
            return GENERIC_JSON


def _is_anthropic(above: list[str]) -> bool:
    return "v1" in above and "threads" not in above
