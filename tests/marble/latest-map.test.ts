/** latestMap against virtual time: values, drops, and the windows in which source and jobs are subscribed. */
import { of, throwError, timer, NEVER, EMPTY, Subject, type Observable } from 'rxjs';
import { map, take } from 'rxjs/operators';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { latestMap } from '../../src/pipeline/latest-map.js';

function inVirtualTime(body: Parameters<TestScheduler['run']>[0]): void {
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(body);
}

describe('latestMap', () => {
  it('keeps the newest waiting value and counts the others', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const dropped: string[] = [];
      // One value every 2 frames, a job takes 3: the case measured for every stock operator.
      const source = cold(' 1-2-3-4-5-6|');
      const sourceWindow = '^----------!';
      const expected = '   ---1--2--4--5--(6|)';
      const jobs: Observable<string>[] = [];
      const result = source.pipe(
        latestMap(
          (value) => {
            const job = cold('---(v|)', { v: value });
            jobs.push(job);
            return job;
          },
          { onDrop: (value) => dropped.push(value) },
        ),
      );
      expectObservable(result).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(sourceWindow);
      expectObservable(timer(20).pipe(map(() => `dropped ${dropped.join()}, jobs ${jobs.length}`))).toBe(
        '20ms (d|)',
        { d: 'dropped 3, jobs 5' },
      );
    });
  });

  it('runs jobs one after the other, each subscribed when the one before ends', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const a = cold('  ----a|');
      const b = cold('       ----b|');
      const source = cold('ab----|', { a, b });
      expectObservable(source.pipe(latestMap((job) => job))).toBe('----a----b|');
      expectSubscriptions(a.subscriptions).toBe('^----!');
      expectSubscriptions(b.subscriptions).toBe('-----^----!');
    });
  });

  it('lets as many values wait as its capacity says, in order', () => {
    inVirtualTime(({ cold, expectObservable }) => {
      const dropped: string[] = [];
      const source = cold('(123456|)');
      const result = source.pipe(
        latestMap((value) => cold('--(v|)', { v: value }), {
          capacity: 2,
          onDrop: (value) => dropped.push(value),
        }),
      );
      expectObservable(result).toBe('--1-5-(6|)');
      expectObservable(timer(20).pipe(map(() => dropped.join()))).toBe('20ms (d|)', { d: '2,3,4' });
    });
  });

  it('drops everything that arrives during a job when nothing may wait', () => {
    inVirtualTime(({ cold, expectObservable }) => {
      const dropped: string[] = [];
      const result = cold('1-2-3-4|').pipe(
        latestMap((value) => cold('---(v|)', { v: value }), {
          capacity: 0,
          onDrop: (value) => dropped.push(value),
        }),
      );
      expectObservable(result).toBe('---1---(3|)');
      expectObservable(timer(20).pipe(map(() => dropped.join()))).toBe('20ms (d|)', { d: '2,4' });
    });
  });

  it('runs as many jobs side by side as it is told', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const jobs = { a: cold('-----a|'), b: cold('-----b|'), c: cold('-----c|') };
      const source = cold('a-b-c|', jobs);
      expectObservable(source.pipe(latestMap((job) => job, { concurrent: 2 }))).toBe('-----a-b---c|');
      expectSubscriptions(jobs.b.subscriptions).toBe('--^-----!');
      expectSubscriptions(jobs.c.subscriptions).toBe('------^-----!');
    });
  });

  it('gives waiting values back when it is unsubscribed, and ends source and job', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const dropped: string[] = [];
      const source = cold('1-2-3---');
      const job = cold('   --------');
      const result = source.pipe(latestMap(() => job, { onDrop: (value) => dropped.push(value) }));
      expectObservable(result, '^----!').toBe('------');
      expectSubscriptions(source.subscriptions).toBe('^----!');
      expectSubscriptions(job.subscriptions).toBe('^----!');
      expectObservable(timer(20).pipe(map(() => dropped.join()))).toBe('20ms (d|)', { d: '2,3' });
    });
  });

  it('gives waiting values back when the consumer has enough', () => {
    const dropped: number[] = [];
    const source = new Subject<number>();
    const jobs: Subject<string>[] = [];
    const seen: string[] = [];
    source
      .pipe(
        latestMap(
          () => {
            const job = new Subject<string>();
            jobs.push(job);
            return job;
          },
          { onDrop: (value) => dropped.push(value) },
        ),
        take(1),
      )
      .subscribe((value) => seen.push(value));
    source.next(1);
    source.next(2);
    jobs[0]?.next('first');
    expect(seen).toEqual(['first']);
    expect(dropped).toEqual([2]);
    expect(source.observed).toBe(false);
    expect(jobs).toHaveLength(1);
  });

  it('passes a source error on at once and gives waiting values back', () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const dropped: string[] = [];
      const source = cold('1-2-#');
      const job = cold('   ------x|');
      expectObservable(source.pipe(latestMap(() => job, { onDrop: (value) => dropped.push(value) }))).toBe(
        '----#',
      );
      expectSubscriptions(job.subscriptions).toBe('^---!');
      expectObservable(timer(20).pipe(map(() => dropped.join()))).toBe('20ms (d|)', { d: '2' });
    });
  });

  it("ends with a job's error", () => {
    inVirtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const dropped: string[] = [];
      const source = cold('1-2-3-----');
      const result = source.pipe(latestMap(() => cold('-----#'), { onDrop: (value) => dropped.push(value) }));
      expectObservable(result).toBe('-----#');
      expectSubscriptions(source.subscriptions).toBe('^----!');
      expectObservable(timer(20).pipe(map(() => dropped.join()))).toBe('20ms (d|)', { d: '2,3' });
    });
  });

  it('ends with an exception thrown while a job is made', () => {
    inVirtualTime(({ cold, expectObservable }) => {
      const failure = new Error('no job');
      const result = cold('-1-').pipe(
        latestMap((): Observable<string> => {
          throw failure;
        }),
      );
      expectObservable(result).toBe('-#', {}, failure);
    });
  });

  it('goes on when a job catches its own error', () => {
    inVirtualTime(({ cold, expectObservable }) => {
      const result = cold('1--2--|').pipe(
        latestMap((value): Observable<string> => (value === '1' ? EMPTY : cold('-(v|)', { v: value }))),
      );
      expectObservable(result).toBe('----2-|');
    });
  });

  it('is silent with a silent source, and completes at once with an empty one', () => {
    inVirtualTime(({ expectObservable }) => {
      expectObservable(NEVER.pipe(latestMap((value: string) => of(value)))).toBe('-');
      expectObservable(EMPTY.pipe(latestMap((value: string) => of(value)))).toBe('|');
      expectObservable(throwError(() => 'error').pipe(latestMap((value: string) => of(value)))).toBe('#');
    });
  });

  it('takes promises and synchronous jobs, with each value projected exactly once', () => {
    const seen: number[] = [];
    const dropped: number[] = [];
    of(1, 2, 3)
      .pipe(latestMap((value) => of(value), { onDrop: (value) => dropped.push(value) }))
      .subscribe((value) => seen.push(value));
    expect(seen).toEqual([1, 2, 3]);
    expect(dropped).toEqual([]);
  });

  it('never holds more than its capacity, however fast the source is', () => {
    const source = new Subject<number>();
    const dropped: number[] = [];
    const jobs: Subject<number>[] = [];
    source
      .pipe(
        latestMap(
          () => {
            const job = new Subject<number>();
            jobs.push(job);
            return job;
          },
          { onDrop: (value) => dropped.push(value) },
        ),
      )
      .subscribe();
    for (let value = 0; value < 1000; value += 1) source.next(value);
    expect(jobs).toHaveLength(1);
    expect(dropped).toHaveLength(998);
    jobs[0]?.complete();
    expect(jobs).toHaveLength(2);
  });
});
