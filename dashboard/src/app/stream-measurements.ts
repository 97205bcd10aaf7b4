/** What has been measured in one stream, as this page heard it. Kept while the page is open, so that a room that is left and opened again has its curve. */
import type { MeasurementMessage } from '../../../src/protocol/messages.js';
import { EchoLog } from '../core/echo-log.js';
import { Signal } from './signal.js';

export class StreamMeasurements {
  /** The newest message of each object and name. */
  readonly newest = new Map<string, MeasurementMessage>();
  readonly echo = new EchoLog();
  /** True once something was measured that only an echo room measures. */
  readonly isEcho = new Signal(false);
  /** Counts up when messages have come: at most once per refresh of the screen. */
  readonly changes = new Signal(0);

  add(messages: readonly MeasurementMessage[]): void {
    for (const message of messages) this.newest.set(`${message.objectId}/${message.name}`, message);
    if (this.echo.add(messages, performance.now())) this.isEcho.value = true;
    this.changes.value += 1;
  }
}
