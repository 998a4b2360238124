"""What the benchmarks share. Standard library only, Linux only: see ../README.md."""
