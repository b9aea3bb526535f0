"""How a tree is grown: the published method (phased), ours (joint), and what both need."""
