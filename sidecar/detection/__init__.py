"""Text to disjoint spans: patterns in linear time and spaCy NER, side by side."""
