"""Tables that others published, as data beside the code: one YAML a document. `document.py` reads them."""
