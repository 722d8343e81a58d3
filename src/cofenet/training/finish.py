"""What is left to do when a run is done: its network as a model, or the command that makes one."""

from __future__ import annotations

import logging
from pathlib import Path

from lightning_fabric.utilities.rank_zero import rank_zero_only

from cofenet.errors import UsageError
from cofenet.training.export import export
from cofenet.training.run import Run

_PARTS = {"field", "detail", "sharpening", "coarse", "fine"}
"""Networks that make a model only together; the last three may be missing."""

_CORRECTS = {"reference"}

_log = logging.getLogger(__name__)


@rank_zero_only
def finish(folder: Path, terms: Path | None = None) -> Path | None:
    """Export the network of a run into its own folder, where it makes a model alone.

    Args:
        folder: the run's.
        terms: see `export.export`; where those of a source are not known, nothing is exported, and the log says so.

    Returns:
        The model, named as the folder; None if there is none.

    Raises:
        ModelError: the checkpoint is damaged, or PyTorch and onnxruntime disagree.
    """
    run = Run(folder)
    network, model = run.recipe().network, run.model
    if network in _PARTS:
        together = "cofenet export FIELD-RUN DETAIL-RUN [SHARPENING-RUN [COARSE-RUN] [FINE-RUN]] -o FILE.onnx"
        into = f"cofenet export {folder} light -o FILE.onnx"
        _log.info(
            "%s makes a model with its other parts: %s; or with those of the shipped one: %s", network, together, into
        )
        return None
    try:
        export([folder], model, terms)
    except UsageError as error:
        _log.warning("not exported: %s; when they are there: cofenet export %s -o %s", error, folder, model)
        return None
    use = f"cofenet correct PHOTO -o DIR --model {model}" if network in _CORRECTS else "see its card"
    _log.info("the model: %s; %s", model, use)
    return model
