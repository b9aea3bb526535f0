"""How much is measured: every number of the protocol's rules 2, 3, 9 and 10 in one table, written into each record."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]
Some = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0)]


class Plan(BaseModel):
    """One protocol. `X` calls and `Y` seconds means: until both are reached, at most `cap_seconds`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    min_processes: Some  # rounds that every cell takes part in
    max_processes: Some  # rounds after which it is left as wide as it is
    spawned: Count = 1  # rounds, the first ones, whose processes are spawned: their cold start is a user's own
    half_width: Share = 0.01  # relative 95 % half-width between processes that ends a cell
    warmup_calls: Count = 10
    warmup_seconds: Seconds
    timed_calls: Some
    timed_seconds: Seconds
    cap_seconds: Seconds = 10.0  # longest time of warming up, and of timing, in one process
    repeated_calls: Count  # calls with one and the same input (anti-cache)
    inputs: Some = 256  # distinct inputs, loaded beforehand
    sweep_cap: Count  # largest batch of the throughput sweep; 0: no sweep
    sweep_rounds: Count  # the sweep is run in this many rounds, the first ones
    sweep_seconds: Seconds  # at each batch, and at least 5 calls
    sweep_rise: Share = 0.05  # a doubling that gains less ends the sweep
    energy_seconds: Seconds
    stretch_seconds: Seconds = 30.0  # a round's canaries are at most so far apart, but for one sample
    canary_drift: Share = 0.03
    foreign_share: Share = 0.15  # of the processors, taken by other processes
    max_voided: Count  # rounds' worth of samples that may be taken again in a study


SCREEN = Plan(  # only to tell what is hopeless from what is worth measuring
    name="screen",
    min_processes=3,
    max_processes=3,
    spawned=0,
    warmup_calls=5,
    warmup_seconds=0.2,
    timed_calls=10,
    timed_seconds=0.3,
    cap_seconds=3.0,
    repeated_calls=5,
    sweep_cap=0,
    sweep_rounds=0,
    sweep_seconds=0.1,
    energy_seconds=0.0,
    max_voided=1,
)
QUICK = Plan(
    name="quick",
    min_processes=5,
    max_processes=5,
    warmup_seconds=0.5,
    timed_calls=30,
    timed_seconds=0.5,
    repeated_calls=15,
    sweep_cap=64,
    sweep_rounds=1,
    sweep_seconds=0.1,
    energy_seconds=0.5,
    max_voided=2,
)
STANDARD = Plan(
    name="standard",
    min_processes=7,
    max_processes=30,
    warmup_seconds=1.0,
    timed_calls=100,
    timed_seconds=2.0,
    repeated_calls=50,
    sweep_cap=256,
    sweep_rounds=7,
    sweep_seconds=0.5,
    energy_seconds=2.0,
    max_voided=10,
)
PLANS = {plan.name: plan for plan in (SCREEN, QUICK, STANDARD)}
