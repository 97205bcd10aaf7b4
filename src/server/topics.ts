/**
 * Topics that belong to no stream: the state of projects, of a player. Their messages are JSON. Each value is encoded when the
 * first viewer takes it. In a viewer's outbox a newer value of the same slot takes the place of an older one (which is counted
 * as dropped), so a slow viewer misses steps in between but never the last state. Runs in the main process.
 */
import type { Observable, Subscription } from 'rxjs';
import { z } from 'zod';
import { codedFault } from '../vocabulary/faults.js';
import { unixNowNs } from '../node/clock.js';
import type { WireChannel } from '../protocol/foxglove-codec.js';
import { serverError } from './errors.js';
import { SharedMessage } from './shared-message.js';

export interface TopicValue {
  /** What the value is about: values of one slot replace each other. */
  readonly slot: string;
  /** Called when the first viewer takes the message: the newest state at that time. */
  readonly value: () => unknown;
}

export interface Topic {
  /** Starts with a slash. */
  readonly topic: string;
  readonly schemaName: string;
  readonly schema: z.ZodType;
  readonly changes$: Observable<TopicValue>;
  /** What a new subscriber gets at once. */
  readonly latest: () => readonly TopicValue[];
}

export class TopicChannel {
  readonly wire: WireChannel;
  readonly #subscription: Subscription;

  constructor(
    id: number,
    private readonly source: Topic,
    publish: (message: SharedMessage) => void,
  ) {
    this.wire = {
      id,
      topic: source.topic,
      encoding: 'json',
      schemaName: source.schemaName,
      schemaEncoding: 'jsonschema',
      schema: JSON.stringify(z.toJSONSchema(source.schema, { io: 'output', unrepresentable: 'any' })),
    };
    this.#subscription = source.changes$.subscribe({
      next: (change) => publish(this.#message(change)),
      error: (error: unknown) =>
        codedFault('viewer', source.topic, error, (cause) => serverError('SONO_SERVER_FAULT', {}, cause)),
    });
  }

  latest(): readonly SharedMessage[] {
    return this.source.latest().map((value) => this.#message(value));
  }

  close(): void {
    this.#subscription.unsubscribe();
  }

  #message({ slot, value }: TopicValue): SharedMessage {
    let parts: readonly Uint8Array[] | undefined;
    return new SharedMessage(this.wire.id, unixNowNs(), {
      slot,
      get parts() {
        return (parts ??= [Buffer.from(JSON.stringify(value()))]);
      },
    });
  }
}
