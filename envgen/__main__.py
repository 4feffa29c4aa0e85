"""Run envgen as `python -m envgen`."""

from envgen.cli.main import main

if __name__ == "__main__":
    main()
