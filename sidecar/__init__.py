"""Swaps personal data in LLM API traffic for tokens on the way out, and back on the way in.

Envoy carries the traffic and shows us every body (``extproc``: gRPC messages become events). One HTTP
exchange is one state machine (``exchange``): events in, replies out, no IO. For a request it asks the
format of the body (``formats``) for its text fields, the detectors (``detection``) for the spans in
them, the policy (``policy``) for what to do with each span, and the token map (``tokens``) for the
stand-ins; then exactly those stretches of the client's bytes change. For an answer it asks Envoy for
the body only if something was tokenized, takes it apart into frames and deltas, and restores each
channel as it arrives. When the exchange ends, the token map is gone. Settings are read once
(``settings``); ``gateway`` runs Envoy beside us; ``cli`` puts the parts together.
"""
