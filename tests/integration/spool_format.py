"""Reads a spool from its bytes alone, written from the comment of src/spool/format.h and nothing else.

It shares no code with the library, so a test that holds the two against each other tests the comment too.
"""
import os
import struct
import uuid

PAGE = 4096
SEGMENT = struct.Struct("<8sIIIIQQQq16s16s16sIIQq104sI")
FRAME = struct.Struct("<IIQQqHH")
EVENT, PAD = 1, 2
FLAG_CLOCK_STEPPED_BACK, FLAG_CONTROL = 4, 64


def _table():
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


TABLE = _table()


def crc32c(data):
    table = TABLE
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


class Frame:
    def __init__(self, offset, end, seq, wall_us, kind, flags, payload):
        self.offset, self.end, self.seq, self.wall_us = offset, end, seq, wall_us
        self.kind, self.flags, self.payload = kind, flags, payload

    @property
    def resource_id(self):
        """Field 2 of the payload: a bit set of the fields that are there, then each with a 16-bit size."""
        (present,) = struct.unpack_from("<I", self.payload, 4)
        at = 24
        for field in range(3):
            if present & 1 << field:
                (size,) = struct.unpack_from("<H", self.payload, at)
                text = self.payload[at + 2:at + 2 + size]
                at += 2 + size
            elif field == 2:
                return None
        return text.decode()


class Segment:
    """One file. `state` is used, unused (prepared, all zero) or damaged (no valid header)."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.bytes = file.read()
        self.frames = []
        self.damage_at_end = False
        header = self.bytes[:SEGMENT.size + 4]
        if not any(self.bytes) and len(self.bytes) >= PAGE:
            self.state = "unused"
        elif len(self.bytes) < PAGE or not self._valid_header(header):
            self.state = "damaged"
        else:
            self.state = "used"
            self._read_frames()

    def _valid_header(self, header):
        fields = SEGMENT.unpack_from(header)
        (self.magic, self.version, _, self.incompatible, self.number, self.size, self.base_seq, self.nonce,
         self.created_us) = fields[:9]
        self.writer, self.destination, self.boot = (uuid.UUID(bytes=field) for field in fields[9:12])
        self.destination_kind, self.pid = fields[12:14]
        self.service = fields[16].rstrip(b"\0").decode("utf-8", "replace")
        (crc,) = struct.unpack_from("<I", header, SEGMENT.size)
        return self.magic == b"ATSPOOL1" and crc == crc32c(header[:SEGMENT.size])

    def _frame(self, offset):
        """The valid frame at this place, or None."""
        if offset + FRAME.size > len(self.bytes):
            return None
        length, crc, seq, position, wall_us, kind, flags = FRAME.unpack_from(self.bytes, offset)
        if not FRAME.size <= length <= len(self.bytes) - offset or position != self.nonce ^ offset:
            return None
        payload = self.bytes[offset + FRAME.size:offset + length] if kind == EVENT else b""
        header = self.bytes[offset:offset + 4] + self.bytes[offset + 8:offset + FRAME.size]
        if crc32c(payload + header) != crc or (kind, seq > 0) not in ((EVENT, True), (PAD, False)):
            return None
        return Frame(offset, offset + (length + 7 & ~7), seq, wall_us, kind, flags, payload)

    def _read_frames(self):
        offset = PAGE
        content_end = len(self.bytes.rstrip(b"\0"))
        while True:
            frame = self._frame(offset)
            if frame is not None:
                self.frames.append(frame)
                self.damage_at_end = False
                offset = frame.end
                continue
            if offset + FRAME.size <= len(self.bytes) and self.bytes[offset:offset + 4] != bytes(4):
                self.damage_at_end = True
            offset = self._search(offset + 8, content_end)
            if offset is None:
                break
        if len(self.bytes) < self.size:
            self.damage_at_end = True

    def _search(self, offset, content_end):
        while offset < content_end:
            if self._frame(offset) is not None:
                return offset
            offset += 8
        return None

    @property
    def events(self):
        return [frame for frame in self.frames if frame.kind == EVENT]


class Spool:
    """One writer's directory."""

    def __init__(self, path):
        names = [name for name in os.listdir(path) if name.endswith(".seg")]
        self.segments = [Segment(os.path.join(path, name)) for name in sorted(names)]

    @property
    def events(self):
        return [frame for segment in self.segments for frame in segment.events]

    def gaps(self, last_stored=0):
        """What must be told as missing: (first, last), with last None for a lost tail."""
        gaps = []
        next_seq = last_stored + 1
        announced = 0
        tail_lost = False
        for segment in self.segments:
            if segment.state == "damaged":
                tail_lost = True
            if segment.state != "used":
                continue
            tail_lost = False
            announced = segment.base_seq - 1
            for frame in segment.events:
                if frame.seq > next_seq:
                    gaps.append((next_seq, frame.seq - 1))
                next_seq = max(next_seq, frame.seq + 1)
            tail_lost = segment.damage_at_end
        if announced >= next_seq:
            gaps.append((next_seq, announced))
            next_seq = announced + 1
        if tail_lost:
            gaps.append((next_seq, None))
        return gaps
