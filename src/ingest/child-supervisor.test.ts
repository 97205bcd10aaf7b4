import { Subject } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { ChildSupervisor, defaultSupervision } from './child-supervisor.js';
import type { SourceEvent } from './frame-source.js';
import type { ParentMessage } from './messages.js';
import { encodeHeader, encodeMessage } from './records.js';
import { parseSourceUri } from './source-uri.js';

/** What the supervisor hears of its process: the order of these two cannot be forced with a real one. */
interface ProcessEvents {
  readonly onChunk: (chunk: Buffer) => void;
  readonly onGone: (how: string) => void;
}

const processes = vi.hoisted(() => ({ lives: [] as { events: unknown; sent: unknown[] }[] }));
vi.mock('./source-process.js', () => ({
  SourceProcess: class {
    readonly lastWords = '';
    readonly #life: { events: unknown; sent: unknown[] };
    constructor(events: unknown) {
      this.#life = { events, sent: [] };
      processes.lives.push(this.#life);
    }
    send(message: ParentMessage): void {
      this.#life.sent.push(message);
    }
    hold(): void {
      /* Nothing comes by itself. */
    }
    kill(): void {
      /* It is over already. */
    }
    end(): void {
      /* It is over already. */
    }
  },
}));

function picture(sourceFrame: number): Buffer {
  const size = { width: 2, height: 2 };
  const data = Buffer.alloc(12);
  const identity = {
    streamId: 's',
    ptsNs: sourceFrame,
    captureNs: 0,
    mediaNs: sourceFrame * 1e7,
    sourceFrame,
  };
  return Buffer.concat([
    encodeHeader({
      kind: 'analysis',
      frame: { ...identity, discontinuity: 0, decodedNs: 0, size, data },
    }),
    data,
  ]);
}

describe('a source whose process ends', () => {
  it('is ended, whatever comes first: the end of the process, or the delivery that was allowed again', async () => {
    const events = new Subject<SourceEvent>();
    const seen: string[] = [];
    const over = vi.fn();
    const supervisor = new ChildSupervisor(
      'clip.avi',
      parseSourceUri('clip.avi'),
      {
        ...{ streamId: 's', mode: 'replay', loop: false },
        ...{ analysisSize: { width: 2, height: 2 }, displayQuality: null },
      },
      defaultSupervision,
      events as never,
    );
    events.subscribe({
      next: (event) => {
        seen.push(event.kind === 'state' ? event.state.phase : event.kind);
        // A consumer that is busy with each picture for a while.
        if (event.kind === 'analysis') supervisor.pause(true);
      },
      complete: over,
    });
    supervisor.start();
    const life = processes.lives[0]?.events as ProcessEvents;
    const ended = encodeMessage({ kind: 'ended', damage: null });
    life.onChunk(Buffer.concat([picture(0), picture(1), ended]));
    expect(seen).toEqual(['starting', 'playing', 'analysis']);
    // Delivery is allowed again and begins in the next turn of the loop. Before it the process is gone.
    supervisor.pause(false);
    life.onGone('SIGKILL');
    supervisor.pause(false);
    await vi.waitFor(() => expect(over).toHaveBeenCalledOnce());
    expect(seen).toEqual(['starting', 'playing', 'analysis', 'analysis', 'ended']);
    expect(processes.lives).toHaveLength(1);
  });
});
