"""How it is timed: results compared first, then times taken in turns, then all of it recorded."""
