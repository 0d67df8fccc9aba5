"""What one exchange has to do with earlier and later ones: token maps that outlive it, if that is wanted.

Without a store, a request that refers to earlier state is refused, since the tokens in that state were
forgotten with the exchange that made them. With one, a token map is found again only under the ids that
the provider gave, by the same credential at the same provider, and everybody else finds nothing: keys are
keyed hashes of all three, and what stands under a key is encrypted and bound to it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sidecar.errors import RequestRefused, ResponseUnsafe
from sidecar.formats.state import AnswerIds, Reference, StateUse, use_of
from sidecar.model import Headers, Keep, Recalled
from sidecar.policy import CREDENTIAL_HEADERS, CREDENTIAL_PARAMETER, TARGET_CREDENTIAL
from sidecar.tokens.token_map import TokenMap

KEY_BYTES = 32
MAX_REFERENCES = 64
NONCE_BYTES = 12
LINES = "application/x-ndjson"
_UNTOLD = frozenset({"", "application/octet-stream", "application/binary", "binary/octet-stream"})

FORGOTTEN = (
    "refers to state of an earlier request, and the tokens in it were forgotten with that request. Send the "
    "whole history with each request, or have the operator set conversation_store"
)
NOT_KEPT = "refers to state of which nothing is kept for this credential, or no longer"
NO_CREDENTIAL = (
    "refers to earlier state, which is found only with the credential that it was made with; send one"
)
DISAGREE = "the request refers to several earlier states whose tokens differ; refer to one of them"
TOO_MANY = f"the request names more than {MAX_REFERENCES} ids of earlier state"
UNREACHABLE = "the conversation store cannot be reached; try again later"


class Conversations:
    """The secrets and the time of life of all that is kept.

    Args:
        store_key: 32 secret bytes; all workers of one store share them.
        seconds: How long a token map is kept after its last use.
        default_target: The provider that ``/v1/*`` means.
    """

    def __init__(self, store_key: bytes, seconds: int, default_target: str) -> None:
        self.seconds = seconds
        self._default_target = default_target
        self._index = _derived(store_key, b"index")
        self._cipher = AESGCM(_derived(store_key, b"seal"))

    def owner(self, headers: Headers) -> bytes:
        """Return who asks whom: a hash of provider and credentials; empty without a credential."""
        found = _credentials(headers)
        if not found:
            return b""
        provider = provider_of(headers.get(":path").partition("?")[0], self._default_target)
        return self._hash(b"owner", provider, *found)

    def key(self, owner: bytes, name: str) -> bytes:
        """Return what the map of the state with this id is kept under."""
        return self._hash(b"state", owner.hex(), name)

    def sealed(self, key: bytes, dumped: bytes) -> bytes:
        """Encrypt a dump, for this key alone."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, dumped, key)

    def opened(self, key: bytes, sealed: bytes) -> bytes | None:
        """Return the dump; None if it was not sealed for this key, with this secret, as it is now."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], key)
        except (InvalidTag, ValueError):
            return None

    def _hash(self, purpose: bytes, *parts: str) -> bytes:
        hashed = hashlib.blake2b(key=self._index, person=purpose, digest_size=KEY_BYTES)
        hashed.update(_framed(parts))
        return hashed.digest()


_CREDENTIALS = CREDENTIAL_HEADERS | {TARGET_CREDENTIAL}
_NOTHING = frozenset({"", "basic", "bearer"})  # a scheme alone says no more than an empty field


def caller_of(headers: Headers) -> bytes:
    """Return what tells callers apart: their credentials, to be hashed; the same for all without one."""
    return _framed(_credentials(headers))


def _credentials(headers: Headers) -> list[str]:
    """Return names and texts of all credentials, one after the other, in order of name."""
    found = [(name, text) for name, text in headers.fields if name in _CREDENTIALS and _tells(text)]
    query = headers.get(":path").partition("?")[2]
    found += [pair for pair in parse_qsl(query) if pair[0] == CREDENTIAL_PARAMETER and pair[1]]
    return [part for pair in sorted(found) for part in pair]


def _tells(credential: str) -> bool:
    return credential.strip().lower() not in _NOTHING


def _framed(parts: Iterable[str]) -> bytes:
    sources = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(source).to_bytes(8, "big") + source for source in sources)


def _derived(store_key: bytes, purpose: bytes) -> bytes:
    return hashlib.blake2b(key=store_key, person=purpose, digest_size=KEY_BYTES).digest()


def provider_of(path: str, default_target: str) -> str:
    """Return the provider that a path on our listener leads to, by whichever of its routes."""
    match [step for step in path.split("/") if step]:
        case ["v1", "proxy", name, *_]:
            return name
        case ["openai" | "anthropic" | "gemini" | "local" as name, *_]:
            return name
        case ["v1", "messages", *_]:
            return "anthropic"
        case _:
            return default_target


@dataclass(frozen=True, slots=True)
class _Sought:
    """A reference and the key that its map is kept under."""

    reference: Reference
    key: bytes


class Conversation:
    """One exchange's part in a conversation.

    Args:
        conversations: None: nothing is ever kept.
        headers: The request's header fields.
    """

    def __init__(self, conversations: Conversations | None, headers: Headers) -> None:
        self._conversations = conversations
        self._use: StateUse | None = use_of(headers.get(":path"))
        self._owner = conversations.owner(headers) if conversations and self._use else b""
        self._deletes = headers.get(":method") == "DELETE"
        self._sought: list[_Sought] = []
        self._lasts = False
        self._ids: AnswerIds | None = None
        self._found: list[str] = []
        self._gone: list[bytes] = []
        self._dumped = b""  # of the token map, which answers do not change

    @property
    def lasts(self) -> bool:
        """Whether this exchange's token map is to be kept, which its request has decided."""
        return self._lasts

    def keys(self, body: bytes) -> tuple[bytes, ...]:
        """Return what to look up before the request can be answered; mostly nothing.

        Args:
            body: The whole request body, inflated.

        Raises:
            RequestRefused: (422) It refers to state that nothing can be known of.
        """
        if self._use is None:
            return ()
        references = list(dict.fromkeys(self._use.references(body)))
        needed = next((reference for reference in references if reference.needed), None)
        if self._conversations is None or not self._owner:
            if needed is not None:
                raise RequestRefused(422, _about(needed, NO_CREDENTIAL if self._conversations else FORGOTTEN))
            return ()
        if len(references) > MAX_REFERENCES:
            raise RequestRefused(422, TOO_MANY)
        self._lasts = not self._deletes and self._use.stores(body)
        self._sought = [
            _Sought(reference, self._conversations.key(self._owner, reference.id)) for reference in references
        ]
        return tuple(sought.key for sought in self._sought)

    def load(self, recalled: Recalled, token_map: TokenMap) -> None:
        """Make the tokens of earlier exchanges live in this one.

        Raises:
            RequestRefused: (503) The store cannot be reached; (422) nothing is kept, or it disagrees.
        """
        if not recalled.reachable:
            raise RequestRefused(503, UNREACHABLE)
        for sought, sealed in zip(self._sought, recalled.sealed, strict=True):
            dumped = self._opened(sought.key, sealed)
            if dumped is None:
                if sought.reference.needed:
                    raise RequestRefused(422, _about(sought.reference, NOT_KEPT))
                continue
            try:
                token_map.load(dumped)
            except ValueError:
                raise RequestRefused(422, DISAGREE) from None

    def answer_type(self, content_type: str) -> str:
        """Return the type to read an answer as: files of lines often come without a telling one."""
        media_type = content_type.partition(";")[0].strip().lower()
        return LINES if self._use and self._use.resource.lines and media_type in _UNTOLD else content_type

    def begin_answer(self, headers: Headers) -> bool:
        """Take an answer's header fields; tell whether its body may name ids to keep the map under."""
        if self._use is None or not headers.get(":status").startswith("2"):
            return False
        if self._deletes and self._use.whole:
            self._gone = [sought.key for sought in self._sought]
        if not self._lasts:
            return False
        self._found = [sought.reference.id for sought in self._sought if sought.reference.grows]
        content_type = headers.get("content-type").lower()
        streamed = "event-stream" in content_type
        if self._use.resource.names and (streamed or "json" in content_type):
            self._ids = AnswerIds(self._use.resource.names, streamed)
        return self._ids is not None

    def see(self, chunk: bytes, *, ends: bool) -> None:
        """Take the next bytes of the answer as the provider sent them, inflated."""
        if self._ids is None:
            return
        try:
            self._found += self._ids.feed(chunk)
            self._found += self._ids.flush() if ends else ()
        except ResponseUnsafe:
            self._ids = None  # a frame that is too long to be restored may still pass

    @property
    def has_found(self) -> bool:
        """Whether ``kept`` has anything to yield."""
        return bool(self._found or self._gone)

    def kept(self, token_map: TokenMap) -> Iterator[Keep]:
        """Yield what is to be kept for the ids that were seen since the last call."""
        for key in self._gone:
            yield Keep(key, b"", 1)  # which opens as nothing
        found, self._found, self._gone = list(dict.fromkeys(self._found)), [], []
        if self._conversations is None or not found:
            return
        self._dumped = self._dumped or token_map.dump()
        for name in found:
            key = self._conversations.key(self._owner, name)
            yield Keep(key, self._conversations.sealed(key, self._dumped), self._conversations.seconds)

    def _opened(self, key: bytes, sealed: bytes | None) -> bytes | None:
        if self._conversations is None or sealed is None:
            return None
        return self._conversations.opened(key, sealed)


def _about(reference: Reference, message: str) -> str:
    return f"{reference.place} {message}"
