/** What the rest of the house uses of the server. */
export { RoomRegistry } from './room-registry.js';
export { DiskReserve } from './disk-reserve.js';
export { generateToken, isLoopbackHost } from './security.js';
export { startServer } from './server.js';
export type { RunningServer, ServerOptions } from './server.js';
export { defineService } from './services.js';
export type { CallContext, RecordingControl, Service } from './services.js';
export { serverError } from './errors.js';
