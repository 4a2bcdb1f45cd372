"""The book with a kernel in the reader's browser: Pyodide, wheels and scripts, gathered and put beside the pages."""
