// The parts of thrift that parquetjs uses; the package's own entry also loads its servers and connections.
// bundle.ts puts it in thrift's place.
exports.Thrift = require("../../node_modules/thrift/lib/nodejs/lib/thrift/thrift");
exports.TCompactProtocol = require("../../node_modules/thrift/lib/nodejs/lib/thrift/compact_protocol");
exports.TBufferedTransport = require("../../node_modules/thrift/lib/nodejs/lib/thrift/buffered_transport");
exports.TFramedTransport = require("../../node_modules/thrift/lib/nodejs/lib/thrift/framed_transport");
exports.Int64 = require("../../node_modules/node-int64");
