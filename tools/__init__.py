"""What makes the notebooks' outputs, the pages and the tables: ``python -m tools.notebooks`` and so on, in a clone."""
