"""Reads a recording with the field's own MCAP reader and checks every record like `mcap doctor`.

stdin: {"path": FILE}; stdout: what was found, and `problems` (empty when all is well).
"""

from __future__ import annotations

import io
import json
import sys
import zlib
from collections import Counter

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from mcap.exceptions import EndOfFile, McapError
from mcap.reader import make_reader
from mcap.records import Attachment, Channel, Chunk, ChunkIndex, DataEnd, Footer, Message, MessageIndex, Schema, Statistics
from mcap.stream_reader import StreamReader, breakup_chunk
from PIL import Image


def message_class(schema: Schema):
    files = descriptor_pb2.FileDescriptorSet.FromString(schema.data)
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(schema.name))


def walk(path: str):
    """Records in file order without any index; stops at a cut."""
    problems: list[str] = []
    counts: Counter[str] = Counter()
    schemas: dict[int, Schema] = {}
    channels: dict[int, Channel] = {}
    chunks: list[Chunk] = []
    indexes: list[ChunkIndex] = []
    statistics: Statistics | None = None
    last_sequence: dict[int, int] = {}
    footer = False
    with open(path, "rb") as stream:
        try:
            for record in StreamReader(stream, emit_chunks=True, validate_crcs=True).records:
                if isinstance(record, Schema):
                    schemas[record.id] = record
                elif isinstance(record, Channel):
                    channels[record.id] = record
                elif isinstance(record, Chunk):
                    chunks.append(record)
                    if record.uncompressed_crc == 0 or zlib.crc32(record.data) != record.uncompressed_crc:
                        problems.append("a chunk's checksum is missing or wrong")
                    times = []
                    for inner in breakup_chunk(record, validate_crc=True):
                        if isinstance(inner, Schema):
                            schemas[inner.id] = inner
                        elif isinstance(inner, Channel):
                            if inner.schema_id not in schemas:
                                problems.append(f"channel {inner.topic} comes before its schema")
                            channels[inner.id] = inner
                        elif isinstance(inner, Message):
                            channel = channels.get(inner.channel_id)
                            if channel is None:
                                problems.append("a message comes before its channel")
                                continue
                            counts[channel.topic] += 1
                            times.append(inner.log_time)
                            if inner.sequence != last_sequence.get(inner.channel_id, -1) + 1:
                                problems.append(f"{channel.topic}: sequence jumps to {inner.sequence}")
                            last_sequence[inner.channel_id] = inner.sequence
                    if times and (record.message_start_time, record.message_end_time) != (min(times), max(times)):
                        problems.append("a chunk's times are not those of its messages")
                elif isinstance(record, ChunkIndex):
                    indexes.append(record)
                elif isinstance(record, Statistics):
                    statistics = record
                elif isinstance(record, Footer):
                    footer = True
        except (EndOfFile, McapError) as error:
            if footer:
                problems.append(str(error))
    return problems, counts, schemas, channels, chunks, indexes, statistics, footer


def check_indexes(path: str, problems: list[str], chunks, indexes, statistics, counts, channels) -> None:
    """The summary against what is there: positions, lengths, message indexes, totals."""
    with open(path, "rb") as stream:
        data = stream.read()
    if len(indexes) != len(chunks):
        problems.append(f"{len(indexes)} chunk indexes for {len(chunks)} chunks")
    for index, chunk in zip(indexes, chunks):
        if data[index.chunk_start_offset] != 0x06:
            problems.append("a chunk index does not point at a chunk")
        length = int.from_bytes(data[index.chunk_start_offset + 1 : index.chunk_start_offset + 9], "little") + 9
        if length != index.chunk_length:
            problems.append("a chunk index has the wrong length")
        if (index.message_start_time, index.message_end_time) != (chunk.message_start_time, chunk.message_end_time):
            problems.append("a chunk index has the wrong times")
        for channel_id, offset in index.message_index_offsets.items():
            if data[offset] != 0x07 or int.from_bytes(data[offset + 9 : offset + 11], "little") != channel_id:
                problems.append("a message index is not where the chunk index says")
                continue
            size = int.from_bytes(data[offset + 11 : offset + 15], "little")
            for entry in range(0, size, 16):
                at = offset + 15 + entry
                time = int.from_bytes(data[at : at + 8], "little")
                position = int.from_bytes(data[at + 8 : at + 16], "little")
                record = chunk.data[position : position + 31]
                if record[0] != 0x05 or int.from_bytes(record[9:11], "little") != channel_id or int.from_bytes(record[15:23], "little") != time:
                    problems.append("a message index entry does not point at its message")
    if statistics is None:
        problems.append("no statistics")
        return
    by_topic = {channels[key].topic: value for key, value in statistics.channel_message_counts.items()}
    if by_topic != dict(counts) or statistics.message_count != sum(counts.values()) or statistics.chunk_count != len(chunks):
        problems.append("the statistics do not count what is there")


def main() -> None:
    path = json.load(sys.stdin)["path"]
    problems, counts, schemas, channels, chunks, indexes, statistics, footer = walk(path)
    result = {"problems": problems, "counts": dict(counts), "messages": sum(counts.values()), "summary": footer}
    if footer:
        check_indexes(path, problems, chunks, indexes, statistics, counts, channels)
        with open(path, "rb") as stream:
            reader = make_reader(stream, validate_crcs=True)
            pictures: set[int] = set()
            joined = 0
            classes: dict[int, type] = {}
            previous = 0
            for schema, channel, message in reader.iter_messages():
                if message.log_time < previous:
                    problems.append("the indexed reader gives messages out of order")
                previous = message.log_time
                if channel.message_encoding != "protobuf":
                    json.loads(message.data)
                    continue
                decoder = classes.setdefault(schema.id, message_class(schema))
                decoded = decoder.FromString(message.data)
                stamp = decoded.timestamp.seconds * 10**9 + decoded.timestamp.nanos
                if channel.topic.endswith(("/video", "/analysis", "/segmentation")) and stamp != message.log_time:
                    problems.append(f"{channel.topic}: time stamp and log time differ")
                if channel.topic.endswith("/video"):
                    pictures.add(stamp)
                    with Image.open(io.BytesIO(decoded.data)) as picture:
                        picture.load()
                        result["jpegSize"] = list(picture.size)
                elif channel.topic.endswith("/analysis"):
                    with Image.open(io.BytesIO(decoded.data)) as picture:
                        picture.load()
                        if picture.format != "PNG" or picture.mode != "RGB":
                            problems.append("an analysis picture is not an RGB PNG")
                        result["analysisSize"] = list(picture.size)
                elif channel.topic.endswith("/segmentation"):
                    joined += stamp in pictures
            result["joined"] = joined
    json.dump(result, sys.stdout)


main()
