"""The fastest way to run one network that keeps its accuracy: a search over runtimes and techniques by the protocol.

Built on studies alone: a coarse one (protocol `screen`) over all settings, then a full one over the best few.
"""
