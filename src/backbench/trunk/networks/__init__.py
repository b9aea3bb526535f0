"""TRUNK's torch modules: blocks, one branch, the routing network."""
