"""`python main.py COMMAND`; the same as `python -m gateway COMMAND`."""

from gateway.cli import main

if __name__ == "__main__":
    main()
