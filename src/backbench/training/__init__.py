"""Training: a recipe, the loop, the cache of trained weights."""
