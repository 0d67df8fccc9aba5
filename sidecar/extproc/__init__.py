"""The shell: the only importer of grpc and protobuf; turns messages into events and replies into messages.

The server is our own (``rpc``); gRPC itself is loaded only by who asks for reflection. This package is loaded
before it, and makes sure that its tracing, which prints headers and bodies to standard error, cannot be
switched on from the environment.
"""

import os

os.environ.pop("GRPC_TRACE", None)
os.environ["GRPC_VERBOSITY"] = "ERROR"
