/** All operations that sonoscope itself offers, in one table: what the client can call by name. Pure; shared with the browser. */
import { playbackOperations } from './playback-requests.js';
import type { RequestIn, ResponseIn } from './operation.js';
import { projectOperations } from './project-requests.js';
import { serverOperations } from './requests.js';

/** A key is the name of the Foxglove service. */
export const operations = { ...serverOperations, ...projectOperations, ...playbackOperations };

export type OperationName = keyof typeof operations;
export type RequestOf<Name extends OperationName> = RequestIn<typeof operations, Name>;
export type ResponseOf<Name extends OperationName> = ResponseIn<typeof operations, Name>;

export const operationNames = Object.keys(operations) as OperationName[];
