/** What the rest of the house uses of the server. */
export { RoomRegistry } from './room-registry.js';
export { Uploads } from './uploads.js';
export { DiskReserve } from './disk-reserve.js';
export { generateToken, isLoopbackHost } from './security.js';
export { startServer } from './server.js';
export type { RunningServer, ServerOptions } from './server.js';
export { defineService, defineServices, defineTransfer } from './services.js';
export type { CallContext, RecordingControl, Row, Service, TransferAnswer } from './services.js';
export type { Topic, TopicValue } from './topics.js';
export { serverError } from './errors.js';
