from __future__ import annotations

import pytest

from sidecar.formats.registry import FORMATS, format_for_path


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/chat/completions", "openai_chat"),
        ("/openai/v1/chat/completions", "openai_chat"),
        ("/v1/proxy/openai/chat/completions", "openai_chat"),
        ("/v1beta/openai/chat/completions", "openai_chat"),
        ("/openai/deployments/d/chat/completions?api-version=2024-10-21", "openai_chat"),
        ("/v1/chat/completions/", "openai_chat"),
        ("/v1/chat/completions/chatcmpl-1", "generic_json"),
        ("/v1/messages", "anthropic_messages"),
        ("/v1/messages?beta=true", "anthropic_messages"),
        ("/anthropic/v1/messages", "anthropic_messages"),
        ("/v1/proxy/anthropic/messages", "anthropic_messages"),
        ("/v1/messages/count_tokens", "anthropic_messages"),
        ("/v1/messages/batches", "anthropic_batches"),
        ("/v1/batches", "openai_batches"),
        ("/v1/audio/transcriptions", "openai_transcripts"),
        ("/openai/deployments/d/audio/translations", "openai_transcripts"),
        ("/openai/batches?api-version=2024-10-21", "openai_batches"),
        ("/v1/batches/batch_1", "generic_json"),
        ("/v1/threads/thread_1/messages", "generic_json"),
        ("/messages", "generic_json"),
        ("/v1/completions", "openai_completions"),
        ("/v1/embeddings?x=/v1/chat/completions", "openai_inputs"),
        ("/v1/responses", "openai_responses"),
        ("/v1/responses/resp_1", "openai_responses"),
        ("/v1/responses/resp_1/cancel", "openai_responses"),
        ("/v1/responses/input_tokens", "openai_responses"),
        ("/openai/v1/responses?api-version=preview", "openai_responses"),
        ("/openai/openai/deployments/gpt/completions?api-version=2024-10-21", "openai_completions"),
        ("/v1/fim/completions", "openai_completions"),
        ("/v1/agents/completions", "openai_chat"),
        ("/openai/deployments/ada/embeddings?api-version=2024-10-21", "openai_inputs"),
        ("/openai/deployments/d/images/generations", "openai_inputs"),
        ("/v1/moderations", "openai_inputs"),
        ("/v1/chat/moderations", "openai_inputs"),
        ("/v1/audio/speech", "openai_inputs"),
        ("/v1beta/openai/embeddings", "openai_inputs"),
        ("/v1/ocr", "openai_inputs"),
        ("/v2/embed", "openai_inputs"),
        ("/v2/rerank", "openai_inputs"),
        ("/v2/chat", "cohere_chat"),
        ("/v1/chat", "cohere_chat"),
        ("/gemini/v1beta/models/gemini-2.5-flash:generateContent", "gemini"),
        ("/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", "gemini"),
        ("/v1beta/tunedModels/t:countTokens", "gemini"),
        ("/v1beta/models/m:embedContent", "gemini"),
        ("/v1beta/models/m:batchEmbedContents", "gemini"),
        ("/v1/projects/p/locations/l/publishers/google/models/m:generateContent", "gemini"),
        ("/v1beta/cachedContents", "gemini"),
        ("/v1beta/cachedContents/abc", "gemini"),
        ("/v1beta/models/m:batchGenerateContent", "gemini"),
        ("/v1beta/models/m:predict", "generic_json"),
        ("/v1beta/generateContent", "generic_json"),
        ("/local/api/chat", "ollama"),
        ("/api/generate", "ollama"),
        ("/api/embed", "ollama"),
        ("/api/embeddings", "ollama"),
        ("/local/api/chat/completions", "openai_chat"),
        ("/local/api/pull", "generic_json"),
        ("", "generic_json"),
    ],
)
def test_the_path_chooses_the_format(path: str, name: str) -> None:
    assert format_for_path(path).name == name


def test_names_are_unique() -> None:
    assert len({fmt.name for fmt in FORMATS}) == len(FORMATS)
