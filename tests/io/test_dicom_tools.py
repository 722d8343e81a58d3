"""The tools of other people on the files we write: dciodvfy, dcmtk and Orthanc, as `.ci/debian-tools` installs them."""

from __future__ import annotations

import email
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from pydicom import dcmread, uid
from pydicom.filebase import DicomBytesIO

from cofenet.io import read_frames, write_frames
from cofenet.io.deidentify import Deidentifier

TEXT = {
    "cofenet": json.dumps({
        "version": "0.1.0", "operation": "correct", "model": "light", "model_sha256": "ab" * 32,
        "settings": {"strength": 1.0},
    })
}  # fmt: skip
DICOMWEB = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")

CASES = [
    ("OP8", 8, 3, 1), ("OP8", 8, 1, 1), ("OP8", 8, 3, 3), ("OP16", 16, 3, 1), ("OP16", 16, 1, 1),
    ("CAPTURE", 8, 3, 1), ("CAPTURE", 10, 1, 1), ("CAPTURE", 12, 1, 1), ("CAPTURE", 12, 3, 1), ("CAPTURES", 8, 3, 2),
    ("BYTES", 8, 1, 2), ("WORDS", 12, 1, 2), ("VISIBLE", 8, 3, 1), ("VISIBLE", 8, 1, 1),
]  # fmt: skip
"""SOP class, bits stored, samples a pixel, frames."""


