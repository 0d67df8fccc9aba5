"""Gemini: how each place of its requests and answers is treated, in both spellings that the API accepts.

A thought that carries a signature is signed; the signature on any other part seals a thought that is not
there, so that part's text and arguments are the user's. The tables name every key in camel case, and
each of them may be written in snake case as well.

Source: Gemini API reference, "Generating content", "Counting tokens", "Embeddings", "Caching"; Vertex AI.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product

from sidecar.formats.format import ByteRestorer
from sidecar.formats.gemini_stream import BLOB, gemini_elements_restorer, gemini_stream_restorer
from sidecar.formats.json_format import JsonFormat
from sidecar.formats.json_schema import SCHEMA
from sidecar.formats.shapes import (
    COMPANION,
    ENCRYPTED,
    NAME,
    NUMERIC,
    SIGNED,
    STRUCTURAL,
    TEXT,
    USER_DATA,
    Shapes,
    Treatment,
)
from sidecar.model import RestorerFactory

METHODS = frozenset(
    {
        "asyncBatchEmbedContent",
        "batchEmbedContents",
        "batchGenerateContent",
        "computeTokens",
        "countTokens",
        "embedContent",
        "generateContent",
        "streamGenerateContent",
    },
)
"""What may follow the colon behind a model's name in a path of this format."""

_split_words = re.compile(r"\b([a-z]+(?:[A-Z][a-z0-9]*)+)\b").split
_capital = re.compile("[A-Z]").sub


def _both_spellings(shapes: Shapes) -> Shapes:
    """Return the shapes with every key that is in camel case in snake case, too, in all combinations."""
    return {
        name: {spelled: treatment for rule, treatment in rules.items() for spelled in _spellings(rule)}
        for name, rules in shapes.items()
    }


def _spellings(rule: str) -> Iterator[str]:
    words = [
        (word, _capital(lambda match: f"_{match[0].lower()}", word)) if at % 2 else (word,)
        for at, word in enumerate(_split_words(rule))
    ]
    return map("".join, product(*words))


_CONTENT: Mapping[str, Treatment | str] = {"": TEXT, "role": STRUCTURAL, "parts": "parts"}

_PART: Mapping[str, Treatment | str] = {
    "text": TEXT,
    "text if thought=true and thoughtSignature": SIGNED,
    "thought": STRUCTURAL,
    "thoughtSignature": ENCRYPTED,
    "inlineData": "blob",
    "fileData": "file",
    "functionCall": "call",
    "functionResponse": "response",
    "toolCall": "call",
    "toolResponse": "response",
    "executableCode.id": STRUCTURAL,
    "executableCode.language": STRUCTURAL,
    "executableCode.code": TEXT,
    "codeExecutionResult.id": STRUCTURAL,
    "codeExecutionResult.outcome": STRUCTURAL,
    "codeExecutionResult.output": TEXT,
    "videoMetadata": STRUCTURAL,
    "mediaResolution": STRUCTURAL,
    "partMetadata": USER_DATA,
}

_PROMPT: Mapping[str, Treatment | str] = {
    "model": STRUCTURAL,
    "tools[]": "tool",
    "toolConfig": "tool_config",
    "systemInstruction": "content",
    "contents": "contents",
    "cachedContent": STRUCTURAL,
    "generationConfig": "generation_config",
    "safetySettings": STRUCTURAL,
    "labels": USER_DATA,
    "serviceTier": STRUCTURAL,
    "store": STRUCTURAL,
}

_EMBEDDING: Mapping[str, Treatment | str] = {
    "content": "content",
    "taskType": STRUCTURAL,
    "title": TEXT,
    "outputDimensionality": NUMERIC,
}

