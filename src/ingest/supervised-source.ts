/** A source whose frames are read by a child process, as the rest of the house sees it. Main process; loads nothing native. */
import { Observable } from 'rxjs';
import { ChildSupervisor, type SupervisionOptions } from './child-supervisor.js';
import type { FrameSource, SourceEvent, SourceOptions } from './frame-source.js';
import type { SourceAddress } from './source-uri.js';

export class SupervisedSource implements FrameSource {
  readonly uri: string;
  readonly #address: SourceAddress;
  readonly #supervision: SupervisionOptions;
  readonly #runs = new Set<ChildSupervisor>();
  #held = false;

  constructor(uri: string, address: SourceAddress, supervision: SupervisionOptions) {
    this.uri = uri;
    this.#address = address;
    this.#supervision = supervision;
  }

  get processes(): readonly number[] {
    return [...this.#runs].flatMap((run) => run.pid ?? []);
  }

  open(options: SourceOptions): Observable<SourceEvent> {
    return new Observable((subscriber) => {
      const run = new ChildSupervisor(this.uri, this.#address, options, this.#supervision, subscriber);
      this.#runs.add(run);
      if (this.#held) run.pause(true);
      run.start();
      return () => {
        this.#runs.delete(run);
        run.stop();
      };
    });
  }

  pause(hold: boolean): void {
    this.#held = hold;
    for (const run of this.#runs) run.pause(hold);
  }
}
