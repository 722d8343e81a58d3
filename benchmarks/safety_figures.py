"""What is told of the verdict's cases: how many harms were found, what was alarmed at, whether "safe" is safe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from cofenet.evaluation.safety import DRAWN, Case, worse
from cofenet.tasks.safety import decide, limits

HARMS = (
    "vessel drawn", "vessel erased", "lesion painted over", "lesion painted over, taken for a spot",
    "disc shifted", "colour cast", "blur", "other eye",
)  # fmt: skip
MARGINS = {"psnr": 0.0, "vessels": 0.02, "disc": 0.02}
"""By how much a figure must fall to count as worse: PSNR at all; Dice by what two observers differ in."""

WORSE = {
    "safe": "worse than the input, our segmentation of the good photograph in place of drawings",
    "safe_drawn": "worse than the input, at its own size, by drawings",
    "safe_true": "worse than the input, both, by PSNR and drawings alone",
}
"""The tables of what is called safe, and is not."""

FAINT = 0.05
"""Contrast of exudates, in the good photograph, below which what becomes of it is not told."""


def case_of(row: dict[str, str]) -> Case:
    """A case as it is stored."""
    truth = {
        name: (float(row[f"{name} before"]), float(row[f"{name} after"]))
        for name in MARGINS
        if row.get(f"{name} before")
    }
    found = {rule: float(row[rule]) for rule in limits() if row.get(rule)}
    return Case(row["photograph"], row["case"], found, truth, float(row["mean_change"]))


def figures(found: Iterable[Case]) -> dict[str, dict[str, object]]:
    """For each kind of case how many there are, how many got which status, and which rule decided how often."""
    groups: dict[str, list[Case]] = {}
    for case in found:
        groups.setdefault(case.harm, []).append(case)
        if case.harm in ("honest", DRAWN) and not worse(case, MARGINS):
            groups.setdefault(f"{case.harm}, not worse than its input", []).append(case)
    decided = {name: [decide(case.findings) for case in group] for name, group in groups.items()}
    return {
        name: {
            "count": len(group),
            "statuses": dict(Counter(one[0] for one in group)),
            "rules": dict(Counter(one[1] for one in group)),
        }
        for name, group in decided.items()
    }


def judged(found: list[Case]) -> dict[str, object]:
    """Whether "safe" is safe: our segmentation standing for drawings; by drawings; and by all that is truth."""
    honest, drawn = ([case for case in found if case.harm == kind] for kind in ("honest", DRAWN))
    if not drawn:
        return {"safe": safe(honest)}
    true = [replace(case, truth={"psnr": case.truth["psnr"]}) for case in honest] + drawn
    return {"safe": safe(honest), "safe_drawn": safe(drawn), "safe_true": safe(true)}


def safe(honest: list[Case]) -> dict[str, dict[str, float]]:
    """Of honest corrections, all and those called safe: how many are worse than their input, by which figure."""
    groups = {"all": honest, "safe": [case for case in honest if decide(case.findings)[0] == "safe"]}
    told: dict[str, dict[str, float]] = {}
    for group, members in groups.items():
        for figure, margin in MARGINS.items():
            pairs = [case.truth[figure] for case in members if figure in case.truth]
            told[f"{group} {figure}"] = {
                "count": len(pairs),
                "worse": sum(after < before - margin for before, after in pairs),
                "lower at all": sum(after < before for before, after in pairs),
            }
        told[f"{group} any"] = {"count": len(members), "worse": sum(worse(case, MARGINS) for case in members)}
    return told


def table(content: dict) -> str:  # type: ignore[type-arg]
    """The figures as Markdown."""
    of = content["cases"]
    lines = ["| planted into a correction | flagged | left as it was |", "|---|---|---|"]
    for harm in (*HARMS, "honest, not worse than its input", "honest", "good", f"{DRAWN}, not worse than its input"):
        if harm not in of:
            continue
        count, statuses = of[harm]["count"], of[harm]["statuses"]
        flagged = count - statuses.get("safe", 0)
        title = {
            "honest, not worse than its input": "nothing, and by the truth not worse (false alarms)",
            "honest": "nothing (all)", "good": "nothing, a good photograph corrected",
            f"{DRAWN}, not worse than its input": "nothing, at its own size, and by drawings not worse",
        }.get(harm, harm)  # fmt: skip
        lines.append(f"| {title} | {flagged / count:.1%} of {count} | {statuses.get('unchanged', 0) / count:.1%} |")
    for key, title in WORSE.items():
        if key in content:
            lines += ["", *_of_safe(title, content[key])]
    if content["lowquality"]:
        statuses = Counter(row["status"] for row in content["lowquality"])
        lines += [
            "",
            "Real low-quality photographs: " + ", ".join(f"{n} {s}" for s, n in sorted(statuses.items())) + ".",
        ]
    if content["exudates"]:
        kept = [one["corrected"] / one["clean"] for one in content["exudates"]]
        before = [one["degraded"] / one["clean"] for one in content["exudates"]]
        faint = content.get("exudates_too_faint")  # figures from before had all of them
        left_out = f"; {faint} more, of a contrast below {FAINT} there, are left out" if faint else ""
        lines += [
            "", f"Contrast of exudates on {len(kept)} photographs of HEI-MED, as a share of that in the good photograph"
            f" (median, and lowest): degraded {np.median(before):.2f} ({min(before):.2f}), corrected "
            f"{np.median(kept):.2f} ({min(kept):.2f}){left_out}.",
        ]  # fmt: skip
    return "\n".join(lines)


def _of_safe(title: str, told: dict[str, dict[str, float]]) -> list[str]:
    lines = [f"| {title} | all corrections | those called safe |", "|---|---|---|"]
    titles = {
        "psnr": "PSNR, at all", "vessels": "Dice of vessels, by more than 0.02",
        "disc": "Dice of the disc, by more than 0.02", "any": "any of these",
    }  # fmt: skip
    for figure, name in titles.items():
        groups = [told[f"{group} {figure}"] for group in ("all", "safe")]
        cells = [f"{one['worse']} of {one['count']}" for one in groups]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def csv_of(found: Iterable[Case]) -> str:
    """Every case: what each rule measured, and the truth."""
    found = list(found)
    rules = list(dict.fromkeys(rule for case in found for rule in case.findings))
    truths = list(MARGINS)
    heads = ["photograph", "case", "status", "rule", "mean_change", *rules]
    heads += [f"{name} {when}" for name in truths for when in ("before", "after")]
    lines = [",".join(heads)]
    for case in found:
        status, rule, _ = decide(case.findings)
        cells = [case.photograph, f'"{case.harm}"', status, rule, f"{case.mean_change:.4f}"]
        cells += [f"{case.findings[name]:.4f}" if name in case.findings else "" for name in rules]
        cells += [
            f"{value:.4f}" if value is not None else ""
            for name in truths
            for value in case.truth.get(name, (None, None))
        ]
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"
