"""report.html: one self-contained file that works without a network and, but for the records' pages, without a script.

Tables are HTML tables, plots are SVG (a plotting library would be several megabytes in every report), the script of
some hundred lines sorts, filters and draws a record's samples. Every text is escaped by the template engine; the
records' data is JSON that can't end its element; a content policy lets only this script run, by its hash.
"""
