"""Makes ready before the fork what most requests need: workers share it, and no first client waits for it.

Patterns are compiled and automata built at their first use; here that is one chat with something of every
common kind in it, put through an exchange of its own. It leaves nothing else behind: nothing is remembered,
and no thread is started.
"""

from __future__ import annotations

import json
from dataclasses import replace

from sidecar.exchange import Core, Exchange
from sidecar.model import (
    Body,
    BodyMode,
    BodyModes,
    BodyReply,
    Direction,
    Headers,
    Refusal,
    RequestHeaders,
    ResponseHeaders,
)

MESSAGES = (
    """Hi, I am Jane Doe from Berlin. Please write to Mr. John Smith at j.doe@example.org, call me on
+1 202-555-0143 or (202) 555-0144, or the office on 020 7946 0958; my phone number is 202 555 0145, I am
u/jane_doe_example on Reddit and @jane_example elsewhere. What does the contract with Acme Corp. say?""",
    """I live at 221B Baker Street, London NW1 6XE; the office is at 742 Evergreen Terrace, Springfield, IL
62704. Send it to P.O. Box 123, Boston, MA 02108, to Musterstraße 12, 10115 Berlin, or to 12 rue de la Paix,
75002 Paris.""",
    """It was paid with card 4111 1111 1111 1111, the other card is 5555-5555-5555-4444; my bank account is
12345678, the IBAN DE89 3704 0044 0532 0130 00, my SSN 078-05-1120. See order number 123456, invoice
2024-00017 and customer number 4012888 of 12 May 2024, and the meeting on 2024-05-12 at 10:30.""",
    """curl https://jane:Tr0ub4dor@db.example.org/x
The host 203.0.113.7 and 2001:db8::8a2e:370:7334, ip-203-0-113-9.example.com, MAC 00:00:5e:00:53:af
API_KEY="zX81bQ72mN45vC90kL36"
{"user": "jane", "email": "jane@example.com", "ip": "198.51.100.4", "name": "Jane Doe", "age": 41}""",
    """def total(items):
    # by Jane Doe, 2024-05-12
    return sum(item.price for item in items)

name,email,phone
Jane Doe,jane@example.com,202-555-0146

- Name: Jane Doe

Best regards,
Jane""",
)
"""What the chat says: nothing but reserved and published examples, less than what the NER thread is for."""

_JSON = ("content-type", "application/json")
_REQUEST = RequestHeaders(Headers(((":method", "POST"), (":path", "/v1/chat/completions"), _JSON)))
_RESPONSE = ResponseHeaders(Headers(((":status", "200"), _JSON)))
_MODES = BodyModes(BodyMode.BUFFERED, BodyMode.BUFFERED)


def warm(core: Core) -> None:
    """Put the chat through an exchange, to a provider that says it again and back."""
    exchange = Exchange(
        replace(core, detection=core.detection.forgetful(), lines=None, conversations=None), _MODES
    )
    messages = [{"role": "user", "content": text} for text in MESSAGES]
    sent = asked = _body(Direction.REQUEST, {"model": "any", "messages": messages})
    for event in (_REQUEST, asked):
        for reply in exchange.receive(event):
            if isinstance(reply, Refusal):  # whoever has it set so has no such requests
                return
            if isinstance(reply, BodyReply) and reply.body is not None:
                sent = replace(asked, chunk=reply.body)
    exchange.receive(_RESPONSE)
    answer = {"choices": [{"message": {"content": sent.chunk.decode()}}]}
    exchange.receive(_body(Direction.RESPONSE, answer))


def _body(direction: Direction, document: object) -> Body:
    return Body(direction, json.dumps(document).encode(), end_of_stream=True)
