"""One module of evidence for each chapter of the library."""
