"""A profile for a reader: on the terminal, in Markdown, as one HTML file, and its plots. Nothing here measures."""
