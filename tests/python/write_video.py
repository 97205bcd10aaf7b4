"""Puts a stream of video into DICOM objects with pydicom, and takes it out of ours again.

Input (JSON): {"stream": path, "header": {keyword: value}, "write": {path: {"syntax": uid, "fragments": n, "table": bool}}, "read": [path]}.
Output: by path of "read" the SHA-256 of what its fragments hold together, and their number.
"""
import hashlib
import json
import sys
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_fragments, parse_basic_offsets
from pydicom.filebase import DicomBytesIO

request = json.load(sys.stdin)
stream = Path(request["stream"]).read_bytes()
for path, how in request["write"].items():
    data = Dataset()
    for keyword, value in request["header"].items():
        setattr(data, keyword, value)
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = how["syntax"]
    data.PixelData = encapsulate([stream], fragments_per_frame=how["fragments"], has_bot=how["table"])
    data["PixelData"].VR = "OB"
    data["PixelData"].is_undefined_length = True
    data.save_as(path, enforce_file_format=True)

found = {}
for path in request["read"]:
    buffer = DicomBytesIO(dcmread(path).PixelData)
    buffer.is_little_endian = True
    parse_basic_offsets(buffer)
    fragments = list(generate_fragments(buffer))
    found[path] = [hashlib.sha256(b"".join(fragments)).hexdigest(), len(fragments)]
json.dump(found, sys.stdout)
