"""
Writes MCAP files with pictures as other programs do: foxglove-sdk with each of its options, Python's mcap with each encoding.
Input: {"folder": "..."}; each file has eight pictures of 64 x 48, red square in column 8 + 3 n, 40 ms apart.
Output: {"names": [...]}.
"""
import base64, io, json, os, struct, sys
import foxglove
import numpy as np
from foxglove import Context
from foxglove.channels import CompressedImageChannel
from foxglove.mcap import MCAPCompression, MCAPWriteOptions
from foxglove.messages import CompressedImage, Timestamp
from mcap.writer import CompressionType, Writer
from PIL import Image

folder = json.load(sys.stdin)["folder"]
start = 1_700_000_000_000_000_000


def picture(n, kind="JPEG"):
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[8:24, 8 + 3 * n : 24 + 3 * n] = (255, 0, 0)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **({"quality": 95, "subsampling": 0} if kind == "JPEG" else {}))
    return file.getvalue()


times = [start + n * 40_000_000 for n in range(8)]
names = []


def with_sdk(name, topics=("/camera/video",), **options):
    names.append(name)
    context = Context()
    options = {"compression": None, **options}
    with foxglove.open_mcap(f"{folder}/{name}.mcap", context=context, writer_options=MCAPWriteOptions(**options)):
        channels = [CompressedImageChannel(topic, context=context) for topic in topics]
        for n, time in enumerate(times):
            for channel in channels:
                stamp = Timestamp(time // 10**9, time % 10**9)
                channel.log(CompressedImage(timestamp=stamp, data=picture(n), format="jpeg"), log_time=time)


with_sdk("complete")
with_sdk("no-statistics", emit_statistics=False)
with_sdk("no-chunks", use_chunks=False)
with_sdk("no-channels", repeat_channels=False)
with_sdk("no-schemas", repeat_schemas=False)
with_sdk("other-topic", topics=("/camera/image",))
with_sdk("two-topics", topics=("/left/image", "/right/image"))
with_sdk("sdk-zstd", compression=MCAPCompression.Zstd, chunk_size=4096)
with_sdk("sdk-lz4", compression=MCAPCompression.Lz4, chunk_size=4096)


def with_mcap(name, schema, encoding, message, compression=CompressionType.ZSTD):
    names.append(name)
    with open(f"{folder}/{name}.mcap", "wb") as file:
        writer = Writer(file, compression=compression, chunk_size=4096)
        writer.start()
        schema_id = writer.register_schema(name=schema, encoding="", data=b"")
        channel = writer.register_channel(topic="/scope/compressed", message_encoding=encoding, schema_id=schema_id)
        for n, time in enumerate(times):
            writer.add_message(channel, log_time=time, publish_time=time, data=message(n, time))
        writer.finish()


def text(value):
    return struct.pack("<I", len(value)) + value


def ros1(n, time):
    return struct.pack("<III", n, time // 10**9, time % 10**9) + text(b"scope") + text(b"png") + text(picture(n, "PNG"))


def cdr(n, time):
    body = struct.pack("<iI", time // 10**9, time % 10**9)
    for value in (b"scope\0", b"jpeg\0", picture(n)):
        body += b"\0" * (-len(body) % 4) + text(value)
    return b"\0\1\0\0" + body


def as_json(n, time):
    stamp = {"sec": time // 10**9, "nsec": time % 10**9}
    data = base64.b64encode(picture(n)).decode()
    return json.dumps({"timestamp": stamp, "frame_id": "scope", "data": data, "format": "jpeg"}).encode()


with_mcap("ros1-png", "sensor_msgs/CompressedImage", "ros1", ros1, CompressionType.LZ4)
with_mcap("ros2", "sensor_msgs/msg/CompressedImage", "cdr", cdr)
with_mcap("json", "foxglove.CompressedImage", "json", as_json)
print(json.dumps({"names": names}))
