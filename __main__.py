"""`python -m stillframe`."""

from stillframe.cli import main

if __name__ == "__main__":
    main()
