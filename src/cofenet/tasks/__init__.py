"""What one may ask of one photograph: arrays in; results, verdicts and provenance out."""
