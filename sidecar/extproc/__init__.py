"""The shell: the only importer of grpc and protobuf; turns messages into events and replies into messages."""
