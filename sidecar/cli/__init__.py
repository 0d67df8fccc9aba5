"""The command line: composition root and commands, one file for each that does more than one thing."""
