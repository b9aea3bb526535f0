"""The criteria of the ACM's five artifact badges (version 1.1), and what records can say to each.

A badge is given by reviewers. What stands here is the evidence that they would ask for, as far as the run holds it.
"""

from __future__ import annotations

from backbench.verifying.evidence import Evidence
from backbench.verifying.item import Answer, Item, State, left_open

AVAILABLE = "Artifacts available"
FUNCTIONAL = "Artifacts evaluated: functional"
REUSABLE = "Artifacts evaluated: reusable"
REPRODUCED = "Results reproduced"
REPLICATED = "Results replicated"


def identified(evidence: Evidence) -> Answer:
    """A unique identifier of the object."""
    if evidence.manifest is None:
        return Answer(
            "partly", f"{len(evidence.rows)} records, each with its SHA-256; there is no manifest that ties them."
        )
    return Answer(
        "partly",
        f"Manifest {evidence.manifest.manifest_id[:16]}… names every record by its hash; a DOI is the archive's.",
    )


def documented(evidence: Evidence) -> Answer:
    command = f"`{evidence.command}`" if evidence.command else "not known, there is no manifest"
    state: State = "partly" if evidence.manifest is None or evidence.own_networks else "answered"
    own = f" Document {evidence.distinct(evidence.own_networks)}." if evidence.own_networks else ""
    return Answer(state, f"Inventory: study.json, {len(evidence.rows)} records, report.md. Command: {command}.{own}")


def consistent(evidence: Evidence) -> Answer:
    """Artifacts belong to the results."""
    gated = sum(row.record.gate is not None and row.record.gate.passed for row in evidence.measured)
    return Answer(
        "answered" if gated == len(evidence.measured) > 0 else "partly",
        f"Accuracy and latency of a row are of one artefact; {gated} of {len(evidence.measured)} measured cells passed the "
        "gate against eager fp32; every printed number is computed from these records.",
    )


def complete(evidence: Evidence) -> Answer:
    """All components that can be included are."""
    missing = [f"the source of {name}" for name in evidence.own_networks]
    missing += ["the datasets"] * bool(evidence.datasets) + ["the trained weights"] * bool(evidence.trainings)
    refused = len(evidence.rows) - len(evidence.measured)
    said = f" {refused} cells were not measured; their records say why." if refused else ""
    return Answer("partly", f"The records hold hashes and no files of: {', '.join(missing) or 'nothing else'}.{said}")


def exercisable(evidence: Evidence) -> Answer:
    """Scripts and software run, and the results can be had again."""
    if not evidence.measured:
        return Answer("open", "No cell was measured.")
    return Answer(
        "partly",
        f"{len(evidence.measured)} cells ran here. `backbench verify RUN` runs a sample of them again and says what holds; "
        "that it does so elsewhere, only somebody else's machine shows.",
    )


def reusable(evidence: Evidence) -> Answer:
    if evidence.manifest is None:
        return Answer("open", "There is no manifest: the environment can't be written down as a whole.")
    return Answer(
        "partly",
        "study.json runs again with other axes; `backbench environment RUN --export DIR` writes the environment. "
        "Add a licence and a README of your own.",
    )


NO_ARCHIVE = left_open("Add the DOI or the archive's link: a run does not know where it was published.")
NO_TEAM = left_open(
    "Needs another team: have them run `backbench verify RUN` on a machine of theirs, and add what it said."
)
NO_OTHER_CODE = left_open("Needs another team and code that is not this: no record can show it.")

BADGES = (
    Item(AVAILABLE, "In a public archive that will last, under a stable address", NO_ARCHIVE),
    Item(AVAILABLE, "Every object has a unique identifier", identified),
    Item(FUNCTIONAL, "Documented: an inventory, and how to exercise it", documented),
    Item(FUNCTIONAL, "Consistent: the artifacts are those of the results", consistent),
    Item(FUNCTIONAL, "Complete: every component is included", complete),
    Item(FUNCTIONAL, "Exercisable: it runs, and gives the results", exercisable),
    Item(REUSABLE, "Documented and structured so well that others can build on it", reusable),
    Item(REPRODUCED, "Another team had the main results with the author's artifacts", NO_TEAM),
    Item(REPLICATED, "Another team had the main results without the author's artifacts", NO_OTHER_CODE),
)
