"""Images larger than memory, thousands of photographs, a cluster: time and memory, measured."""