def tool(name: str, package: str) -> str:
    """Where a tool is; the test is skipped where it could not be installed."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed (Debian package {package}); .ci/debian-tools says why")
    return found


def run(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def stored_pixels(bits: int, channels: int, frames: int) -> np.ndarray:
    shape = (frames, 61, 75, 3)[0 if frames > 1 else 1 : 4 if channels == 3 else 3]
    samples = np.random.default_rng(bits).integers(0, 2**bits, shape)
    return samples.astype(np.uint8 if bits == 8 else np.uint16)


@pytest.fixture(params=CASES, ids=str)
def source(request: pytest.FixtureRequest, files: ModuleType, tmp_path: Path) -> Path:
    kind, bits, channels, frames = request.param
    file = files.photograph(stored_pixels(bits, channels, frames), getattr(files, kind), bits)
    return files.save(file, tmp_path / "source.dcm")


def errors(path: Path) -> list[str]:
    done = subprocess.run([tool("dciodvfy", "dicom3tools"), path], capture_output=True, text=True, check=False)
    assert done.stderr, "it names at least the class of the object"
    return [line for line in (done.stdout + done.stderr).splitlines() if "Error" in line]


def test_dciodvfy_accepts_the_drawn_sources(source: Path) -> None:
    assert errors(source) == []


@pytest.mark.parametrize("deidentify", [False, True])
def test_dciodvfy_accepts_what_is_written(source: Path, tmp_path: Path, deidentify: bool) -> None:
    deidentifier = Deidentifier() if deidentify else None
    assert errors(write_frames(tmp_path / "a", read_frames(source), text=TEXT, deidentifier=deidentifier)) == []


@pytest.mark.parametrize("kind", ["OP8", "CAPTURE", "BYTES", "VISIBLE"])
def test_dciodvfy_accepts_grey_turned_coloured(files: ModuleType, tmp_path: Path, kind: str) -> None:
    grey = stored_pixels(8, 1, 2 if kind == "BYTES" else 1)
    frames = read_frames(files.save(files.photograph(grey, getattr(files, kind)), tmp_path / "source"))
    turned = [replace(frame, pixels=frame.pixels ^ np.uint8([1, 2, 3])) for frame in frames]
    assert errors(write_frames(tmp_path / "a", turned, text=TEXT)) == []


def test_dciodvfy_would_find_a_fault(files: ModuleType, tmp_path: Path) -> None:
    source = files.save(files.photograph(stored_pixels(8, 3, 1)), tmp_path / "source")
    path = write_frames(tmp_path / "a", read_frames(source), text=TEXT)
    result = dcmread(path)
    del result.SourceImageSequence
    result.save_as(path)
    assert errors(path)


def test_dcmtk_reads_the_same_samples(source: Path, tmp_path: Path) -> None:
    path = write_frames(tmp_path / "a.dcm", read_frames(source), text=TEXT)
    (tmp_path / "raw").mkdir()
    told = run(tool("dcmdump", "dcmtk"), "+W", tmp_path / "raw", path)
    assert "DERIVED" in told
    (raw,) = (tmp_path / "raw").iterdir()
    expected = dcmread(source).PixelData
    assert raw.read_bytes()[: len(expected)] == expected


@pytest.mark.parametrize("source", [case for case in CASES if case[1] == 8], ids=str, indirect=True)
def test_dcmtk_shows_the_same_colours(source: Path, tmp_path: Path) -> None:
    """8 bits alone: dcm2pnm writes no more."""
    path = write_frames(tmp_path / "a.dcm", read_frames(source), text=TEXT)
    for number, frame in enumerate(read_frames(path), 1):
        run(tool("dcm2pnm", "dcmtk"), "+F", number, path, tmp_path / "a.ppm")
        shown = cv2.imread(str(tmp_path / "a.ppm"), cv2.IMREAD_COLOR)
        np.testing.assert_array_equal(shown[..., ::-1], frame.pixels)


@pytest.mark.parametrize(
    ("encoder", "options", "tolerance"),
    [
        ("dcmcjpeg", ["+eb"], 1), ("dcmcjpeg", ["+eb", "+s4"], 1), ("dcmcjpeg", ["+eb", "+cr"], 0),
        ("dcmcjpls", [], 0), ("dcmcjpls", ["+en"], 0), ("dcmcrle", [], 0),
    ],
    ids=str,
)  # fmt: skip
def test_what_dcmtk_compresses_is_read_as_dcmtk_reads_it(
    files: ModuleType, tmp_path: Path, draw: object, encoder: str, options: list[str], tolerance: int
) -> None:
    files.save(files.photograph(draw(3)), tmp_path / "plain.dcm")
    run(tool(encoder, "dcmtk"), *options, tmp_path / "plain.dcm", tmp_path / "coded.dcm")
    run(tool(encoder.replace("dcmc", "dcmd"), "dcmtk"), tmp_path / "coded.dcm", tmp_path / "decoded.dcm")
    theirs = dcmread(tmp_path / "decoded.dcm").pixel_array
    (ours,) = read_frames(tmp_path / "coded.dcm")
    np.testing.assert_allclose(ours.pixels.astype(int), theirs, atol=tolerance)
    result = write_frames(tmp_path / "result.dcm", [ours], text=TEXT)
    assert errors(result) == []
    lossy = encoder == "dcmcjpeg" or "+en" in options
    assert dcmread(result).LossyImageCompression == ("01" if lossy else "00")


# Orthanc


@dataclass(frozen=True)
class Orthanc:
    """A running server."""

    web: str
    port: int

    def get(self, path: str, body: bytes | None = None, **headers: str) -> bytes:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with urllib.request.urlopen(urllib.request.Request(self.web + path, body, named), timeout=30) as answer:
            kind, content = answer.headers["Content-Type"], answer.read()
        if not kind.startswith("multipart"):
            return content
        (part,) = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + content).get_payload()
        return part.get_payload(decode=True)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    program = tool("Orthanc", "orthanc")
    if not DICOMWEB.exists():
        pytest.skip(f"{DICOMWEB} is not installed (Debian package orthanc-dicomweb); .ci/debian-tools says why")
    folder = tmp_path_factory.mktemp("orthanc")
    web, port = free_port(), free_port()
    settings = {
        "Name": "test", "StorageDirectory": str(folder / "store"), "IndexDirectory": str(folder / "store"),
        "HttpPort": web, "DicomPort": port, "RemoteAccessAllowed": False, "AuthenticationEnabled": False,
        "DicomAlwaysAllowStore": True, "DicomAlwaysAllowGet": True, "Plugins": [str(DICOMWEB)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"}, "HttpsCACertificates": "",
    }  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([program, str(folder / "orthanc.json")], stdout=log, stderr=log)
        try:
            running = Orthanc(f"http://127.0.0.1:{web}", port)
            wait_for(running, server, folder / "log")
            yield running
        finally:
            server.terminate()
            server.wait(timeout=20)


def wait_for(running: Orthanc, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        assert server.poll() is None, log.read_text("utf-8", "replace")
        try:
            running.get("/system")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text("utf-8", "replace"))


@pytest.mark.slow
def test_orthanc_stores_and_returns_by_c_store_and_c_get(source: Path, tmp_path: Path, orthanc: Orthanc) -> None:
    path = write_frames(tmp_path / "a.dcm", read_frames(source), text=TEXT)
    sent = dcmread(path)
    run(tool("storescu", "dcmtk"), "-aec", "ORTHANC", "127.0.0.1", orthanc.port, path)
    (tmp_path / "back").mkdir()
    keys = [
        "QueryRetrieveLevel=IMAGE",
        *(f"{name}={sent[name].value}" for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")),
    ]
    asked = [word for key in keys for word in ("-k", key)]
    run(tool("getscu", "dcmtk"), "-S", "-aec", "ORTHANC", "-od", tmp_path / "back", *asked, "127.0.0.1", orthanc.port)
    (back,) = (tmp_path / "back").iterdir()
    refuse_different(dcmread(back), sent)


@pytest.mark.slow
def test_orthanc_stores_and_returns_by_dicomweb(source: Path, tmp_path: Path, orthanc: Orthanc) -> None:
    path = write_frames(tmp_path / "a.dcm", read_frames(source), text=TEXT)
    sent = dcmread(path)
    body = b"--edge\r\nContent-Type: application/dicom\r\n\r\n" + path.read_bytes() + b"\r\n--edge--\r\n"
    kind = 'multipart/related; type="application/dicom"; boundary=edge'
    told = json.loads(orthanc.get("/dicom-web/studies", body, Content_Type=kind, Accept="application/dicom+json"))
    assert len(told["00081199"]["Value"]) == 1
    where = (
        f"/dicom-web/studies/{sent.StudyInstanceUID}/series/{sent.SeriesInstanceUID}/instances/{sent.SOPInstanceUID}"
    )
    back = orthanc.get(where, Accept='multipart/related; type="application/dicom"; transfer-syntax=*')
    refuse_different(dcmread(DicomBytesIO(back)), sent)


def refuse_different(back: object, sent: object) -> None:
    assert back.SOPInstanceUID == sent.SOPInstanceUID
    assert back.file_meta.TransferSyntaxUID == uid.ExplicitVRLittleEndian
    np.testing.assert_array_equal(back.pixel_array, sent.pixel_array)
    assert back == sent
