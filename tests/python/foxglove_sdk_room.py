"""A room served by Foxglove's own SDK (a Rust server): CompressedImage pictures and sonoscope segmentations.

Prints {"port": …} once it listens and serves until standard input closes. Argument: base64 of the FileDescriptorSet of
sonoscope.Segmentation.
"""
import base64
import io
import json
import sys
import threading
import time

import foxglove
from foxglove.channels import CompressedImageChannel
from foxglove.messages import CompressedImage, Timestamp
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from PIL import Image
from pycocotools import mask as coco
import numpy as np

descriptor_set = base64.b64decode(sys.argv[1])
pool = descriptor_pool.DescriptorPool()
for file in descriptor_pb2.FileDescriptorSet.FromString(descriptor_set).file:
    pool.Add(file)
Segmentation = message_factory.GetMessageClass(pool.FindMessageTypeByName("sonoscope.Segmentation"))


def echo(request):
    return json.dumps({"echo": json.loads(request.payload)}).encode()


schema = foxglove.MessageSchema(
    encoding="json", schema=foxglove.Schema(name="anything", encoding="jsonschema", data=b'{"type":"object"}'))
server = foxglove.start_server(
    name="an sdk room", host="127.0.0.1", port=0,
    capabilities=[foxglove.Capability.Services], supported_encodings=["json"],
    services=[foxglove.Service(name="echo", schema=foxglove.ServiceSchema(
        name="echo", request=schema, response=schema), handler=echo)],
)
video = CompressedImageChannel("/theatre/video")
segmentation = foxglove.Channel(
    "/theatre/segmentation", message_encoding="protobuf",
    schema=foxglove.Schema(name="sonoscope.Segmentation", encoding="protobuf", data=descriptor_set))

jpeg = io.BytesIO()
Image.new("RGB", (64, 48), (20, 160, 40)).save(jpeg, "JPEG")
shape = np.zeros((12, 16), dtype=np.uint8, order="F")
shape[3:8, 4:14] = 1
counts = coco.encode(shape)["counts"]

ended = threading.Event()


def serve():
    frame = 0
    while not ended.wait(0.04):
        seconds, nanos = 1_700_000_000 + frame, 123_456_789
        video.log(CompressedImage(timestamp=Timestamp(seconds, nanos), frame_id="theatre", format="jpeg",
                                  data=jpeg.getvalue()), log_time=seconds * 1_000_000_000 + nanos)
        message = Segmentation(frame_id="theatre", pts_ns=frame * 40_000_000, source_frame=frame, mask_width=16,
                               mask_height=12, source_width=64, source_height=48)
        message.timestamp.seconds, message.timestamp.nanos = seconds, nanos
        message.objects.add(id=5, label="clip applier", state=2, confidence=0.5, area_px=50, counts=counts)
        segmentation.log(message.SerializeToString(), log_time=seconds * 1_000_000_000 + nanos)
        frame += 1


thread = threading.Thread(target=serve)
thread.start()
print(json.dumps({"port": server.port}), flush=True)
sys.stdin.read()
ended.set()
thread.join()
server.stop()
