"""The shell: the only importer of grpc and protobuf; turns messages into events and replies into messages.

This package is loaded before gRPC is, and makes sure that gRPC's tracing, which prints headers and bodies
to standard error, cannot be switched on from the environment.
"""

import os

os.environ.pop("GRPC_TRACE", None)
os.environ["GRPC_VERBOSITY"] = "ERROR"
