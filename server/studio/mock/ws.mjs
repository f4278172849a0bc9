// The server's half of a websocket, as little of RFC 6455 as a mock needs:
// text frames both ways, pings ignored, close codes.
import { createHash } from "node:crypto";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Answers the upgrade; returns {send, close, onmessage, onclose}. */
export function accept(request, socket) {
  const key = createHash("sha1").update(request.headers["sec-websocket-key"] + GUID).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`);
  socket.setNoDelay(true);
  const ws = {
    onmessage: (_text) => {},
    onclose: () => {},
    send: (text) => void (socket.writable && socket.write(frame(1, Buffer.from(text)))),
    close: (code, reason = "") => {
      const body = Buffer.alloc(2 + Buffer.byteLength(reason));
      body.writeUInt16BE(code);
      body.write(reason, 2);
      if (socket.writable) socket.end(frame(8, body));
    },
    /** Breaks the line, as a cut cable would. */
    cut: () => socket.destroy(),
  };
  let buffer = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    for (let m; (m = parse(buffer)); buffer = buffer.subarray(m.size)) {
      if (m.opcode === 1) ws.onmessage(m.body.toString());
      if (m.opcode === 8) socket.end();
    }
  });
  socket.on("error", () => socket.destroy()); // a reader that left
  socket.on("close", () => ws.onclose());
  return ws;
}

function frame(opcode, body) {
  const n = body.length;
  const head = n < 126 ? Buffer.from([0x80 | opcode, n]) : n < 65536 ? Buffer.alloc(4) : Buffer.alloc(10);
  if (n >= 126) {
    head[0] = 0x80 | opcode;
    head[1] = n < 65536 ? 126 : 127;
    if (n < 65536) head.writeUInt16BE(n, 2);
    else head.writeBigUInt64BE(BigInt(n), 2);
  }
  return Buffer.concat([head, body]);
}

function parse(b) {
  if (b.length < 2) return undefined;
  let size = b[1] & 127;
  let at = 2;
  if (size === 126) {
    if (b.length < 4) return undefined;
    size = b.readUInt16BE(2);
    at = 4;
  } else if (size === 127) {
    if (b.length < 10) return undefined;
    size = Number(b.readBigUInt64BE(2));
    at = 10;
  }
  if (b.length < at + 4 + size) return undefined;
  const mask = b.subarray(at, at + 4);
  const body = Buffer.from(b.subarray(at + 4, at + 4 + size));
  for (let i = 0; i < body.length; i++) body[i] ^= mask[i & 3];
  return { opcode: b[0] & 15, body, size: at + 4 + size };
}
