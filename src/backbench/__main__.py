"""`python -m backbench` is the command `backbench`."""

from backbench.cli import main

main()
