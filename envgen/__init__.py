"""Generate proved, locked conda environments for Apple-silicon Macs."""

__all__ = ["__version__"]
__version__ = "0.1.0"
