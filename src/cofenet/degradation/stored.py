"""Parameter files, whoever wrote them."""

from __future__ import annotations

import json
from pathlib import Path

from cofenet.degradation.parameters import Parameters
from cofenet.degradation.published import from_published
from cofenet.errors import ParameterError


def load_parameters(path: Path) -> Parameters:
    """Read a parameter file: ours, or either published form, which are known by their `params`.

    Raises:
        ParameterError: the file cannot be read, is not JSON, or a field is missing, unknown or out of its range; the
            message names the file, the field and the range.
    """
    try:
        text = path.read_text("utf-8")
        content = json.loads(text)
        if isinstance(content, dict) and "params" in content:
            return from_published(text)
        parameters = Parameters.from_json(text)
        if "factors" not in content:
            raise ParameterError("factors: missing")
        return parameters
    except OSError as error:
        raise ParameterError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, ParameterError) as error:  # damaged JSON and UTF-8 are ValueErrors
        raise ParameterError(f"{path}: {error}") from error
