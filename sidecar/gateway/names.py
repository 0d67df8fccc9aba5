"""Names that several parts of the Envoy configuration refer to each other by."""

SIDECAR_CLUSTER = "sidecar"
PROVIDER_TRUST = "provider-trust"
STRIP = "strip-forged-headers"
TRANSCODER = "envoy.filters.http.grpc_json_transcoder"
EXT_PROC = "envoy.filters.http.ext_proc"
GUARD = "guard"
ROUTER = "envoy.filters.http.router"
# What the sidecar sets on a request that it has answered for; the guard lets nothing else through.
