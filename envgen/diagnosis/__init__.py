"""Judge what stands in the way on an Apple-silicon Mac, without doing I/O."""
