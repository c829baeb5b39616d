// The parts of thrift that writing Parquet needs; the package's own entry also loads its servers and connections.
// bundle.ts puts it in thrift's place. Reading is left out: parquetjs only extends that class, and a call would throw.
exports.Thrift = require("../../node_modules/thrift/lib/nodejs/lib/thrift/thrift");
exports.TCompactProtocol = require("../../node_modules/thrift/lib/nodejs/lib/thrift/compact_protocol");
exports.Int64 = require("../../node_modules/node-int64");
exports.TFramedTransport = class {};

/** As thrift's own, for one message: its file brings headers and a second protocol along, which are a thirtieth of a bundle. */
exports.TBufferedTransport = class {
  constructor(_buffer, onFlush) {
    this.onFlush = onFlush;
    this.parts = [];
  }
  write(part) {
    this.parts.push(typeof part === "string" ? Buffer.from(part) : part);
  }
  flush() {
    this.onFlush(Buffer.concat(this.parts));
    this.parts = [];
  }
};
