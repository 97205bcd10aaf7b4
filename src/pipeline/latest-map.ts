/**
 * Map with back-pressure by dropping: the newest value wins, every dropped one is counted. Pure RxJS, any thread.
 *
 * Rx has no demand signal, so the operator between a camera and a slow network decides what happens under load:
 * concatMap would buffer (latency grows without bound), switchMap would cancel work that cannot be cancelled,
 * exhaustMap would start the next job with the next arrival and lose the newest waiting value.
 */
import { Observable, from, type ObservableInput, type OperatorFunction } from 'rxjs';

interface LatestMapOptions<T> {
  /** Values that may wait while all jobs run; the oldest gives way. Default 1. */
  readonly capacity?: number;
  /** Jobs that run side by side. Default 1, which also keeps the order. */
  readonly concurrent?: number;
  /** Called once for every value that will never be projected: pushed out, or waiting when the stream ended. */
  readonly onDrop?: (value: T) => void;
}

/**
 * Starts `project(value)` at once while fewer than `concurrent` jobs run, else lets the value wait. A job's error ends
 * the stream; catch inside `project` what must not. Completes when the source is done and the last job has ended.
 */
export function latestMap<T, R>(
  project: (value: T) => ObservableInput<R>,
  { capacity = 1, concurrent = 1, onDrop = () => undefined }: LatestMapOptions<T> = {},
): OperatorFunction<T, R> {
  return (source) =>
    new Observable<R>((subscriber) => {
      const waiting: T[] = [];
      let active = 0;
      let sourceDone = false;

      const start = (value: T): void => {
        active += 1;
        let job: Observable<R>;
        try {
          job = from(project(value));
        } catch (error) {
          subscriber.error(error);
          return;
        }
        // A finished job takes itself off the subscriber, so nothing accumulates over hours.
        subscriber.add(
          job.subscribe({
            next: (result) => subscriber.next(result),
            error: (error: unknown) => subscriber.error(error),
            complete: () => {
              active -= 1;
              if (waiting.length > 0) start(waiting.shift() as T);
              else if (sourceDone && active === 0) subscriber.complete();
            },
          }),
        );
      };

      subscriber.add(
        source.subscribe({
          next: (value) => {
            if (active < concurrent) {
              start(value);
              return;
            }
            waiting.push(value);
            while (waiting.length > capacity) onDrop(waiting.shift() as T);
          },
          error: (error: unknown) => subscriber.error(error),
          complete: () => {
            sourceDone = true;
            if (active === 0) subscriber.complete();
          },
        }),
      );
      // Added last: when it runs, the source and the jobs have been unsubscribed, so nothing can join the queue any more.
      subscriber.add(() => {
        while (waiting.length > 0) onDrop(waiting.shift() as T);
      });
    });
}
