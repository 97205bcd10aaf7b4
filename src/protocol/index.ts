/** The wire, in one import: used by the dashboard, the server, the recorder and tests. */
export * from './acceptance.js';
export * from './channels.js';
export * from './client.js';
export * from './clock.js';
export { protocolError } from './errors.js';
export * from './foxglove-codec.js';
export * from './hold-requests.js';
export * from './messages.js';
export * from './operation.js';
export * from './operations.js';
export * from './playback-requests.js';
export * from './project-requests.js';
export * from './requests.js';
