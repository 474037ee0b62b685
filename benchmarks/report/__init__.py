"""The report: pages and plots made from what machines have recorded, and from nothing else."""
