"""A viewer that shares no code with sonoscope: websockets, struct, and protobuf classes made from what the server advertises.

Input (JSON on standard input): url, subprotocol, stream, token (or null). Prints what it read of each channel as JSON.
"""
import asyncio
import base64
import io
import json
import struct
import sys

import numpy as np
import websockets
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from PIL import Image
from pycocotools import mask as coco
from websockets.asyncio.client import connect

KINDS = ["video", "segmentation", "outlines", "measurements", "health"]
MESSAGE_DATA, SERVICE_RESPONSE = 1, 3


def message_class(channel):
    """The protobuf class of a channel, from the FileDescriptorSet in its advertisement and nothing else."""
    assert channel["encoding"] == "protobuf" and channel["schemaEncoding"] == "protobuf"
    files = descriptor_pb2.FileDescriptorSet.FromString(base64.b64decode(channel["schema"]))
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:  # Dependencies come first, else this fails.
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(channel["schemaName"]))


def nanoseconds(timestamp):
    return str(timestamp.seconds * 1_000_000_000 + timestamp.nanos)


def describe(kind, log_time, message):
    seen = {"timestampNs": nanoseconds(message.timestamp), "logTimeNs": str(log_time)}
    if kind == "video":
        picture = Image.open(io.BytesIO(message.data))
        picture.load()
        red, green, blue = np.asarray(picture.convert("RGB")).reshape(-1, 3).mean(axis=0)
        seen |= {"format": message.format, "frameId": message.frame_id, "size": picture.size,
                 "colour": [round(float(red)), round(float(green)), round(float(blue))]}
    elif kind == "segmentation":
        objects = []
        for item in message.objects:
            rle = {"size": [message.mask_height, message.mask_width], "counts": item.counts}
            objects.append({
                "id": item.id, "label": item.label,
                "state": item.DESCRIPTOR.fields_by_name["state"].enum_type.values_by_number[item.state].name,
                "confidence": item.confidence, "areaPx": item.area_px,
                "areaMm2": item.area_mm2 if item.HasField("area_mm2") else None,
                "decodedArea": int(coco.area(rle)), "decodedBox": [int(v) for v in coco.toBbox(rle)],
                "box": [item.box.x, item.box.y, item.box.width, item.box.height],
            })
        seen |= {"ptsNs": message.pts_ns, "captureNs": str(message.capture_ns), "objects": objects,
                 "sourceSize": [message.source_width, message.source_height]}
    elif kind == "outlines":
        seen |= {"lines": [{"type": line.type, "x": [min(p.x for p in line.points), max(p.x for p in line.points)],
                            "y": [min(p.y for p in line.points), max(p.y for p in line.points)]}
                           for line in message.points],
                 "texts": [text.text for text in message.texts]}
    elif kind == "measurements":
        seen |= {"name": message.name, "value": message.value, "unit": message.unit, "objectId": message.object_id}
    else:
        seen |= {"state": message.source_state, "provider": message.provider, "capturedFps": message.captured_fps,
                 "latency": {stage.stage: stage.p50_ms for stage in message.latency}}
    return seen


async def main(asked):
    headers = {"Authorization": f"Bearer {asked['token']}"} if asked["token"] else {}
    async with connect(asked["url"], subprotocols=[asked["subprotocol"]], max_size=None,
                       additional_headers=headers, compression=None) as socket:
        result = {"subprotocol": socket.subprotocol, "channels": {}, "time": None, "failure": None, "status": None}
        classes, kinds, services = {}, {}, {}
        call_id = 77
        while any(kind not in result["channels"] for kind in KINDS) or None in (
                result["time"], result["failure"], result["status"]):
            data = await asyncio.wait_for(socket.recv(), 30)
            if isinstance(data, str):
                message = json.loads(data)
                if message["op"] == "serverInfo":
                    result["serverInfo"] = message
                elif message["op"] == "advertise":
                    subscriptions = []
                    for channel in message["channels"]:
                        stream, kind = channel["topic"].strip("/").rsplit("/", 1)
                        if stream == asked["stream"]:
                            subscription = 1000 + channel["id"]
                            classes[subscription], kinds[subscription] = message_class(channel), kind
                            subscriptions.append({"id": subscription, "channelId": channel["id"]})
                    await socket.send(json.dumps({"op": "subscribe", "subscriptions": subscriptions}))
                elif message["op"] == "advertiseServices":
                    services = {service["name"]: service for service in message["services"]}
                    assert json.loads(services["prompt"]["request"]["schema"])["type"] == "object"
                    for offset, (name, body) in enumerate([("time", {}), ("rename", {"stream": "nowhere"})]):
                        await socket.send(struct.pack("<BIII", 2, services[name]["id"], call_id + offset, 4) + b"json"
                                          + json.dumps(body).encode())
                    await socket.send("this is no JSON")
                elif message["op"] == "serviceCallFailure":
                    assert message["callId"] == call_id + 1
                    result["failure"] = message["code"]
                elif message["op"] == "status":
                    result["status"] = {"level": message["level"], "code": message["code"]}
            elif data[0] == MESSAGE_DATA:
                _, subscription, log_time = struct.unpack_from("<BIQ", data)
                message = classes[subscription].FromString(data[13:])
                result["channels"].setdefault(kinds[subscription], describe(kinds[subscription], log_time, message))
            elif data[0] == SERVICE_RESPONSE:
                _, service, call, length = struct.unpack_from("<BIII", data)
                assert (service, call, data[13:13 + length]) == (services["time"]["id"], call_id, b"json")
                result["time"] = json.loads(data[13 + length:])
        return result


asked = json.load(sys.stdin)
try:
    print(json.dumps(asyncio.run(main(asked))))
except websockets.exceptions.InvalidStatus as refusal:
    body = json.loads(refusal.response.body or b"{}")
    print(json.dumps({"refused": refusal.response.status_code, "code": body.get("code")}))
