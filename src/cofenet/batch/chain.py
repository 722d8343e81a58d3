"""What of a chain of steps still stands, and where the rest begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from cofenet.batch.job import Job, Step
from cofenet.batch.ledger import Output, Row


class Standing(NamedTuple):
    """How far a photograph has come.

    Attributes:
        rows: those that still stand, in the order of the steps.
        content: sha256 of the photograph with which the next step begins.
        name: of that photograph, relative.
        output: where it lies in the destination; None if it is the source.
        grade: of the last assessment; None before the first.
        over: whether nothing is left to be done: all steps stand, or one failed for good.
    """

    rows: tuple[Row, ...]
    content: str
    name: str
    output: str | None = None
    grade: str | None = None
    over: bool = False

    def after(self, step: Step, row: Row, *, last: bool = False) -> Standing:
        """One step further, which may be the last."""
        grade = str(row.facts["grade"]) if "grade" in row.facts else self.grade
        content, name, output = self.content, self.name, self.output
        if step.verb.makes_photographs and row.outputs:
            made = row.outputs[0]
            content, output = made.sha256, made.name
            name = made.name.removeprefix(f"{step.folder}/")
        return Standing((*self.rows, row), content, name, output, grade, last or row.status == "failed")


def standing(
    job: Job, content: str, name: str, rows: Mapping[str, Row], there: Callable[[Output], bool], *, retry: bool = False
) -> Standing:
    """Go along the chain while each row was made of what is there now, as it would be made now.

    Args:
        job: the steps.
        content: sha256 of the photograph.
        name: of its results.
        rows: what was done before, by the names of the steps.
        there: whether a file of the result is in the destination still.
        retry: whether failures are to be tried again, also those of the photograph itself.
    """
    state = Standing((), content, name)
    for step in job:
        row = rows.get(step.name)
        if row is None or not _stands(step, row, state) or not all(map(there, row.outputs)):
            return state
        if row.status == "failed" and (row.again or retry):
            return state
        state = state.after(step, row, last=step is job[-1])
        if state.over:
            return state
    return state


def _stands(step: Step, row: Row, state: Standing) -> bool:
    if not step.applies(state.grade):  # passed over, whatever its settings
        return (row.status, row.input) == ("skipped", state.content)
    made = (row.input, row.model, row.parameters) == (state.content, step.model, step.parameters)
    return made and row.status != "skipped"


def renamed(rows: tuple[Row, ...], name: str, other: str) -> tuple[Row, ...]:
    """The rows of photograph `name`, for one of the same content and ending that is called `other`."""
    stems = tuple(one[: len(one) - len(suffix(one))] for one in (name, other))
    return tuple(_renamed(row, *stems) for row in rows)


def suffix(name: str) -> str:
    """The ending of a name. The results of photographs of the same content and ending differ in the stem alone."""
    base = name.rpartition("/")[2]
    return f".{base.rpartition('.')[2]}" if "." in base else ""


def _renamed(row: Row, stem: str, other: str) -> Row:
    outputs = []
    for output in row.outputs:
        folder, _, rest = output.name.partition("/")
        outputs.append(Output(f"{folder}/{other}{rest.removeprefix(stem)}", output.size, output.sha256))
    return Row(
        row.step, row.input, row.model, row.parameters, row.status, row.reason, row.again, tuple(outputs), row.facts
    )
