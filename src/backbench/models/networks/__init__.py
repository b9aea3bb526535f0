"""The own families' torch modules, one file each; imported only when a network is built."""
