"""Read and edit the file that a user writes."""
