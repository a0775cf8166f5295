"""`python -m xds`: the command line."""

from xds.cli import main

if __name__ == "__main__":
    main()
