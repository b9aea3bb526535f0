"""The 21 points of the machine-learning reproducibility checklist 2.0, and what records can say to each."""

from __future__ import annotations

from collections.abc import Sequence

from backbench.report.rows import number_in
from backbench.report.units import plain_name, plural
from backbench.verifying.evidence import Evidence, plain
from backbench.verifying.facts import part, text
from backbench.verifying.item import Answer, Item, State, left_open

MODELS = "Models and algorithms"
THEORY = "Theoretical claims"
DATA = "Datasets"
CODE = "Code"
RESULTS = "Experimental results"


def described(evidence: Evidence) -> Answer:
    """1: a clear description of the model."""
    names = evidence.distinct(record.cell.model for record in evidence.records)
    if evidence.own_networks:
        own = evidence.distinct(evidence.own_networks)
        return Answer("partly", f"Models: {names}. The source of {own} is the author's: publish and describe it.")
    return Answer("partly", f"Models by name with all options: {names}. What a text must say of them is the author's.")


def complexity(evidence: Evidence) -> Answer:
    """3: complexity in time, space, samples."""
    counted = [row for row in evidence.measured if row.macs]
    if not counted:
        return Answer("open", "No cost was counted: no cell was measured.")
    macs, sizes = [row.macs or 0 for row in counted], [row.size or 0 for row in counted]
    disputed = sum(row.disputed for row in counted)
    said = f", {disputed} of them disputed between the two counters" if disputed else ", by two counters that agree"
    return Answer(
        "answered",
        f"{plural(len(counted), 'cell')}: {span(macs, 1e6)} million MACs an image{said}; {span(sizes, 1e6)} MB; latency, "
        "memory and parameters stand in the report.",
    )


def span(values: Sequence[float], unit: float = 1.0) -> str:
    """`3.1`, or `3.1 to 4.2`."""
    least, most = (f"{bound(values) / unit:,.4g}" for bound in (min, max))
    return least if least == most else f"{least} to {most}"


def statistics(evidence: Evidence) -> Answer:
    """6: statistics of the datasets."""
    if not evidence.datasets:
        return Answer("open", "No dataset was read.")
    said = [f"{name_of(data)}: {evidence.counts(data) or 'counts are not recorded'}" for data in evidence.datasets]
    return Answer("answered", "; ".join(said) + ".")


def splits(evidence: Evidence) -> Answer:
    """7: train, validation and test."""
    if not evidence.datasets:
        return Answer("open", "No dataset was read.")
    said = []
    for data in evidence.datasets:
        drawn = part(part(data, "provenance"), "parts")
        said.append(f"{name_of(data)}: " + "; ".join(f"{name}: {plain(how)}" for name, how in drawn.items()))
    return Answer("answered", "; ".join(said) + ". Epochs and options are selected on validation only.")


def preprocessing(evidence: Evidence) -> Answer:
    """8: exclusions and preprocessing."""
    steps = [part(row.record.inputs, "preprocessing") for row in evidence.measured]
    said = evidence.distinct(
        f"size {how.get('size')}, {how.get('interpolation')}, {how.get('mode')} {how.get('crop')},"
        f" mean {how.get('mean')}, std {how.get('std')}"
        for how in steps
        if how
    )
    if not said:
        return Answer("open", "No input was preprocessed.")
    return Answer("answered", f"{said}. backbench leaves no image out; whether the source did, its author knows.")


def download(evidence: Evidence) -> Answer:
    """9: where the data is."""
    if not evidence.datasets:
        return Answer("open", "No dataset was read.")
    said = "; ".join(f"{name_of(data)} SHA-256 {str(text(data, 'sha256'))[:16]}…" for data in evidence.datasets)
    return Answer(
        "partly", f"{said}: whoever has the data can check that it is the same. Add the address it is had from."
    )


def dependencies(evidence: Evidence) -> Answer:
    """11: dependencies."""
    manifest = evidence.manifest
    if manifest is None:
        versions = part(evidence.measured[0].record.host, "packages") if evidence.measured else {}
        listed = ", ".join(f"{name} {version}" for name, version in versions.items())
        return Answer(
            "partly", f"The packages that change numbers: {listed}. Without a manifest there is no full list."
        )
    return Answer(
        "answered",
        f"Python {manifest.host.get('python')} and {len(manifest.packages)} packages with exact versions in "
        "requirements.lock; `backbench environment RUN --export DIR` writes lock, conda file and Dockerfile.",
    )


def training_code(evidence: Evidence) -> Answer:
    """12: training code."""
    if not evidence.trainings:
        return Answer("partly", "Nothing was trained in this run: the weights were given, published or random.")
    recipes = evidence.distinct(text(part(training, "recipe"), "name") for training in evidence.trainings)
    return Answer(
        "answered", f"backbench {code(evidence)}, recipes {recipes}; each stands in its records, field by field."
    )


def evaluation_code(evidence: Evidence) -> Answer:
    """13: evaluation code."""
    return Answer("answered", f"backbench {code(evidence)}; accuracy is taken through the session that is timed.")


def shared_models(evidence: Evidence) -> Answer:
    """14: trained models."""
    hashes = evidence.distinct(str(text(one, "weights_sha256"))[:16] + "…" for one in evidence.trainings)
    if not hashes:
        return Answer("open", "The records name no trained weights; say where the weights that were used are had from.")
    return Answer("partly", f"Weights by SHA-256: {hashes}. Publish the files: the records hold hashes only.")


def precise_command(evidence: Evidence) -> Answer:
    """15: results with the command that makes them."""
    if evidence.command is None:
        return Answer("partly", "report.md is the table of results; without a manifest the command is not known.")
    return Answer("answered", f"`{evidence.command}` writes report.md, the table, from its records.")