SHAPES: Shapes = _both_spellings(
    {
        "request": {
            **_PROMPT,
            **_EMBEDDING,
            "embedContentConfig": "embedding_config",
            "requests[]": "embedding",
            "generateContentRequest": "prompt",
            "batch": "batch",
            "displayName": TEXT,
            "name": STRUCTURAL,
            "ttl": STRUCTURAL,
            "expireTime": STRUCTURAL,
        },
        "answer": {
            "candidates[]": "candidate",
            "promptFeedback.blockReason": STRUCTURAL,
            "promptFeedback.blockReasonMessage": TEXT,
            "promptFeedback.safetyRatings": STRUCTURAL,
            "usageMetadata": STRUCTURAL,
            "modelVersion": STRUCTURAL,
            "responseId": STRUCTURAL,
            "createTime": STRUCTURAL,
            "updateTime": STRUCTURAL,
            "expireTime": STRUCTURAL,
            "name": STRUCTURAL,
            "model": STRUCTURAL,
            "displayName": TEXT,
            "totalTokens": NUMERIC,
            "cachedContentTokenCount": NUMERIC,
            "embedding.values": NUMERIC,
            "embeddings[].values": NUMERIC,
            "error.code": NUMERIC,
            "error.status": STRUCTURAL,
            "error.message": TEXT,
        },
        "batch": {
            "model": STRUCTURAL,
            "displayName": TEXT,
            "priority": NUMERIC,
            "inputConfig.fileName": STRUCTURAL,
            "inputConfig.requests.requests[].request": "any_prompt",
            "inputConfig.requests.requests[].metadata": USER_DATA,
        },
        "any_prompt": {**_PROMPT, **_EMBEDDING},
        "prompt": _PROMPT,
        "embedding": {**_EMBEDDING, "model": STRUCTURAL},
        "embedding_config": _EMBEDDING,
        "contents": {**_CONTENT, "[]": "content"},
        "content": _CONTENT,
        "parts": {**_PART, "": TEXT, "[]": "part"},  # one part may stand in the place of a list of them
        "part": _PART,
        "blob": BLOB,
        "file": {"mimeType": STRUCTURAL, "displayName": TEXT, "fileUri": NAME},
        "call": {
            "id": STRUCTURAL,
            "name": NAME,
            "toolType": STRUCTURAL,
            "args": USER_DATA,
            "willContinue": STRUCTURAL,
            "partialArgs[].jsonPath": NAME,
            "partialArgs[].stringValue": TEXT,
        },
        "response": {
            "id": STRUCTURAL,
            "name": NAME,
            "toolType": STRUCTURAL,
            "response": USER_DATA,
            "willContinue": STRUCTURAL,
            "scheduling": STRUCTURAL,
            "parts": "parts",
        },
        "tool": {
            "functionDeclarations[]": "function",
            "googleSearch.excludeDomains": NAME,
            "googleSearch.blockingConfidence": STRUCTURAL,
            "googleSearchRetrieval.dynamicRetrievalConfig": STRUCTURAL,
            "googleMaps.enableWidget": STRUCTURAL,
            "googleMaps.authConfig.apiKeyConfig.apiKeyString": SIGNED,
            "computerUse.environment": STRUCTURAL,
            "computerUse.excludedPredefinedFunctions": NAME,
            "fileSearch.fileSearchStoreNames": STRUCTURAL,
            "fileSearch.topK": NUMERIC,
            "fileSearch.metadataFilter": TEXT,
            "mcpServers[].name": NAME,
            "mcpServers[].streamableHttpTransport.url": NAME,
            "mcpServers[].streamableHttpTransport.headers.Authorization": SIGNED,
            "mcpServers[].streamableHttpTransport.headers.authorization": SIGNED,
            "retrieval.vertexAiSearch": STRUCTURAL,
            "retrieval.vertexRagStore": STRUCTURAL,
        },
        "function": {
            "name": NAME,
            "description": TEXT,
            "behavior": STRUCTURAL,
            "parameters": "schema",
            "parametersJsonSchema": "schema",
            "response": "schema",
            "responseJsonSchema": "schema",
        },
        "tool_config": {
            "functionCallingConfig.mode": STRUCTURAL,
            "functionCallingConfig.allowedFunctionNames": NAME,
            "functionCallingConfig.streamFunctionCallArguments": STRUCTURAL,
            "retrievalConfig.latLng": USER_DATA,
            "retrievalConfig.languageCode": STRUCTURAL,
            "includeServerSideToolInvocations": STRUCTURAL,
        },
        "generation_config": {
            "stopSequences": TEXT,
            "responseMimeType": STRUCTURAL,
            "responseModalities": STRUCTURAL,
            "responseSchema": "schema",
            "responseJsonSchema": "schema",
            "_responseJsonSchema": "schema",
            "thinkingConfig": STRUCTURAL,
            "mediaResolution": STRUCTURAL,
            "imageConfig": STRUCTURAL,
            "routingConfig": STRUCTURAL,
            "modelSelectionConfig": STRUCTURAL,
            "speechConfig.languageCode": STRUCTURAL,
            "speechConfig.voiceConfig": STRUCTURAL,
            "speechConfig.multiSpeakerVoiceConfig.speakerVoiceConfigs[].speaker": TEXT,
            "speechConfig.multiSpeakerVoiceConfig.speakerVoiceConfigs[].voiceConfig": STRUCTURAL,
            "candidateCount": NUMERIC,
            "maxOutputTokens": NUMERIC,
            "temperature": NUMERIC,
            "topP": NUMERIC,
            "topK": NUMERIC,
            "seed": NUMERIC,
            "presencePenalty": NUMERIC,
            "frequencyPenalty": NUMERIC,
            "logprobs": NUMERIC,
        },
        "candidate": {
            "content": "content",
            "index": NUMERIC,
            "finishReason": STRUCTURAL,
            "finishMessage": TEXT,
            "safetyRatings": STRUCTURAL,
            "tokenCount": NUMERIC,
            "avgLogprobs": NUMERIC,
            "logprobsResult": COMPANION,
            "continuationToken": ENCRYPTED,
            "citationMetadata.citations[]": "citation",
            "citationMetadata.citationSources[]": "citation",
            "groundingMetadata": "grounding",
        },
        "citation": {
            "startIndex": NUMERIC,
            "endIndex": NUMERIC,
            "uri": TEXT,
            "title": TEXT,
            "license": TEXT,
            "publicationDate": NUMERIC,
        },
        "grounding": {
            "webSearchQueries": TEXT,
            "imageSearchQueries": TEXT,
            "retrievalQueries": TEXT,
            "searchEntryPoint.renderedContent": TEXT,
            "searchEntryPoint.sdkBlob": ENCRYPTED,
            "googleMapsWidgetContextToken": ENCRYPTED,
            "groundingSupports[].segment.text": TEXT,
            "groundingSupports[].segment.partIndex": NUMERIC,
            "groundingSupports[].segment.startIndex": NUMERIC,
            "groundingSupports[].segment.endIndex": NUMERIC,
            "groundingSupports[].groundingChunkIndices": NUMERIC,
            "groundingSupports[].confidenceScores": NUMERIC,
            "retrievalMetadata": NUMERIC,
        },
        **SCHEMA,
        "schema": {**SCHEMA["schema"], "ref": NAME, "defs.*": "schema"},  # no dollar signs here
    }
)


class _Gemini(JsonFormat):
    """A JSON format that streams an array where nobody asks for server-sent events."""

    def restore_elements(self, restorers: RestorerFactory) -> ByteRestorer:
        """Return a restorer for an array that is sent element by element."""
        return gemini_elements_restorer(restorers)


GEMINI = _Gemini(
    "gemini",
    SHAPES,
    ("tools", "systemInstruction", "system_instruction", "contents"),
    gemini_stream_restorer,
)
