"""The records of channels, from the network, a folder, or the starter index."""
