"""What a published table claims, recomputed: `lint(path)` returns what does not hold.

    file ── read_file ──> Document (tables, what stands around them, paragraphs)
         ── reading ────> Reading (columns understood by their words, numbers in base units, which rows belong together)
         ── rules ──────> Findings: each with its row and column, what was recomputed and from what

A rule speaks only where the table gives what it needs: a column that nobody understands is left alone.
"""