def hyperparameters(evidence: Evidence) -> Answer:
    """16: hyperparameters, their range, their choice."""
    if not evidence.trainings:
        return Answer("open", "Nothing was trained in this run.")
    said = evidence.distinct(recipe_line(part(training, "recipe")) for training in evidence.trainings)
    return Answer("partly", f"Those that were used: {said}. The range that was searched, and how, the author must add.")


def recipe_line(recipe: dict[str, object]) -> str:
    fields = ("epochs", "batch", "optimizer", "lr", "weight_decay", "schedule")
    return (
        f"{recipe.get('name')} (" + ", ".join(f"{field} {recipe[field]}" for field in fields if field in recipe) + ")"
    )


def runs(evidence: Evidence) -> Answer:
    """17: number of training and evaluation runs."""
    seeds = evidence.distinct(sorted({record.cell.seed for record in evidence.records}))
    measured = f"{len(evidence.measured)} of {len(evidence.rows)} cells measured"
    return Answer(
        "partly",
        f"{plural(len(evidence.trainings), 'training')} (seeds {seeds}), {measured}, the test part evaluated at most "
        f"{plural(evidence.evaluations, 'time')} an artefact. Trainings that were thrown away are not in the records.",
    )


def definitions(evidence: Evidence) -> Answer:
    """18: definitions of the measures."""
    metrics = evidence.distinct(name for row in evidence.measured for name in row.record.measurements)
    return Answer(
        "answered", f"{metrics or 'no metric'}: defined in backbench's docs/method.md, units in every record."
    )


def variation(evidence: Evidence) -> Answer:
    """19: central tendency and variation."""
    if not evidence.processes:
        return Answer("open", "No latency was measured.")
    seeds = {record.cell.seed for record in evidence.records}
    spread = "over several training seeds" if len(seeds) > 1 else "one training seed: no spread over trainings"
    state: State = "answered" if len(seeds) > 1 else "partly"
    counted = f"{span(evidence.processes)} processes a cell"
    return Answer(state, f"Medians with 95 % intervals over {counted}; accuracies with Wilson's; {spread}.")


def runtime(evidence: Evidence) -> Answer:
    """20: time or energy of a result."""
    seconds = [float(one["seconds"]) for one in evidence.trainings if isinstance(one.get("seconds"), (int, float))]
    energy = sum(row.energy is not None for row in evidence.measured)
    minutes = f"{sum(seconds) / 60:.1f} minutes in all ({plural(len(seconds), 'training')})"
    trained = f"training took {minutes}" if seconds else "nothing was trained"
    counter = (
        f"energy was read for {energy} cells" if energy else "no energy counter could be read, and none is estimated"
    )
    return Answer("answered" if evidence.processes else "open", f"Latency a cell in report.md; {trained}; {counter}.")


def infrastructure(evidence: Evidence) -> Answer:
    """21: the machine."""
    machines = evidence.distinct(
        f"{plain_name(str(host.get('cpu')))}, {host.get('logical_cpus')} processors, {(number_in(host, 'ram') or 0) / 1e9:.0f} GB, "
        f"{plain_name(str(host.get('kernel')))}, GPU {plain_name(str(host.get('gpu') or 'none'))}"
        for host in (record.host for record in evidence.records)
    )
    grades = evidence.distinct(sorted({row.grade for row in evidence.measured if row.grade}))
    return Answer("answered", f"{machines}; host grade {grades or 'not taken'}.")


def name_of(dataset: dict[str, object]) -> str:
    return plain(text(dataset, "title") or text(dataset, "name"))


def code(evidence: Evidence) -> str:
    """Version and commit, and whether they say everything."""
    tools = [evidence.manifest.tool] if evidence.manifest else [record.tool for record in evidence.records]
    return evidence.distinct(
        f"{tool.get('version')}, commit {str(tool.get('commit') or 'unknown')[:12]}{' with changes' if tool.get('dirty') else ''}"
        for tool in tools
    )


NO_ASSUMPTIONS = left_open("Only the author knows what was assumed.")
NO_CLAIMS = left_open("Records hold measurements, no theory: state the claim, or say that there is none.")
NO_PROOFS = left_open("Records hold measurements, no proofs.")
NO_COLLECTION = left_open("Records can't know who made the data, and how.")

ITEMS = (
    Item(MODELS, "The setting, the algorithm and the model are described", described),
    Item(MODELS, "Assumptions are explained", NO_ASSUMPTIONS),
    Item(MODELS, "Complexity is analysed: time, space, sample size", complexity),
    Item(THEORY, "Each claim is stated", NO_CLAIMS),
    Item(THEORY, "Each claim is proved", NO_PROOFS),
    Item(DATA, "Statistics such as the number of examples", statistics),
    Item(DATA, "How train, validation and test were split", splits),
    Item(DATA, "What was excluded, and every step of preprocessing", preprocessing),
    Item(DATA, "Where the data is had from", download),
    Item(DATA, "For new data: how it was collected, annotated and checked", NO_COLLECTION),
    Item(CODE, "Dependencies are specified", dependencies),
    Item(CODE, "Training code", training_code),
    Item(CODE, "Evaluation code", evaluation_code),
    Item(CODE, "Trained models", shared_models),
    Item(CODE, "A table of results with the precise command that makes it", precise_command),
    Item(RESULTS, "Hyperparameters: their range, how the best were chosen, those that were used", hyperparameters),
    Item(RESULTS, "The exact number of training and evaluation runs", runs),
    Item(RESULTS, "The measures and statistics are defined", definitions),
    Item(RESULTS, "Results have a central tendency and a variation", variation),
    Item(RESULTS, "Average run time of each result, or energy", runtime),
    Item(RESULTS, "The computing infrastructure is described", infrastructure),
)
