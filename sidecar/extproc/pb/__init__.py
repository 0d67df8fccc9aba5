"""Generated from ``protos/`` by ``make protos``; do not edit.

``masking.pb`` is the binary descriptor set of the Masking service with all its imports, for Envoy's
grpc_json_transcoder. It is read as a package resource, without protobuf:
``importlib.resources.files("sidecar.extproc.pb").joinpath("masking.pb").read_bytes()``.
"""
