"""TRUNK: a tree of small networks that classifies by walking from a root to a leaf; only the networks on the path run.

tree.py (what a tree file says) → networks/ (the routing network) → growing/ (how one is grown) → cost.py, export.py.
"""
