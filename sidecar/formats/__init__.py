"""Body bytes to text fields and back; answers restored, whole or streamed, byte for byte."""
