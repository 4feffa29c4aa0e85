"""Do the raw I/O: repodata, disk, host, index."""
